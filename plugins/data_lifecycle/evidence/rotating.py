"""Changing keys: a statement signed by the old key and the new one says from where on the new one signs.

Order of effects: the new private key is on disk; then the change is stated in the database, which from then on takes
no statement signed with the old key; then the old public key is put aside and the new private key takes the old one's
place; then the change is published. Whoever calls again after an interruption goes on from where it was: nothing is
ever signed with a key that was not introduced, and no second change begins before the first is done.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from data_lifecycle.database import Connection, connect, fetch, fetch_one
from data_lifecycle.evidence import keys
from data_lifecycle.evidence.checkpoint import raw
from data_lifecycle.evidence.lifecycle_verify import ROTATION, Key, encode
from data_lifecycle.evidence.records import record_rotation, rotation
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House
from data_lifecycle.settings import Settings

ROLES = ("attester", "log")


class RotationError(RuntimeError):
    """Keys cannot be changed as things are; the message names keys by their ids and says what to do."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """A change of keys that is done: ids of both keys, and whether an earlier call had begun it."""

    role: str
    old: str
    new: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A change of keys as it was stated: key ids, the moment (UTC), and whether a signed head covers it."""

    role: str
    old: str
    new: str
    signed_at: datetime
    published: bool
    payload: bytes = field(repr=False)
    seals: tuple[tuple[str, bytes], ...] = field(repr=False)

    def signed_by(self, public: Ed25519PublicKey) -> bool:
        """Whether this key's signature is there and fits."""
        key, own = Key(self.role, self.role, raw(public), self.signed_at), keys.key_id(public)
        return any(name == own and key.signed(seal, encode(self.payload)) for name, seal in self.seals)


def key_file(settings: Settings, role: str) -> Path:
    """Where the private key of a role is."""
    return settings.attester_key if role == "attester" else settings.log_key


def next_file(private: Path) -> Path:
    """Where the key that is to replace this one lies until it does."""
    return private.with_name(f"{private.stem}.next.pem")


def read_changes(connection: Connection, role: str) -> list[Change]:
    """Every change of keys of a role, in order; any role that reads evidence may ask."""
    rows = fetch(connection, "evidence_log/select_changes", predicate_type=ROTATION)
    changes = [_change(bytes(row["envelope"]), row["published"]) for row in rows]
    return [change for change in changes if change.role == role]


def rotate(house: House, role: str) -> Rotated:
    """Replace the key of a role ("attester" or "log") by a new one, and publish the change.

    Finishes a change that was interrupted instead of beginning another. Raises RotationError, PromiseBroken when the
    log cannot be published, and errors of the store and the database: the same call then goes on.
    """
    private = key_file(house.settings, role)
    with _alone(private):
        own = keys.key_id(keys.load(private).public_key())
        upcoming = next_file(private)
        with connect(house.connections.database(ledger.WRITER), "evidence rotate") as connection:
            changes = read_changes(connection, role)
        if not upcoming.exists() and changes and changes[-1].new == own and not changes[-1].published:
            ledger.publish(house)
            return Rotated(role, changes[-1].old, own, resumed=True)
        resumed = upcoming.exists()
        if not any(change.old == own for change in changes):
            # Everything said so far gets its place, and the log a head, under the keys that said it.
            ledger.publish(house)
            keys.ensure(private.parent, upcoming.name)
            _sync(private.parent)
        elif not resumed:
            raise RotationError(f"{role} key {own} was replaced, and the key that replaced it is not here")
        new = keys.load(upcoming)
        _state(house, role, keys.load(private), new)
        _exchange(private, new)
        ledger.publish(house)
        return Rotated(role, own, keys.key_id(new.public_key()), resumed)


def _state(house: House, role: str, old: Ed25519PrivateKey, new: Ed25519PrivateKey) -> None:
    """State the change; from the commit on the database takes nothing that the old key signs."""
    old_id, new_id = keys.key_id(old.public_key()), keys.key_id(new.public_key())
    name = house.settings.log_origin if role == "log" else role
    with connect(house.connections.database(ledger.WRITER), "evidence rotate") as connection:
        now = fetch_one(connection, "evidence_log/stop_signing")["now"]
        stated = [change for change in read_changes(connection, role) if change.old == old_id]
        if any(change.new != new_id for change in stated):
            raise RotationError(f"{role} key {old_id} was replaced by another key than {new_id}")
        if not stated:
            record_rotation(connection, rotation(old, new, role, name, now), role, old_id, new_id)
        connection.commit()


def _exchange(private: Path, new: Ed25519PrivateKey) -> None:
    """Put the old public key aside, then the new key into the old one's place; repeating it changes nothing."""
    old = keys.load(private).public_key()
    aside = private.with_name(f"{private.stem}.retired-{keys.key_id(old)}.pub.pem")
    _write(aside, old)
    _write(private.with_suffix(".pub.pem"), new.public_key())
    next_file(private).with_suffix(".pub.pem").unlink(missing_ok=True)
    next_file(private).replace(private)
    _sync(private.parent)


def _write(file: Path, public: Ed25519PublicKey) -> None:
    fresh = file.with_name(f".{file.name}.new")
    with fresh.open("wb") as opened:
        opened.write(
            public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(file)


def _sync(folder: Path) -> None:
    """Make names of files outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(private: Path) -> Iterator[None]:
    """One change of a key at a time; the kernel lets go when the holder dies."""
    with private.with_name(f".{private.name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RotationError("somebody else is changing this key right now") from None
        yield


def _change(envelope: bytes, published: bool) -> Change:
    outer: dict[str, Any] = json.loads(envelope)
    payload = b64decode(outer["payload"])
    stated = json.loads(payload)["predicate"]
    return Change(
        role=stated["role"],
        old=stated["old"],
        new=hashlib.sha256(b64decode(stated["new"]["public"])).hexdigest(),
        signed_at=datetime.fromisoformat(stated["signed_at"]),
        published=published,
        payload=payload,
        seals=tuple((item["keyid"], b64decode(item["sig"])) for item in outer["signatures"]),
    )
