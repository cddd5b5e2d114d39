"""What must not be touched any more is stopped, whatever the plan said; and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.sql.purge_stage import AS_OF, DAY, HOUR, Stage

if TYPE_CHECKING:
    from tests.conftest import Studio

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def stage(make_studio: Callable[[], Studio]) -> Iterator[Stage]:
    with Stage(make_studio()) as made:
        yield made


class Sealed:
    """Two due orders that share a file, each with a file of its own, claimed and sealed by one run."""

    def __init__(self, stage: Stage, reason: str = "terminal") -> None:
        self.stage = stage
        anchor = {"terminal": AS_OF - 6 * DAY, "inactivity": AS_OF - 6 * DAY, "request": AS_OF - HOUR}[reason]
        clock: dict[str, Any] = {
            "terminal": {"ended": anchor},
            "inactivity": {"active": anchor - 30 * DAY},
            "request": {"asked": anchor},
        }[reason]
        self.one, self.two = stage.order(**clock), stage.order(**clock)
        self.own, self.shared = stage.upload(self.one), stage.upload(self.one, self.two)
        self.thumb = stage.upload(
            folder=self.one, made_from=stage.upload(folder=self.one, made_from=self.own)
        )
        self.run = stage.new_run()
        cases = stage.claim(self.run, self.one, self.two, reason=reason, anchor=anchor)
        self.case, self.other = cases[self.one], cases[self.two]
        stage.seal(self.run, self.case, stage.key(self.thumb), self.thumb)
        stage.seal(self.run, self.other, stage.key(self.shared), self.shared)

    def stops(self) -> dict[str, set[str]]:
        names = {self.case[0]: "one", self.other[0]: "two"}
        return {names[case]: why for case, why in self.stage.stops(self.run).items()}


@pytest.mark.parametrize("reason", ["terminal", "inactivity", "request"])
def test_nothing_stops_what_is_still_due(stage: Stage, reason: str) -> None:
    assert Sealed(stage, reason).stops() == {}


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("terminal", {"ended": None}),
        ("terminal", {"ended": AS_OF - HOUR}),  # reopened and ended again: a new clock
        ("inactivity", {"active": AS_OF}),
        ("inactivity", {"active": AS_OF - 35 * DAY + SECOND}),
        ("inactivity", {"ended": AS_OF}),  # no longer abandoned: it ended today
    ],
)
def test_an_order_that_is_not_due_any_more_stops_its_case_and_those_it_shares_with(
    stage: Stage, reason: str, change: dict[str, datetime | None]
) -> None:
    sealed = Sealed(stage, reason)
    stage.change(sealed.one, **change)
    assert sealed.stops() == {"one": {"reopened", "shared"}, "two": {"shared"}}


def test_a_request_taken_back_stops_its_own_case_and_not_what_was_asked_back_through_another(
    stage: Stage,
) -> None:
    sealed = Sealed(stage, "request")
    stage.change(sealed.one, asked=None)
    assert sealed.stops() == {"one": {"reopened"}}


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("terminal", {"ended": AS_OF - 7 * DAY}),  # an earlier event was recorded late: due all the more
        ("inactivity", {"ended": AS_OF - 8 * DAY}),
        ("request", {"ended": AS_OF}),
    ],
)
def test_a_change_that_keeps_the_order_due_stops_nothing(
    stage: Stage, reason: str, change: dict[str, datetime | None]
) -> None:
    sealed = Sealed(stage, reason)
    stage.change(sealed.one, **change)
    assert sealed.stops() == {}


def test_a_hold_stops_the_case_of_the_file_and_of_all_that_was_made_from_it(stage: Stage) -> None:
    sealed = Sealed(stage)
    hold = stage.hold(sealed.own)  # two steps above the only sealed file of this case
    assert sealed.stops() == {"one": {"legal-hold"}}
    stage.release(hold)
    assert sealed.stops() == {}
    stage.hold(sealed.shared)
    assert sealed.stops() == {"two": {"legal-hold"}}


def test_a_hold_stops_the_strays_in_the_folder_of_the_held_file(stage: Stage) -> None:
    sealed = Sealed(stage)
    stage.seal(sealed.run, sealed.case, f"orders/{sealed.one}/stray", origin="unrecorded")
    stage.hold(sealed.shared)  # sealed with the other order, but it lies in this one's folder
    assert sealed.stops() == {"one": {"legal-hold"}, "two": {"legal-hold"}}


def test_a_new_user_of_a_file_or_of_its_source_stops_the_case(stage: Stage) -> None:
    for chosen, expected in (("shared", {"two": {"shared"}}), ("own", {"one": {"shared"}})):
        sealed = Sealed(stage)
        newcomer = stage.order()
        stage.link(newcomer, getattr(sealed, chosen))
        assert sealed.stops() == expected
        stage.change(newcomer, state="absent")
        assert sealed.stops() == {}


def test_a_stray_that_was_recorded_meanwhile_stops_the_case(stage: Stage) -> None:
    sealed = Sealed(stage)
    key = f"orders/{sealed.one}/arriving"
    stage.seal(sealed.run, sealed.case, key, origin="unrecorded")
    assert sealed.stops() == {}
    stage.upload(stage.order(), key=key)
    assert sealed.stops() == {"one": {"shared"}}


def test_an_order_that_another_run_took_over_no_longer_vouches_for_a_shared_file(stage: Stage) -> None:
    sealed = Sealed(stage)
    stage.claim(stage.new_run(), sealed.one)
    assert sealed.stops() == {"two": {"shared"}}
    assert [
        row["case_id"] for row in stage.run("studio_eraser", "select_claims", run_id=sealed.run, batch=0)
    ] == [sealed.other[0]]


def test_what_is_not_to_be_erased_stops_nothing(stage: Stage) -> None:
    order = stage.order(ended=AS_OF - 6 * DAY)
    held, kept, gone = stage.upload(order), stage.upload(order, stage.order()), stage.upload(order)
    stage.hold(held)
    run = stage.new_run()
    case = stage.claim(run, order)[order]
    for upload, disposition in ((held, "hold"), (kept, "keep"), (gone, "erase")):
        stage.seal(run, case, stage.key(upload), upload, disposition)
    assert stage.stops(run) == {}
    assert stage.stops(run, batch=1) == {}
