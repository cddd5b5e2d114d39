"""Which cases are looked at again, and what may be claimed afterwards."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_lifecycle.evidence.lifecycle_verify import FOLLOWS
from data_lifecycle.evidence_audit.plan import (
    LOOKS,
    RELOOK,
    Closed,
    Look,
    Residue,
    case_state,
    choose,
    due_look,
    make_plan,
    next_look,
    next_residue,
    sample_entries,
    seal_looks,
    whole_log_due,
)

CLOSED = datetime(2026, 3, 1, 2, 5, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
CASE = UUID(int=1)


def case(number: int = 1, **more: object) -> Closed:
    """A case closed on the first of March."""
    return Closed(UUID(int=number), 1, CLOSED, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("days", LOOKS)
def test_a_look_is_due_on_its_second(days: int) -> None:
    before = None if days == LOOKS[0] else case(looked_at=CLOSED + (days - 1) * DAY, verdict="absent")
    subject = before or case()
    moment = CLOSED + days * DAY
    assert due_look(subject, moment - SECOND) is None
    assert due_look(subject, moment) == Look(CASE, 1, "look", days)
    assert due_look(subject, moment + DAY) == Look(CASE, 1, "look", days)
    assert due_look(subject, moment + DAY + SECOND) == Look(CASE, 1, "late", days)
    assert due_look(case(looked_at=moment, verdict="absent"), moment + 2 * DAY) is None


def test_what_was_not_seen_absent_is_looked_at_every_day() -> None:
    for verdict in ("back", "unknown"):
        found = due_look(case(looked_at=CLOSED + 40 * DAY, verdict=verdict), CLOSED + 40 * DAY)
        assert found == Look(CASE, 1, "again")


def test_residue_brings_a_case_back() -> None:
    subject = case(looked_at=CLOSED + 40 * DAY, verdict="absent", residue_at=CLOSED + 42 * DAY)
    assert due_look(subject, CLOSED + 42 * DAY - SECOND) is None
    assert due_look(subject, CLOSED + 42 * DAY) == Look(CASE, 1, "residue")


@given(st.lists(st.integers(0, 90), min_size=1, max_size=60, unique=True))
def test_whatever_days_audits_run_on_no_look_is_left_out(days: list[int]) -> None:
    """Audits that run on arbitrary days: after each, every look reached so far was made at or after its moment."""
    looked: datetime | None = None
    upcoming: datetime | None = CLOSED + LOOKS[0] * DAY
    for day in sorted(days):
        as_of = CLOSED + day * DAY + timedelta(hours=3)
        look = due_look(case(looked_at=looked, verdict="absent" if looked else None), as_of)
        assert (look is not None) == (upcoming is not None and upcoming <= as_of)
        if look is not None:
            looked, upcoming = as_of, next_look(CLOSED, as_of, "absent")
        for days_after in LOOKS:
            if CLOSED + days_after * DAY <= as_of:
                assert looked is not None
                assert looked >= CLOSED + days_after * DAY


def test_the_next_look_follows_from_what_was_seen() -> None:
    assert next_look(CLOSED, CLOSED + DAY, "absent") == CLOSED + 7 * DAY
    assert next_look(CLOSED, CLOSED + 35 * DAY, "absent") is None
    assert next_look(CLOSED, CLOSED + 50 * DAY, "back") == CLOSED + 50 * DAY
    assert next_look(CLOSED, CLOSED + 50 * DAY, "unknown") == CLOSED + 50 * DAY


def test_chance_is_the_same_for_a_seed_in_any_order() -> None:
    cases = [case(n) for n in range(200)]
    mixed = random.Random(1).sample(cases, 200)
    assert choose("a", cases, 10) == choose("a", mixed, 10)
    assert choose("a", cases, 10) != choose("b", cases, 10)
    assert len(choose("a", cases[:3], 10)) == 3
    assert sample_entries("a", 1000, 25) == sample_entries("a", 1000, 25) != sample_entries("b", 1000, 25)
    assert sample_entries("a", 3, 25) == [0, 1, 2]
    assert sample_entries("a", 0, 25) == []
    drawn = {number for seed in range(300) for number in sample_entries(str(seed), 40, 5)}
    assert drawn == set(range(40)), "every entry has its chance"


def test_each_case_is_in_a_plan_once_and_a_seal_says_all_of_it() -> None:
    looks = make_plan(
        [Look(UUID(int=2), 1, "look", 1)], [Look(UUID(int=2), 1, "sample"), Look(CASE, 1, "sample")]
    )
    assert [(look.case_id.int, look.why) for look in looks] == [(1, "sample"), (2, "look")]
    seals = {
        seal_looks(*arguments)
        for arguments in (
            ("p", CLOSED, "s", False, looks),
            ("q", CLOSED, "s", False, looks),
            ("p", CLOSED + SECOND, "s", False, looks),
            ("p", CLOSED, "t", False, looks),
            ("p", CLOSED, "s", True, looks),
            ("p", CLOSED, "s", False, looks[:1]),
            ("p", CLOSED, "s", False, [Look(CASE, 2, "sample"), looks[1]]),
        )
    }
    assert len(seals) == 7
    assert seal_looks("p", CLOSED, "s", False, list(looks)) in seals


def test_the_whole_log_is_read_once_a_month() -> None:
    assert whole_log_due(None, CLOSED)
    assert whole_log_due(CLOSED, CLOSED + 30 * DAY)
    assert not whole_log_due(CLOSED, CLOSED + 30 * DAY - SECOND)


def part(outcome: str, place: str = "somewhere", days: int = 7) -> Residue:
    """Residue of the case."""
    return Residue(place, CLOSED + days * DAY, outcome, "why")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdict", "stated", "parts", "state", "left"),
    [
        ("unknown", "OBSERVED_ABSENT", ["cleared"], None, 0),
        ("back", "RESIDUE_CLEARED", ["pending"], "RESURRECTED", 0),
        ("absent", "OBSERVED_ABSENT", [], "OBSERVED_ABSENT", 0),
        ("absent", "RESIDUE_PENDING", None, None, 0),
        ("back", "RESIDUE_PENDING", None, "RESURRECTED", 0),
        ("absent", "OBSERVED_ABSENT", ["early", "early"], "OBSERVED_ABSENT", 2),
        ("absent", "OBSERVED_ABSENT", ["cleared", "early"], "OBSERVED_ABSENT", 1),
        ("absent", "OBSERVED_ABSENT", ["pending", "early"], "RESIDUE_PENDING", 2),
        ("absent", "RESIDUE_PENDING", ["cleared", "early"], "RESIDUE_PENDING", 1),
        ("absent", "RESIDUE_PENDING", ["cleared"], "RESIDUE_CLEARED", 0),
        ("absent", "OBSERVED_ABSENT", ["cleared"], "RESIDUE_CLEARED", 0),
        ("absent", "RESIDUE_CLEARED", [], "RESIDUE_CLEARED", 0),
        ("absent", "RESIDUE_CLEARED", ["cleared", "pending"], "OBSERVED_ABSENT", 1),
        ("absent", "RESURRECTED", ["pending"], "OBSERVED_ABSENT", 1),
        ("absent", "RESURRECTED", ["cleared"], "OBSERVED_ABSENT", 0),
    ],
)
def test_what_may_be_claimed(
    verdict: str, stated: str, parts: list[str] | None, state: str | None, left: int
) -> None:
    claim = case_state(verdict, stated, None if parts is None else [part(outcome) for outcome in parts])  # type: ignore[arg-type]
    if state is None:
        assert claim is None
    else:
        assert claim is not None
        assert (claim[0], len(claim[1])) == (state, left)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["absent", "back", "unknown"]),
            st.lists(st.sampled_from(["early", "pending", "cleared"]), max_size=3),
        ),
        max_size=20,
    )
)
def test_no_audit_ever_claims_what_may_not_follow(history: list[tuple[str, list[str]]]) -> None:
    """Whatever is seen day after day, every claim is one that the verifier lets follow from the one before."""
    stated, cleared = "OBSERVED_ABSENT", False
    for verdict, outcomes in history:
        parts = [] if cleared else [part(outcome, str(n)) for n, outcome in enumerate(outcomes)]
        claim = case_state(verdict, stated, parts)  # type: ignore[arg-type]
        if claim is None:
            continue
        assert claim[0] in FOLLOWS[stated]
        assert (claim[0] == "RESIDUE_PENDING") <= bool(claim[1]), "what is pending is named"
        assert not (claim[1] and claim[0] in ("RESIDUE_CLEARED", "RESURRECTED"))
        stated, cleared = claim[0], cleared or (bool(parts) and not claim[1] and verdict == "absent")


def test_when_residue_is_looked_for_next() -> None:
    as_of = CLOSED + 10 * DAY
    parts = [
        part("early", "backups", 35),
        part("pending", "log", 7),
        part("pending", "vendors", 3),
        part("cleared"),
    ]
    assert next_residue(parts, as_of, {"vendors"}) == as_of + RELOOK
    assert next_residue(parts[:1], as_of, ()) == CLOSED + 35 * DAY
    assert next_residue(parts[2:], as_of, {"vendors"}) is None, "where nobody can look nobody is sent"
