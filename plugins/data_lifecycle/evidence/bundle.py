"""Bundles: what a reviewer carries away. Statements, the log's signed head, and the proofs that connect them."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg2.extensions
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, fetch, fetch_one
from data_lifecycle.evidence import merkle
from data_lifecycle.evidence.checkpoint import parse, raw
from data_lifecycle.evidence.lifecycle_verify import (
    BUNDLE_FORMAT,
    HEARTBEAT,
    LAG,
    LARGEST,
    ROTATION,
    TRUST_FORMAT,
    pack,
)

_MARGIN = 2 * LAG
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class ExportError(RuntimeError):
    """Nothing can be exported as asked; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into a bundle: entries by index, the head's note, earlier notes by size, proofs as hashes.

    ``stamps`` are answers of time stamping authorities by the size of the head they are about.
    """

    origin: str
    size: int
    note: bytes = field(repr=False)
    first: int
    end: int
    entries: Mapping[int, bytes] = field(repr=False)
    rotations: Sequence[int]
    notes: Mapping[int, bytes] = field(repr=False)
    nodes: Mapping[merkle.Node, bytes] = field(repr=False)
    stamps: Mapping[int, bytes] = field(default_factory=dict, repr=False)

    def to_zip(self) -> bytes:
        """The archive, the same bytes for the same content; ExportError if it grows beyond what a verifier reads."""
        manifest: dict[str, Any] = {
            "format": BUNDLE_FORMAT,
            "origin": self.origin,
            "range": {"from": self.first, "to": self.end},
            "rotations": list(self.rotations),
            "timestamps": [
                {"sha256": hashlib.sha256(stamp).hexdigest(), "size": size}
                for size, stamp in sorted(self.stamps.items())
            ],
            "tree_size": self.size,
        }
        proofs: dict[str, Any] = {
            "consistency": [
                {"size": size, "hashes": self._proof(merkle.consistency_spans(size, self.size))}
                for size in sorted(self.notes)
            ],
            "inclusion": [
                {"index": index, "hashes": self._proof(merkle.inclusion_spans(index, self.size))}
                for index in sorted(self.entries)
            ],
        }
        files = {"manifest.json": rfc8785.dumps(manifest), "proofs.json": rfc8785.dumps(proofs)}
        files["checkpoint"] = self.note
        files |= {f"checkpoints/{size:020d}": note for size, note in self.notes.items()}
        files |= {f"timestamps/{size:020d}": stamp for size, stamp in self.stamps.items()}
        files |= {f"entries/{index:020d}.dsse.json": entry for index, entry in self.entries.items()}
        if len(files) >= 1 << 16 or sum(map(len, files.values())) > LARGEST * 15 // 16:
            raise ExportError("too much for one bundle: ask for a shorter period")
        return pack(files)

    def _proof(self, spans: Sequence[merkle.Span]) -> list[str]:
        return [value.hex() for value in merkle.hashes_of(spans, self.nodes)]


def needed_nodes(size: int, indexes: Collection[int], sizes: Collection[int]) -> set[merkle.Node]:
    """Nodes that the proofs of these entries and earlier sizes are made of."""
    spans = [span for index in indexes for span in merkle.inclusion_spans(index, size)]
    spans += [span for old in sizes for span in merkle.consistency_spans(old, size)]
    return set(merkle.nodes_of(spans))


def export(
    access: DatabaseAccess, period: tuple[datetime, datetime] | None, since: Collection[int] = ()
) -> bytes:
    """The bundle of everything signed from ``period[0]`` to before ``period[1]``; of the whole log for None.

    A little more than the period is taken, so that its edges prove that nothing of it is left out. ``since`` are sizes
    of further checkpoints that the log must be shown to have grown from. ``access`` may be the reviewer's. Raises
    ExportError when nothing was published, or a checkpoint of ``since`` is unknown.
    """
    with connect(access, "evidence export") as connection:
        connection.set_session(
            isolation_level=psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ, readonly=True
        )
        return _read(connection, period, since).to_zip()


def _read(
    connection: Connection, period: tuple[datetime, datetime] | None, since: Collection[int]
) -> Content:
    heads = fetch(connection, "evidence_log/latest_checkpoint")
    if not heads:
        raise ExportError("the log has no checkpoint yet")
    size, note = int(heads[0]["tree_size"]), bytes(heads[0]["note"])
    first, end = _range(connection, period, size)
    turns = [
        int(row["log_index"])
        for row in fetch(connection, "evidence_log/select_rotations", predicate_type=ROTATION, end=end)
    ]
    rows = fetch(connection, "evidence_log/select_entries", first=first, end=end, others=turns)
    notes = {
        int(row["tree_size"]): bytes(row["note"])
        for row in fetch(
            connection,
            "evidence_log/select_checkpoints",
            head=size,
            asked=list(since),
            since=period[0] if period else _BEGINNING,
        )
    }
    unknown = set(since) - set(notes) - {size}
    if unknown:
        raise ExportError(f"this log published no checkpoint of {min(unknown)} entries")
    stamps = fetch(connection, "evidence_log/select_timestamps", sizes=[*notes, size])
    entries = {int(row["log_index"]): bytes(row["envelope"]) for row in rows}
    wanted = sorted(needed_nodes(size, entries, notes))
    nodes = fetch(
        connection,
        "evidence_log/select_nodes",
        levels=[level for level, _ in wanted],
        positions=[position for _, position in wanted],
    )
    return Content(
        origin=parse(note)[0].origin,
        size=size,
        note=note,
        first=first,
        end=end,
        entries=entries,
        rotations=turns,
        notes=notes,
        nodes={(int(n["level"]), int(n["position"])): bytes(n["hash"]) for n in nodes},
        stamps={int(row["tree_size"]): bytes(row["token"]) for row in stamps},
    )


def _range(connection: Connection, period: tuple[datetime, datetime] | None, size: int) -> tuple[int, int]:
    if period is None:
        return 0, size
    if period[0] >= period[1]:
        raise ExportError("a period must end after it begins")
    found = fetch_one(
        connection,
        "evidence_log/find_range",
        period_from=period[0],
        period_to=period[1],
        margin=_MARGIN,
        end=size,
    )
    first = size if found["first"] is None else int(found["first"])
    last = -1 if found["last"] is None else int(found["last"])
    begin = max(first - 1, 0)
    end, wanted = 0, min(max(last + 2, begin + 1), size)
    while end != wanted:
        end = wanted
        beat = fetch_one(
            connection,
            "evidence_log/find_last_heartbeat",
            predicate_type=HEARTBEAT,
            log_index=end - 1,
            end=size,
        )
        wanted = max(end, int(beat["last"]) + 1)
    return begin, end


def trust_file(
    origin: str,
    attesters: Collection[Ed25519PublicKey],
    log: Ed25519PublicKey,
    valid_from: datetime,
    authorities: Collection[x509.Certificate] = (),
) -> bytes:
    """A trust file for these keys, to be handed to the reviewer on another way than the bundle.

    ``authorities`` are certificates of time stamping authorities, or of those that issue theirs.
    """
    start = valid_from.astimezone(UTC).isoformat()
    listed = [("attester", "attester", key) for key in attesters] + [(origin, "log", log)]
    keys = [
        {
            "name": name,
            "role": role,
            "public": b64encode(raw(key)).decode(),
            "valid_from": start,
            "valid_to": None,
            "revoked_at": None,
        }
        for name, role, key in listed
    ]
    stampers = [
        {
            "name": certificate.subject.rfc4514_string(),
            "certificate": b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode(),
        }
        for certificate in authorities
    ]
    return rfc8785.dumps(
        {"format": TRUST_FORMAT, "origin": origin, "keys": keys, "timestamp_authorities": stampers}
    )
