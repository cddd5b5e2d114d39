"""For any moment, zone, clock change, schedule phase and failures within the budget, a promise is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from data_lifecycle.policy import clock
from data_lifecycle.policy.duration import Duration
from data_lifecycle.policy.loader import load_policy

POLICY = load_policy(Path(__file__).parents[3] / "include" / "policy" / "xmanart-privacy-2024-08-08.yaml")
PHOTOS = POLICY.rule("photos")
WEEK = Duration(days=7)
AWKWARD = [
    "America/New_York",
    "Asia/Shanghai",
    "Europe/Berlin",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "Africa/Cairo",
]
ZONES = st.one_of(st.sampled_from(AWKWARD), st.sampled_from(sorted(available_timezones() - {"localtime"})))
thorough = settings(max_examples=400, deadline=None, database=None)


def moments(first: int, last: int) -> st.SearchStrategy[datetime]:
    """Instants between two years."""
    start, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last, 1, 1, tzinfo=UTC)
    return st.integers(0, int((end - start).total_seconds())).map(
        lambda seconds: start + timedelta(seconds=seconds)
    )


@st.composite
def near_clock_changes(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone, and a completion within nine days before or after one of its clock changes."""
    zone = draw(ZONES)
    year = draw(st.integers(2025, 2050))
    first = datetime(year, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=n) for n in range(366)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    changes = [days[n] for n in range(1, 366) if offsets[n] != offsets[n - 1]] or [first]
    return zone, draw(st.sampled_from(changes)) + timedelta(seconds=draw(st.integers(-9 * 86400, 9 * 86400)))


def erased_at(start: datetime, phase: timedelta, period: timedelta, failures: list[timedelta]) -> datetime:
    """When a schedule with any phase erases: first tick at or after the start, plus the time lost to failures."""
    epoch = datetime(2000, 1, 1, tzinfo=UTC) + phase
    ticks = -((epoch - start) // period)
    tick = epoch + ticks * period
    while tick < start:
        tick += period
    assert start <= tick < start + period
    return tick + sum(failures, timedelta())


def lost(budget: timedelta) -> st.SearchStrategy[list[timedelta]]:
    """Failed attempts whose time, each with its wait, adds up to the budget at most."""
    share = st.integers(0, int(budget.total_seconds()) // 4)
    return st.lists(share.map(lambda seconds: timedelta(seconds=seconds)), max_size=4)


@thorough
@given(
    moment=st.one_of(
        near_clock_changes(),
        st.tuples(ZONES, moments(2024, 2050)),
    ),
    phase=st.integers(0, 86399),
    failures=lost(PHOTOS.schedule.retry_budget.elapsed),
)
def test_photos_are_erased_before_the_deadline_and_never_before_the_start(
    moment: tuple[str, datetime], phase: int, failures: list[timedelta]
) -> None:
    zone, completed = moment
    # Zones that once skipped whole days are refused by the arithmetic, never silently accepted.
    assume(PHOTOS.arithmetic_error(zone, date(2024, 8, 8)) is None)
    dates = PHOTOS.dates(completed, zone)
    erased = erased_at(dates.start, timedelta(seconds=phase), timedelta(days=1), failures)
    assert dates.anchor < dates.start <= erased < dates.deadline
    assert dates.deadline - completed <= timedelta(hours=168)
    assert erased < dates.last_scheduled_start + PHOTOS.schedule.retry_budget.elapsed
    assert dates.margin >= timedelta(0)


@thorough
@given(
    zone=ZONES,
    from_year=st.integers(1990, 2030),
    after=st.integers(0, 29 * 365 * 86400),
    days=st.integers(1, 14),
    start_hours=st.integers(1, 14 * 24),
    period_hours=st.integers(1, 48),
    retry_hours=st.integers(1, 48),
    phase=st.integers(0, 48 * 3600),
    fraction=st.floats(0, 1),
)
@example("Pacific/Apia", 2011, int(timedelta(days=356, hours=22).total_seconds()), 7, 120, 12, 12, 0, 1.0)
def test_any_rule_that_the_arithmetic_accepts_is_kept(
    zone: str,
    from_year: int,
    after: int,
    days: int,
    start_hours: int,
    period_hours: int,
    retry_hours: int,
    phase: int,
    fraction: float,
) -> None:
    from_date = date(from_year, 1, 1)
    schedule = PHOTOS.schedule.model_copy(
        update={"period": Duration(hours=period_hours), "retry_budget": Duration(hours=retry_hours)}
    )
    boundary = PHOTOS.boundary.model_copy(update={"start_at": Duration(hours=start_hours)})
    rule = PHOTOS.model_copy(
        update={"period": Duration(days=days), "schedule": schedule, "boundary": boundary}
    )
    assume(rule.arithmetic_error(zone, from_date) is None)
    completed = datetime(from_year, 1, 1, tzinfo=UTC) + timedelta(seconds=after)
    dates = rule.dates(completed, zone)
    failures = [timedelta(hours=retry_hours) * fraction]
    erased = erased_at(dates.start, timedelta(seconds=phase), timedelta(hours=period_hours), failures)
    assert dates.start <= erased < dates.deadline


@thorough
@given(
    zone=ZONES,
    from_date=st.dates(date(1980, 1, 1), date(2040, 1, 1)),
    after=st.integers(-86400, 29 * 365 * 86400),
    days=st.integers(1, 40),
)
def test_no_span_is_shorter_than_the_shortest(zone: str, from_date: date, after: int, days: int) -> None:
    anchor = datetime.combine(from_date, time(), UTC) + timedelta(seconds=after)
    deadline = clock.deadline_after(anchor, Duration(days=days), zone)
    assert deadline - anchor >= clock.shortest_span(zone, days, from_date)
    assert deadline - anchor <= timedelta(days=days)
    assert deadline.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "from_date", "hours"),
    [
        ("Asia/Shanghai", date(2024, 8, 8), 168),
        ("Europe/Berlin", date(2024, 8, 8), 167),
        ("America/New_York", date(2024, 8, 8), 167),
        ("Australia/Lord_Howe", date(2024, 8, 8), 167.5),
        ("Pacific/Apia", date(2024, 8, 8), 168),
        ("Pacific/Apia", date(2011, 8, 8), 144),
    ],
)
def test_shortest_week(zone: str, from_date: date, hours: float) -> None:
    assert clock.shortest_span(zone, 7, from_date) == timedelta(hours=hours)


def test_a_zone_that_skips_a_day_would_break_the_schedule_and_is_refused() -> None:
    error = PHOTOS.arithmetic_error("Pacific/Apia", date(2011, 1, 1))
    assert error is not None
    assert "P5D (120 h) + period 24 h + retry budget 12 h = 156 h > 144 h" in error
    # Without the refusal: completed a second after the daily run, retried for the whole budget, and too late.
    completed = datetime(2011, 12, 25, 2, 0, 1, tzinfo=UTC)
    dates = PHOTOS.dates(completed, "Pacific/Apia")
    assert (
        erased_at(dates.start, timedelta(hours=2), timedelta(days=1), [timedelta(hours=12)]) > dates.deadline
    )


def local(zone: str, *parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("zone", "completed", "deadline"),
    [
        # an hour is skipped on the way: 7 local days are 167 h
        ("America/New_York", (2026, 3, 2, 12), "2026-03-09T16:00:00+00:00"),
        # an hour is repeated on the way: 7 local days are 169 h, so 168 h count
        ("America/New_York", (2026, 10, 26, 12), "2026-11-02T16:00:00+00:00"),
        # 02:30 doesn't exist on 8 March: the earlier reading, 01:30 EST
        ("America/New_York", (2026, 3, 1, 2, 30), "2026-03-08T06:30:00+00:00"),
        # 01:30 comes twice on 1 November: the earlier one, EDT
        ("America/New_York", (2026, 10, 25, 1, 30), "2026-11-01T05:30:00+00:00"),
        ("Australia/Lord_Howe", (2026, 10, 1, 12), "2026-10-08T01:00:00+00:00"),
        ("Asia/Shanghai", (2026, 3, 1, 10), "2026-03-08T02:00:00+00:00"),
        # 30 December 2011 was skipped in Apia
        ("Pacific/Apia", (2011, 12, 23, 10), "2011-12-29T20:00:00+00:00"),
        ("Pacific/Apia", (2011, 12, 25, 12), "2011-12-31T22:00:00+00:00"),
    ],
)
def test_deadline_is_the_earlier_of_elapsed_and_local_days(
    zone: str, completed: tuple[int, ...], deadline: str
) -> None:
    assert clock.deadline_after(local(zone, *completed), WEEK, zone).isoformat() == deadline


def test_both_readings_of_a_repeated_completion_keep_their_own_hours() -> None:
    zone = "America/New_York"
    for fold in (0, 1):
        completed = local(zone, 2026, 11, 1, 1, 30, fold=fold)
        assert clock.deadline_after(completed, WEEK, zone) == min(
            completed.astimezone(UTC) + timedelta(hours=168), datetime(2026, 11, 8, 6, 30, tzinfo=UTC)
        )


def test_hours_do_not_care_about_clock_changes() -> None:
    aware = local("America/New_York", 2026, 3, 7, 12)
    assert clock.deadline_after(aware, Duration(hours=72), "America/New_York") == datetime(
        2026, 3, 10, 17, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("day", "years", "expected"),
    [
        (date(2024, 2, 29), 7, date(2031, 3, 1)),
        (date(2024, 2, 29), 4, date(2028, 2, 29)),
        (date(2024, 2, 28), 7, date(2031, 2, 28)),
        (date(2096, 2, 29), 4, date(2100, 3, 1)),
        (date(2023, 3, 1), 1, date(2024, 3, 1)),
    ],
)
def test_calendar_years_round_up(day: date, years: int, expected: date) -> None:
    assert clock.add_years(day, years) == expected


@thorough
@given(zone=ZONES, settled=moments(1990, 2040), years=st.integers(1, 30))
def test_payments_are_never_erased_before_the_years_are_over(
    zone: str, settled: datetime, years: int
) -> None:
    rule = POLICY.rule("payments").model_copy(update={"period": Duration(years=years)})
    dates = rule.dates(settled, zone)
    begun, ended = settled.astimezone(ZoneInfo(zone)), dates.start.astimezone(ZoneInfo(zone))
    assert (ended.year - begun.year, ended.month, ended.day, ended.time()) >= (
        years,
        begun.month,
        begun.day,
        begun.time(),
    )
    assert dates.start < dates.deadline <= dates.start + timedelta(days=30)


def test_a_request_is_due_at_once_and_has_a_day() -> None:
    asked = datetime(2026, 3, 7, 23, tzinfo=UTC)
    dates = clock.request_dates(asked, retry_budget=timedelta(hours=12))
    assert (dates.start, dates.deadline, dates.margin) == (
        asked,
        asked + timedelta(hours=24),
        timedelta(hours=12),
    )
    assert POLICY.within("erasure_request") == POLICY.within("minor_confirmed") == timedelta(hours=24)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-03-07T18:30+08:00", "2026-03-16"),  # Saturday after hours: Monday is day 1
        ("2026-03-07T10:00+08:00", "2026-03-16"),  # Saturday: strictly after receipt
        ("2026-03-08T10:00+08:00", "2026-03-16"),  # Sunday: Monday is day 1
        ("2026-03-09T00:00+08:00", "2026-03-17"),  # Monday: Tuesday is day 1
        ("2026-03-08T23:59+08:00", "2026-03-16"),
        ("2026-03-08T16:00+00:00", "2026-03-17"),  # Monday already in Shanghai
        ("2026-03-06T09:00+08:00", "2026-03-14"),  # Friday: Saturday is day 1 and day 7
        ("2024-02-26T09:00+08:00", "2024-03-05"),  # over 29 February
    ],
)
def test_reply_within_seven_working_days(received: str, due: str) -> None:
    response = POLICY.contact.response
    deadline = clock.working_deadline(
        datetime.fromisoformat(received),
        working_days=response.working_days,
        weekmask=response.weekmask,
        timezone=POLICY.timezone,
        closes=response.closes,
    )
    assert deadline.astimezone(ZoneInfo(POLICY.timezone)).isoformat() == f"{due}T18:00:00+08:00"


@thorough
@given(received=st.dates(date(2024, 1, 1), date(2060, 1, 1)), working_days=st.integers(1, 60))
def test_working_days_are_counted_strictly_after_receipt(received: date, working_days: int) -> None:
    day, counted = received, 0
    while counted < working_days:
        day += timedelta(days=1)
        counted += day.weekday() != 6
    assert clock.working_due_date(received, working_days, "1111110") == day


NAIVE = datetime.fromisoformat("2026-03-01T10:00")


def test_a_moment_without_a_zone_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^anchor must carry a time zone"):
        POLICY.dates("photos", NAIVE)
    with pytest.raises(ValueError, match=r"^anchor must carry a time zone"):
        POLICY.dates("payments", NAIVE)
    with pytest.raises(ValueError, match=r"^anchor must carry a time zone"):
        clock.deadline_after(NAIVE, WEEK, "UTC")
    with pytest.raises(ValueError, match=r"^requested_at must carry a time zone"):
        clock.request_dates(NAIVE, retry_budget=timedelta(0))
    with pytest.raises(ValueError, match=r"^received_at must carry a time zone"):
        clock.working_deadline(NAIVE, working_days=7, weekmask="1111110", timezone="UTC", closes=time(18))
    with pytest.raises(ValueError, match=r"^not_before must carry a time zone"):
        clock.next_run("0 2 * * *", NAIVE)


@thorough
@given(after=moments(2024, 2040))
@example(datetime(2026, 3, 6, 2, tzinfo=UTC))
@example(datetime(2026, 3, 6, 2, 0, 0, 1, tzinfo=UTC))
@example(datetime(2026, 3, 6, 1, 59, 59, 999999, tzinfo=UTC))
def test_the_next_run_is_the_first_tick_not_before(after: datetime) -> None:
    expected = datetime.combine(after.date(), time(2), UTC)
    assert clock.next_run("0 2 * * *", after) == (
        expected if expected >= after else expected + timedelta(days=1)
    )


@pytest.mark.parametrize("cron", ["* * * * *", "61 2 * * *", "", "0 2 30 2 *"])
def test_a_schedule_that_cannot_be_searched_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match=r"cron expression|10 000 times"):
        clock.longest_gap(cron, timedelta(days=1), date(2024, 8, 8))


@pytest.mark.parametrize("text", ["P7D", "PT12H", "P1DT6H", "P7Y"])
def test_durations_read_and_write_the_same(text: str) -> None:
    assert str(Duration.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1M", "P1W", "P1Y2D", "7D", "P-1D", "P1.5D", "PT30M", "p7d", "P7D "]
)
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        Duration.parse(text)


def test_years_have_no_elapsed_length() -> None:
    with pytest.raises(ValueError, match="calendar years"):
        _ = POLICY.rule("payments").duration
