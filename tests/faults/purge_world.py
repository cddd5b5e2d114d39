"""A studio on the real servers and its model, side by side; time passes by making everything in the database older."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.faults.purge_model import File, Hold, Model, Order, Version
from tests.faults.workshop import Workshop
from tests.policies import write_version

from data_lifecycle import database
from data_lifecycle.photo_purge.acting import act_batch, settle_run
from data_lifecycle.photo_purge.approving import PETITION
from data_lifecycle.photo_purge.guarding import guard_run
from data_lifecycle.photo_purge.observing import observe_run, sweep_run
from data_lifecycle.photo_purge.planning import plan_run
from data_lifecycle.protocol import posture
from data_lifecycle.protocol.asking import Answer, OverCaps, Word, settle
from data_lifecycle.protocol.house import PromiseBroken

DAY = timedelta(days=1)
MOMENT = timedelta(seconds=1)
STUDIO = ZoneInfo("Asia/Shanghai")
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
STEPS = ("guard", "approve", "act", "observe", "settle", "sweep", "assert", "attest")
# Statements are published with the moments they were made at, and are never rewritten; nor is what was said of pauses.
_TIMELESS = ("evidence", "closing", "posture")
_AGE = """
DO $$
DECLARE c record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR c IN SELECT format('%%I.%%I', n.nspname, t.relname) AS name,
                    string_agg(format('%%1$I = %%1$I - interval ''%(seconds)s seconds''', a.attname), ', ') AS sets
             FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_attribute a ON a.attrelid = t.oid
             WHERE t.relkind = 'r' AND NOT t.relispartition AND n.nspname IN ('studio', 'lifecycle')
               AND a.atttypid = 'timestamptz'::regtype AND NOT a.attisdropped AND a.attgenerated = ''
               AND t.relname <> ALL ('{%(timeless)s}') AND t.relname !~ '^log_'
             GROUP BY 1
    LOOP
        EXECUTE format('UPDATE %%s SET %%s', c.name, c.sets);
    END LOOP;
END
$$
"""


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Run:
    """A run somewhere on its way."""

    run_id: int
    begun: datetime
    as_of: datetime
    released: list[int] | None = None
    over: bool = False
    """More than a run may erase unasked."""
    approved: bool = False
    looked: datetime = NEVER
    stale: bool = False
    """Time has been made to pass since: its moment is another one now than in what it stated."""
    done: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)


class World:
    """Everything that can happen to an order, a file, a hold, a policy or a run; each is checked against the model."""

    def __init__(self, shop: Workshop, include: Path) -> None:
        """``include`` takes a copy of the house's policy, to which versions may be added."""
        for part in shop.house.settings.include.iterdir():
            if part.name != "policy":
                (include / part.name).symlink_to(part)
        shutil.copytree(shop.house.settings.policy_dir, include / "policy")
        for path in (include / "policy").glob("xmanart-*.yaml"):
            _ask_early(path)
        shop.house = replace(shop.house, settings=replace(shop.house.settings, include=include))
        self.shop, self.house = shop, shop.house
        self.passed = timedelta(0)
        begun = datetime(2024, 8, 7, 16, tzinfo=UTC)
        self.model = Model([Version(begun, begun, 5 * DAY, 7 * DAY)])
        self.later: list[tuple[Path, dict[str, Any]]] = []
        """Files of later versions, and what they were written from."""
        self.orders: dict[str, Order] = {}
        self.hold_ids: dict[Hold, str] = {}
        self.runs: list[Run] = []
        self.steps = 0
        self.closed = 0
        self.paused = False
        self.unseen: set[str] = set()
        """Keys where something came back: the sweep of a run finds it, the next run erases it."""
        self.touched: dict[str, bool] = {}
        """By order: whether there was anything of it in the store since its case was last closed."""

    # time ------------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed

    def real(self, moment: datetime) -> datetime:
        """The moment on the servers' clocks."""
        return moment - self.passed

    def pass_time(self, span: timedelta) -> None:
        if self.later:  # versions begin at midnights, wherever the time line is
            span = DAY * max(1, round(span / DAY))
        self.passed += span
        for path, said in self.later:
            path.unlink()
            path.with_suffix(".txt").unlink()
            said["effective"] -= span
        self.later = [(self._write(said), said) for _, said in self.later]
        for run in self.runs:
            run.stale = True
        self.shop.sql(_AGE % {"seconds": int(span.total_seconds()), "timeless": ",".join(_TIMELESS)})

    # the studio ------------------------------------------------------------------------------------------------------

    def begin(self, files: int) -> str:
        name = self.shop.order(None, files=0, idle=timedelta(0), order_id=f"order-{len(self.orders):03}")
        self.orders[name] = Order(self.now)
        self.touched[name] = False
        for _ in range(files):
            self.upload(name)
        return name

    def upload(self, name: str, versions: int = 1) -> None:
        file = self.shop.file(name, f"{len(self.model.files)}.jpg", versions=versions, marker=versions > 1)
        self.model.files[file.key] = File(file.key, self.now, [self.orders[name]])
        self.touched[name] = True

    def come_back(self, key: str) -> None:
        """Somebody puts bytes where the file was, or still is: a forgotten client, a restored backup."""
        self.shop.s3.put_object(Bucket=self.shop.backup, Key=key, Body=b"again")
        self.unseen.add(key)
        for name, order in self.orders.items():
            self.touched[name] |= order in self.model.files[key].orders

    def share(self, key: str, name: str) -> None:
        file = self.model.files[key]
        (row,) = self.shop.sql("SELECT upload_id::text FROM studio.uploads WHERE object_key = %s", key)
        self.shop.sql("INSERT INTO studio.order_uploads VALUES (%s, %s)", name, row["upload_id"])
        file.orders.append(self.orders[name])
        self.touched[name] = True

    def happen(self, name: str, kind: str) -> None:
        self.shop.event(name, kind, self.real(self.now))
        self.orders[name].events.append((self.now, kind))

    def ask(self, name: str) -> None:
        moment = self.now
        self.orders[name].asked = self.orders[name].asked or moment
        self.shop.sql(
            "UPDATE studio.orders SET erase_requested_at = coalesce(erase_requested_at, %s) WHERE order_id = %s",
            self.real(moment), name,
        )  # fmt: skip

    def hold(self, keys: frozenset[str], span: timedelta) -> None:
        made = Hold(keys, self.now - MOMENT, self.now + span)
        (row,) = self.shop.sql(
            "INSERT INTO studio.legal_holds (hold_id, basis, placed_by, approved_by, placed_at, expires_at)"
            " VALUES (gen_random_uuid(), 'a dispute', 'a', 'b', %s, %s) RETURNING hold_id::text",
            self.real(made.placed), self.real(made.expires),
        )  # fmt: skip
        for key in keys:
            self.shop.sql(
                "INSERT INTO studio.legal_hold_uploads SELECT %s, upload_id FROM studio.uploads WHERE object_key = %s",
                row["hold_id"], key,
            )  # fmt: skip
        self.model.holds.append(made)
        self.hold_ids[made] = row["hold_id"]

    def release(self, hold: Hold) -> None:
        hold.released = self.now
        self.shop.sql(
            "UPDATE studio.legal_holds SET released_at = %s WHERE hold_id = %s",
            self.real(hold.released), self.hold_ids[hold],
        )  # fmt: skip

    def decide(self, days: int, ahead: int, pause: int) -> bool:
        """A version with other days for photos, from a coming midnight on, after the last one."""
        first = datetime.now(STUDIO).date() + ahead * DAY
        since = datetime.combine(first, time(0), STUDIO).astimezone(UTC) + self.passed
        if since <= self.model.versions[-1].reaches:
            return False
        said: dict[str, Any] = {"effective": first, "days": days, "pause": f"P{pause}D"}
        self.later.append((self._write(said), said))
        self.model.versions.append(Version(since, since + pause * DAY, (days - 2) * DAY, days * DAY))
        return True

    def _write(self, said: dict[str, Any]) -> Path:
        path = write_version(self.house.settings.policy_dir, **said)
        _ask_early(path)
        return path

    def pause(self, paused: bool) -> None:
        """Somebody throws the switch."""
        posture.throw(self.house, paused=paused, by="somebody", why="a history")
        self.paused = paused

    # runs ------------------------------------------------------------------------------------------------------------

    def present(self) -> dict[str, int]:
        """Versions and markers of each recorded key, in both buckets, with the administrator's eyes."""
        found: dict[str, int] = {}
        for bucket in (self.shop.uploads, self.shop.backup):
            pages = self.shop.s3.get_paginator("list_object_versions").paginate(
                Bucket=bucket, Prefix="orders/"
            )
            for entry in (
                e for page in pages for part in ("Versions", "DeleteMarkers") for e in page.get(part, [])
            ):
                found[entry["Key"]] = found.get(entry["Key"], 0) + 1
        return found

    def plan(
        self, as_of: datetime | None = None, dry_run: bool = False, crash: int | None = None
    ) -> Run | None:
        """A plan; None when it was refused, or its process ended."""
        begun = self.now
        before = self.present()
        try:
            with crashing(crash):
                run_id = plan_run(
                    self.house, f"run-{self.steps}", self.real(begun),
                    self.real(as_of).isoformat() if as_of else None, dry_run,
                )  # fmt: skip
        except Crash:
            return None
        finally:
            assert self.present() == before, "a plan touches nothing"
        run = Run(run_id, begun, as_of or begun)
        if not dry_run:
            self.runs.append(run)
        return run

    def step(self, run: Run, name: str, crash: int | None = None) -> None:
        """One step of a run, as Airflow would let it happen; what it does to the store is judged by the model."""
        if run.stale and name in ("guard", "approve", "assert", "attest"):
            return
        if name == "approve" and (run.released or not run.over):
            return
        if name not in ("guard", "approve", "attest") and not run.released:
            return
        before, at = self.present(), self.now
        try:
            with crashing(crash):
                getattr(self, f"_{name}")(run)
            run.done.append(name)
            run.failed.discard(name)
        except (Crash, PromiseBroken):
            run.failed.add(name)
        finally:
            self.judge(run, name, before, at)

    def _guard(self, run: Run) -> None:
        try:
            run.released = guard_run(self.house, run.run_id)
        except OverCaps:
            run.over = True

    def _approve(self, run: Run) -> None:
        self.answer(run, "approved", "reviewer", None)

    def answer(self, run: Run, word: Word, by: str, manifest: str | None) -> None:
        """A person's answer about a run that waits, naming its manifest or another one; PromiseBroken if it counts for
        nothing.
        """
        (row,) = self.shop.sql("SELECT manifest_sha256 FROM lifecycle.run WHERE run_id = %s", run.run_id)
        answer = Answer(word, manifest or row["manifest_sha256"], by, datetime.now(UTC))
        run.released = settle(PETITION, self.house, run.run_id, answer, "engineer")
        run.approved = True
        assert (word, by, manifest) == ("approved", "reviewer", None), (
            "released by an answer that does not count"
        )

    def _act(self, run: Run) -> None:
        for batch in run.released or ():
            act_batch(self.house, run.run_id, batch)

    def _observe(self, run: Run) -> None:
        run.looked = self.now
        observe_run(self.house, run.run_id)

    def _settle(self, run: Run) -> None:
        if settle_run(self.house, run.run_id):
            observe_run(self.house, run.run_id)

    def _sweep(self, run: Run) -> None:
        sweep_run(self.house, run.run_id)

    def _assert(self, run: Run) -> None:
        run.failed.discard("held up")
        if self.shop.prove(run.run_id):
            run.failed.add("held up")

    def _attest(self, run: Run) -> None:
        missing = [name for name in STEPS[:-1] if name not in run.done or name in run.failed]
        if self.shop.attest(run.run_id, *missing, house=self.house) == "failed":
            run.failed.add("outcome")
        else:
            run.failed.discard("outcome")

    def judge(self, run: Run, name: str, before: dict[str, int], at: datetime) -> None:
        """Nothing is gone that may not be; nothing is claimed gone that is not; nothing is claimed twice."""
        after = self.present()
        for key, entries in before.items():
            if after.get(key, 0) < entries:
                file = self.model.files[key]
                assert name in ("act", "settle"), f"{name} erased something"
                assert not self.paused, "erased while paused"
                assert not run.over or run.approved, "more than allowed unasked, and nobody approved"
                assert self.model.may_go(file, at) or self.model.may_go(file, self.now), f"undue: {key}"
                assert self.model.due(file, run.as_of), (
                    f"became due only after the moment that the run judges by: {key}"
                )
        closings = self.shop.sql("SELECT order_id FROM lifecycle.closing OFFSET %s", self.closed)
        self.closed += len(closings)
        for row in closings:
            assert name == "attest"
            assert self.touched[row["order_id"]], f"closed twice with nothing of it in between: {row}"
            order = self.orders[row["order_id"]]
            # A file that lives on with another order can still be asked back.
            self.touched[row["order_id"]] = any(
                order in file.orders and file.key in after for file in self.model.files.values()
            )
            for file in self.model.files.values():
                # What arrived or came back after the run looked is the next run's.
                if order not in file.orders or file.collected > run.looked or file.key in self.unseen:
                    continue
                # A shared file is the last order's to claim, or theirs who asked for it last.
                last = max(file.orders, key=lambda o: (o.asked is not None, o.asked or o.anchor()))
                if order is last and self.model.due(file, run.as_of):
                    assert file.key not in after, f"claimed absent, and there: {file.key}"

    def whole(self, crash: int | None = None, as_of: datetime | None = None) -> None:
        """A run from its plan to its statement, each step tried again after a crash; then what had to go is gone."""
        run = self.plan(as_of, crash=crash) or self.plan(as_of)
        assert run is not None
        for name in STEPS:
            if crash is not None:
                self.step(run, name, crash)
            self.step(run, name)
        if self.paused:
            assert not run.released
            return
        there = self.present()
        for file in self.model.must_go(run.as_of if as_of else run.begun):
            if self.model.may_go(file, self.now) and file.key not in self.unseen:
                assert file.key not in there, f"due, not held, a whole run later, and there: {file.key}"

        if as_of is None:
            # The sweep has found what came back and may go: the next run erases it.
            self.unseen = {k for k in self.unseen if not self.model.may_go(self.model.files[k], run.begun)}

    def verified(self) -> None:
        """The reviewer's verifier accepts all that was stated; no version is claimed absent by two cases of one order.

        Two orders that shared a file may each say of it that it is gone.
        """
        twice = self.shop.sql(
            "SELECT i.object_key FROM lifecycle.closed_item k JOIN lifecycle.item i USING (item_id)"
            " JOIN lifecycle.erasure_case c ON c.case_id = k.case_id WHERE i.kind <> 'nothing'"
            " GROUP BY c.order_id, i.bucket, i.object_key, i.kind, i.version_id HAVING count(DISTINCT k.case_id) > 1"
        )
        assert not twice, "claimed twice"
        result = self.shop.verify()
        assert result.refused is None, result.refused


def _ask_early(path: Path) -> None:
    """A policy that lets no run erase more than a few entries unasked."""
    text = path.read_text("utf-8")
    assert "max_objects: 50000" in text
    path.write_text(text.replace("max_objects: 50000", "max_objects: 6"), "utf-8")


@contextmanager
def crashing(at: int | None) -> Iterator[None]:
    """End the process, so to speak, at the given statement of whatever runs inside."""
    count = 0
    real = database.load

    def load(name: str) -> str:
        nonlocal count
        count += 1
        if count == at:
            raise Crash
        return real(name)

    with pytest.MonkeyPatch.context() as patch:
        if at is not None:
            patch.setattr(database, "load", load)
        yield
