"""What an answer or a look makes of an erasure: never more than was said, seen, or than the vendor can confirm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_lifecycle.policy.loader import load_all
from data_lifecycle.vendor_erasure.plan import (
    LONGEST_PAUSE,
    UNLISTED,
    Due,
    Progress,
    Standing,
    after_answer,
    after_look,
    manifest,
    new_erasures,
    terms_of,
)
from data_lifecycle.vendors.connector import Answer, Look, Said, Sight, least, worst
from data_lifecycle.vendors.register import load_register

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY, NONE = timedelta(days=1), timedelta(0)
POLICIES = Path(__file__).resolve().parents[3] / "include" / "policy"
SAID: tuple[Said, ...] = ("accepted", "in_progress", "completed", "rejected", "unreachable", "manual")


def standing(
    confirms: str, residual: timedelta = NONE, done: datetime | None = None, attempts: int = 1
) -> Standing:
    return Standing(confirms, residual, attempts, NOW - DAY if done else None, done)


@pytest.mark.parametrize(
    ("said", "confirms", "state"),
    [
        ("accepted", "none", "accepted"),
        ("accepted", "accepted", "residual_until"),
        ("accepted", "completed", "accepted"),
        ("accepted", "verified", "accepted"),
        ("in_progress", "none", "in_progress"),
        ("in_progress", "accepted", "residual_until"),
        ("in_progress", "verified", "in_progress"),
        ("completed", "none", "accepted"),
        ("completed", "accepted", "residual_until"),
        ("completed", "completed", "completed"),
        ("completed", "verified", "completed"),
        ("rejected", "verified", "rejected"),
        ("unreachable", "verified", "unreachable"),
        ("manual", "verified", "manual"),
    ],
)
def test_an_answer_is_worth_what_the_register_lets_it_be(said: Said, confirms: str, state: str) -> None:
    assert after_answer(standing(confirms), Answer(said), NOW).state == state


@pytest.mark.parametrize(
    ("sight", "confirms", "residual", "state"),
    [
        (Sight.ABSENT, "verified", NONE, "verified"),
        (Sight.ABSENT, "verified", 7 * DAY, "residual_until"),
        (Sight.ABSENT, "completed", NONE, "residual_until"),
        (Sight.UNKNOWABLE, "verified", NONE, "completed"),
        (Sight.UNKNOWABLE, "completed", 30 * DAY, "residual_until"),
        (Sight.PRESENT, "verified", NONE, "in_progress"),
        (Sight.PRESENT, "completed", NONE, "in_progress"),
    ],
)
def test_only_a_look_verifies(sight: Sight, confirms: str, residual: timedelta, state: str) -> None:
    found = after_look(standing(confirms, residual, done=NOW), Look(sight), NOW)
    assert found.state == state
    assert (found.completed_at is None) == (state == "in_progress"), "whose word was wrong is asked again"


def test_verified_waits_for_the_residual_to_the_second() -> None:
    before = standing("verified", 7 * DAY, done=NOW)
    early = after_look(before, Look(Sight.ABSENT), NOW + 7 * DAY - timedelta(seconds=1))
    assert (early.state, early.residual_until, early.next_poll_at) == (
        "residual_until",
        NOW + 7 * DAY,
        NOW + 7 * DAY,
    )
    assert after_look(before, Look(Sight.ABSENT), NOW + 7 * DAY).state == "verified"


def test_nothing_is_looked_for_before_anybody_said_done() -> None:
    with pytest.raises(ValueError, match="before the vendor says"):
        after_look(standing("verified"), Look(Sight.ABSENT), NOW)


@given(
    confirms=st.sampled_from(["none", "accepted", "completed", "verified"]),
    residual=st.timedeltas(NONE, 100 * DAY),
    steps=st.lists(st.one_of(st.sampled_from(SAID), st.sampled_from(Sight)), max_size=12),
)
def test_no_history_claims_more_than_was_seen(
    confirms: str, residual: timedelta, steps: list[Said | Sight]
) -> None:
    now, attempts, taken, done = NOW, 0, None, None
    seen_absent = False
    for step in steps:
        now, attempts = now + timedelta(hours=5), attempts + 1
        before = Standing(confirms, residual, attempts, taken, done)
        found: Progress
        if isinstance(step, Sight):
            if done is None:
                continue
            seen_absent = step is Sight.ABSENT
            found = after_look(before, Look(step), now)
        else:
            if done is not None:
                continue
            found = after_answer(before, Answer(step), now)
        taken, done = found.accepted_at, found.completed_at
        if found.state == "verified":
            assert confirms == "verified"
            assert seen_absent
            assert done is not None
            assert now >= done + residual
            return
        assert found.verified_at is None
        assert (found.residual_until is not None) == (found.state == "residual_until")
        if found.state == "residual_until":
            assert confirms != "none"
        # Whatever a machine can still do is done soon enough; what only a person can do is left to a person.
        if found.state not in ("manual", "residual_until", "rejected"):
            assert found.next_poll_at is not None
            assert found.next_poll_at - now <= LONGEST_PAUSE


def test_one_erasure_a_case_and_vendor_and_none_of_what_is_held() -> None:
    register = load_register(POLICIES / "vendors.yaml", load_all(POLICIES)[-1])
    case, other = UUID(int=1), UUID(int=2)
    due = [
        Due(case, "openai", UUID(int=11), False),
        Due(case, "openai", UUID(int=10), False),
        Due(case, "fal", UUID(int=12), True),
        Due(other, "openai", UUID(int=13), False),
        Due(other, "a stranger", UUID(int=14), False),
    ]
    found = new_erasures(due, {(other, "openai"): 2}, register, (UUID(int=n) for n in count(100)))
    assert [(e.case_id, e.vendor, e.part, e.disclosure_ids) for e in found] == [
        (case, "openai", 1, (UUID(int=10), UUID(int=11))),
        (other, "a stranger", 1, (UUID(int=14),)),
        (other, "openai", 3, (UUID(int=13),)),
    ]
    assert found[1].terms == UNLISTED
    assert (UNLISTED.connector, UNLISTED.confirms) == ("manual", "none")
    assert terms_of(register, "openai").max_residual == 30 * DAY
    assert "00000000-0000-0000-0000-00000000000a" not in repr(found[0])


def test_a_manifest_depends_on_everything_but_the_order() -> None:
    base = ("p", "r", NOW, ["a", "b"])
    assert manifest(*base) == manifest("p", "r", NOW, ["b", "a"])
    changed = [
        ("q", *base[1:]),
        ("p", "s", *base[2:]),
        ("p", "r", NOW + DAY, base[3]),
        (*base[:3], ["a", "c"]),
    ]
    assert len({manifest(*values) for values in [base, *changed]}) == 5  # type: ignore[arg-type]


def test_together_is_the_least_of_all() -> None:
    absent, present, dark = Look(Sight.ABSENT), Look(Sight.PRESENT), Look(Sight.UNKNOWABLE)
    assert least(absent, absent).sight is Sight.ABSENT
    assert least(absent, dark).sight is Sight.UNKNOWABLE
    assert least(absent, dark, present).sight is Sight.PRESENT
    assert least().sight is Sight.UNKNOWABLE, "no look is not absence"
    done = Answer("completed", "1")
    assert worst([done, Answer("completed", "2")]) == Answer("completed", "1 2")
    assert worst([done, Answer("in_progress", "2")]).said == "in_progress"
    assert worst([done, Answer("unreachable"), Answer("rejected")]).said == "unreachable"
    assert worst([]).said == "rejected", "nothing asked is nothing done"


CLOCK = NOW - DAY
"""When a vendor that lets go by its own clock has done so."""


def by_clock(sight: str | None = None, done: datetime | None = None, confirms: str = "verified") -> Standing:
    return Standing(confirms, DAY, 1, NOW - DAY if done else None, done, CLOCK, sight)


def test_who_lets_go_by_its_own_clock_is_within_its_residual_though_nobody_can_ask() -> None:
    found = after_answer(by_clock(), Answer("unreachable", None, "no-credentials"), NOW)
    assert (found.state, found.residual_until, found.code) == ("residual_until", CLOCK, "no-credentials")
    assert found.accepted_at is None
    assert found.next_poll_at is not None, "it is looked at as soon as that is possible"
    blind = after_look(by_clock(done=NOW), Look(Sight.UNKNOWABLE, "http-503"), NOW)
    assert (blind.state, blind.residual_until, blind.sight) == ("residual_until", CLOCK, "unknowable")


def test_a_clock_that_was_seen_to_be_wrong_is_not_believed_again() -> None:
    seen = after_look(by_clock(done=NOW), Look(Sight.PRESENT), NOW)
    assert (seen.state, seen.sight) == ("in_progress", "present")
    assert (
        after_answer(by_clock("present"), Answer("unreachable", None, "http-503"), NOW).state == "unreachable"
    )
    assert after_look(by_clock("present", NOW), Look(Sight.UNKNOWABLE, "http-503"), NOW).state == "completed"


@pytest.mark.parametrize(("gone_at", "state"), [(NOW, "verified"), (NOW + DAY, "residual_until")])
def test_a_clock_counts_from_sending_and_only_a_look_verifies(gone_at: datetime, state: str) -> None:
    before = Standing("verified", DAY, 1, NOW, NOW, gone_at)
    found = after_look(before, Look(Sight.ABSENT), NOW)
    assert found.state == state
    assert found.residual_until == (None if state == "verified" else gone_at)
