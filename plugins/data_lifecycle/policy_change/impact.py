"""What becomes due when, by the versions there are and by a proposed one as well: pure, nothing is erased.

Counted are recorded files that are there, each once, with the bytes of its newest version. A file of several orders
goes with the last of them, one that was asked back at once. Nothing is said of what happens later: an open order counts
as left alone from now on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal
from uuid import UUID

from data_lifecycle.photo_purge.clock import CATEGORIES, Order, PhotoClock
from data_lifecycle.policy.clock import next_run

Side = Literal["old", "new"]
SIDES: tuple[Side, Side] = ("old", "new")
_EVER = datetime.max.replace(tzinfo=UTC)
"""Judged with all that is to come."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A recorded file that is there: when it, or the oldest that it was made from, was given (UTC), its size in bytes,
    and the orders that it has to outlast.
    """

    upload_id: UUID = field(repr=False)
    category: str
    size: int
    collected_at: datetime
    held: bool
    orders: tuple[Order, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Due:
    """When a file may be erased, and when its absence must be verified (UTC)."""

    start: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Amount:
    """So many files, so many bytes."""

    objects: int = 0
    size: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.objects + other.objects, self.size + other.size)


@dataclass(slots=True)
class Tally:
    """Of one kind of file, by one side: in all, per day on which it becomes due, and what of it cannot be in time.

    ``at_once`` are those due when the proposed version takes hold, ``impossible`` those whose deadline passes before
    the first run that may erase them has had all its tries.
    """

    total: Amount = field(default_factory=Amount)
    held: Amount = field(default_factory=Amount)
    at_once: Amount = field(default_factory=Amount)
    impossible: Amount = field(default_factory=Amount)
    days: dict[date, Amount] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Impact:
    """``tallies`` by kind of file and side. ``sooner`` and ``later`` count files whose dates the proposed version
    moves; ``moved`` are those.
    """

    as_of: datetime
    takes_hold: datetime
    tallies: Mapping[str, Mapping[Side, Tally]]
    sooner: Mapping[str, Amount]
    later: Mapping[str, Amount]
    moved: frozenset[UUID] = field(repr=False)


def due_of(clock: PhotoClock, holding: Holding) -> Due | None:
    """When the file is due by all versions of the clock, as things stand; None when it has no order at all."""
    if not holding.orders:
        return None
    windows = [clock.window(o, holding.category, holding.collected_at, _EVER) for o in holding.orders]
    start = max(window.start for window in windows)
    deadline = max(window.deadline for window in windows)
    asked = [o.erase_requested_at for o in holding.orders if o.erase_requested_at is not None]
    if asked:
        start = min(start, *asked)
        deadline = min(deadline, min(asked) + clock.request_within)
    return Due(start, deadline)


def measure(old: PhotoClock, new: PhotoClock, holdings: Iterable[Holding], as_of: datetime) -> Impact:
    """Compare the versions there are with those and the proposed one, the last of ``new``, as of a moment (UTC)."""
    takes_hold = max(as_of, new.policy.shortens_from)
    tallies: dict[str, dict[Side, Tally]] = {kind: {side: Tally() for side in SIDES} for kind in CATEGORIES}
    moves: dict[str, Counter[str]] = {"sooner": Counter(), "later": Counter()}
    moved_bytes: dict[str, Counter[str]] = {"sooner": Counter(), "later": Counter()}
    moved: set[UUID] = set()
    for holding in holdings:
        due: dict[Side, Due | None] = {"old": due_of(old, holding), "new": due_of(new, holding)}
        for side, clock in zip(SIDES, (old, new), strict=True):
            _add(tallies[holding.category][side], clock, holding, due[side], as_of, takes_hold)
        before, after = due["old"], due["new"]
        if before is None or after is None or before == after:
            continue
        way = "sooner" if (after.start, after.deadline) < (before.start, before.deadline) else "later"
        moves[way][holding.category] += 1
        moved_bytes[way][holding.category] += holding.size
        moved.add(holding.upload_id)
    ways = {
        way: {kind: Amount(moves[way][kind], moved_bytes[way][kind]) for kind in CATEGORIES} for way in moves
    }
    return Impact(as_of, takes_hold, tallies, ways["sooner"], ways["later"], frozenset(moved))


def _add(
    tally: Tally,
    clock: PhotoClock,
    holding: Holding,
    due: Due | None,
    as_of: datetime,
    takes_hold: datetime,
) -> None:
    one = Amount(1, holding.size)
    tally.total += one
    if holding.held:
        tally.held += one  # a hold has no date
        return
    if due is None:
        return
    day = max(due.start, as_of).astimezone(UTC).date()
    tally.days[day] = tally.days.get(day, Amount()) + one
    if due.start <= takes_hold:
        tally.at_once += one
    schedule = clock.rules[holding.category].schedule
    tried = next_run(schedule.cron, max(due.start, as_of)) + schedule.retry_budget.elapsed
    if tried > due.deadline:
        tally.impossible += one
