"""Why a file of an order goes when it goes: `policy explain --order`. Says nothing that names anybody."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg2

from data_lifecycle.database import connect, fetch, fetch_one
from data_lifecycle.photo_purge.clock import STRAY, Order, PhotoClock, Upload, Window
from data_lifecycle.photo_purge.planning import uploads_of
from data_lifecycle.policy.clock import require_aware
from data_lifecycle.policy.loader import PolicyError, load_all
from data_lifecycle.protocol.house import House
from data_lifecycle.settings import Settings


def run_explain_order(
    settings: Settings, order_id: str, as_of: str | None, timezone: str | None
) -> tuple[list[str], bool]:
    """Of each file of the order which version and rule applies, since when, why, and its dates.

    ``as_of`` is ISO 8601 with an offset, None for now. False, with one line that says why, when it cannot be told.
    """
    try:
        house = House.of_files(settings)
        with connect(house.connections.database("studio_reader"), "policy explain") as connection:
            now = fetch_one(connection, "run/read_clock")["now"]
            at = now if as_of is None else require_aware(datetime.fromisoformat(as_of), "as_of")
            clock = PhotoClock.at(load_all(settings.policy_dir), at)
            rows = fetch(connection, "photo_purge/find_order", order_id=order_id)
            files = uploads_of(connection, [order_id])
    except PolicyError as error:
        return [str(problem) for problem in error.problems], False
    except (ValueError, LookupError) as error:
        return [str(error.args[0])], False
    except (psycopg2.Error, OSError) as error:
        return [f"not answerable: {type(error).__name__}; is the house up? ./lifecycle status"], False
    if not rows:
        return ["no such order"], False
    row = rows[0]
    order = Order(
        order_id, row["terminal_at"], row["last_activity_at"], row["erase_requested_at"], row["created_at"]
    )
    try:
        zone = ZoneInfo(timezone or clock.policy.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [f"unknown time zone {timezone}"], False
    return lines(clock, order, sorted(files, key=_age), row["photo_state"], at, zone), True


def lines(
    clock: PhotoClock, order: Order, files: list[Upload], state: str, as_of: datetime, zone: ZoneInfo
) -> list[str]:
    """What there is to say, file by file, the oldest first."""
    ended = "ended" if order.terminal_at is not None else "is open, counts as expired"
    told = [
        f"The order {ended} at {_at(clock.window(order, STRAY, order.created_at, as_of).anchor, zone)}; "
        f"its files are {state}; judged as of {_at(as_of, zone)}"
    ]
    if order.erase_requested_at is not None:
        until = order.erase_requested_at + clock.request_within
        told.append(
            f"asked back at {_at(order.erase_requested_at, zone)}: all due then, absent by {_at(until, zone)}"
        )
    for number, file in enumerate(files, 1):
        given = _at(file.collected_at, zone) if file.collected_at else "nobody knows when"
        marks = [file.category, *(["derivative"] if file.derived else []), *(["held"] if file.held else [])]
        others = len(file.present_orders - {order.order_id})
        if file.absent:
            marks.append("absent")
        if others:
            marks.append(f"needed by {others} more orders as well")
        told.append(f"file {number}: {', '.join(marks)}; given {given}")
        told += _window(clock.window(order, file.category, file.collected_at, as_of), as_of, zone)
    told.append("what no row records in its folder: as old as the order")
    told += _window(clock.window(order, STRAY, order.created_at, as_of), as_of, zone)
    return told


def _window(window: Window, as_of: datetime, zone: ZoneInfo) -> list[str]:
    applies = window.applies
    return [
        f"  version {applies.policy.version}, rule {applies.rule.id}, {applies.rule.deadline_text}: {applies.because}, "
        f"since {_at(applies.since, zone)}",
        f"  {'due since' if window.start <= as_of else 'not before'} {_at(window.start, zone)}, "
        f"absent by {_at(window.deadline, zone)}",
    ]


def _age(file: Upload) -> tuple[datetime, str, bool]:
    return file.collected_at or datetime.min.replace(tzinfo=UTC), file.category, file.derived


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S%z}"
