"""When things happened to one order, given its scenario: all instants in UTC, whole seconds, never after `now`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from data_lifecycle.studio.demo.scenarios import Scenario

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """One event: what, when, and when it was written down."""

    kind: str
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Timeline:
    """The events of an order in the order of recording. `ended_at` is the first terminal event since reopening."""

    events: tuple[Moment, ...]
    created_at: datetime
    ended_at: datetime | None
    erase_requested_at: datetime | None


def between(random: Random, least: timedelta, most: timedelta) -> timedelta:
    """A span of whole seconds from `least` to `most`."""
    return timedelta(seconds=random.randint(int(least.total_seconds()), int(most.total_seconds())))


def draw(random: Random, scenario: Scenario, now: datetime) -> Timeline:
    """The history of one order of this scenario, ending before `now`."""
    anchor = now - between(random, *scenario.age)
    if scenario.name.startswith("abandoned"):
        created = anchor - between(random, 2 * HOUR, 2 * DAY)
        return _timeline(random, created, [("created", created), ("message", anchor)], None, None)
    created = anchor - between(random, 10 * DAY, 20 * DAY)
    paid, begun = created + between(random, HOUR / 6, 5 * HOUR), created + between(random, 6 * HOUR, DAY)
    events = [("created", created), ("paid", paid), ("in_production", begun), ("message", created + 2 * DAY)]
    asked = now - between(random, 2 * HOUR, 8 * HOUR) if scenario.name == "erase_requested" else None
    if scenario.ending == "open":
        return _timeline(random, created, [*events, ("message", anchor)], None, asked)
    if scenario.ending == "reopened":
        events += [("delivered", anchor - 2 * DAY), ("completed", anchor - DAY), ("reopened", anchor)]
        return _timeline(random, created, events, None, None)
    if scenario.ending == "recompleted":
        events += [
            ("delivered", anchor - 5 * DAY),
            ("completed", anchor - 4 * DAY),
            ("reopened", anchor - 3 * DAY),
        ]
        return _timeline(random, created, [*events, ("completed", anchor)], anchor, None)
    kind: str = scenario.ending
    if scenario.name == "archived":
        kind = random.choices(("completed", "cancelled", "refunded", "expired"), (80, 8, 7, 5))[0]
    if kind in ("completed", "refunded"):
        events.append(("delivered", anchor - between(random, HOUR, DAY)))
    if scenario.name == "corrected_later":
        # Written down in the wrong order: the refund first, the completion before it only afterwards.
        events.append(("refunded", anchor + 2 * DAY))
    return _timeline(random, created, [*events, (kind, anchor)], anchor, None)


def _timeline(
    random: Random,
    created: datetime,
    events: list[tuple[str, datetime]],
    ended_at: datetime | None,
    asked: datetime | None,
) -> Timeline:
    moments: list[Moment] = []
    written = created
    for kind, occurred in events:
        # Events are recorded one after another, seconds after they happened or later.
        written = max(written, occurred) + timedelta(seconds=random.randint(1, 5))
        moments.append(Moment(kind, occurred, written))
    return Timeline(tuple(moments), created, ended_at, asked)
