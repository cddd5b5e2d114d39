"""Clocks of the policy: pure arithmetic on instants, no input, no output, no present moment.

Every instant that comes in must know its time zone; every instant that goes out is in UTC. A promise of days is read
as the **earlier** of elapsed time and local calendar days, so that neither reading of it is ever broken. A promise to
*keep* something is read as the later one, for the same reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from data_lifecycle.policy.duration import Duration

HORIZON_YEARS = 30
"""How far ahead daylight saving rules are searched for the shortest calendar span."""

ERASURE_REQUEST_WITHIN = timedelta(hours=24)
"""Time to verified absence after a person's request (reading of clause 3.2, "upon user request")."""


@dataclass(frozen=True)
class RetentionDates:
    """The dates that follow from one anchor; all UTC.

    anchor: the event that started the clock. start: nothing may be erased before it. deadline: absence must be
    verified before it. last_scheduled_start: latest moment at which the first run that sees the record can begin,
    whatever the phase of the schedule. margin: what is left of the deadline after that and the whole retry budget.
    """

    anchor: datetime
    start: datetime
    deadline: datetime
    last_scheduled_start: datetime
    margin: timedelta


def require_aware(moment: datetime, field: str) -> datetime:
    """Return the instant in UTC; a ValueError naming `field` when it has no time zone."""
    if moment.utcoffset() is None:
        raise ValueError(f"{field} must carry a time zone, got {moment.isoformat()}")
    return moment.astimezone(UTC)


def _instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The earlier and the later instant that a wall-clock time can mean; equal outside of gaps and folds."""
    readings = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return readings[0], readings[1]


def deadline_after(anchor: datetime, duration: Duration, timezone: str) -> datetime:
    """Last instant of a promise "within `duration`": the earlier of elapsed time and local calendar days.

    A local time that a clock change skips or repeats counts as the earlier of its two readings. ValueError for a
    naive anchor or for calendar years (clauses 3.2 and 9).
    """
    start = require_aware(anchor, "anchor")
    elapsed = start + duration.elapsed
    if not duration.days:
        return elapsed
    zone = ZoneInfo(timezone)
    wall = start.astimezone(zone).replace(tzinfo=None) + duration.elapsed
    return min(elapsed, _instants(wall, zone)[0])


def kept_until(anchor: datetime, duration: Duration, timezone: str) -> datetime:
    """First instant at which a promise to keep for `duration` is fulfilled; calendar years are local and rounded up.

    29 February plus years that have none is 1 March. Skipped and repeated local times count as the later reading.
    """
    start = require_aware(anchor, "anchor")
    zone = ZoneInfo(timezone)
    local = start.astimezone(zone).replace(tzinfo=None)
    if not duration.years:
        return max(start + duration.elapsed, _instants(local + duration.elapsed, zone)[1])
    later = add_years(local.date(), duration.years)
    # 29 February 12:00 is rounded up to 1 March 12:00: never a second less than the years promised.
    return _instants(datetime.combine(later, local.time()), zone)[1]


def add_years(day: date, years: int) -> date:
    """Add calendar years to a date; 29 February becomes 1 March in a year without one (rounded up)."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


@lru_cache(maxsize=64)
def shortest_span(timezone: str, days: int, from_date: date) -> timedelta:
    """Shortest elapsed time that `days` local calendar days can take from `from_date` on, for 30 years.

    7 days are 167 h where clocks go forward by an hour, 144 h where a calendar day was skipped (Pacific/Apia, 2011).
    The bound is safe: a window a day longer than needed is searched, and days just before `from_date` are included.
    """
    zone = ZoneInfo(timezone)
    first = datetime.combine(from_date - timedelta(days=days + 2), time(), UTC)
    samples = HORIZON_YEARS * 366 + 2 * days
    offsets = [_offset(first + timedelta(days=n), zone) for n in range(samples)]
    changes = [n for n in range(1, samples) if offsets[n] != offsets[n - 1]]
    worst = timedelta(0)
    for n in changes:
        # Only a window that contains a change can be short; compare every earlier offset within reach.
        lowest = min(offsets[max(0, n - days - 2) : n])
        worst = max(worst, offsets[n] - lowest)
    return timedelta(days=days) - worst


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    return timedelta(0) if offset is None else offset


def retention_dates(
    anchor: datetime,
    *,
    duration: Duration,
    start_at: Duration,
    timezone: str,
    schedule_period: timedelta,
    retry_budget: timedelta,
) -> RetentionDates:
    """Dates of a promise "erased within `duration`" (clause 3.2); `start_at` is counted in elapsed hours."""
    begun = require_aware(anchor, "anchor")
    deadline = deadline_after(begun, duration, timezone)
    return _dates(begun, begun + start_at.elapsed, deadline, schedule_period, retry_budget)


def keeping_dates(
    anchor: datetime,
    *,
    duration: Duration,
    erase_within: Duration,
    timezone: str,
    schedule_period: timedelta,
    retry_budget: timedelta,
) -> RetentionDates:
    """Dates of a promise "kept for `duration`" (clause 3.2, payments), erased at most `erase_within` later."""
    begun = require_aware(anchor, "anchor")
    start = kept_until(begun, duration, timezone)
    return _dates(begun, start, deadline_after(start, erase_within, timezone), schedule_period, retry_budget)


def request_dates(
    requested_at: datetime, *, retry_budget: timedelta, within: timedelta = ERASURE_REQUEST_WITHIN
) -> RetentionDates:
    """Dates of a person's own request: due at once, absent within 24 h, so a run must be triggered by the request."""
    asked = require_aware(requested_at, "requested_at")
    return _dates(asked, asked, asked + within, timedelta(0), retry_budget)


def _dates(
    anchor: datetime, start: datetime, deadline: datetime, period: timedelta, retry: timedelta
) -> RetentionDates:
    last = start + period
    return RetentionDates(anchor, start, deadline, last, deadline - last - retry)


def working_due_date(received_on: date, working_days: int, weekmask: str) -> date:
    """Day on which the last of `working_days` ends, counted strictly after receipt (clause 11).

    `roll="backward"`: what arrives on a Sunday counts from Saturday, so Monday is day 1; "forward" would be a day late.
    Public holidays are not deducted: the studio's own target is the stricter one.
    """
    from numpy import busday_offset  # a quarter of a second to import, and only requests need it

    due: date = busday_offset(received_on, working_days, roll="backward", weekmask=weekmask).astype(object)
    return due


def working_deadline(
    received_at: datetime, *, working_days: int, weekmask: str, timezone: str, closes: time
) -> datetime:
    """Last instant of the reply promised in clause 11: closing time of the last working day, in the studio's zone."""
    zone = ZoneInfo(timezone)
    received = require_aware(received_at, "received_at").astimezone(zone)
    due = working_due_date(received.date(), working_days, weekmask)
    return _instants(datetime.combine(due, closes), zone)[0]


def next_run(cron: str, not_before: datetime) -> datetime:
    """First tick of a UTC cron schedule at or after `not_before`."""
    from croniter import croniter

    moment = require_aware(not_before, "not_before")
    tick: datetime = croniter(cron, moment - timedelta(microseconds=1)).get_next(datetime)
    return tick if tick >= moment else croniter(cron, tick).get_next(datetime)


@lru_cache(maxsize=64)
def longest_gap(cron: str, limit: timedelta, from_date: date) -> timedelta:
    """Longest pause between two ticks of a UTC cron schedule in the 400 days from `from_date`.

    The search ends at the first pause above `limit`, which is then the answer. ValueError for a bad expression or
    one that ticks more than 10 000 times in 400 days: no erasure needs that, and the search would be slow.
    """
    from croniter import croniter

    first = datetime.combine(from_date, time(), UTC)
    try:
        ticks = croniter(cron, first)
        previous: datetime = ticks.get_next(datetime)
        longest = timedelta(0)
        for _ in range(10_000):
            following: datetime = ticks.get_next(datetime)
            longest = max(longest, following - previous)
            if longest > limit or following - first > timedelta(days=400):
                return longest
            previous = following
    except (ValueError, KeyError) as error:
        raise ValueError(f"not a cron expression: {error}") from error
    raise ValueError("ticks more than 10 000 times in 400 days")
