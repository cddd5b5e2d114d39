"""What the verifier makes of pauses: it tells how many there were, and judges only what clocks can show."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.evidence_log.attacks_posture import paused
from tests.unit.evidence_log.forge import (
    Log,
    assertions_predicate,
    at,
    item,
    judge,
    plan_predicate,
    run_predicate,
)

from data_lifecycle.evidence.lifecycle_verify import ASSERTIONS, PLAN

SECOND = timedelta(seconds=1)


def line(log: Log, first: int = 0) -> str:
    """What it says about runs; refused is nothing."""
    result = judge(log.bundle(first=first))
    assert result.refused is None, result.refused
    return dict(result.lines)["runs"]


def test_pauses_are_counted_and_may_last() -> None:
    log = paused()
    assert line(log).endswith("; 1 pauses")
    log.switch(True, at(7, 3))
    assert line(log).endswith("; 2 pauses")


def test_a_log_without_pauses_does_not_speak_of_them() -> None:
    log = Log()
    log.beat(0)
    log.run(at(0), [item(1)])
    assert "pause" not in line(log)


def test_a_part_of_the_log_may_begin_within_a_pause() -> None:
    log = paused()
    end = len(log.entries) - 5
    log.switch(True, at(7, 3))
    assert line(log, end).endswith("; 2 pauses"), "the end of one, and another"


@pytest.mark.parametrize(
    ("begun", "ended"),
    [
        (timedelta(hours=1) - SECOND, timedelta(hours=3)),
        (timedelta(hours=3), timedelta(hours=1) - SECOND),
        (timedelta(hours=3), None),
    ],
    ids=["what was under way", "after the end, by another clock", "nobody says that it lasted"],
)
def test_what_clocks_cannot_show_is_not_judged(begun: timedelta, ended: timedelta | None) -> None:
    log = paused()
    planned = at(7, 12)
    log.switch(True, planned - begun, planned - begun)
    log.run(planned + timedelta(minutes=2), [item(95)])
    if ended is not None:
        log.switch(False, planned + timedelta(minutes=2) + ended)
    assert "2 pauses" in line(log)


def test_what_only_looks_goes_on_in_a_pause() -> None:
    """An audit is released while the house is paused, and counts what it looked at as acted on."""
    log = paused()
    log.switch(True, at(7, 3))
    looked = {"pipeline": "evidence_audit", "clauses": ["3.1"]}
    zeros = ("back", "unknown", "canaries_missing", "findings", "days_missing", "salts_remaining")
    counts = {"eligible": 3, "acted": 3, **dict.fromkeys(zeros, 0)}
    log.runs += 1
    name = f"evidence_audit/run-{log.runs}"
    log.state(plan_predicate(log.runs, at(7, 6), [], eligible=3, **looked), PLAN, name)
    log.state(assertions_predicate(log.runs, at(7, 6), pipeline="evidence_audit"), ASSERTIONS, name)
    log.state(run_predicate(log.runs, at(7, 6), [], counts=counts, **looked), subject=name)
    log.switch(False, at(7, 9))
    assert "2 pauses" in line(log)
