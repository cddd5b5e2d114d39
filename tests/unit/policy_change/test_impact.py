"""The impact says of every file what the purge's own clock will say when the day has come, and adds it up."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from uuid import UUID
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policies import REAL, version

from data_lifecycle.photo_purge.clock import CATEGORIES, Order, PhotoClock
from data_lifecycle.policy.versions import in_force
from data_lifecycle.policy_change import document, picture
from data_lifecycle.policy_change.impact import SIDES, Amount, Holding, due_of, measure

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
TURN = version(7, 600).in_force_from
PROPOSALS = {
    "shorter": version(5, 600, "P3D"),
    "shorter, waived": version(5, 600, "P3D", waived_by="Ann"),
    "longer": version(14, 600),
    "expiring sooner": version(7, 600, "P2D", idle=10),
    "the same": version(7, 600),
}


def order(number: int, ended: float | None, active: float, asked: float | None, created: float) -> Order:
    def at(day: float) -> datetime:
        return TURN + day * DAY

    end = None if ended is None else at(ended)
    return Order(f"ord_{number}", end, end or at(active), None if asked is None else at(asked), at(created))


ORDERS = st.lists(
    st.builds(
        order,
        st.integers(1, 99),
        st.none() | st.floats(-12, -1),
        st.floats(-39, -1),
        st.none() | st.just(None) | st.floats(-9, -2),
        st.floats(-60, -40),
    ),
    min_size=0,
    max_size=3,
)
HOLDINGS = st.lists(
    st.builds(
        lambda n, kind, size, given, held, orders: Holding(
            UUID(int=n), kind, size, TURN + given * DAY, held, tuple(orders)
        ),
        st.integers(0, 2**64),
        st.sampled_from(CATEGORIES),
        st.integers(1, 10**9),
        st.floats(-40, -1),
        st.booleans(),
        ORDERS,
    ),
    max_size=12,
    unique_by=lambda h: h.upload_id,
)
AS_OF = TURN - DAY


@settings(max_examples=150, deadline=None, database=None)
@given(HOLDINGS, st.sampled_from(sorted(PROPOSALS)))
def test_totals_are_the_sums_of_what_the_clock_says_of_each_file(holdings: list[Holding], name: str) -> None:
    old, new = PhotoClock(REAL), PhotoClock(REAL, PROPOSALS[name])
    found = measure(old, new, holdings, AS_OF)
    for side, clock in zip(SIDES, (old, new), strict=True):
        for kind in CATEGORIES:
            days: dict[date, Amount] = {}
            mine = [h for h in holdings if h.category == kind]
            for holding in mine:
                if not holding.held and holding.orders:
                    day = max(due_on(list(clock.versions), holding), AS_OF).date()
                    days[day] = days.get(day, Amount()) + Amount(1, holding.size)
            tally = found.tallies[kind][side]
            assert tally.days == days
            assert tally.total == Amount(len(mine), sum(h.size for h in mine))
            assert tally.held == Amount(sum(h.held for h in mine), sum(h.size for h in mine if h.held))
    moved = {h.upload_id for h in holdings if due_of(old, h) != due_of(new, h)}
    assert found.moved == moved
    assert sum(a.objects for way in (found.sooner, found.later) for a in way.values()) == len(moved)
    if name == "the same":
        assert not moved
    if name in ("shorter", "shorter, waived", "expiring sooner"):
        assert not any(amount.objects for amount in found.later.values())
    if name == "longer":
        assert not moved, "what is there stays under the rule it was given under"


def due_on(versions: list, holding: Holding) -> datetime:  # type: ignore[type-arg]
    """The first moment at which the purge would pick the file, found by asking its clock at that moment."""
    asked = [o.erase_requested_at for o in holding.orders if o.erase_requested_at is not None]

    def picked(at: datetime) -> bool:
        clock = PhotoClock(*in_force(versions, at))
        windows = [clock.window(o, holding.category, holding.collected_at, at) for o in holding.orders]
        return any(a <= at for a in asked) or all(w.start <= at for w in windows)

    low, high = REAL.in_force_from, TURN + 99 * DAY
    while high - low > timedelta(microseconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if picked(middle) else (middle, high)
    return high


def holding(ended: float, given: float, held: bool = False, number: int = 1) -> Holding:
    return Holding(
        UUID(int=number), "personal_photo", 10, TURN + given * DAY, held,
        (order(number, ended, ended, None, -50),),
    )  # fmt: skip


def test_what_is_due_at_once_and_what_cannot_be_in_time() -> None:
    old, new = PhotoClock(REAL), PhotoClock(REAL, PROPOSALS["shorter, waived"])
    files = [holding(-4, -30, number=1), holding(-1, -30, number=2), holding(-20, -30, number=3)]
    found = measure(old, new, files, AS_OF)
    assert found.takes_hold == TURN
    was, becomes = (found.tallies["personal_photo"][side] for side in SIDES)
    assert (was.at_once.objects, becomes.at_once.objects) == (1, 2)
    assert (was.impossible.objects, becomes.impossible.objects) == (1, 1), "late before, and no more by it"
    assert found.sooner["personal_photo"] == Amount(2, 20)


def test_an_impossible_deadline_is_counted_when_no_run_has_its_tries_before_it() -> None:
    hasty = REAL.rule("photos").schedule
    assert hasty.retry_budget.elapsed == timedelta(hours=12)
    ended = (AS_OF - TURN) / DAY - 7 + 0.25  # the deadline is six hours ahead
    found = measure(PhotoClock(REAL), PhotoClock(REAL, PROPOSALS["the same"]), [holding(ended, -30)], AS_OF)
    assert [found.tallies["personal_photo"][side].impossible.objects for side in SIDES] == [1, 1]


def told(name: str) -> dict[str, object]:
    old, new = PhotoClock(REAL), PhotoClock(REAL, PROPOSALS[name])
    found = measure(old, new, [holding(-4, -30), holding(-1, -30, number=2)], AS_OF)
    around = document.Around(
        {"fal": 1}, {"files": 3, "outlasting": 0}, {"hot": 5, "archived": 7},
        {"all": 9, "with_files": 2, "with_payments": 4},
    )  # fmt: skip
    return document.build(old, new, found, around)


def test_the_document_is_canonical_and_says_who_is_to_be_told_before_when() -> None:
    made = told("shorter")
    data = document.canonical(made)
    assert json.loads(data) == made
    assert document.digest(data) == document.digest(document.canonical(json.loads(data)))
    assert made["tell_before"] == TURN.isoformat()
    counts = {c["subject"]: c["to_tell"] for c in made["changes"]}  # type: ignore[index,attr-defined]
    assert counts == {"photos": 2, "style_references": 2}
    text = "\n".join(document.text(made, "abc"))
    for said in (
        "2 people to be told",
        "vendor fal got 1",
        "7 archived, 5 hot",
        "nothing was erased",
        "manifest sha256 abc",
    ):
        assert said in text
    assert told("the same")["tell_before"] is None


def test_any_other_measure_has_another_manifest() -> None:
    assert len({document.digest(document.canonical(told(name))) for name in PROPOSALS}) == len(PROPOSALS)


@pytest.mark.parametrize("days", [0, 1, 59, 400])
def test_the_picture_is_well_formed_for_light_and_dark_and_shows_every_count(days: int) -> None:
    series = [((date(2026, 1, 1) + timedelta(days=n * 2)).isoformat(), n, n + 1) for n in range(days)]
    drawn = picture.draw(series, "a <title> & more")
    root = ElementTree.fromstring(drawn)  # noqa: S314 — our own picture
    titles = [e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0] == "a <title> & more"
    assert "prefers-color-scheme:dark" in drawn
    shown = [row for row in series if row[0] < (date(2026, 1, 1) + timedelta(days=60)).isoformat()]
    assert sorted(titles[1:]) == sorted(f"{day}: {n}" for day, *counts in shown for n in counts if n)
    assert ("later than shown" in drawn) is (len(shown) < len(series))
