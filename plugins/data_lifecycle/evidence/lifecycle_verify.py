"""Verify a bundle of deletion evidence, offline. One file: Python 3.9 or later and the package `cryptography`.

    python lifecycle_verify.py bundle.zip --trust trust.json [--since checkpoint]
        [--from 2026-01-01 --to 2026-02-01] [--opening opening.json] [--json]

Prints one line a check, in order, and stops at the first that fails. Exit code: 0 all checks hold; 1 refused;
2 wrong arguments; 3 the bundle holds, but the opened item is not claimed to be absent.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import struct
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

BUNDLE_FORMAT = "https://xmanart.com/lifecycle/bundle/v1"
TRUST_FORMAT = "https://xmanart.com/lifecycle/trust/v1"
OPENING_FORMAT = "https://xmanart.com/lifecycle/opening/v1"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
RUN = "https://xmanart.com/lifecycle/photo-purge/v1"
HEARTBEAT = "https://xmanart.com/lifecycle/heartbeat/v1"
ROTATION = "https://xmanart.com/lifecycle/key-rotation/v1"
LAG = timedelta(hours=1)
"""How much older than an entry before it an entry may be: statements are signed before they are put in order."""
LARGEST = 1 << 30
"""Bytes a bundle may have."""
ABSENT = ("OBSERVED_ABSENT", "RESIDUE_PENDING", "RESIDUE_CLEARED")
_OPEN = ("PLANNED", "HELD", "DELETE_ACCEPTED", "UNKNOWN")
FOLLOWS: Mapping[str, tuple[str, ...]] = {
    "PLANNED": (*_OPEN, "OBSERVED_ABSENT"),
    "HELD": (*_OPEN, "OBSERVED_ABSENT"),
    "DELETE_ACCEPTED": (*_OPEN, "OBSERVED_ABSENT"),
    "UNKNOWN": (*_OPEN, "OBSERVED_ABSENT"),
    "OBSERVED_ABSENT": (*ABSENT, "RESURRECTED"),
    "RESIDUE_PENDING": ("RESIDUE_PENDING", "RESIDUE_CLEARED", "RESURRECTED"),
    "RESIDUE_CLEARED": ("OBSERVED_ABSENT", "RESIDUE_CLEARED", "RESURRECTED"),
    "RESURRECTED": (*_OPEN, "OBSERVED_ABSENT", "RESURRECTED"),
}
"""What may be claimed of a case after what. Absence is final unless something came back, which must be said."""
CHECKS = (
    "archive", "trust", "manifest", "rotations", "checkpoint", "timestamp", "consistency", "inclusion", "signatures",
    "statements", "validity", "time", "heartbeats", "counts", "cases", "opening",
)  # fmt: skip
_NAMES = re.compile(
    r"manifest\.json|proofs\.json|checkpoint|checkpoints/\d{20}|entries/\d{20}\.dsse\.json", re.ASCII
)
_HEX = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Refused(Exception):
    """A check does not hold. ``check`` is one of CHECKS."""

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(reason)
        self.check = check


@dataclass(frozen=True)
class Key:
    """A key of the trust file or of a rotation, and when it may sign: times (UTC), and entries after/up to an index."""

    name: str
    role: str
    raw: bytes
    valid_from: datetime
    valid_to: datetime | None = None
    revoked_at: datetime | None = None
    after: int = -1
    until: int | None = None

    @property
    def id(self) -> str:
        """SHA-256 (hex) of the raw key."""
        return hashlib.sha256(self.raw).hexdigest()

    def signed(self, signature: bytes, data: bytes) -> bool:
        """Whether the signature is this key's over the data."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Entry:
    """An entry whose signatures hold."""

    index: int
    payload: bytes
    signers: tuple[str, ...]
    statement: Mapping[str, Any] = field(default_factory=dict)

    @property
    def predicate(self) -> Mapping[str, Any]:
        """What is stated."""
        found: Mapping[str, Any] = self.statement["predicate"]
        return found

    @property
    def kind(self) -> str:
        """Type of the predicate."""
        return str(self.statement["predicateType"])

    @property
    def signed_at(self) -> datetime:
        """When it was signed, as it says itself (UTC)."""
        return moment(self.predicate["signed_at"], "statements", f"entry {self.index}")


@dataclass
class Result:
    """Lines of the checks that held, the first refusal if there was one, and what an opening showed."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    refused: tuple[str, str] | None = None
    opened_absent: bool | None = None

    @property
    def exit_code(self) -> int:
        """0 verified, 1 refused, 3 verified but the opened item is not claimed absent."""
        return 1 if self.refused else 3 if self.opened_absent is False else 0


def need(true: object, check: str, reason: str) -> None:
    """Refuse unless it is true."""
    if not true:
        raise Refused(check, reason)


# Bytes that have exactly one spelling ---------------------------------------------------------------------------------


def canonical(value: object) -> bytes:
    """RFC 8785 JSON of what these files hold: strings, whole numbers, booleans, null; keys in ASCII."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def parse(data: bytes, check: str, what: str, *, exact: bool = True) -> Any:
    """Strict JSON: no key twice, no fractions, no NaN, numbers that any reader reads alike; by default canonical."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        need(len(found) == len(items), check, f"{what}: a key stands there twice")
        need(all(key.isascii() for key in found), check, f"{what}: a key is not ASCII")
        return found

    def fraction(_: str) -> Any:
        raise Refused(check, f"{what}: a number that is not whole")

    def whole(text: str) -> int:
        need(len(text) <= 17 and abs(int(text)) < 2**53, check, f"{what}: a number too large")
        return int(text)

    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=pairs, parse_float=fraction, parse_constant=fraction,
            parse_int=whole,
        )  # fmt: skip
        same = not exact or canonical(value) == data
    except (ValueError, RecursionError) as error:
        raise Refused(check, f"{what}: not JSON in UTF-8") from error
    need(same, check, f"{what}: not canonical JSON")
    return value


def fields(value: Any, names: str, check: str, what: str) -> Mapping[str, Any]:
    """``value`` if it is an object with exactly these fields."""
    need(isinstance(value, dict), check, f"{what}: not an object")
    wanted = set(names.split())
    need(set(value) == wanted, check, f"{what}: fields are not exactly {', '.join(sorted(wanted))}")
    found: Mapping[str, Any] = value
    return found


def count(value: Any, check: str, what: str) -> int:
    """``value`` if it is a whole number, zero or more."""
    need(type(value) is int and value >= 0, check, f"{what}: not a count")
    return int(value)


def moment(value: Any, check: str, what: str) -> datetime:
    """A moment in UTC, spelled in the one way allowed."""
    need(isinstance(value, str) and _MOMENT.fullmatch(value), check, f"{what}: not a moment in UTC")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise Refused(check, f"{what}: not a moment in UTC") from error


def day(value: Any, check: str, what: str) -> date:
    """A calendar day in UTC."""
    need(
        isinstance(value, str) and re.fullmatch(r"2\d{3}-\d\d-\d\d", value, re.ASCII),
        check,
        f"{what}: not a day",
    )
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise Refused(check, f"{what}: not a day") from error


def unhex(value: Any, check: str, what: str) -> bytes:
    """32 bytes from 64 lower-case hexadecimal digits."""
    need(isinstance(value, str) and _HEX.fullmatch(value), check, f"{what}: not 64 hexadecimal digits")
    return bytes.fromhex(value)


def unbase64(value: Any, check: str, what: str) -> bytes:
    """Bytes from base64 in its one spelling."""
    need(isinstance(value, str) and value.isascii(), check, f"{what}: not base64")
    try:
        data = b64decode(value, validate=True)
    except ValueError as error:
        raise Refused(check, f"{what}: not base64") from error
    need(b64encode(data).decode() == value, check, f"{what}: not base64 in its one spelling")
    return data


# The archive ----------------------------------------------------------------------------------------------------------


def pack(files: Mapping[str, bytes]) -> bytes:
    """The one ZIP archive of these files: stored, sorted, without times, comments or extras."""
    body, directory = bytearray(), bytearray()
    for name in sorted(files):
        data, label, offset = files[name], name.encode("ascii"), len(body)
        facts = struct.pack("<5H3I2H", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(label), 0)
        body += b"PK\x03\x04" + facts + label + data
        directory += b"PK\x01\x02" + struct.pack("<H", 3 << 8 | 20) + facts
        directory += struct.pack("<3H2I", 0, 0, 0, 0o100644 << 16, offset) + label
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, len(files), len(files), len(directory), len(body), 0)
    return bytes(body + directory + end)


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of an archive that is, byte for byte, what ``pack`` writes. Nothing is written or decompressed."""
    files: dict[str, bytes] = {}
    at = 0
    need(len(data) <= LARGEST, "archive", "larger than a bundle may be")
    while data[at : at + 4] == b"PK\x03\x04" and len(data) >= at + 30:
        method, size, label = struct.unpack_from("<8xH8xI4xH", data, at)
        need(method == 0, "archive", "a file in it is compressed; bundles are stored as they are")
        name = data[at + 30 : at + 30 + label].decode("ascii", "replace")
        need(_NAMES.fullmatch(name), "archive", "a file in it has a name that no bundle has")
        need(name not in files, "archive", f"{name} is in it twice")
        at += 30 + label
        need(at + size <= len(data), "archive", f"{name} is cut off")
        files[name] = data[at : at + size]
        at += size
    need(files, "archive", "not a ZIP archive")
    need(len(files) < 1 << 16 and pack(files) == data, "archive", "not byte for byte as bundles are written")
    return files


# The tree (RFC 9162) --------------------------------------------------------------------------------------------------


def leaf_hash(data: bytes) -> bytes:
    """Hash of an entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def _inner(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _climb(position: int, last: int, starts: Sequence[bytes], proof: Sequence[bytes]) -> list[bytes]:
    """Both verifications of RFC 9162 at once: the last start joins all hashes, the first only those to its left."""
    ends = list(starts)
    for other in proof:
        if last == 0:
            return []
        if position & 1 or position == last:
            ends = [_inner(other, end) for end in ends]
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            ends[-1] = _inner(ends[-1], other)
        position, last = position >> 1, last >> 1
    return ends if last == 0 else []


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows the leaf at this index of the tree."""
    return 0 <= index < size and _climb(index, size - 1, [leaf], proof) == [root]


def extends(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the new tree begins with the old one."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    return bool(path) and _climb(position, last, [path[0], path[0]], path[1:]) == [old_root, new_root]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Root over hashes of leaves."""
    edge: list[bytes] = []
    for size, leaf in enumerate(leaves):
        position, current = size, leaf
        while position & 1:
            position, current = position >> 1, _inner(edge.pop(), current)
        edge.append(current)
    current = edge.pop() if edge else hashlib.sha256(b"").digest()
    while edge:
        current = _inner(edge.pop(), current)
    return current


# What the reviewer trusts ---------------------------------------------------------------------------------------------


def read_trust(data: bytes) -> tuple[str, dict[str, Key]]:
    """(origin of the log, keys by id) of a trust file."""
    trust = fields(
        parse(data, "trust", "trust file", exact=False), "format origin keys", "trust", "trust file"
    )
    need(trust["format"] == TRUST_FORMAT, "trust", "the trust file has another format")
    need(
        isinstance(trust["origin"], str) and isinstance(trust["keys"], list), "trust", "no origin or no keys"
    )
    ring: dict[str, Key] = {}
    for listed in trust["keys"]:
        item = fields(listed, "name role public valid_from valid_to revoked_at", "trust", "a key")
        start = moment(item["valid_from"], "trust", "valid_from")
        end, revoked = (
            None if item[name] is None else moment(item[name], "trust", name)
            for name in ("valid_to", "revoked_at")
        )
        raw = unbase64(item["public"], "trust", "key")
        key = Key(str(item["name"]), str(item["role"]), raw, start, end, revoked)
        need(key.role in ("attester", "log") and len(key.raw) == 32, "trust", "a key of another role or kind")
        need(key.id not in ring, "trust", "one key is listed twice: attester and log must have their own")
        ring[key.id] = key
    need({key.role for key in ring.values()} == {"attester", "log"}, "trust", "needs keys of both roles")
    return trust["origin"], ring


class Bundle:
    """A bundle under verification. Each method is a check; it returns the line to print or raises Refused."""

    def __init__(
        self,
        data: bytes,
        trust: bytes,
        since: bytes | None = None,
        opening: bytes | None = None,
        asked: tuple[datetime, datetime] | None = None,
    ) -> None:
        self._data, self._trust, self._since, self._opening, self._asked = data, trust, since, opening, asked
        self.opened_absent: bool | None = None
        self._notes: dict[int, tuple[bytes, Key]] = {}

    def archive(self) -> str:
        """The archive is exactly as bundles are written."""
        self._files = unpack(self._data)
        return f"{len(self._files)} files, {len(self._data)} bytes"

    def trust(self) -> str:
        """The trust file is well formed."""
        self._origin, self._ring = read_trust(self._trust)
        return f"{len(self._ring)} keys for the log {self._origin}"

    def manifest(self) -> str:
        """The manifest says what the archive holds."""
        files, names = self._files, "format origin range rotations tree_size"
        need(
            "manifest.json" in files and "checkpoint" in files and "proofs.json" in files,
            "manifest",
            "incomplete",
        )
        found = fields(parse(files["manifest.json"], "manifest", "manifest"), names, "manifest", "manifest")
        need(found["format"] == BUNDLE_FORMAT, "manifest", "another format")
        need(found["origin"] == self._origin, "manifest", "a bundle of another log than the trust file's")
        span = fields(found["range"], "from to", "manifest", "range")
        self._from, self._to = (count(span[end], "manifest", "range") for end in ("from", "to"))
        self._size = count(found["tree_size"], "manifest", "tree size")
        need(self._from < self._to <= self._size, "manifest", "the range is empty or beyond the log")
        need(self._to - self._from < 1 << 16, "manifest", "more entries than an archive can hold")
        need(isinstance(found["rotations"], list), "manifest", "rotations are not a list")
        self._turns = [count(index, "manifest", "rotation") for index in found["rotations"]]
        need(self._turns == sorted(set(self._turns)), "manifest", "rotations are not in order")
        need(all(index < self._to for index in self._turns), "manifest", "a rotation is after the range")
        earlier = [index for index in self._turns if index < self._from]
        self._indexes = [*earlier, *range(self._from, self._to)]
        wanted = {f"entries/{index:020d}.dsse.json" for index in self._indexes}
        held = {name for name in files if name.startswith("entries/")}
        need(wanted - held == set(), "manifest", f"{len(wanted - held)} entries of the range are missing")
        need(held == wanted, "manifest", "there are entries outside the range")
        return f"entries {self._from} to {self._to - 1} of {self._size}"

    def rotations(self) -> str:
        """Every change of keys is signed by a key trusted until then and by the new one."""
        for index in self._turns:
            payload, signatures = self._envelope(index, "rotations")
            need(
                len(signatures) == 2, "rotations", f"entry {index}: no rotation without both keys' signatures"
            )
            self._turn(index, payload, signatures)
        return f"{len(self._turns)} changes of keys"

    def _envelope(self, index: int, check: str) -> tuple[bytes, list[tuple[str, bytes]]]:
        what = f"entry {index}"
        outer = parse(self._files[f"entries/{index:020d}.dsse.json"], check, what)
        outer = fields(outer, "payload payloadType signatures", check, what)
        need(outer["payloadType"] == PAYLOAD_TYPE, check, f"{what}: another payload type")
        need(isinstance(outer["signatures"], list), check, f"{what}: no signatures")
        signatures = []
        for item in outer["signatures"]:
            signature = fields(item, "keyid sig", check, what)
            unhex(signature["keyid"], check, f"{what}: key id")
            signatures.append((signature["keyid"], unbase64(signature["sig"], check, f"{what}: signature")))
        signers = [signer for signer, _ in signatures]
        need(len(signers) in (1, 2), check, f"{what}: {len(signers)} signatures")
        need(signers == sorted(set(signers)), check, f"{what}: signatures are not in order")
        return unbase64(outer["payload"], check, f"{what}: payload"), signatures

    def _turn(self, index: int, payload: bytes, signatures: list[tuple[str, bytes]]) -> None:
        what, pae = f"entry {index}", encode(payload)
        known = [(self._ring[signer], seal) for signer, seal in signatures if signer in self._ring]
        need(known, "rotations", f"{what}: signed by no key that is trusted")
        need(
            all(key.signed(seal, pae) for key, seal in known),
            "rotations",
            f"{what}: a signature does not fit",
        )
        stated = statement_of(payload, "rotations", what)
        need(stated["predicateType"] == ROTATION, "rotations", f"{what}: two signatures, but no rotation")
        change = fields(stated["predicate"], "role old new signed_at", "rotations", what)
        new = fields(change["new"], "name public", "rotations", what)
        raw, at = unbase64(new["public"], "rotations", what), moment(change["signed_at"], "rotations", what)
        old = self._ring.get(str(change["old"]))
        need(
            old is not None and isinstance(new["name"], str),
            "rotations",
            f"{what}: replaces a key nobody trusts",
        )
        fresh = Key(new["name"], str(change["role"]), raw, at, after=index)
        assert old is not None  # noqa: S101 — for type checkers
        need(old.role == fresh.role, "rotations", f"{what}: turns a key of one role into a key of another")
        need(old.until is None and old.after < index, "rotations", f"{what}: replaces a key already replaced")
        need(in_force(old, at), "rotations", f"{what}: replaces a key that is revoked or expired")
        need(
            {fresh.id, old.id} == {signer for signer, _ in signatures}, "rotations", f"{what}: other signers"
        )
        listed = self._ring.get(fresh.id)
        unused = listed is None or (listed.role, listed.after, listed.until) == (fresh.role, -1, None)
        need(unused, "rotations", f"{what}: the new key is not new")
        sealed = all(fresh.signed(seal, pae) for signer, seal in signatures if signer == fresh.id)
        need(sealed, "rotations", f"{what}: the new key's signature does not fit")
        self._ring[fresh.id] = replace(listed, after=index) if listed else fresh
        self._ring[old.id] = replace(old, until=index)

    def checkpoint(self) -> str:
        """The log's head is signed by the log's key."""
        size, self._root, key = self._note(self._files["checkpoint"], "checkpoint")
        need(size == self._size, "checkpoint", "the checkpoint has another size than the manifest says")
        return f"{size} entries, root {self._root.hex()[:16]}…, signed by {key.id[:16]}…"

    def _note(self, note: bytes, check: str) -> tuple[int, bytes, Key]:
        try:
            origin, size, root, empty, line, end = note.decode("utf-8").split("\n")
        except ValueError as error:
            raise Refused(check, "not a checkpoint with one signature") from error
        dash, _, seal = line.partition(" " + self._origin + " ")
        need((empty, end, dash) == ("", "", "—"), check, "not a checkpoint with one signature of this log")
        need(origin == self._origin, check, "a checkpoint of another log")
        need(re.fullmatch(r"[1-9]\d{0,18}", size, re.ASCII), check, "no size")
        raw, signed = unbase64(root, check, "root"), unbase64(seal, check, "signature")
        need(len(raw) == 32 and len(signed) == 68, check, "root or signature of another length")
        body = f"{origin}\n{size}\n{root}\n".encode()
        for key in self._ring.values():
            hint = hashlib.sha256(key.name.encode() + b"\n\x01" + key.raw).digest()[:4]
            if (
                key.role == "log"
                and key.name == origin
                and hint == signed[:4]
                and key.signed(signed[4:], body)
            ):
                index = int(size) - 1
                if key.after <= index and (key.until is None or index < key.until):
                    self._notes[int(size)] = (raw, key)
                    return int(size), raw, key
        raise Refused(check, "not signed by a key of this log that was in use then")

    def timestamp(self) -> str:
        """Whether an outside authority says when."""
        return "logged, not timestamped: when is what the signers say"

    def consistency(self) -> str:
        """The log only ever grew: since the earlier checkpoints, and since the reviewer's own."""
        check = "consistency"
        proofs = fields(
            parse(self._files["proofs.json"], check, "proofs"), "consistency inclusion", check, "proofs"
        )
        self._inclusion = proofs["inclusion"]
        sizes = sorted(int(name[12:]) for name in self._files if name.startswith("checkpoints/"))
        paths = proof_list(proofs["consistency"], "size", check)
        need([size for size, _ in paths] == sizes, check, "proofs are not those of the checkpoints")
        need(all(size < self._size for size in sizes), check, "a checkpoint that is not earlier")
        shown = dict(paths)
        for size, path in paths:
            found, root, _ = self._note(self._files[f"checkpoints/{size:020d}"], check)
            need(found == size, check, f"checkpoint {size} has another size")
            need(extends(size, root, self._size, self._root, path), check, f"checkpoint {size} is of a fork")
        if self._since is None:
            return f"{len(sizes)} earlier checkpoints"
        mine, root, _ = self._note(self._since, check)
        need(
            mine <= self._size,
            check,
            f"this log has {self._size} entries, your checkpoint {mine}: rolled back",
        )
        need(mine == self._size or mine in shown, check, f"no proof from your checkpoint of {mine} entries")
        path = shown.get(mine, []) if mine < self._size else []
        need(
            extends(mine, root, self._size, self._root, path), check, "not the log of your checkpoint: a fork"
        )
        return f"{len(sizes)} earlier checkpoints; grew from your checkpoint of {mine} entries"

    def inclusion(self) -> str:
        """Every entry is in the log at its index, and none of the range is left out."""
        paths = proof_list(self._inclusion, "index", "inclusion")
        need(
            [index for index, _ in paths] == self._indexes, "inclusion", "proofs are not those of the entries"
        )
        for index, path in paths:
            leaf = leaf_hash(self._files[f"entries/{index:020d}.dsse.json"])
            need(
                includes(leaf, index, self._size, path, self._root),
                "inclusion",
                f"entry {index} is not in the log",
            )
        return f"{len(paths)} entries, no gap"

    def signatures(self) -> str:
        """Every statement is signed by an attester."""
        self._entries: list[Entry] = []
        for index in self._indexes:
            payload, signatures = self._envelope(index, "signatures")
            if index not in self._turns:
                need(len(signatures) == 1, "signatures", f"entry {index}: a rotation that the manifest hides")
                ((signer, seal),) = signatures
                key = self._ring.get(signer)
                need(key is not None, "signatures", f"entry {index}: signed by a key that is not trusted")
                assert key is not None  # noqa: S101 — for type checkers
                need(key.role == "attester", "signatures", f"entry {index}: signed by a key of another role")
                need(
                    key.signed(seal, encode(payload)),
                    "signatures",
                    f"entry {index}: the signature does not fit",
                )
            self._entries.append(Entry(index, payload, tuple(signer for signer, _ in signatures)))
        return f"{len(self._entries)} statements"

    def statements(self) -> str:
        """Every statement is canonical, of a known type, complete, and stated once."""
        seen: dict[bytes, int] = {}
        for at, entry in enumerate(self._entries):
            what = f"entry {entry.index}"
            stated = statement_of(entry.payload, "statements", what)
            entry = self._entries[at] = replace(entry, statement=stated)  # noqa: PLW2901
            need(
                (entry.kind == ROTATION) == (entry.index in self._turns), "statements", f"{what}: no rotation"
            )
            READERS[entry.kind](entry, what)
            facts = {name: value for name, value in entry.predicate.items() if name != "signed_at"}
            facts_of = canonical([stated["predicateType"], stated["subject"], facts])
            first = seen.setdefault(facts_of, entry.index)
            need(first == entry.index, "statements", f"{what}: states again what entry {first} states")
        return f"{len(seen)} statements, each stated once"

    def validity(self) -> str:
        """Every key was in force when it signed."""
        latest = max(entry.signed_at for entry in self._entries)
        for entry in self._entries:
            for signer in () if entry.index in self._turns else entry.signers:
                key, what = self._ring[signer], f"entry {entry.index}"
                need(key.after < entry.index, "validity", f"{what}: signed before its key was introduced")
                need(
                    key.until is None or entry.index < key.until,
                    "validity",
                    f"{what}: signed by a replaced key",
                )
                need(
                    in_force(key, entry.signed_at),
                    "validity",
                    f"{what}: key revoked, expired or not yet valid",
                )
        _, key = self._notes[self._size]
        # The checkpoint itself names no time, but it is younger than every entry it covers.
        need(in_force(key, max(latest, key.valid_from)), "validity", "the log's key was revoked or expired")
        return "no key used before, after or without its time"

    def time(self) -> str:
        """Nothing is back-dated, and the bundle covers the whole period it names."""
        latest = self._entries[0].signed_at
        for entry in self._entries:
            need(entry.signed_at > latest - LAG, "time", f"entry {entry.index}: older than entries before it")
            latest = max(latest, entry.signed_at)
        inside = [entry for entry in self._entries if entry.index >= self._from]
        start, end = inside[0].signed_at + LAG if self._from else None, inside[-1].signed_at - LAG
        if self._asked is not None:
            need(start is None or start <= self._asked[0], "time", f"complete only from {start}")
            need(self._asked[1] <= end, "time", f"complete only until {end}, where this bundle ends")
        since = f"{start:%Y-%m-%d %H:%M}" if start else "the beginning"
        return f"nothing is left out from {since} to {end:%Y-%m-%d %H:%M} UTC"

    def heartbeats(self) -> str:
        """Every day has a sign of life, or says that it has none."""
        beats: dict[date, str] = {}
        for entry in self._entries:
            if entry.kind == HEARTBEAT:
                own = day(entry.predicate["day"], "heartbeats", "day")
                need(own not in beats, "heartbeats", f"two heartbeats of {own}")
                beats[own] = str(entry.predicate["state"])
        # Only whole days count: the first and the last day of the bundle may be cut.
        spoken = [entry.signed_at.date() for entry in self._entries if entry.index >= self._from]
        first, last = spoken[0] + timedelta(days=1), spoken[-1]
        wanted = [first + timedelta(days=n) for n in range((last - first).days)]
        missing = [d for d in wanted if d not in beats]
        need(
            not missing,
            "heartbeats",
            f"no heartbeat on {missing[0] if missing else ''}, {len(missing)} days in all",
        )
        gaps = [d for d in wanted if beats[d] == "GAP"]
        return f"{len(wanted)} days" + (
            f", of which declared gaps: {', '.join(map(str, gaps))}" if gaps else ""
        )

    def counts(self) -> str:
        """Eligible = acted + held + failed, and a run is verified only if all its assertions held."""
        eligible = 0
        for entry in self._entries:
            if entry.kind == RUN:
                eligible += books(entry.predicate, f"entry {entry.index}")
        return f"{eligible} eligible entries = acted + held + failed (+ undecided, in failed runs)"

    def cases(self) -> str:
        """What is claimed of each case follows from what was claimed before."""
        self._cases: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
        for entry in self._entries:
            for item in entry.predicate.get("items", ()):
                what = f"entry {entry.index}, case {item['case']}"
                before = self._cases.setdefault(item["case"], [])
                if before:
                    last = before[-1][1]
                    legal = item["state"] in FOLLOWS[last["state"]]
                    need(legal, "cases", f"{what}: {item['state']} after {last['state']}")
                    same = item["commitments_root"] == last["commitments_root"]
                    both = last["state"] in ABSENT and item["state"] in ABSENT
                    need(same or not both, "cases", f"{what}: absent is now claimed of other items")
                elif self._from == 0:
                    new = item["state"] in (*_OPEN, "OBSERVED_ABSENT")
                    need(new, "cases", f"{what}: begins with {item['state']}")
                before.append((entry.index, item))
        states = [claims[-1][1]["state"] for claims in self._cases.values()]
        spoken = ", ".join(f"{states.count(state)} {state}" for state in FOLLOWS if state in states)
        return f"{len(states)} cases{': ' if spoken else ''}{spoken}"

    def opening(self) -> str:
        """The opened item is one that a case of this bundle commits to; what is claimed of it."""
        check, names = "opening", "case count format index proof reference salt"
        if self._opening is None:
            return "no item was opened"
        found = fields(parse(self._opening, check, "opening"), names, check, "opening")
        need(found["format"] == OPENING_FORMAT, check, "another format")
        parts = fields(found["reference"], "bucket key kind order version_id", check, "reference")
        need(all(isinstance(part, str) for part in parts.values()), check, "reference: not texts")
        need(isinstance(found["proof"], list), check, "no proof")
        path = [unhex(part, check, "proof") for part in found["proof"]]
        secret = hmac.new(unhex(found["salt"], check, "salt"), canonical(parts), hashlib.sha256).digest()
        place, size = count(found["index"], check, "index"), count(found["count"], check, "count")
        claims = self._cases.get(str(found["case"]), [])
        need(claims, check, "no statement of this bundle is about its case")
        shown = [
            (index, item)
            for index, item in claims
            if includes(leaf_hash(secret), place, size, path, bytes.fromhex(item["commitments_root"]))
        ]
        need(shown, check, "no statement of this bundle commits to the item")
        index, item = shown[-1]
        self.opened_absent = (index, item) == claims[-1] and item["state"] in ABSENT
        rest = "".join(f"; residue in {r['where']} until {r['until']}" for r in item.get("residue", ()))
        later = (
            "" if (index, item) == claims[-1] else f"; the case is {claims[-1][1]['state']} now, without it"
        )
        at = next(entry.signed_at for entry in self._entries if entry.index == index)
        return f"the item is {item['state']}: entry {index}, signed {at:%Y-%m-%d %H:%M} UTC{rest}{later}"


# Statements -----------------------------------------------------------------------------------------------------------


def encode(payload: bytes) -> bytes:
    """What a DSSE signature is over."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def statement_of(payload: bytes, check: str, what: str) -> Mapping[str, Any]:
    """The in-toto statement of a verified payload."""
    stated = fields(parse(payload, check, what), "_type predicate predicateType subject", check, what)
    need(stated["_type"] == STATEMENT_TYPE, check, f"{what}: not an in-toto statement")
    kind = stated["predicateType"]
    need(isinstance(kind, str) and kind in READERS, check, f"{what}: a predicate type that is not known")
    need(
        isinstance(stated["subject"], list) and len(stated["subject"]) == 1, check, f"{what}: not one subject"
    )
    subject = fields(stated["subject"][0], "digest name", check, what)
    unhex(fields(subject["digest"], "sha256", check, what)["sha256"], check, what)
    need(isinstance(stated["predicate"], dict), check, f"{what}: no predicate")
    moment(stated["predicate"].get("signed_at"), check, what)
    return stated


def proof_list(value: Any, name: str, check: str) -> list[tuple[int, list[bytes]]]:
    """Proofs by index or size."""
    need(isinstance(value, list), check, "no list of proofs")
    read = [fields(item, f"{name} hashes", check, "proof") for item in value]
    need(all(isinstance(item["hashes"], list) for item in read), check, "a proof is not a list")
    return [(count(i[name], check, name), [unhex(h, check, "proof") for h in i["hashes"]]) for i in read]


def in_force(key: Key, at: datetime) -> bool:
    """Whether the key was neither revoked nor outside its time."""
    ends = [end for end in (key.valid_to, key.revoked_at) if end is not None]
    return key.valid_from <= at and all(at < end for end in ends)


def read_heartbeat(entry: Entry, what: str) -> None:
    """A sign of life is of its own day; a gap is declared later, never back-dated."""
    beat = fields(entry.predicate, "day signed_at state", "statements", what)
    own, spoken = day(beat["day"], "statements", what), entry.signed_at.date()
    fits = {"ALIVE": own == spoken, "GAP": own < spoken}.get(str(beat["state"]), False)
    need(fits, "statements", f"{what}: a heartbeat that is not of its day")


def read_run(entry: Entry, what: str) -> None:
    """A run's statement names its outcome, its counts and its cases."""
    check, found = "statements", entry.predicate
    missing = {"outcome", "counts", "items", "set_root", "claims", "assertions", "unfinished_steps"} - set(
        found
    )
    need(not missing, check, f"{what}: without {', '.join(sorted(missing))}")
    need(found["outcome"] in ("planned", "verified", "failed"), check, f"{what}: no outcome")
    need(isinstance(found["counts"], dict) and isinstance(found["claims"], dict), check, f"{what}: no counts")
    need(isinstance(found["items"], list), check, f"{what}: items are not a list")
    need(isinstance(found["assertions"], list), check, f"{what}: assertions are not a list")
    cases = []
    for item in found["items"]:
        residue = isinstance(item, dict) and ("residue" in item or item.get("state") == "RESIDUE_PENDING")
        fields(item, "case commitments_root state" + " residue" * residue, check, what)
        need(isinstance(item["case"], str) and _UUID.fullmatch(item["case"]), check, f"{what}: no case")
        need(isinstance(item["state"], str) and item["state"] in FOLLOWS, check, f"{what}: an unknown state")
        unhex(item["commitments_root"], check, what)
        if residue:
            need(item["state"] in ABSENT[:2], check, f"{what}: residue of what is not absent")
            need(isinstance(item["residue"], list) and item["residue"], check, f"{what}: no residue named")
        for part in item.get("residue", ()):
            rest = fields(part, "until where", check, what)
            need(isinstance(rest["where"], str), check, f"{what}: residue nowhere")
            moment(rest["until"], check, what)
        cases.append(item["case"])
    need(cases == sorted(set(cases)), check, f"{what}: cases are not in order, each once")
    unhex(found["set_root"], check, what)


def read_rotation(entry: Entry, what: str) -> None:
    """Was read when keys were turned."""
    fields(entry.predicate, "new old role signed_at", "statements", what)


READERS = {RUN: read_run, HEARTBEAT: read_heartbeat, ROTATION: read_rotation}


def books(found: Mapping[str, Any], what: str) -> int:
    """Check the sums of a run's statement; how many were eligible."""
    items = found["items"]
    root = root_of(leaf_hash(canonical(item)) for item in items).hex()
    need(found["set_root"] == root, "counts", f"{what}: the set root is not that of its items")
    if found["outcome"] == "planned":
        return 0
    names = ("eligible", "acted", "held", "failed")
    eligible, acted, held, failed = (count(found["counts"].get(n), "counts", f"{what}: {n}") for n in names)
    rest = eligible - acted - held - failed
    need(rest >= 0, "counts", f"{what}: more acted, held and failed than eligible")
    absent = fields(found["claims"].get("OBSERVED_ABSENT"), "cases of_them_after_deadline", "counts", what)
    number = sum(item["state"] == "OBSERVED_ABSENT" for item in items)
    need(count(absent["cases"], "counts", what) == number, "counts", f"{what}: other cases than it counts")
    if found["outcome"] == "verified":
        need(rest == 0 and failed == 0, "counts", f"{what}: verified, but eligible is not acted + held")
        asserted = [isinstance(a, dict) and a.get("success") is True for a in found["assertions"]]
        need(asserted and all(asserted), "counts", f"{what}: verified, but not every assertion held")
        need(found["unfinished_steps"] == [], "counts", f"{what}: verified, but steps did not finish")
        bad = [n for n in ("survivors", "unknown", "canaries_missing") if found["counts"].get(n) != 0]
        need(not bad, "counts", f"{what}: verified, but {', '.join(bad)} is not zero")
    return eligible


def verify(
    data: bytes,
    trust: bytes,
    since: bytes | None = None,
    opening: bytes | None = None,
    asked: tuple[datetime, datetime] | None = None,
) -> Result:
    """Run every check in order; stops at the first that fails. ``asked`` is a period that must be covered (UTC)."""
    bundle, result = Bundle(data, trust, since, opening, asked), Result()
    for check in CHECKS:
        try:
            result.lines.append((check, getattr(bundle, check)()))
        except Refused as error:
            result.refused = (error.check, str(error))
            return result
    result.opened_absent = bundle.opened_absent
    return result


def _midnight(text: str) -> datetime:
    try:
        return moment(f"{text}T00:00:00+00:00", "time", "day")
    except Refused as error:
        raise argparse.ArgumentTypeError("not a day like 2026-01-31") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(description="Verify a bundle of deletion evidence, offline.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--trust", type=Path, required=True, help="keys you trust, got from somewhere else")
    parser.add_argument("--since", type=Path, help="the checkpoint you kept last time")
    parser.add_argument("--from", dest="start", type=_midnight, help="first day that must be covered (UTC)")
    parser.add_argument("--to", dest="end", type=_midnight, help="day up to which, itself not included")
    parser.add_argument("--opening", type=Path, help="the opening of one item, released to you")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    given = parser.parse_args(arguments)
    if (given.start is None) != (given.end is None) or (given.start and given.start >= given.end):
        parser.error("--from and --to belong together, in this order")
    try:
        paths = (given.bundle, given.trust, given.since, given.opening)
        data, trust, since, opening = (path.read_bytes() if path else None for path in paths)
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}")
    asked = (given.start, given.end) if given.start else None
    result = verify(data or b"", trust or b"", since, opening, asked)
    if given.json:
        checks = [{"check": name, "ok": True, "says": line} for name, line in result.lines]
        if result.refused:
            checks.append({"check": result.refused[0], "ok": False, "says": result.refused[1]})
        report = {"verified": result.refused is None, "checks": checks, "opened_absent": result.opened_absent}
        sys.stdout.write(json.dumps(report) + "\n")
        return result.exit_code
    for name, line in result.lines:
        sys.stdout.write(f"ok      {name:<12} {line}\n")
    if result.refused:
        sys.stdout.write(f"REFUSED {result.refused[0]:<12} {result.refused[1]}\n")
    return result.exit_code


if __name__ == "__main__":
    sys.exit(main())
