"""Recovery: a database that was restored from an older copy learns from the locked bucket what was stated meanwhile.

Such a database refuses to sign: it would tell a second history. Here its log is rebuilt from the bucket, entry by
entry, and held against every head that the log's key signed. Cases get the state that the log claims last of them; what
the restored database stated on its own and does not follow from the log is withdrawn: it was never published. Then the
sequencer signs on.

What only the database knew is not brought back: the salts of cases it no longer has, so that nobody can open those.
All of it is one transaction of the database's administrator; the bucket is only read. Repeating it changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.evidence import keys, merkle
from data_lifecycle.evidence.checkpoint import Checkpoint, CheckpointError, verify
from data_lifecycle.evidence.history import RUN_NAME, History, Spoken
from data_lifecycle.evidence.lifecycle_verify import Refused, read_stamp
from data_lifecycle.evidence.logbucket import Kept, LogBucket, LogForked
from data_lifecycle.objects import store
from data_lifecycle.protocol import ledger, tasklogs
from data_lifecycle.protocol.house import House, log

_THREADS = 8


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done: counts, and the names of statements that were withdrawn because they were never published.

    ``entries`` is the size of the log, ``statements`` how many of them the database had lost, ``replaced`` how many
    places of its log it had given to others. ``closed`` and ``reopened`` are cases that it knew in another state,
    ``unopenable`` cases of the log that it does not know: their salts are gone. ``next_run`` is the first number that
    a run can have now.
    """

    entries: int
    statements: int
    replaced: int
    checkpoints: int
    withdrawn: tuple[str, ...]
    closed: int
    reopened: int
    unopenable: int
    next_run: int


@dataclass(frozen=True, slots=True)
class _Leaf:
    name: str
    hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Head:
    kept: Kept
    checkpoint: Checkpoint
    published_at: datetime


def recover(house: House, admin: DatabaseAccess) -> Recovered:
    """Rebuild the log of the house's database from the locked bucket alone; see the module.

    ``admin`` is the login of the database's superuser: the log's tables refuse everybody else, as they should. Nothing
    may run meanwhile: stop Airflow or pause all pipelines. Raises LogForked, having changed nothing, when the bucket is
    not complete, when its heads are not signed by this log's keys or do not sign its entries, or when this database
    published a head that the bucket does not have: then these are two logs, and which one is right is not for a
    program to decide.
    """
    folder = ledger.bucket(house)
    bucket = _Bucket(folder)
    with connect(admin, "evidence recovery") as connection:
        execute(connection, "evidence_recovery/lock_log")
        fetch_one(connection, "evidence_log/lock_head")
        execute(connection, "evidence_recovery/suspend_triggers")
        leaves = [_Leaf(name, leaf) for _, name, leaf in folder.leaves()]
        heads = _heads(house, bucket, leaves)
        _compare_heads(connection, heads)
        recovered = _Recovery(connection, bucket, leaves, heads).run()
        connection.commit()
    log.info(
        "evidence log: %d entries, %d statements brought back, %d withdrawn",
        recovered.entries,
        recovered.statements,
        len(recovered.withdrawn),
    )
    return recovered


class _Bucket:
    """Statements in the locked bucket, by name; ``folder`` is the log's."""

    def __init__(self, folder: LogBucket) -> None:
        self.folder = folder
        self._s3: Any = store.client(folder.access, pool=_THREADS)

    def statement(self, leaf: _Leaf) -> tuple[Kept, datetime]:
        """The version of a statement that its entry was made from, and when it was put; LogForked if there is none."""
        for version_id, put_at in self._versions(leaf.name):
            kept = self.folder.read(leaf.name, version_id)
            if merkle.leaf_hash(kept.data) == leaf.hash:
                return kept, put_at
        raise LogForked(f"{leaf.name}: the bucket lacks the statement that the log's entry was made from")

    def put_at(self, kept: Kept) -> datetime:
        """When a version was put."""
        return next(
            moment for version_id, moment in self._versions(kept.name) if version_id == kept.version_id
        )

    def names(self) -> Iterable[str]:
        """Keys of all objects that are neither the log's own nor task logs."""
        mine = (self.folder.folder.split("/", 1)[0] + "/", f"{tasklogs.FOLDER}/")
        tops = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.folder.bucket, Delimiter="/")
        for top in [p["Prefix"] for page in tops for p in page.get("CommonPrefixes", ())]:
            if top in mine:
                continue
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.folder.bucket, Prefix=top)
            for page in pages:
                yield from (entry["Key"] for entry in page.get("Contents", ()))

    def _versions(self, name: str) -> Iterable[tuple[str, datetime]]:
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self.folder.bucket, Prefix=name
        )
        for page in pages:
            for entry in page.get("Versions", ()):
                if entry["Key"] == name:
                    yield entry["VersionId"], entry["LastModified"]


def _heads(house: House, bucket: _Bucket, leaves: Sequence[_Leaf]) -> list[_Head]:
    """Every published head, each seen to be signed by the log and to sign these entries."""
    settings = house.settings
    known = (keys.load(settings.log_key).public_key(), *keys.retired(settings.log_key))
    heads = []
    for kept in bucket.folder.checkpoints():
        checkpoint = _open(kept, settings.log_origin, known)
        if kept.name != bucket.folder.checkpoint_name(checkpoint.size):
            raise LogForked(f"{kept.name}: holds the checkpoint of another size")
        heads.append(_Head(kept, checkpoint, bucket.put_at(kept)))
    if not heads:
        raise LogForked("the bucket has no signed head of this log: there is nothing to recover it from")
    tree, sizes = merkle.Tree(), {head.checkpoint.size: head.checkpoint.root for head in heads}
    for leaf in leaves:
        tree.append(leaf.hash)
        if sizes.pop(tree.size, tree.root()) != tree.root():
            raise LogForked(f"the bucket's head of {tree.size} entries does not sign the entries it has")
    if sizes:
        raise LogForked(f"the bucket has {tree.size} entries and a head of {max(sizes)}")
    return heads


def _open(kept: Kept, origin: str, known: Iterable[Ed25519PublicKey]) -> Checkpoint:
    for key in known:
        try:
            return verify(kept.data, origin, key)
        except CheckpointError:
            continue
    raise LogForked(f"{kept.name}: not signed by a key of this log")


def _compare_heads(connection: Connection, heads: Sequence[_Head]) -> None:
    notes = {head.checkpoint.size: head.kept.data for head in heads}
    for row in fetch(connection, "evidence_recovery/select_heads"):
        if notes.get(row["tree_size"]) != bytes(row["note"]):
            raise LogForked(
                f"this database published a head of {row['tree_size']} entries that the bucket does not have"
            )


class _Recovery:
    """One recovery, inside a transaction in which the log's tables take changes."""

    def __init__(
        self, connection: Connection, bucket: _Bucket, leaves: Sequence[_Leaf], heads: Sequence[_Head]
    ) -> None:
        self._connection, self._bucket, self._leaves, self._heads = connection, bucket, leaves, heads
        rows = fetch(connection, "evidence_recovery/select_leaves")
        self._known = [_Leaf(row["evidence_id"], bytes(row["leaf_hash"])) for row in rows]
        pairs = zip(self._known, leaves, strict=False)
        same = next((n for n, (ours, theirs) in enumerate(pairs) if ours != theirs), None)
        self._agreed = min(len(self._known), len(leaves)) if same is None else same
        self._rows = {
            row["evidence_id"]: row for row in fetch(connection, "evidence_recovery/select_statements")
        }
        self._runs = {
            (row["pipeline"], row["run_id"]): row
            for row in fetch(connection, "evidence_recovery/select_runs")
        }
        self._history = History()

    def run(self) -> Recovered:
        """Do it."""
        found = self._read()
        spoken = [Spoken.read(leaf.name, self._envelope(leaf, found)) for leaf in self._leaves]
        for one in spoken:
            self._history.add(one)
        behind = len(self._leaves) > self._agreed or bool(found)
        withdrawn = self._withdraw(found) if behind else ()
        for leaf, one in zip(self._leaves, spoken, strict=True):
            if leaf.name in found:
                self._write(one, *found[leaf.name])
        checkpoints = self._rebuild() if behind else 0
        closed, reopened, unopenable = self._settle_cases() if behind else (0, 0, self._count_unknown())
        self._settle_runs()
        return Recovered(
            len(self._leaves),
            len(found),
            len(self._known) - self._agreed if behind else 0,
            checkpoints,
            withdrawn,
            closed,
            reopened,
            unopenable,
            self._move_numbers(),
        )

    def _read(self) -> dict[str, tuple[Kept, datetime]]:
        """Statements of the log that the database does not have as they are, from the bucket."""
        missing = [leaf for leaf in self._leaves if not self._has(leaf)]
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="recovery") as pool:
            return {kept.name: (kept, put_at) for kept, put_at in pool.map(self._bucket.statement, missing)}

    def _has(self, leaf: _Leaf) -> bool:
        row = self._rows.get(leaf.name)
        return row is not None and merkle.leaf_hash(bytes(row["envelope"])) == leaf.hash

    def _envelope(self, leaf: _Leaf, found: dict[str, tuple[Kept, datetime]]) -> bytes:
        return found[leaf.name][0].data if leaf.name in found else bytes(self._rows[leaf.name]["envelope"])

    def _withdraw(self, found: dict[str, tuple[Kept, datetime]]) -> tuple[str, ...]:
        """Take out what was never published and cannot follow, and what the log has under the same name."""
        lost = range(self._agreed, len(self._leaves))
        logged = {leaf.name for leaf in self._leaves}
        gone = [name for name in self._rows if name in found]
        for name, row in self._rows.items():
            if name in logged:
                continue
            spoken = Spoken.read(name, bytes(row["envelope"]))
            if self._history.may_follow(spoken, lost):
                self._history.add(spoken)
            else:
                gone.append(name)
        execute(self._connection, "evidence_recovery/delete_statements", names=gone)
        return tuple(sorted(gone))

    def _write(self, spoken: Spoken, kept: Kept, put_at: datetime) -> None:
        run = self._runs.get(spoken.run) if spoken.run else None
        # The number may have been given to another run since: then, as when there is none, it stands for itself.
        own = run is not None and run["manifest_sha256"] == spoken.manifest
        execute(
            self._connection,
            "evidence_recovery/insert_statement",
            evidence_id=spoken.name,
            run_id=run["run_id"] if run is not None and own else None,
            sequence=spoken.sequence if own else None,
            predicate_type=spoken.kind,
            outcome=spoken.outcome if own else "recorded",
            facts_sha256=spoken.facts_sha256,
            key_id=spoken.key_id,
            envelope=spoken.envelope,
            envelope_sha256=hashlib.sha256(spoken.envelope).hexdigest(),
            signed_at=spoken.signed_at,
            stored_at=put_at,
            version_id=kept.version_id,
        )

    def _rebuild(self) -> int:
        """Leaves, nodes, head and checkpoints as the bucket has them; the number of checkpoints that were missing."""
        tree, nodes = merkle.Tree(), list[tuple[merkle.Node, bytes]]()
        for leaf in self._leaves:
            nodes += tree.append(leaf.hash)[1:]
        new = range(self._agreed, tree.size)
        for leaf in self._leaves[self._agreed :]:
            if leaf.name in self._rows and self._has(leaf):
                kept, put_at = self._bucket.statement(leaf)
                execute(
                    self._connection,
                    "evidence_recovery/mark_stored",
                    evidence_id=leaf.name,
                    stored_at=put_at,
                    version_id=kept.version_id,
                )
        execute(self._connection, "evidence_recovery/delete_leaves", first=self._agreed)
        execute(
            self._connection,
            "evidence_recovery/insert_leaves",
            indexes=list(new),
            names=[self._leaves[n].name for n in new],
            hashes=[self._leaves[n].hash for n in new],
        )
        execute(self._connection, "evidence_recovery/delete_nodes")
        execute(
            self._connection,
            "evidence_log/insert_nodes",
            levels=[level for (level, _), _ in nodes],
            positions=[position for (_, position), _ in nodes],
            hashes=[value for _, value in nodes],
        )
        execute(self._connection, "evidence_recovery/set_head", tree_size=tree.size, root=tree.root())
        known = {row["tree_size"] for row in fetch(self._connection, "evidence_recovery/select_heads")}
        missing = [head for head in self._heads if head.checkpoint.size not in known]
        for head in missing:
            execute(
                self._connection,
                "evidence_recovery/insert_checkpoint",
                tree_size=head.checkpoint.size,
                root=head.checkpoint.root,
                note=head.kept.data,
                published_at=head.published_at,
                version_id=head.kept.version_id,
            )
            self._restore_timestamp(head)
        return len(missing)

    def _restore_timestamp(self, head: _Head) -> None:
        kept = self._bucket.folder.timestamp(head.checkpoint.size)
        if kept is None:
            return
        try:
            stamped_at = read_stamp(kept.data, head.kept.data).at
        except Refused as error:
            log.warning("%s: no timestamp that holds: %s", kept.name, error)
            return
        execute(
            self._connection,
            "evidence_log/insert_timestamp",
            tree_size=head.checkpoint.size,
            token=kept.data,
            stamped_at=stamped_at,
            version_id=kept.version_id,
        )

    def _settle_cases(self) -> tuple[int, int, int]:
        """Give each case the state that the log claims last; (closed, reopened, unknown to the database)."""
        claims = self._history.cases
        absent = {case: claim for case, claim in claims.items() if claim.absent}
        closed = fetch(
            self._connection,
            "evidence_recovery/close_cases",
            case_ids=list(absent),
            roots=[claim.root for claim in absent.values()],
            moments=[claim.absent_since for claim in absent.values()],
        )
        shut = {row["case_id"] for row in closed}
        execute(self._connection, "evidence_recovery/insert_closed_items", case_ids=list(shut))
        reopened = fetch(
            self._connection,
            "evidence_recovery/reopen_cases",
            case_ids=[case for case, claim in claims.items() if not claim.absent],
        )
        orders = [row["order_id"] for row in reopened]
        execute(self._connection, "evidence_recovery/renew_uploads", order_ids=orders)
        execute(self._connection, "evidence_recovery/renew_orders", order_ids=orders)
        self._renew_audits(shut | {case for case, claim in absent.items() if claim.index >= self._agreed})
        return len(closed), len(reopened), self._count_unknown()

    def _renew_audits(self, cases: set[UUID]) -> None:
        """Let the next audit go on from what was claimed last; all of these are due to be looked at."""
        epochs = {row["case_id"]: row["epoch"] for row in self._select(cases)}
        claims = [(case, self._history.cases[case]) for case in epochs]
        said = [claim.said_at for _, claim in claims]
        execute(
            self._connection,
            "evidence_audit/set_states",
            case_ids=[case for case, _ in claims],
            epochs=[epochs[case] for case, _ in claims],
            looked_at=said,
            verdicts=["absent"] * len(claims),
            # Where residue was found gone is forgotten: absence is said anew, and residue looked for anew.
            stated=[
                "RESURRECTED" if claim.state == "RESIDUE_CLEARED" else claim.state for _, claim in claims
            ],
            next_looks=said,
            next_residues=said,
        )

    def _count_unknown(self) -> int:
        return len(self._history.cases) - len(self._select(self._history.cases))

    def _select(self, cases: Iterable[UUID]) -> list[Row]:
        return fetch(self._connection, "evidence_recovery/select_cases", case_ids=list(cases))

    def _settle_runs(self) -> None:
        """Finish runs as the log says they ended; whose plan was withdrawn has failed: it erased nothing."""
        states: dict[int, tuple[str, datetime]] = {}
        for run, row in self._runs.items():
            if self._history.runs.get(run, row["manifest_sha256"]) != row["manifest_sha256"]:
                states[row["run_id"]] = ("failed", datetime.now(UTC))
            elif (result := self._history.results.get(run)) is not None:
                states[row["run_id"]] = (result.outcome, result.signed_at)
        execute(
            self._connection,
            "evidence_recovery/set_run_states",
            run_ids=list(states),
            states=[state for state, _ in states.values()],
            moments=[moment for _, moment in states.values()],
        )

    def _move_numbers(self) -> int:
        named = (RUN_NAME.fullmatch(name) for name in self._bucket.names())
        numbers = {int(match["number"]) for match in named if match} | {n for _, n in self._history.runs}
        highest = max(numbers, default=0)
        moved = fetch_one(self._connection, "evidence_recovery/move_run_numbers", at_least=max(highest, 1))
        return int(moved["last"]) + 1
