"""What a log says last, and what may still be added to it by a database that has forgotten a part of it."""

from __future__ import annotations

import json
from base64 import b64decode
from uuid import UUID

import pytest
from tests.unit.evidence_log.forge import (
    DAYS,
    Log,
    at,
    case,
    item,
    plan_predicate,
    run_predicate,
    story,
    turned,
)

from data_lifecycle.evidence.history import History, Spoken
from data_lifecycle.evidence.lifecycle_verify import PLAN, RESULT

NOTHING_LOST = range(10**6, 10**6)


def read(log: Log) -> tuple[History, list[Spoken]]:
    history, spoken = History(), []
    for index, envelope in enumerate(log.entries):
        spoken.append(Spoken.read(f"entry {index}", envelope))
        history.add(spoken[-1])
    return history, spoken


def later(kind: str, number: int, predicate: dict[str, object]) -> Spoken:
    """A statement that is not in the log, about run ``number``."""
    log = Log(runs=number)
    log.state(predicate, kind)
    return Spoken.read("later", log.entries[0])


def test_the_last_claim_of_each_case_counts() -> None:
    history, spoken = read(story())
    assert history.size == len(spoken)
    claims = {number: history.cases[UUID(case(number))] for number in (1, 2, 10, 11, 20)}
    assert {number: claim.state for number, claim in claims.items()} == {
        1: "OBSERVED_ABSENT",
        2: "OBSERVED_ABSENT",
        10: "RESIDUE_CLEARED",
        11: "OBSERVED_ABSENT",
        20: "OBSERVED_ABSENT",
    }
    # Absent since it was first seen to be, whatever was said of residue; anew when it had come back meanwhile.
    assert claims[10].absent_since == at(0)
    assert claims[11].absent_since == at(5)
    assert claims[1].absent_since == at(3)
    held = read(story(days=2))[0].cases[UUID(case(1))]
    assert (held.state, held.absent, held.absent_since) == ("HELD", False, None)


def test_digests_are_those_that_were_noted() -> None:
    from data_lifecycle.evidence.statement import facts_digest

    for spoken in read(turned())[1]:
        payload = json.loads(b64decode(json.loads(spoken.envelope)["payload"]))
        facts = {name: value for name, value in payload["predicate"].items() if name != "signed_at"}
        if spoken.run is not None:
            assert spoken.facts_sha256 == facts_digest({"predicate_type": spoken.kind, **facts})
        assert spoken.outcome in {"planned", "asserted", "verified", "recorded"}


def test_what_follows_may_follow() -> None:
    history, _ = read(story())
    assert history.may_follow(
        later(PLAN, 99, plan_predicate(99, at(DAYS), [item(70), item(71)])), NOTHING_LOST
    )
    log = Log()
    log.beat(DAYS)
    assert history.may_follow(Spoken.read("beat", log.entries[0]), NOTHING_LOST)


@pytest.mark.parametrize(
    ("why", "spoken"),
    [
        ("signed before what is there", later(PLAN, 99, plan_predicate(99, at(2), [item(70)]))),
        ("a case that is absent", later(PLAN, 99, plan_predicate(99, at(DAYS), [item(10)]))),
        ("a result of no plan", later(RESULT, 99, run_predicate(99, at(DAYS), [item(70)]))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_follow_may_not(why: str, spoken: Spoken) -> None:
    assert not read(story())[0].may_follow(spoken, NOTHING_LOST), why


def test_a_day_has_one_heartbeat() -> None:
    history, _ = read(story())
    log = Log()
    log.beat(DAYS - 1, 23)
    assert not history.may_follow(Spoken.read("again", log.entries[0]), NOTHING_LOST)


def test_a_number_has_one_run_and_what_the_lost_part_says_of_it_stands() -> None:
    history, spoken = read(story())
    number = max(one.run[1] for one in spoken if one.run)
    assert history.may_follow(
        later(RESULT, number, run_predicate(number, at(DAYS), [item(25)])), NOTHING_LOST
    )
    assert not history.may_follow(
        later(RESULT, number, run_predicate(number, at(DAYS), [item(25)])), range(3, history.size)
    )
    log = Log()
    from data_lifecycle.evidence.statement import seal

    log.add(
        seal(
            log.attester,
            "cd" * 32,
            f"photo_purge/run-{number}",
            PLAN,
            plan_predicate(number, at(DAYS), [item(70)]),
        ).envelope
    )
    assert not history.may_follow(Spoken.read("another", log.entries[0]), NOTHING_LOST)


def test_what_is_no_statement_is_not_read() -> None:
    for envelope in (b"", b"{}", b'{"payload":"e30=","signatures":[{"keyid":"k"}]}', b'{"payload":"?"}'):
        with pytest.raises(ValueError, match="entry 7: not a signed statement"):
            Spoken.read("entry 7", envelope)
