"""What can become of an order, each case by name, with what a purge at the moment of loading must do to its files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Fate = Literal["erase", "keep", "hold"]
"""What a purge does to a thing in the store; the words of the sealed manifest."""
Terminal = Literal["completed", "cancelled", "refunded", "expired"]
Ending = Literal[Terminal, "open", "reopened", "recompleted"]

MINIMUM_ORDERS = 40
"""Fewer orders could not show every scenario beside some ordinary ones."""
REPEAT_EVERY = 120
"""A studio twice as large shows each scenario twice."""


def _days(least: float, most: float) -> tuple[timedelta, timedelta]:
    return timedelta(days=least), timedelta(days=most)


# Due: more than 5 days after the end, with 14 h left before the deadline, more than the retry budget.
DUE = _days(5.05, 6.4)
# Nobody is alarmed about a vendor before half of the two days is over.
FRESHLY_DUE = _days(5.05, 5.3)
AT_RISK = _days(6.6, 6.85)
LATE = _days(7.2, 12)
NOT_DUE = _days(0.05, 4.5)
ACTIVE = _days(0.05, 6)
HISTORY = _days(20, 330)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of order.

    `fate` is what happens to its own files (None: it has none). `ending` is how the order ended. `age` is the span
    from which the time since then (open orders: since the last activity) is drawn.
    """

    name: str
    fate: Fate | None
    ending: Ending
    age: tuple[timedelta, timedelta]
    meaning: str


_ALL = (
    Scenario(
        "archived", None, "completed", HISTORY, "ended long ago, files removed before these records began"
    ),
    Scenario("due", "erase", "completed", DUE, "completed 5 to 7 days ago"),
    Scenario("due_at_risk", "erase", "completed", AT_RISK, "deadline nearer than the retry budget"),
    Scenario("due_late", "erase", "completed", LATE, "deadline already missed: erased, and reported overdue"),
    Scenario("not_due", "keep", "completed", NOT_DUE, "completed less than 5 days ago"),
    Scenario("in_production", "keep", "open", ACTIVE, "open and active"),
    Scenario("cancelled_due", "erase", "cancelled", DUE, "cancelled 5 to 7 days ago"),
    Scenario("refunded_due", "erase", "refunded", DUE, "refunded 5 to 7 days ago"),
    Scenario("expired_due", "erase", "expired", DUE, "expired by the studio 5 to 7 days ago"),
    Scenario(
        "abandoned", "erase", "open", _days(35.1, 36.4), "open, expired by 30 idle days more than 5 days ago"
    ),
    Scenario(
        "abandoned_waiting",
        "keep",
        "open",
        _days(30.2, 34.5),
        "open, expired by idleness for less than 5 days",
    ),
    Scenario(
        "reopened", "keep", "reopened", _days(0.5, 3), "completed, reopened before the purge, open again"
    ),
    Scenario(
        "reopened_completed", "keep", "recompleted", NOT_DUE, "reopened, completed again less than 5 days ago"
    ),
    Scenario(
        "corrected_later", "erase", "completed", DUE, "completed when due, a refund recorded first came later"
    ),
    Scenario(
        "shared_with_open", "erase", "completed", DUE, "due; shares one file with an open order: that stays"
    ),
    Scenario("sharing_open", "keep", "open", ACTIVE, "open; uses a file of a due order"),
    Scenario("shared_due_owner", "erase", "completed", DUE, "due; shares one file with another due order"),
    Scenario("shared_due_user", "erase", "completed", DUE, "due; uses a file of another due order"),
    Scenario(
        "held", "erase", "completed", DUE, "due; its front photo is under a valid legal hold, the rest is not"
    ),
    Scenario(
        "hold_unapproved",
        "erase",
        "completed",
        DUE,
        "due; held without a second approver: ignored and flagged",
    ),
    Scenario("hold_endless", "erase", "completed", DUE, "due; held without an expiry: ignored and flagged"),
    Scenario("hold_released", "erase", "completed", LATE, "late; its valid hold was released hours ago"),
    Scenario(
        "erase_requested", "erase", "open", ACTIVE, "open; the customer asked hours ago to erase the files"
    ),
    Scenario(
        "copied_away", "erase", "completed", DUE, "due; a second provider of storage has copies of its files"
    ),
    Scenario(
        "vendor_unreachable",
        "erase",
        "completed",
        FRESHLY_DUE,
        "due; a vendor that cannot be reached has its files too: its case waits, and is overdue two days later",
    ),
    Scenario("unrecorded", "erase", "completed", DUE, "due; objects below its prefix that no row knows"),
    Scenario("object_gone", "erase", "completed", DUE, "due; rows whose objects are already gone"),
    Scenario("many_versions", "erase", "completed", DUE, "due; many versions of each key in both buckets"),
    Scenario("markers_due", "erase", "completed", DUE, "due; delete markers hide its versions"),
    Scenario("markers_kept", "keep", "open", ACTIVE, "open; delete markers hide some of its versions"),
    Scenario(
        "unfinished_due", "erase", "completed", DUE, "due; unfinished multipart uploads below its prefix"
    ),
    Scenario(
        "unfinished_kept", "keep", "open", ACTIVE, "open; unfinished multipart uploads below its prefix"
    ),
    Scenario(
        "hostile_due", "erase", "completed", DUE, "due; keys with spaces, plus, Unicode, newline, quotes"
    ),
    Scenario("hostile_kept", "keep", "completed", NOT_DUE, "not due; the same kinds of keys"),
    Scenario("neighbour_due", "erase", "completed", DUE, "due; its id is the beginning of the next one's id"),
    Scenario("neighbour_longer", "keep", "open", ACTIVE, "open; its id begins with the id of a due order"),
    Scenario(
        "neighbour_alike",
        "keep",
        "open",
        ACTIVE,
        "open; its id matches a due order's id read as a LIKE pattern",
    ),
)

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
"""Every scenario by name, in a fixed order."""

# What the other orders of a studio are, out of ten: most are in work or just finished, some due, some long over.
_ORDINARY = (
    "in_production", "not_due", "in_production", "not_due", "archived",
    "due", "in_production", "archived", "not_due", "archived",
)  # fmt: skip


def cast(orders: int) -> list[tuple[Scenario, int]]:
    """(scenario, instance) per order: each scenario once per REPEAT_EVERY orders and at least once, the rest ordinary.

    Instances of scenarios that belong together have the same number. ValueError below MINIMUM_ORDERS.
    """
    if orders < MINIMUM_ORDERS:
        raise ValueError(f"orders: {orders}, but every scenario needs at least {MINIMUM_ORDERS}")
    rounds = max(1, orders // REPEAT_EVERY)
    chosen = [(scenario, instance) for instance in range(rounds) for scenario in SCENARIOS.values()]
    for n in range(orders - len(chosen)):
        chosen.append((SCENARIOS[_ORDINARY[n % len(_ORDINARY)]], rounds + n))
    return chosen
