"""The restore drill: an old copy of database and buckets comes back; what was erased is found, and erased again.

On servers of its own. The studio's schema is restored, the schema ``lifecycle`` is not: it remembers what was erased
and why, also what somebody asked for after the copy was made. Whether everything was found is judged by plain listings
of this module, not by what the audit says of itself.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from data_lifecycle.bench._ground import Ground
from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.drill import copies, steps
from data_lifecycle.drill.copies import BucketCopy, Place
from data_lifecycle.evidence import keys, lifecycle_verify
from data_lifecycle.evidence.bundle import export
from data_lifecycle.evidence.trusting import list_keys, trust_file
from data_lifecycle.photo_purge.plan import folder
from data_lifecycle.protocol import canaries
from data_lifecycle.protocol.house import House
from data_lifecycle.studio.demo.load import load

_SEED = 7
_TEMPLATE, _DATABASE = "studio", "drill"
_ASKING = 2
"""Customers who ask for erasure after the copy was made."""


@dataclass
class Protocol:
    """What was done and seen, line by line, and what did not hold. No line names anybody."""

    say: Callable[[str], None]
    failed: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        """Say what was done."""
        self.say(f"  {line}")

    def begin(self, line: str) -> None:
        """Say what comes now."""
        self.say(line)

    def check(self, holds: bool, line: str) -> None:
        """Say whether something holds."""
        self.say(f"  {'holds' if holds else 'DOES NOT HOLD'}: {line}")
        if not holds:
            self.failed.append(line)


def drill(orders: int, say: Callable[[str], None]) -> list[str]:
    """Do the whole drill with a demo studio of ``orders`` orders; what did not hold, an empty list if all did."""
    protocol = Protocol(say)
    protocol.begin("a PostgreSQL and an object store, used for this and then thrown away")
    with Ground() as ground:
        _Drill(ground, protocol).run(orders)
    return protocol.failed


class _Drill:
    """One drill on its ground."""

    def __init__(self, ground: Ground, protocol: Protocol) -> None:
        self._ground, self._protocol = ground, protocol
        self._settings = ground.settings
        self._buckets = self._settings.photo_buckets
        self._app = ground.access("object_app")
        for key in (self._settings.attester_key, self._settings.log_key):
            keys.ensure(key.parent, key.name)

    def run(self, orders: int) -> None:
        """Step by step; each checks what the next one builds on."""
        say = self._protocol
        house = self._prepare(orders)

        say.begin("1. copies are made, as on any night")
        file = self._ground.folder / "studio.dump"
        size = copies.dump(self._ground.postgres, _DATABASE, "studio", file)
        copy = BucketCopy.take(self._app, self._buckets)
        say.note(f"dump of the schema studio: {size} bytes; copy of both buckets: {len(copy.contents)} files")

        say.begin("2. life goes on: what is due is purged, customers ask for erasure, that is purged as well")
        self._purge(house, "what was due")
        asked = self._ask()
        self._purge(house, "what was asked for")
        erased = copy.contents.keys() - copies.traces(self._app, self._buckets)
        closed = self._closed()
        say.note(f"{len(closed)} cases attested absent; of the copied files {len(erased)} are erased")
        say.check(bool(erased) and len(asked) == _ASKING, "there is something that a restore can bring back")
        self._audit(house, "before the restore", expected=set(), closed=closed)

        say.begin("3. the night of the restore: the old copies come back, the schema lifecycle stays")
        copies.restore_data(self._ground.postgres, _DATABASE, "studio", file)
        back = copy.put_back(self._app)
        say.note(f"schema studio restored from the dump; {len(back)} files are in the buckets again")
        say.check(back == erased, "exactly what was erased is back")
        say.check(
            self._requests(asked) == 0, "the requests made after the dump are lost in the schema studio"
        )

        with self._connected() as connection, connection:
            renewed = execute(connection, "drill/renew_requests")
        say.note(f"{renewed} requests whose cases still wait are entered again, from the deletion ledger")

        say.begin("4. the audit looks at every closed case")
        self._audit(house, "after the restore", expected=_cases_of(back, closed), closed=closed)
        say.check(
            self._requests(asked) == len(asked), "the lost requests are known again, from the deletion ledger"
        )

        say.begin("5. the purge replays the deletions")
        self._purge(house, "what came back")
        left = (copies.traces(self._app, self._buckets)) & erased
        say.check(
            not left, f"of the {len(erased)} erased files none is there, in any version ({len(left)} are)"
        )
        kept = copy.contents.keys() - erased
        gone = kept - copies.listed(self._app, self._buckets)
        say.check(
            not gone, f"the {len(kept)} files that nobody had to erase are all there ({len(gone)} are not)"
        )

        say.begin("6. the audit looks again")
        self._audit(house, "at the end", expected=set(), closed=self._closed())

        say.begin("7. the evidence, by the verifier that a reviewer carries away")
        self._verify(house)

    def _prepare(self, orders: int) -> House:
        url = self._ground.make_database(_TEMPLATE)
        buckets = {
            "uploads": self._settings.bucket_uploads,
            "backup": self._settings.bucket_backup,
            "evidence": self._settings.bucket_evidence,
        }
        canaries.place(DatabaseAccess(url), self._app, self._buckets)
        house = self._ground.house_with(_DATABASE, _TEMPLATE)
        self._admin = DatabaseAccess(self._ground.postgres.url(_DATABASE))
        report = load(
            house.connections.database("studio_app"),
            self._admin.url,
            self._app,
            buckets,
            _SEED,
            orders,
            datetime.now(UTC),
        )
        self._protocol.note(
            f"a demo studio: {report.orders} orders, {report.uploads} files recorded, {report.versions} versions"
        )
        return house

    def _purge(self, house: House, what: str) -> None:
        before = len(copies.traces(self._app, self._buckets))
        ended = steps.outcome(house, steps.purge(house, f"drill: {what}"))
        number = before - len(copies.traces(self._app, self._buckets))
        self._protocol.check(ended == "verified", f"purge of {what}: {ended}, {number} files fewer")

    def _audit(self, house: House, when: str, expected: set[str], closed: list[Row]) -> None:
        run_id = steps.audit(house, f"drill: {when}")
        with self._connected() as connection:
            rows = fetch(connection, "drill/select_claims", run_id=run_id)
        back = {str(row["case_id"]) for row in rows if row["verdict"] == "back"}
        say, ended = self._protocol, steps.outcome(house, run_id)
        say.note(f"audit {when}: {ended}, {len(rows)} closed cases looked at, {len(back)} RESURRECTED")
        say.check(len(rows) == len(closed), f"every one of {len(closed)} closed cases was looked at")
        say.check(back == expected, f"the cases found are those whose files are there: {len(expected)}")
        say.check((ended == "failed") == bool(expected), "and the audit is verified only if nothing is back")

    def _ask(self) -> list[str]:
        with self._connected() as connection, connection:
            rows = fetch(connection, "drill/request_erasure", orders=_ASKING)
        self._protocol.note(f"{len(rows)} customers of open orders asked, after the copy was made")
        return [row["order_id"] for row in rows]

    def _requests(self, orders: list[str]) -> int:
        with self._connected() as connection:
            return int(fetch_one(connection, "drill/count_requests", order_ids=orders)["requests"])

    def _closed(self) -> list[Row]:
        with self._connected() as connection:
            return fetch(connection, "drill/select_closed")

    def _connected(self) -> AbstractContextManager[Connection]:
        return connect(self._admin, "drill")

    def _verify(self, house: House) -> None:
        """Export with the reviewer's role, and let the verifier judge in a process that has nothing else."""
        folder, reviewer = self._ground.folder / "reviewer", house.connections.database("reviewer")
        folder.mkdir()
        (folder / "bundle.zip").write_bytes(export(reviewer, None))
        (folder / "trust.json").write_bytes(trust_file(self._settings, list_keys(self._settings, reviewer)))
        program = Path(shutil.copy(lifecycle_verify.__file__, folder))
        done = subprocess.run(  # noqa: S603 - this Python, on our own files
            [sys.executable, "-I", program.name, "bundle.zip", "--trust", "trust.json"],
            cwd=folder,
            env={},
            capture_output=True,
            text=True,
            check=False,
        )
        for line in (done.stdout + done.stderr).splitlines():
            self._protocol.note(line)
        self._protocol.check(done.returncode == 0, "the bundle is accepted")


def _cases_of(places: set[Place], closed: list[Row]) -> set[str]:
    """Closed cases of the orders in whose folders these files lie."""
    homes = {folder(key) for _, key in places}
    return {str(row["case_id"]) for row in closed if f"orders/{row['order_id']}/" in homes}
