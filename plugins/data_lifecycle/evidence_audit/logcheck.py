"""Differences between the log in the database, its copy in the locked bucket, and its signed heads: pure comparisons.

Each difference becomes a finding that names what differs and where, so that whoever reads the log of the step knows
which of the three was touched.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from data_lifecycle.evidence import merkle
from data_lifecycle.evidence.checkpoint import Checkpoint, CheckpointError, verify
from data_lifecycle.evidence.keys import key_id
from data_lifecycle.evidence.lifecycle_verify import PAYLOAD_TYPE, ROTATION, encode

MEANS: Mapping[str, str] = {
    "entry-missing": "the database has no such entry, though it has later ones",
    "envelope-changed": "the envelope in the database is not the one that its entry of the log was made from",
    "leaf-changed": "the hash in the database is neither that of the envelope nor the one that the bucket holds",
    "digest-changed": "the digest noted beside the envelope is not that of the envelope",
    "bucket-leaf-missing": "the bucket does not say what this entry is",
    "bucket-leaf-differs": "the bucket says that this entry is something else",
    "statement-missing": "the statement is not in the bucket",
    "statement-differs": "the statement in the bucket has other bytes than the database",
    "statement-overlaid": "the bucket has further versions or a delete marker under this name",
    "written-twice": "an object of the log was written twice",
    "deleted-from-log": "an object of the log lies below a delete marker",
    "node-changed": "a node of the tree is not the hash of the two below it",
    "node-missing": "a node of the tree is not in the database",
    "history-changed": "the entries that an earlier audit verified do not have the root they had then",
    "rolled-back": "there were more entries than the database has now",
    "not-included": "the entry is not shown to be in the tree that an earlier audit verified",
    "signature-wrong": "the signature does not fit the statement",
    "signer-unknown": "signed by a key that is not an attester's",
    "checkpoint-missing": "this signed head is not in the bucket",
    "checkpoint-differs": "database and bucket hold different heads of this size",
    "checkpoint-unknown": "the bucket has a signed head that the database does not know",
    "checkpoint-wrong": "a head that the log's key did not sign",
    "root-differs": "the root signed for this size is not that of the entries",
    "head-differs": "the database's head is not the root of the entries",
    "never-sequenced": "a statement has no place in the log, long after it was signed",
    "not-locked": "not locked in COMPLIANCE mode",
    "lock-short": "locked for less time than the bucket's rule says",
    "no-lock-rule": "the bucket has no rule that locks what is put into it in COMPLIANCE mode",
}
"""What each kind of finding means."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference: its kind (a key of MEANS) and what it concerns, by a name that names nobody."""

    what: str
    subject: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as the database has it; ``envelope`` is None when the statement's row is gone."""

    index: int
    evidence_id: str
    leaf: bytes = field(repr=False)
    envelope: bytes | None = field(repr=False)
    envelope_sha256: str | None
    version_id: str | None = field(repr=False)

    @property
    def subject(self) -> str:
        """How a finding names it."""
        return f"entry {self.index}, {self.evidence_id}"


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of an object of the locked bucket, with the lock it has (times UTC)."""

    data: bytes = field(repr=False)
    mode: str | None
    until: datetime | None
    modified: datetime


@dataclass(frozen=True, slots=True)
class Copy:
    """What the bucket holds of an entry. None: nothing there. ``versions`` counts versions and markers of its name."""

    leaf: Stored | None
    statement: Stored | None
    versions: int


def compare_entry(entry: Entry, copy: Copy, lock: timedelta | None) -> Iterator[Finding]:
    """How database and bucket differ about one entry, and about the locks of its two objects."""
    told = _told(copy.leaf)
    hashed = None if entry.envelope is None else merkle.leaf_hash(entry.envelope)
    if hashed != entry.leaf:
        # Two against one: the bucket says which of them is still as it was.
        changed_leaf = told is not None and told[2] == hashed
        yield Finding("leaf-changed" if changed_leaf else "envelope-changed", entry.subject)
    elif entry.envelope is not None and hashlib.sha256(entry.envelope).hexdigest() != entry.envelope_sha256:
        yield Finding("digest-changed", entry.subject)
    if copy.leaf is None:
        yield Finding("bucket-leaf-missing", entry.subject)
    elif told != (entry.index, entry.evidence_id, entry.leaf):
        yield Finding("bucket-leaf-differs", entry.subject)
    if copy.statement is None:
        yield Finding("statement-missing", entry.subject)
    elif copy.statement.data != entry.envelope:
        yield Finding("statement-differs", entry.subject)
    if copy.versions > 1:
        yield Finding("statement-overlaid", entry.subject)
    for part in (copy.leaf, copy.statement):
        if part is not None:
            yield from compare_lock(entry.subject, part, lock)


def compare_lock(subject: str, found: Stored, lock: timedelta | None) -> Iterator[Finding]:
    """Whether an object is, or was, locked for as long as the bucket's rule says."""
    if found.mode != "COMPLIANCE" or found.until is None:
        yield Finding("not-locked", subject)
    # The store's clock stands still for no request: what it noted twice may be some seconds apart.
    elif lock is not None and found.until < found.modified + lock - timedelta(minutes=5):
        yield Finding("lock-short", subject)


def compare_order(entries: Iterable[Entry], first: int, end: int) -> Iterator[Finding]:
    """Places from ``first`` to before ``end`` that the database does not have."""
    have = {entry.index for entry in entries}
    for index in range(first, end):
        if index not in have:
            yield Finding("entry-missing", f"entry {index}")


def compare_nodes(nodes: Mapping[merkle.Node, bytes], wanted: Collection[merkle.Node]) -> Iterator[Finding]:
    """Inner nodes that are missing, or not made of the two below them as they stand in the database."""
    for level, position in sorted(wanted):
        subject = f"node {position} of level {level}"
        below = [nodes.get((level - 1, 2 * position + side)) for side in (0, 1)]
        found = nodes.get((level, position))
        if found is None:
            yield Finding("node-missing", subject)
        elif below[0] is not None and below[1] is not None and merkle.node_hash(below[0], below[1]) != found:
            yield Finding("node-changed", subject)


def made_nodes(first: int, end: int) -> set[merkle.Node]:
    """Inner nodes that come into being when a log of ``first`` entries grows to ``end``."""
    made = set()
    level = 1
    while end >> level:
        made |= {(level, position) for position in range(first >> level, end >> level)}
        level += 1
    return made


def compare_checkpoint(
    size: int,
    note: bytes,
    noted_root: bytes,
    kept: bytes | None,
    root: bytes | None,
    origin: str,
    keys: Iterable[Ed25519PublicKey],
) -> Iterator[Finding]:
    """A signed head of the database beside the bucket's and the entries' own root (None: not recomputed)."""
    subject = f"checkpoint of {size} entries"
    signed = open_checkpoint(note, origin, keys)
    if signed is None or signed.size != size or signed.root != noted_root:
        yield Finding("checkpoint-wrong", subject)
    elif root is not None and signed.root != root:
        yield Finding("root-differs", subject)
    if kept is None:
        yield Finding("checkpoint-missing", subject)
    elif kept != note:
        yield Finding("checkpoint-differs", subject)


def open_checkpoint(note: bytes, origin: str, keys: Iterable[Ed25519PublicKey]) -> Checkpoint | None:
    """The head that a note signs, if one of the log's keys did; None otherwise."""
    for key in keys:
        try:
            return verify(note, origin, key)
        except CheckpointError:
            continue
    return None


class Ring:
    """Keys of attesters, those of the log, and how each came to be trusted: given, or introduced by a trusted one."""

    def __init__(self, attesters: Iterable[Ed25519PublicKey], log: Iterable[Ed25519PublicKey]) -> None:
        """Start with the keys that are known from outside of the log."""
        self._keys = {"attester": list(attesters), "log": list(log)}

    def of(self, role: str) -> tuple[Ed25519PublicKey, ...]:
        """Keys of a role: attester or log."""
        return tuple(self._keys[role])

    def turn(self, envelope: bytes) -> None:
        """Trust the key that a rotation introduces, if it is signed by a key trusted so far and by the new one."""
        stated = _statement(envelope)
        if stated is None or stated[0].get("predicateType") != ROTATION:
            return
        change = stated[0]["predicate"]
        try:
            new = Ed25519PublicKey.from_public_bytes(b64decode(change["new"]["public"], validate=True))
        except (KeyError, TypeError, ValueError):
            return
        known = {key_id(key): key for key in (*self._keys.get(change.get("role"), ()), new)}
        if len(stated[2]) == 2 and _fits(stated[1], stated[2], known) is None:
            self._keys[change["role"]].append(new)

    def judge(self, entry: Entry) -> Finding | None:
        """What is wrong with the signatures of an entry, if anything."""
        stated = None if entry.envelope is None else _statement(entry.envelope)
        if stated is None:
            return Finding("signature-wrong", entry.subject)
        roles = ("attester", "log") if stated[0].get("predicateType") == ROTATION else ("attester",)
        known = {key_id(key): key for role in roles for key in self._keys[role]}
        wrong = _fits(stated[1], stated[2], known)
        return None if wrong is None else Finding(wrong, entry.subject)


def _fits(
    payload: bytes, signatures: Mapping[str, bytes], known: Mapping[str, Ed25519PublicKey]
) -> str | None:
    if not signatures:
        return "signature-wrong"
    for name, seal in signatures.items():
        if name not in known:
            return "signer-unknown"
        try:
            known[name].verify(seal, encode(payload))
        except InvalidSignature:
            return "signature-wrong"
    return None


def _statement(envelope: bytes) -> tuple[dict[str, Any], bytes, dict[str, bytes]] | None:
    """(statement, payload, signatures by key id) of an envelope; None if it is none."""
    try:
        outer = json.loads(envelope)
        if outer["payloadType"] != PAYLOAD_TYPE or rfc8785.dumps(outer) != envelope:
            return None
        payload = b64decode(outer["payload"], validate=True)
        signatures = {item["keyid"]: b64decode(item["sig"], validate=True) for item in outer["signatures"]}
        return dict(json.loads(payload)), payload, signatures
    except (KeyError, TypeError, ValueError):
        return None


def _told(leaf: Stored | None) -> tuple[int, str, bytes] | None:
    """(index, evidence id, leaf hash) that an object of the bucket states."""
    try:
        found = json.loads(leaf.data if leaf is not None else b"")
        return int(found["index"]), str(found["evidence"]), bytes.fromhex(found["leaf_hash"])
    except (KeyError, TypeError, ValueError):
        return None
