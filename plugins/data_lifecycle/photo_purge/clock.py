"""When an order's files are due, by every version of the policy that has a say: pure, no present moment.

Policy 3.2: photos and style references are gone within 7 days after the order's first terminal event, or on request.
Policy 10: a shorter period reaches everything, a longer one only what is collected from then on (`policy.versions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.retention import RetentionRule
from data_lifecycle.policy.versions import Applicable, era, in_force, length, no_idle, reaching

Reason = Literal["terminal", "inactivity", "request"]
CATEGORIES = ("personal_photo", "style_reference")
_TERMS = ("kinds", "eras", "ended", "idle", "durations", "not_before", "time_zones")
STRAY = ""
"""What no row records: the strictest rule of each version."""


@dataclass(frozen=True, slots=True)
class Order:
    """The clocks of an order; all instants UTC, None where the event has not happened.

    ``created_at`` dates what no row records; None where nobody knows any more: as old as can be.
    """

    order_id: str = field(repr=False)
    terminal_at: datetime | None
    last_activity_at: datetime
    erase_requested_at: datetime | None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A recorded file as seen from one of its orders. ``present_orders`` are those that may still need it.

    ``bucket`` is where the row says the original lies; its copies have the same key in the other buckets.
    ``collected_at``: when it, or the oldest file that it was made from, was given (UTC). ``absent``: attested before.
    ``past_holds``: from when to when it was rightly held, of holds that are over.
    """

    order_id: str = field(repr=False)
    upload_id: UUID = field(repr=False)
    category: str
    bucket: str
    key: str = field(repr=False)
    derived: bool
    present_orders: frozenset[str] = field(repr=False)
    held: bool
    collected_at: datetime | None = None
    absent: bool = False
    past_holds: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class DueOrder:
    """An order whose files are due: why, since when, and by when they must be verified absent (UTC)."""

    order_id: str = field(repr=False)
    reason: Reason
    anchor: datetime
    start: datetime
    deadline: datetime
    order: Order = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Window:
    """What the versions make of a kind of file of one order: the rule that applies, when its clock started, when
    erasing starts and when absence must be verified (UTC).
    """

    anchor: datetime
    start: datetime
    deadline: datetime
    applies: Applicable


class PhotoClock:
    """The policy's clocks for photos and style references (3.2, 10), with the studio's reading of abandoned orders."""

    def __init__(self, *versions: Policy) -> None:
        """``versions``: all that are in force, oldest first. KeyError if one has no rule for a kind of upload,
        ValueError without any.
        """
        if not versions:
            raise ValueError("a clock needs a version of the policy")
        self.versions: Sequence[Policy] = versions
        self.policy = versions[-1]
        kept = [rules_of(policy) for policy in versions]
        self.rules: Mapping[str, RetentionRule] = kept[-1]
        self.strictest = strictest(self.policy)
        starts = [rule.start_at for rules in kept for rule in rules.values()]
        self.earliest_start, self.latest_start = min(starts), max(starts)
        self.shortest_inactivity = min(policy.inactivity for policy in versions)
        self.request_within = self.policy.within("erasure_request") or timedelta(0)
        self._reaching: dict[tuple[str, int, bool], tuple[Applicable, ...]] = {}
        self._windows: dict[tuple[datetime | None, datetime, str, int, datetime], Window] = {}

    @classmethod
    def at(cls, versions: Sequence[Policy], as_of: datetime) -> PhotoClock:
        """The clock by all versions that are in force at ``as_of``; LookupError when none is."""
        return cls(*in_force(versions, as_of))

    def due(self, order: Order, as_of: datetime, files: Iterable[Upload] = ()) -> DueOrder | None:
        """Whether, why and until when files of the order are due at ``as_of``: when one of them, or a stray, is.

        A person's request goes before everything else; the earliest deadline decides.
        """
        request, end = self._from_request(order), self._from_end(order, as_of, files)
        if request is not None and request.start <= as_of:
            return replace(request, deadline=min(request.deadline, end.deadline)) if end else request
        return end

    def started(self, file: Upload, case: DueOrder, as_of: datetime) -> bool:
        """Whether a file may go as far as this due order is concerned: kinds and ages may have different periods."""
        if case.reason == "request":
            return True
        return self.window(case.order, file.category, file.collected_at, as_of).start <= as_of

    def window(self, order: Order, kind: str, collected_at: datetime | None, as_of: datetime) -> Window:
        """By the end of the order, whatever was asked: the window of a kind of upload (or ``STRAY``) collected then.

        What was collected after ``as_of`` counts as collected at it.
        """
        number = era(self.versions, collected_at)
        key = (order.terminal_at, order.last_activity_at, kind, number, as_of)
        if key not in self._windows:
            self._windows[key] = self._window(order, kind, number, as_of)
        return self._windows[key]

    def reaching(self, kind: str, number: int, ended: bool) -> tuple[Applicable, ...]:
        """Every rule that ever reaches such files collected under version ``number``; of open orders the time that they
        may lie idle counts too.
        """
        key = (kind, number, ended)
        if key not in self._reaching:
            idle_of = no_idle if ended else _inactivity
            self._reaching[key] = reaching(self.versions, _rule_of(kind), number, idle_of)
        return self._reaching[key]

    def terms(self, as_of: datetime) -> dict[str, list[Any]]:
        """The same for a statement, as columns: every rule that has reached files of a kind (``STRAY`` among them) that
        were given in an era, of orders that ended or lie idle, and ``not_before`` which instant it asks for nothing.

        ``begun``: when each version but the first began, which divides the eras, counted from 0.
        """
        table: dict[str, list[Any]] = {name: [] for name in _TERMS}
        for kind in (*CATEGORIES, STRAY):
            for number in range(len(self.versions)):
                for ended in (True, False):
                    for one in self.reaching(kind, number, ended):
                        if one.shortens and one.since > as_of:
                            continue
                        not_before = one.since + one.rule.slack if one.shortens else None
                        line = (kind, number, ended, one.policy.inactivity, one.rule.duration, not_before)
                        for name, value in zip(_TERMS, (*line, one.policy.timezone), strict=True):
                            table[name].append(value)
        return {**table, "begun": [policy.in_force_from for policy in self.versions[1:]]}

    def _window(self, order: Order, kind: str, number: int, as_of: datetime) -> Window:
        ended = order.terminal_at is not None
        found = [r for r in self.reaching(kind, number, ended) if not r.shortens or r.since <= as_of]
        anchors = [order.terminal_at or order.last_activity_at + r.policy.inactivity for r in found]
        windows = [r.window(anchor) for r, anchor in zip(found, anchors, strict=True)]
        return Window(
            anchors[-1], min(start for start, _ in windows), min(until for _, until in windows), found[-1]
        )

    def _from_request(self, order: Order) -> DueOrder | None:
        asked = order.erase_requested_at
        if asked is None:
            return None
        return DueOrder(order.order_id, "request", asked, asked, asked + self.request_within, order)

    def _from_end(self, order: Order, as_of: datetime, files: Iterable[Upload]) -> DueOrder | None:
        parts = [self.window(order, f.category, f.collected_at, as_of) for f in files if not f.absent]
        parts.append(self.window(order, STRAY, order.created_at, as_of))
        return ending(order, [part for part in parts if part.start <= as_of])


def ending(order: Order, started: Sequence[Window]) -> DueOrder | None:
    """The order as due by those of its files whose windows have started; None when none has."""
    if not started:
        return None
    return DueOrder(
        order.order_id,
        "terminal" if order.terminal_at is not None else "inactivity",
        min(started, key=lambda part: part.deadline).anchor,
        min(part.start for part in started),
        min(part.deadline for part in started),
        order,
    )


def rules_of(policy: Policy) -> dict[str, RetentionRule]:
    """The rule of each kind of upload; KeyError if there is none."""
    return {category: policy.rule_for_upload(category) for category in CATEGORIES}


def strictest(policy: Policy) -> RetentionRule:
    """The rule for what nobody recorded: whatever it is, it is gone in time."""
    return min(rules_of(policy).values(), key=lambda rule: (length(rule), rule.id))


def _rule_of(kind: str) -> Callable[[Policy], RetentionRule]:
    return strictest if kind == STRAY else lambda policy: policy.rule_for_upload(kind)


def _inactivity(policy: Policy) -> timedelta:
    return policy.inactivity
