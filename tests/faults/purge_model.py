"""What the policy says of an order's files, in a page, written from the policy's text and not from the product.

Everything is in one time line, that of the model: `World` keeps the servers' clocks in step with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

TERMINAL = ("completed", "cancelled", "refunded", "expired")
IDLE = timedelta(days=30)


@dataclass(frozen=True)
class Version:
    """One version of the rule for photos: gone within ``period``, erasing begins at ``start``.

    In force ``since``; a shortening reaches what was there before only from ``reaches`` on.
    """

    since: datetime
    reaches: datetime
    start: timedelta
    period: timedelta


@dataclass(eq=False)
class Order:
    """What happened to an order."""

    begun: datetime
    events: list[tuple[datetime, str]] = field(default_factory=list)
    asked: datetime | None = None

    def ended(self) -> datetime | None:
        """The first end since it was last opened again: what counts is when it happened."""
        reopened = max((at for at, kind in self.events if kind == "reopened"), default=None)
        ends = [at for at, kind in self.events if kind in TERMINAL and (reopened is None or at > reopened)]
        return min(ends, default=None)

    def anchor(self) -> datetime:
        """The end, or the moment since when nobody can be waiting for it any more."""
        return self.ended() or max([self.begun, *(at for at, _ in self.events)]) + IDLE


@dataclass(eq=False)
class Hold:
    """A hold with everything that makes it count."""

    keys: frozenset[str]
    placed: datetime
    expires: datetime
    released: datetime | None = None

    def counts(self, at: datetime) -> bool:
        return self.placed <= at < min(self.expires, self.released or self.expires)


@dataclass(eq=False)
class File:
    """A recorded file and the orders that use it."""

    key: str
    collected: datetime
    orders: list[Order]


@dataclass
class Model:
    """Who may be touched, who must be gone."""

    versions: list[Version]
    files: dict[str, File] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)

    def rule(self, file: File, at: datetime) -> Version:
        """The version in force when the file came, or the first; or the shortest that has reached it since."""
        known = [v for v in self.versions if v.since <= at]
        own = max((n for n, v in enumerate(known) if v.since <= file.collected), default=0)
        later = [v for v in known[own + 1 :] if v.reaches <= at]
        return min([known[own], *later], key=lambda v: (v.period, v.start))

    def held(self, file: File, at: datetime) -> bool:
        return any(file.key in hold.keys and hold.counts(at) for hold in self.holds)

    def asked(self, file: File, at: datetime) -> bool:
        return any(order.asked is not None and order.asked <= at for order in file.orders)

    def due(self, file: File, at: datetime) -> bool:
        """Whether the time of the file has come: somebody asked, or no order needs it any more."""
        start = self.rule(file, at).start
        return self.asked(file, at) or all(order.anchor() + start <= at for order in file.orders)

    def may_go(self, file: File, at: datetime) -> bool:
        return self.due(file, at) and not self.held(file, at)

    def must_go(self, at: datetime) -> Iterable[File]:
        """What a whole run that begins at that moment has to erase."""
        return (file for file in self.files.values() if self.may_go(file, at))
