"""Whatever the zone, the schedule's phase and the failures within the budget: erased in time, and never too early."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.unit.photo_purge.worlds import POLICY

from data_lifecycle.photo_purge.plan import Order, PhotoClock
from data_lifecycle.policy.model import Policy

DAY = timedelta(days=1)
RULE = POLICY.rule("photos")
BUDGET = RULE.schedule.retry_budget.elapsed
AWKWARD = (
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/St_Johns",
)
ZONES = st.sampled_from(AWKWARD) | st.sampled_from(sorted(available_timezones() - {"localtime"}))
thorough = settings(max_examples=300, deadline=None, database=None)


def in_zone(zone: str) -> Policy:
    """The policy of a studio that counts its days elsewhere."""
    return POLICY.model_copy(update={"header": POLICY.header.model_copy(update={"timezone": zone})})


@st.composite
def situations(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and a moment, mostly within nine days of one of its clock changes."""
    zone = draw(ZONES)
    first = datetime(draw(st.integers(2025, 2045)), 1, 1, tzinfo=UTC)
    days = [first + n * DAY for n in range(366)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    changes = [days[n] for n in range(1, 366) if offsets[n] != offsets[n - 1]] or days
    return zone, draw(st.sampled_from(changes)) + timedelta(seconds=draw(st.integers(-9 * 86400, 9 * 86400)))


def first_run(clock: PhotoClock, order: Order, from_: datetime, phase: timedelta) -> datetime:
    """The first tick of a daily schedule of this phase at which the order is picked."""
    epoch = datetime(2000, 1, 1, tzinfo=UTC) + phase
    tick = epoch + -((epoch - from_) // DAY) * DAY
    for _ in range(60):
        if clock.due(order, tick) is not None:
            return tick
        tick += DAY
    raise AssertionError("never picked")


@thorough
@given(
    situation=situations(),
    phase=st.integers(0, 86399).map(lambda s: timedelta(seconds=s)),
    lost=st.floats(0, 1).map(lambda share: share * BUDGET),
    open_order=st.booleans(),
)
def test_the_first_daily_run_that_may_erases_in_time(
    situation: tuple[str, datetime], phase: timedelta, lost: timedelta, open_order: bool
) -> None:
    zone, ended = situation
    assume(RULE.arithmetic_error(zone, date(2024, 8, 8)) is None)
    clock = PhotoClock(in_zone(zone))
    order = Order(
        "ord_1", None if open_order else ended, ended - (POLICY.inactivity if open_order else DAY), None
    )
    tick = first_run(clock, order, ended - DAY, phase)
    case = clock.due(order, tick)
    assert case is not None
    assert case.reason == ("inactivity" if open_order else "terminal")
    assert case.anchor == ended
    assert case.start == ended + 5 * DAY <= tick < case.start + DAY
    assert tick + lost < case.deadline <= ended + 7 * DAY


@thorough
@given(situation=situations(), before=st.integers(1, 40 * 86400), after=st.integers(0, 400 * 86400))
def test_an_order_is_due_from_its_start_on_for_ever(
    situation: tuple[str, datetime], before: int, after: int
) -> None:
    zone, ended = situation
    clock = PhotoClock(in_zone(zone))
    order = Order("ord_1", ended, ended, None)
    assert clock.due(order, ended + 5 * DAY - timedelta(seconds=before)) is None
    assert clock.due(order, ended + 5 * DAY + timedelta(seconds=after)) is not None


@thorough
@given(
    ended=st.integers(-12 * 86400, 86400) | st.none(),
    idle=st.integers(0, 40 * 86400),
    asked=st.integers(-3 * 86400, 3600),
)
def test_a_request_is_due_at_once_and_the_earliest_deadline_decides(
    ended: int | None, idle: int, asked: int
) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    clock = PhotoClock(POLICY)
    terminal = None if ended is None else now + timedelta(seconds=ended)
    requested = now + timedelta(seconds=asked)
    plain = Order("ord_1", terminal, now - timedelta(seconds=idle), None)
    without = clock.due(plain, now)
    case = clock.due(Order("ord_1", terminal, plain.last_activity_at, requested), now)
    if asked > 0:
        assert case == without
        return
    assert case is not None
    assert case.start <= now
    assert case.deadline == min([requested + DAY, *([without.deadline] if without else [])])
    assert case.reason == "request"
