"""The sequencer: gives every statement its place in the log and signs the log's head. One writer at a time.

Order of effects, so that an interruption anywhere is safe: places are committed in the database; then the bucket is
told what each entry is; then the checkpoint is put; then the database notes it. Whoever goes on repeats what is not
done, with the same bytes. Only committed places are ever told or signed, each index is told once, and no head is signed
before all its entries are told: two sequencers, two databases or a restored one can therefore not sign two histories.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.evidence import merkle
from data_lifecycle.evidence.checkpoint import Checkpoint, CheckpointError, parse, sign, verify
from data_lifecycle.evidence.keys import key_id
from data_lifecycle.evidence.lifecycle_verify import ROTATION
from data_lifecycle.evidence.logbucket import LogBucket, LogForked


class NotStored(RuntimeError):
    """A statement is not in the locked bucket yet; it and those signed after it wait. Names the statement."""


class WrongKey(RuntimeError):
    """The key at hand is not the one this log is to be signed with: it was replaced, or was never introduced."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a run of the sequencer did: entries newly placed, and the head that is now public (None: an empty log)."""

    appended: int
    head: Checkpoint | None
    note: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sequencer:
    """Puts statements in order. ``database`` is the login of ``log_sequencer``, ``bucket`` the folder it may write.

    ``origin`` names the log for good (a URL without a scheme). ``retired`` are log keys that were replaced before.
    """

    database: DatabaseAccess
    bucket: LogBucket
    key: Ed25519PrivateKey = field(repr=False)
    origin: str
    retired: tuple[Ed25519PublicKey, ...] = ()

    def run(self) -> Published:
        """Place every statement that has no place yet, in the order of signing, and publish the head.

        Repeating it changes nothing. Raises LogForked when database and bucket differ, NotStored (after publishing what
        comes before) when a statement is not in the bucket, WrongKey when the key is not this log's any more.
        """
        with connect(self.database, "evidence log sequencer") as connection:
            appended, waiting = self._append(connection)
            published = self._publish(connection, appended)
        if waiting is not None:
            raise NotStored(f"{waiting} is not in the locked bucket yet: it and later statements wait")
        return published

    def _append(self, connection: Connection) -> tuple[int, str | None]:
        head = fetch_one(connection, "evidence_log/lock_head")
        latest = self._compare(connection, head)
        if latest is not None:  # published by a run that ended before it could note it
            self._note(connection, *latest)
        size, seen = int(head["tree_size"]), bytes(head["root"])
        edge = _read_nodes(connection, merkle.complete_nodes(0, size))
        tree = merkle.Tree(size, [edge[node] for node in merkle.complete_nodes(0, size)])
        if tree.root() != seen:
            raise LogForked(f"the database's tree of {size} entries does not have the root of its head")
        made: list[tuple[merkle.Node, bytes]] = []
        waiting = None
        for row in fetch(connection, "evidence_log/select_unsequenced"):
            if row["stored_at"] is None:
                waiting = str(row["evidence_id"])
                break
            self._check_stored(row)
            (_, leaf), *inner = tree.append(merkle.leaf_hash(bytes(row["envelope"])))
            execute(
                connection,
                "evidence_log/insert_leaf",
                log_index=tree.size - 1,
                evidence_id=row["evidence_id"],
                leaf_hash=leaf,
            )
            made += inner
        if tree.size > size:
            execute(
                connection,
                "evidence_log/insert_nodes",
                levels=[level for (level, _), _ in made],
                positions=[position for (_, position), _ in made],
                hashes=[value for _, value in made],
            )
            swapped = execute(
                connection,
                "evidence_log/advance_head",
                tree_size=tree.size,
                root=tree.root(),
                seen_size=size,
                seen_root=seen,
            )
            if swapped != 1:
                raise LogForked(f"the head moved away from {size} entries under the sequencer's lock")
        connection.commit()
        return tree.size - size, waiting

    def _publish(self, connection: Connection, appended: int) -> Published:
        head = fetch_one(connection, "evidence_log/lock_head")
        size, root = int(head["tree_size"]), bytes(head["root"])
        if size == 0:
            self._compare(connection, head)
            connection.commit()
            return Published(appended, None, None)
        checkpoint = Checkpoint(self.origin, size, root)
        latest = self._compare(connection, head)
        self._check_key(connection, size, latest)
        if latest is not None and latest[0].size == size:
            note, version_id = latest[1], latest[2]
        else:
            first = latest[0].size if latest is not None else 0
            for leaf in fetch(connection, "evidence_log/select_leaves", first=first, end=size):
                self.bucket.put_leaf(leaf["log_index"], leaf["evidence_id"], bytes(leaf["leaf_hash"]))
            note = sign(checkpoint, self.key)
            version_id = self.bucket.put_checkpoint(size, note)
        self._note(connection, checkpoint, note, version_id)
        connection.commit()
        return Published(appended, checkpoint, note)

    def _note(self, connection: Connection, checkpoint: Checkpoint, note: bytes, version_id: str) -> None:
        execute(
            connection,
            "evidence_log/insert_checkpoint",
            tree_size=checkpoint.size,
            root=checkpoint.root,
            note=note,
            version_id=version_id,
        )

    def _compare(self, connection: Connection, head: Row) -> tuple[Checkpoint, bytes, str] | None:
        """(checkpoint, note, version id) of the bucket's head; LogForked unless this database's log begins with it."""
        published = fetch(connection, "evidence_log/latest_checkpoint")
        known = int(published[0]["tree_size"]) if published else 0
        kept = self.bucket.latest_checkpoint(known)
        if kept is None:
            if known:
                raise LogForked(
                    f"the bucket lacks the checkpoint of {known} entries that this database published"
                )
            return None
        checkpoint = self._open(kept.data)
        if kept.name != self.bucket.checkpoint_name(checkpoint.size):
            raise LogForked(f"{kept.name}: holds the checkpoint of another size")
        if known > checkpoint.size:
            raise LogForked(f"the bucket's head has {checkpoint.size} entries, {known} were published")
        size = int(head["tree_size"])
        if checkpoint.size > size:
            raise LogForked(
                f"the bucket's head has {checkpoint.size} entries, this database {size}: it was restored from an "
                "older copy and must not sign a second history"
            )
        wanted = merkle.complete_nodes(0, checkpoint.size)
        nodes = _read_nodes(connection, wanted)
        if merkle.fold([nodes[node] for node in wanted]) != checkpoint.root:
            raise LogForked(
                f"the first {checkpoint.size} entries of this database are not those that the bucket's head signs"
            )
        return checkpoint, kept.data, kept.version_id

    def _open(self, note: bytes) -> Checkpoint:
        for public in (self.key.public_key(), *self.retired):
            try:
                return verify(note, self.origin, public)
            except CheckpointError as error:
                reason = error
        raise LogForked(f"the bucket's head is not a checkpoint of this log: {reason}")

    def _check_key(
        self, connection: Connection, size: int, latest: tuple[Checkpoint, bytes, str] | None
    ) -> None:
        """A head is signed with the key of the last rotation; without one, with the key of the head before."""
        own = key_id(self.key.public_key())
        expected = None
        for row in fetch(connection, "evidence_log/select_rotations", predicate_type=ROTATION, end=size):
            change = json.loads(b64decode(json.loads(bytes(row["envelope"]))["payload"]))["predicate"]
            if change["role"] == "log":
                expected = hashlib.sha256(b64decode(change["new"]["public"])).hexdigest()
        if expected is None and latest is not None:
            hint = parse(latest[1])[1]
            expected = own if hint == parse(sign(latest[0], self.key))[1] else ""
        if expected is not None and expected != own and (latest is None or latest[0].size < size):
            raise WrongKey(
                "this key must not sign the log's head: the log was signed with another, or it was replaced"
            )

    def _check_stored(self, row: Row) -> None:
        envelope = bytes(row["envelope"])
        kept = self.bucket.read(row["evidence_id"], row["store_version_id"])
        if kept.data != envelope or hashlib.sha256(envelope).hexdigest() != row["envelope_sha256"]:
            raise LogForked(f"{row['evidence_id']}: database and bucket hold different bytes")


def _read_nodes(connection: Connection, nodes: Iterable[merkle.Node]) -> dict[merkle.Node, bytes]:
    """Hashes of nodes; LogForked if the database lacks one."""
    wanted = sorted(set(nodes))
    rows = fetch(
        connection,
        "evidence_log/select_nodes",
        levels=[level for level, _ in wanted],
        positions=[position for _, position in wanted],
    )
    found = {(int(row["level"]), int(row["position"])): bytes(row["hash"]) for row in rows}
    if len(found) != len(wanted):
        raise LogForked(f"the database lacks {len(wanted) - len(found)} nodes of its tree")
    return found
