"""The trust file: the public keys of this house, those it had before included, with the times they were in force.

Keys come from the key keeper's folder alone. When one gave way to the next is what both of them signed.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

import rfc8785
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, fetch_one
from data_lifecycle.evidence import keys
from data_lifecycle.evidence.checkpoint import raw
from data_lifecycle.evidence.lifecycle_verify import TRUST_FORMAT
from data_lifecycle.evidence.rotating import ROLES, Change, RotationError, key_file, next_file, read_changes
from data_lifecycle.evidence.timestamp import certificates
from data_lifecycle.settings import Settings

_TICK = timedelta(seconds=1)
"""A key is in force when it signs its own replacement, and from then on not."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A key of the trust file with its id (hex) and the times it is valid from and to (UTC; None: still in force)."""

    role: str
    name: str
    id: str
    public: Ed25519PublicKey = field(repr=False)
    valid_from: datetime
    valid_to: datetime | None


def list_keys(settings: Settings, access: DatabaseAccess) -> list[Listed]:
    """Every key of this house in the order in which each signed; ``access`` may be the reviewer's.

    Raises RotationError when a change of keys is unfinished, or when folder and log do not speak of the same keys.
    """
    with connect(access, "evidence trust") as connection:
        clock = fetch_one(connection, "evidence_log/first_day")
        begin = datetime.combine(clock["day"] or clock["today"], time(), UTC)
        changes = {role: read_changes(connection, role) for role in ROLES}
    return [key for role in ROLES for key in _of_role(settings, role, changes[role], begin)]


def trust_file(settings: Settings, listed: list[Listed]) -> bytes:
    """The trust file of these keys, as ``lifecycle_verify.py --trust`` reads it.

    Time stamping authorities are those whose certificates the setting ``timestamp_trust`` names.
    """
    authorities = certificates(settings.timestamp_trust) if settings.timestamp_trust is not None else []
    content: dict[str, Any] = {
        "format": TRUST_FORMAT,
        "origin": settings.log_origin,
        "keys": [
            {
                "name": key.name,
                "role": key.role,
                "public": b64encode(raw(key.public)).decode(),
                "valid_from": key.valid_from.isoformat(),
                "valid_to": None if key.valid_to is None else key.valid_to.isoformat(),
                "revoked_at": None,
            }
            for key in listed
        ],
        "timestamp_authorities": [
            {
                "name": found.subject.rfc4514_string(),
                "certificate": b64encode(found.public_bytes(serialization.Encoding.DER)).decode(),
            }
            for found in authorities
        ],
    }
    return rfc8785.dumps(content)


def _of_role(settings: Settings, role: str, changes: list[Change], begin: datetime) -> list[Listed]:
    private = key_file(settings, role)
    current = _load(settings, role)
    held = {keys.key_id(key): key for key in (*keys.retired(private), current)}
    own = keys.key_id(current)
    if next_file(private).exists() or not all(change.published for change in changes):
        raise RotationError(
            f"a change of the {role} key is unfinished: ./lifecycle evidence rotate --role {role}"
        )
    chain = [changes[0].old if changes else own]
    start, end = {chain[0]: begin}, {}
    for change in changes:
        if change.old != chain[-1]:
            raise RotationError(f"the log replaces the {role} key {change.old}, which was not in use")
        chain.append(change.new)
        start[change.new], end[change.old] = change.signed_at, change.signed_at + _TICK
    if chain[-1] != own or set(chain) != set(held):
        strange = sorted(set(chain) ^ set(held)) or [own]
        raise RotationError(
            f"the folder of keys and the log differ about the {role} keys {', '.join(strange)}"
        )
    if not all(
        change.signed_by(held[change.old]) and change.signed_by(held[change.new]) for change in changes
    ):
        raise RotationError(f"a change of the {role} key is not signed by both keys")
    name = settings.log_origin if role == "log" else role
    return [Listed(role, name, key, held[key], start[key], end.get(key)) for key in chain]


def _load(settings: Settings, role: str) -> Ed25519PublicKey:
    file = key_file(settings, role).with_suffix(".pub.pem")
    key = serialization.load_pem_public_key(file.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise RotationError(f"{file} is not an Ed25519 key")
    return key
