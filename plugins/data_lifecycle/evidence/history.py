"""What a log says, read entry by entry: runs, days, and what is claimed last of each case. Pure.

Whoever goes on writing after a loss must know it: a claim that does not follow from the ones before spoils the log.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from data_lifecycle.evidence.lifecycle_verify import (
    ABSENT,
    ASSERTIONS,
    FOLLOWS,
    HEARTBEAT,
    PLAN,
    RESULT,
    ROTATION,
)
from data_lifecycle.evidence.statement import facts_digest

RUN_NAME = re.compile(
    r"(?P<pipeline>[^/]+)/\d{4}/\d\d/\d\d/run-(?P<number>\d+)-(?P<sequence>\d+)(-[0-9a-f]{16})?\.dsse\.json"
)
"""How statements about runs are named: by number and sequence, told apart by the beginning of their digest."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One statement with what it says of itself: pipeline and number of its run, or None; times UTC."""

    name: str
    envelope: bytes = field(repr=False)
    kind: str
    manifest: str
    key_id: str
    predicate: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, name: str, envelope: bytes) -> Spoken:
        """The statement of an envelope; ValueError if it is none. Signatures are not looked at."""
        try:
            outer = json.loads(envelope)
            statement = json.loads(b64decode(outer["payload"], validate=True))
            return cls(
                name,
                envelope,
                statement["predicateType"],
                statement["subject"][0]["digest"]["sha256"],
                outer["signatures"][0]["keyid"],
                statement["predicate"],
            )
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ValueError(f"{name}: not a signed statement") from error

    @property
    def signed_at(self) -> datetime:
        """When it was signed, by the clock of the database."""
        return datetime.fromisoformat(self.predicate["signed_at"])

    @property
    def run(self) -> tuple[str, int] | None:
        """(pipeline, number) of the run it is about."""
        if self.kind not in (PLAN, ASSERTIONS, RESULT):
            return None
        return self.predicate["pipeline"], int(self.predicate["run"]["number"])

    @property
    def sequence(self) -> int:
        """Statement of its run, from 1; ValueError when its name does not say."""
        named = RUN_NAME.fullmatch(self.name)
        if named is None:
            raise ValueError(f"{self.name}: not the name of a statement about a run")
        return int(named["sequence"])

    @property
    def outcome(self) -> str:
        """What the database notes beside it."""
        if self.kind == RESULT:
            return str(self.predicate["outcome"])
        return {PLAN: "planned", ASSERTIONS: "asserted"}.get(self.kind, "recorded")

    @property
    def facts_sha256(self) -> str:
        """Digest of what it states, the moment of signing aside: as it was noted when it was stated."""
        if self.kind == HEARTBEAT:
            return facts_digest({"day": self.predicate["day"]})
        if self.kind == ROTATION:
            change = self.predicate
            return facts_digest({"role": change["role"], "old": change["old"], "new": self.manifest})
        facts = {name: value for name, value in self.predicate.items() if name != "signed_at"}
        return facts_digest({"predicate_type": self.kind, **facts})


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed last of a case, since when it has been claimed absent (if it is), and in which entry."""

    state: str
    root: bytes = field(repr=False)
    said_at: datetime
    absent_since: datetime | None
    index: int

    @property
    def absent(self) -> bool:
        """Whether the case is claimed to be absent."""
        return self.state in ABSENT


@dataclass(slots=True)
class History:
    """The log so far. ``add`` its entries in order."""

    size: int = 0
    newest: datetime | None = None
    cases: dict[UUID, Claim] = field(default_factory=dict)
    days: set[str] = field(default_factory=set)
    runs: dict[tuple[str, int], str] = field(default_factory=dict)
    results: dict[tuple[str, int], Spoken] = field(default_factory=dict)
    latest: dict[tuple[str, int], int] = field(default_factory=dict)
    """Index of the last entry about each run."""

    def add(self, spoken: Spoken) -> None:
        """Take the next entry in."""
        signed = spoken.signed_at
        self.newest = signed if self.newest is None else max(self.newest, signed)
        if spoken.kind == HEARTBEAT:
            self.days.add(spoken.predicate["day"])
        run = spoken.run
        if run is not None:
            self.runs.setdefault(run, spoken.manifest)
            self.latest[run] = self.size
            if spoken.kind == RESULT:
                self.results[run] = spoken
        for item in spoken.predicate.get("items", ()):
            before = self.cases.get(UUID(item["case"]))
            since = None
            if item["state"] in ABSENT:
                since = before.absent_since if before is not None and before.absent else signed
            root = bytes.fromhex(item["commitments_root"])
            self.cases[UUID(item["case"])] = Claim(item["state"], root, signed, since, self.size)
        self.size += 1

    def may_follow(self, spoken: Spoken, lost: range) -> bool:
        """Whether a statement that is not in the log may still be added to it.

        Not if it was signed before what is there, if it is about a day that has its heartbeat, about a run whose number
        the log knows as another one or of which the entries ``lost`` say something, or if it claims of a case what does
        not follow from what was claimed last.
        """
        if self.newest is not None and spoken.signed_at < self.newest:
            return False
        if spoken.kind == HEARTBEAT:
            return spoken.predicate["day"] not in self.days
        run = spoken.run
        if run is None:
            return True
        if self.runs.get(run, spoken.manifest) != spoken.manifest or self.latest.get(run, -1) in lost:
            return False
        if spoken.kind != PLAN and run not in self.runs:
            return False
        for item in spoken.predicate.get("items", ()):
            last = self.cases.get(UUID(item["case"]))
            if last is not None and item["state"] not in FOLLOWS[last.state]:
                return False
        return True
