"""Verify a bundle of deletion evidence, offline. One file: Python 3.9 or later and `cryptography` 42 or later.

    python lifecycle_verify.py bundle.zip --trust trust.json [--since checkpoint]
        [--from 2026-01-01 --to 2026-02-01] [--opening opening.json] [--json]

Prints one line a check, in order, and stops at the first that fails. Exit code: 0 all checks hold; 1 refused;
2 wrong arguments; 3 the bundle holds, but not everything opened is claimed to be absent.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import struct
import sys
import warnings
import zlib
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID

BUNDLE_FORMAT = "https://xmanart.com/lifecycle/bundle/v1"
TRUST_FORMAT = "https://xmanart.com/lifecycle/trust/v1"
OPENING_FORMAT = "https://xmanart.com/lifecycle/opening/v1"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PLAN = "https://xmanart.com/lifecycle/plan/v1"
ASSERTIONS = "https://xmanart.com/lifecycle/assertions/v1"
RESULT = "https://xmanart.com/lifecycle/result/v1"
HEARTBEAT = "https://xmanart.com/lifecycle/heartbeat/v1"
ROTATION = "https://xmanart.com/lifecycle/key-rotation/v1"
POSTURE = "https://xmanart.com/lifecycle/posture/v1"
LAG = timedelta(hours=1)
"""How much older than an entry before it an entry may be: statements are signed before they are put in order."""
LARGEST = 1 << 30
"""Bytes a bundle may have."""
ABSENT = ("OBSERVED_ABSENT", "RESIDUE_PENDING", "RESIDUE_CLEARED")
_PLANS = ("PLANNED", "HELD")
_OPEN = ("PLANNED", "HELD", "DELETE_ACCEPTED", "UNKNOWN")
FOLLOWS: Mapping[str, tuple[str, ...]] = {
    "PLANNED": (*_OPEN, "ARCHIVED", "OBSERVED_ABSENT"),
    "HELD": (*_OPEN, "OBSERVED_ABSENT"),
    "ARCHIVED": (*_OPEN, "ARCHIVED", "OBSERVED_ABSENT"),
    "DELETE_ACCEPTED": (*_OPEN, "OBSERVED_ABSENT"),
    "UNKNOWN": (*_OPEN, "OBSERVED_ABSENT"),
    "OBSERVED_ABSENT": (*ABSENT, "RESURRECTED"),
    "RESIDUE_PENDING": ("RESIDUE_PENDING", "RESIDUE_CLEARED", "RESURRECTED"),
    "RESIDUE_CLEARED": ("OBSERVED_ABSENT", "RESIDUE_CLEARED", "RESURRECTED"),
    "RESURRECTED": (*_OPEN, "OBSERVED_ABSENT", "RESURRECTED"),
}
"""What may be claimed of a case after what. Absence is final unless something came back, which must be said."""
PIPELINES: Mapping[str, tuple[str, ...]] = {
    "photo_purge": ("survivors", "unknown", "canaries_missing"),
    "evidence_audit": ("back", "unknown", "canaries_missing", "findings", "days_missing", "salts_remaining"),
    "payment_archive": ("unbalanced", "lost", "short_locks", "survivors", "unknown", "canaries_missing"),
    "transfer_check": ("unjudged", "contradicted", "canaries_wrong", "stale_lists", "incidents_missing"),
    "vendor_inventory": (
        "lost",
        "unbalanced",
        "vendors_missing",
        "contradicted",
        "canaries_wrong",
        "documents_missing",
    ),
    "policy_change": ("unaccounted", "bytes_unaccounted", "erased"),
    "vendor_erasure": ("unasked", "unplanned", "overclaimed", "alarming"),
    "legal_holds": ("bare", "left_on", "unknown", "canaries_missing", "unenforced", "lifted", "overdue"),
}
"""The pipelines there are, and which of its counts must be there and zero in a verified result of each."""
CHECKS = (
    "archive", "trust", "manifest", "rotations", "checkpoint", "timestamp", "consistency", "inclusion", "signatures",
    "statements", "validity", "time", "heartbeats", "counts", "runs", "cases", "opening",
)  # fmt: skip
_NAMES = re.compile(
    r"manifest\.json|proofs\.json|checkpoint|(checkpoints|timestamps)/\d{20}|entries/\d{20}\.dsse\.json",
    re.ASCII,
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
    def run(self) -> tuple[str, int]:
        """Which run a plan, its assertions or its result is about."""
        return str(self.predicate["pipeline"]), int(self.predicate["run"]["number"])

    @property
    def sealed(self) -> list[Any]:
        """What all statements about one run have in common: manifest, moment, policy, code."""
        return [self.statement["subject"], *(self.predicate[name] for name in ("run", "policy", "code"))]

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
        """0 verified, 1 refused, 3 verified but not everything opened is claimed absent."""
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


# Time from outside: RFC 3161 tokens in RFC 5652 signatures, in DER only -----------------------------------------------

_SEQUENCE, _SET, _INTEGER, _OCTETS, _OID, _TIME = 0x30, 0x31, 0x02, 0x04, 0x06, 0x18
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("2a864886f70d010910022f")
_SHA256 = bytes.fromhex("608648016503040201")
_HASHES: Mapping[bytes, hashes.HashAlgorithm] = {
    _SHA256: hashes.SHA256(),
    bytes.fromhex("608648016503040202"): hashes.SHA384(),
    bytes.fromhex("608648016503040203"): hashes.SHA512(),
}
_SIGNS: Mapping[bytes, tuple[type, Any]] = {
    bytes.fromhex("2a864886f70d010101"): (rsa.RSAPublicKey, None),
    bytes.fromhex("2a864886f70d01010b"): (rsa.RSAPublicKey, hashes.SHA256),
    bytes.fromhex("2a864886f70d01010c"): (rsa.RSAPublicKey, hashes.SHA384),
    bytes.fromhex("2a864886f70d01010d"): (rsa.RSAPublicKey, hashes.SHA512),
    bytes.fromhex("2a8648ce3d040302"): (ec.EllipticCurvePublicKey, hashes.SHA256),
    bytes.fromhex("2a8648ce3d040303"): (ec.EllipticCurvePublicKey, hashes.SHA384),
    bytes.fromhex("2a8648ce3d040304"): (ec.EllipticCurvePublicKey, hashes.SHA512),
}
"""Kinds of signatures: which key, and with which digest if that is not said elsewhere."""
_BROKEN = (
    ValueError, TypeError, OverflowError, InvalidSignature, UnsupportedAlgorithm, x509.DuplicateExtension,
    x509.InvalidVersion, x509.UnsupportedGeneralNameType,
)  # fmt: skip
_UNDERSTOOD = {
    x509.BasicConstraints.oid, x509.KeyUsage.oid, x509.ExtendedKeyUsage.oid, x509.CertificatePolicies.oid,
}  # fmt: skip


@dataclass(frozen=True)
class Der:
    """One value: its tag, its content, and all its bytes."""

    tag: int
    body: bytes
    whole: bytes


class Parts:
    """The values in some bytes, to be taken in order. Each has a definite length, spelled as short as can be."""

    def __init__(self, data: bytes) -> None:
        self._left: list[Der] = []
        at = 0
        while at < len(data):
            start, size = at, data[at + 1] if at + 1 < len(data) else 128
            at += 2
            if size >= 128:
                width = size - 128
                size = int.from_bytes(data[at : at + width], "big")
                well = 0 < width <= 4 and size >= max(128, 1 << 8 * (width - 1))
                need(well, "timestamp", "the token is not in DER")
                at += width
            need(data[start] & 31 != 31 and at + size <= len(data), "timestamp", "the token is not in DER")
            self._left.append(Der(data[start], data[at : at + size], data[start : at + size]))
            at += size

    def __bool__(self) -> bool:
        return bool(self._left)

    def maybe(self, tag: int) -> Der | None:
        """The next value, if it has this tag."""
        return self._left.pop(0) if self._left and self._left[0].tag == tag else None

    def peek(self) -> int | None:
        """Tag of the next value."""
        return self._left[0].tag if self._left else None

    def take(self, tag: int) -> Der:
        """The next value, which must have this tag."""
        found = self.maybe(tag)
        need(found is not None, "timestamp", "the token lacks a part, or has it in another order")
        assert found is not None  # noqa: S101 — for type checkers
        return found

    def inside(self, tag: int) -> Parts:
        """The values in the next value."""
        return Parts(self.take(tag).body)

    def only(self, tag: int) -> Der:
        """The one value there is, which must have this tag."""
        found = self.take(tag)
        self.end()
        return found

    def number(self, tag: int = _INTEGER) -> int:
        """The next value, a whole number."""
        body = self.take(tag).body
        short = len(body) == 1 or (body and (body[0], body[1] >> 7) not in ((0, 0), (255, 1)))
        need(short, "timestamp", "the token is not in DER")
        return int.from_bytes(body, "big", signed=True)

    def algorithm(self) -> bytes:
        """The next value: an algorithm without parameters."""
        parts = self.inside(_SEQUENCE)
        found, nothing = parts.take(_OID).body, parts.maybe(5)
        parts.end()
        need(nothing is None or not nothing.body, "timestamp", "an algorithm with parameters")
        return found

    def end(self) -> None:
        """Nothing may be left."""
        need(not self._left, "timestamp", "the token has something more than it must")


@dataclass(frozen=True)
class Stamp:
    """What a token tells whose signature holds: the time (UTC), how exact it is, and whose certificate signed."""

    at: datetime
    accuracy: timedelta
    nonce: int | None
    signer: x509.Certificate
    others: tuple[x509.Certificate, ...]


def read_stamp(data: bytes, stamped: bytes) -> Stamp:
    """The answer of a time stamping authority about these bytes. Whether it is to be trusted, ``vouched`` tells."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of others' certificates: what is accepted is decided here
            return _read_stamp(data, stamped)
    except _BROKEN as error:
        raise Refused("timestamp", "a certificate or signature in the token cannot be read") from error


def _read_stamp(data: bytes, stamped: bytes) -> Stamp:
    check, response = "timestamp", Parts(Parts(data).only(_SEQUENCE).body)
    status, content = response.inside(_SEQUENCE), response.inside(_SEQUENCE) if response else None
    need(status.number() == 0 and content is not None, check, "the authority did not grant a timestamp")
    assert content is not None  # noqa: S101 — for type checkers
    status.maybe(_SEQUENCE)
    status.end()
    response.end()
    need(content.take(_OID).body == _SIGNED_DATA, check, "the token is not signed data")
    signed = Parts(Parts(content.only(0xA0).body).only(_SEQUENCE).body)
    need(signed.number() == 3, check, "signed data of another version")
    digests, inner = signed.inside(_SET), signed.inside(_SEQUENCE)
    need(inner.take(_OID).body == _TST_INFO, check, "what is signed is no timestamp")
    info = Parts(inner.only(0xA0).body).only(_OCTETS).body
    held, _ = signed.inside(0xA0), signed.maybe(0xA1)
    certificates = []
    while held:
        certificates.append(x509.load_der_x509_certificate(held.take(_SEQUENCE).whole))
        need(len(certificates) <= 8, check, "the token has too many certificates")
    signer = Parts(Parts(signed.only(_SET).body).only(_SEQUENCE).body)
    need(signer.number() == 1, check, "the signer is named in another way")
    issuer = signer.inside(_SEQUENCE)
    named = issuer.take(_SEQUENCE).whole, issuer.number()
    issuer.end()
    digest, attributes = signer.algorithm(), signer.take(0xA0)
    kind, seal, _ = signer.algorithm(), signer.take(_OCTETS).body, signer.maybe(0xA1)
    signer.end()
    listed = []
    while digests:
        listed.append(digests.algorithm())
    need(digest in _HASHES and digest in listed, check, "a digest that is too weak or not known")
    found = _attributes(attributes.body)
    need(found.get(_CONTENT_TYPE) == Der(_OID, _TST_INFO, b"\x06\x0b" + _TST_INFO), check, "no content type")
    told = found.get(_MESSAGE_DIGEST)
    own = hashlib.new(_HASHES[digest].name, info).digest()
    need(told is not None and (told.tag, told.body) == (_OCTETS, own), check, "the token was changed")
    certificate = _signed_by(found.get(_SIGNING_CERTIFICATE_V2), certificates)
    named_too = certificate.issuer.public_bytes(), certificate.serial_number
    need(named == named_too, check, "the token names two signers")
    # A SET OF is signed under its own tag, not under that of its place.
    _check_seal(certificate, kind, _HASHES[digest], seal, b"\x31" + attributes.whole[1:])
    at, accuracy, nonce = _told(Parts(Parts(info).only(_SEQUENCE).body), stamped)
    _check_purpose(certificate, at)
    others = tuple(other for other in certificates if other != certificate)
    return Stamp(at, accuracy, nonce, certificate, others)


def _attributes(data: bytes) -> dict[bytes, Der]:
    found: dict[bytes, Der] = {}
    listed = Parts(data)
    while listed:
        attribute = listed.inside(_SEQUENCE)
        name, values = attribute.take(_OID).body, Parts(attribute.only(_SET).body)
        need(name not in found, "timestamp", "a signed attribute is there twice")
        if name in (_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_CERTIFICATE_V2):
            tag = {_CONTENT_TYPE: _OID, _MESSAGE_DIGEST: _OCTETS}.get(name, _SEQUENCE)
            found[name] = values.only(tag)
        else:
            found[name] = Der(0, b"", b"")
    return found


def _signed_by(attribute: Der | None, certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    """The certificate that the signed attribute ``signingCertificateV2`` (RFC 5816) means."""
    check = "timestamp"
    need(attribute is not None, check, "the token does not sign which certificate signed it")
    assert attribute is not None  # noqa: S101 — for type checkers
    first = Parts(attribute.body).inside(_SEQUENCE).inside(_SEQUENCE)
    explicit = first.maybe(_SEQUENCE)
    digest = Parts(explicit.whole).algorithm() if explicit else _SHA256
    need(digest in _HASHES, check, "a digest that is too weak or not known")
    wanted = first.take(_OCTETS).body
    first.maybe(_SEQUENCE)
    first.end()
    for certificate in certificates:
        if certificate.fingerprint(_HASHES[digest]) == wanted:
            return certificate
    raise Refused(check, "the token lacks the certificate that signed it")


def _check_seal(
    certificate: x509.Certificate, kind: bytes, digest: hashes.HashAlgorithm, seal: bytes, over: bytes
) -> None:
    check, key = "timestamp", certificate.public_key()
    family, fixed = _SIGNS.get(kind, (type(None), None))
    need(isinstance(key, family), check, "another kind of signature than the signer's key makes")
    need(fixed is None or isinstance(digest, fixed), check, "the signature names two digests")
    need(getattr(key, "key_size", 0) >= (2048 if family is rsa.RSAPublicKey else 256), check, "a weak key")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(seal, over, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(seal, over, ec.ECDSA(digest))
    except InvalidSignature as error:
        raise Refused(check, "the authority's signature does not fit") from error


def _told(info: Parts, stamped: bytes) -> tuple[datetime, timedelta, int | None]:
    """(time, accuracy, nonce) of a TSTInfo about these bytes."""
    check = "timestamp"
    need(info.number() == 1, check, "a timestamp of another version")
    info.take(_OID)
    imprint = info.inside(_SEQUENCE)
    same = imprint.algorithm() == _SHA256 and imprint.only(_OCTETS).body == hashlib.sha256(stamped).digest()
    need(same, check, "the timestamp is of something else than the checkpoint")
    need(info.number() > 0, check, "a timestamp without a number")
    spoken = re.fullmatch(rb"(2\d{13})(?:\.(\d{0,8}[1-9]))?Z", info.take(_TIME).body)
    need(spoken, check, "no time in UTC")
    assert spoken is not None  # noqa: S101 — for type checkers
    at = datetime.strptime(spoken[1].decode() + "+0000", "%Y%m%d%H%M%S%z")
    at += timedelta(microseconds=int((spoken[2] or b"").ljust(6, b"0")[:6]))
    exact = info.maybe(_SEQUENCE)
    accuracy = _accuracy(Parts(exact.body)) if exact else timedelta(0)
    ordering = info.maybe(1)
    need(ordering is None or ordering.body == b"\xff", check, "the token is not in DER")
    nonce = info.number() if info and info.peek() == _INTEGER else None
    info.maybe(0xA0)
    more = info.maybe(0xA1)
    info.end()
    extensions = Parts(more.body if more else b"")
    while extensions:
        extension = extensions.inside(_SEQUENCE)
        extension.take(_OID)
        need(extension.maybe(1) is None, check, "the timestamp has a condition that is not known")
    return at, accuracy, nonce


def _accuracy(parts: Parts) -> timedelta:
    names = {_INTEGER: "seconds", 0x80: "milliseconds", 0x81: "microseconds"}
    found = {name: parts.number(tag) for tag, name in names.items() if parts.peek() == tag}
    parts.end()
    right = 0 <= found.get("seconds", 0) <= LAG.total_seconds()
    right = right and all(0 < found[name] < 1000 for name in found if name != "seconds")
    need(right, "timestamp", "a timestamp that is too vague, or makes no sense")
    return timedelta(**found)


def _of(certificate: x509.Certificate, kind: type[Any]) -> x509.Extension[Any] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def _lasts(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether it is valid at a moment, and has no condition that nobody here understands."""
    known = all(e.oid in _UNDERSTOOD for e in certificate.extensions if e.critical)
    return known and certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _check_purpose(certificate: x509.Certificate, at: datetime) -> None:
    """RFC 3161, 2.3: a key for timestamps and nothing else, valid then."""
    purpose, usage = _of(certificate, x509.ExtendedKeyUsage), _of(certificate, x509.KeyUsage)
    stamps = (
        purpose is not None
        and purpose.critical
        and list(purpose.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    )
    signs = usage is None or usage.value.digital_signature or usage.value.content_commitment
    need(stamps and signs, "timestamp", "the signer's certificate is not for timestamps alone")
    need(
        _lasts(certificate, at),
        "timestamp",
        "the signer's certificate was not valid then, or only on conditions",
    )


def _issued(certificate: x509.Certificate, by: x509.Certificate, below: int, at: datetime) -> bool:
    """Whether an authority's certificate issued this one; ``below`` counts other authorities further down."""
    try:
        certificate.verify_directly_issued_by(by)
    except _BROKEN:
        return False
    digest = certificate.signature_hash_algorithm
    rank, usage = _of(by, x509.BasicConstraints), _of(by, x509.KeyUsage)
    purpose = _of(by, x509.ExtendedKeyUsage)
    able = {ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return (
        (digest is None or any(isinstance(digest, type(strong)) for strong in _HASHES.values()))
        and rank is not None
        and rank.value.ca
        and (rank.value.path_length is None or rank.value.path_length >= below)
        and (usage is None or usage.value.key_cert_sign)
        and (purpose is None or not able.isdisjoint(purpose.value))
        and _lasts(by, at)
    )


def vouched(stamp: Stamp, authorities: Mapping[x509.Certificate, str]) -> str | None:
    """Name of the listed authority that signed the token itself or by those it issued certificates to; or None."""
    steps, seen = [(stamp.signer, 0)], {stamp.signer}
    for certificate, depth in steps:
        if certificate in authorities:
            return authorities[certificate]
        for above in (*authorities, *stamp.others):
            try:
                fits = depth < 4 and above not in seen and _issued(certificate, above, depth, stamp.at)
            except _BROKEN:
                continue
            if fits:
                seen.add(above)
                steps.append((above, depth + 1))
    return None


# What the reviewer trusts ---------------------------------------------------------------------------------------------


def read_trust(data: bytes) -> tuple[str, dict[str, Key], dict[x509.Certificate, str]]:
    """(origin of the log, keys by id, certificates of time stamping authorities with their names) of a trust file."""
    names = "format origin keys timestamp_authorities"
    trust = fields(parse(data, "trust", "trust file", exact=False), names, "trust", "trust file")
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
    need(isinstance(trust["timestamp_authorities"], list), "trust", "no list of authorities")
    authorities: dict[x509.Certificate, str] = {}
    for listed in trust["timestamp_authorities"]:
        item = fields(listed, "name certificate", "trust", "an authority")
        try:
            certificate = x509.load_der_x509_certificate(
                unbase64(item["certificate"], "trust", "certificate")
            )
        except _BROKEN as error:
            raise Refused("trust", "an authority's certificate cannot be read") from error
        need(isinstance(item["name"], str) and certificate not in authorities, "trust", "an authority twice")
        authorities[certificate] = item["name"]
    return trust["origin"], ring, authorities


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
        self._stamps: dict[int, Stamp] = {}

    def archive(self) -> str:
        """The archive is exactly as bundles are written."""
        self._files = unpack(self._data)
        return f"{len(self._files)} files, {len(self._data)} bytes"

    def trust(self) -> str:
        """The trust file is well formed."""
        self._origin, self._ring, self._authorities = read_trust(self._trust)
        return f"{len(self._ring)} keys for the log {self._origin}"

    def manifest(self) -> str:
        """The manifest says what the archive holds."""
        files, names = self._files, "format origin range rotations timestamps tree_size"
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
        need(isinstance(found["timestamps"], list), "manifest", "timestamps are not a list")
        stamps = [fields(stamp, "sha256 size", "manifest", "timestamp") for stamp in found["timestamps"]]
        self._stamped = {
            count(stamp["size"], "manifest", "timestamp"): unhex(stamp["sha256"], "manifest", "timestamp")
            for stamp in stamps
        }
        sizes = list(self._stamped)
        need(sizes == sorted(sizes) and len(sizes) == len(stamps), "manifest", "timestamps are not in order")
        held = {name for name in files if name.startswith("timestamps/")}
        need(held == {f"timestamps/{size:020d}" for size in sizes}, "manifest", "not the timestamps it names")
        noted = {f"checkpoints/{size:020d}" for size in sizes if size != self._size}
        need(noted <= set(files), "manifest", "a timestamp of a checkpoint that is not there")
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
        """What authorities outside say about when the log's heads were there."""
        check, by = "timestamp", ""
        for size, digest in self._stamped.items():
            data = self._files[f"timestamps/{size:020d}"]
            need(hashlib.sha256(data).digest() == digest, check, f"of {size} entries: not the token it was")
            note = self._files["checkpoint" if size == self._size else f"checkpoints/{size:020d}"]
            stamp = read_stamp(data, note)
            if self._authorities:
                by = vouched(stamp, self._authorities) or ""
                need(by, check, f"of {size} entries: not by an authority of the trust file")
                self._stamps[size] = stamp
        if not self._stamps:
            unheard = f"; {len(self._stamped)} tokens, of no authority you trust" if self._stamped else ""
            return f"logged, not timestamped: when is what the signers say{unheard}"
        size, stamp = max(self._stamps.items())
        return f"{size} entries were there by {stamp.at:%Y-%m-%d %H:%M:%S} UTC, says {by}; {len(self._stamps)} in all"

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
        return f"nothing is left out from {since} to {end:%Y-%m-%d %H:%M} UTC{self._witnessed(inside)}"

    def _witnessed(self, inside: Sequence[Entry]) -> str:
        """Nothing was signed after it was seen from outside; how long it took until it was seen."""
        if not self._stamps:
            return ""
        sizes, first = sorted(self._stamps), dict(self._stamps)
        for place in range(len(sizes) - 2, -1, -1):  # who saw a larger head saw all before it
            size, larger = sizes[place], sizes[place + 1]
            first[size] = min(first[size], first[larger], key=lambda stamp: stamp.at)
        seen, longest = 0, timedelta(0)
        for entry in self._entries:
            place = bisect_right(sizes, entry.index)
            if place < len(sizes):
                stamp = first[sizes[place]]
                early = entry.signed_at - LAG <= stamp.at + stamp.accuracy
                need(early, "time", f"entry {entry.index}: signed after it was seen from outside")
                if entry.index >= self._from:
                    seen, longest = seen + 1, max(longest, stamp.at - entry.signed_at)
        hours, rest = divmod(int(longest.total_seconds()), 3600)
        return f"; {seen} of {len(inside)} seen from outside, at most {hours} h {rest // 60} min after they were signed"

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
            what = f"entry {entry.index}"
            if entry.kind in (PLAN, RESULT):
                root = root_of(leaf_hash(canonical(item)) for item in entry.predicate["items"]).hex()
                same = entry.predicate["set_root"] == root
                need(same, "counts", f"{what}: the set root is not that of its items")
            if entry.kind == RESULT:
                eligible += books(entry.predicate, what)
        return f"{eligible} eligible entries = acted + held + failed (+ undecided, in failed runs)"

    def runs(self) -> str:
        """Every result follows from a plan that was public before, and from what was asserted meanwhile."""
        spoken: dict[tuple[str, int], Entry] = {}
        plans: dict[tuple[str, int], Entry] = {}
        asserted: dict[tuple[str, int], Entry] = {}
        done: dict[tuple[str, int], Entry] = {}
        latest: dict[str, str] = {}
        pauses = self._pauses()
        for entry in self._entries:
            if entry.kind not in (PLAN, ASSERTIONS, RESULT):
                continue
            run, what = entry.run, f"entry {entry.index}"
            first = spoken.setdefault(run, entry)
            same = entry.sealed == first.sealed
            need(
                same, "runs", f"{what}: another manifest, moment, policy or code than in entry {first.index}"
            )
            named = entry.statement["subject"][0]["name"] == f"{run[0]}/run-{run[1]}"
            need(named, "runs", f"{what}: its subject is not the manifest of its run")
            plan, last = plans.get(run), asserted.get(run)
            if entry.kind == PLAN:
                late = f"{what}: a plan of which entry {first.index} says what came of it"
                need(first is entry, "runs", late)
                plans[run] = entry
            else:
                # Of a bundle that begins later, a plan may be before its beginning: that is said.
                told = plan is not None or self._from > 0
                need(told, "runs", f"{what}: there is no plan of its run before it")
                need(plan is None or not plan.predicate["dry_run"], "runs", f"{what}: of a dry run")
            if entry.kind == ASSERTIONS:
                later = last is None or last.predicate["round"] < entry.predicate["round"]
                need(later, "runs", f"{what}: an earlier round than that of an entry before it")
                asserted[run] = entry
            elif entry.kind == RESULT:
                if plan is not None or last is not None:
                    stated = last.predicate["assertions"] if last else []
                    same = entry.predicate["assertions"] == stated
                    need(same, "runs", f"{what}: other assertions than its run stated last")
                if plan is not None:
                    follows(plan.predicate, entry.predicate, latest, what)
                    paused(plan, entry, pauses, what)
                approval(entry, what)
                done[run] = entry
            latest.update((item["case"], item["state"]) for item in entry.predicate.get("items", ()))
        return _runs_line(plans, spoken, done) + (f"; {len(pauses)} pauses" if pauses else "")

    def _pauses(self) -> list[list[datetime]]:
        """When each pause began, and ended if this bundle tells: pauses and their ends take turns, in order of time."""
        pauses: list[list[datetime]] = []
        said, latest = None if self._from else "RESUMED", None
        for entry in (entry for entry in self._entries if entry.kind == POSTURE):
            what, state = f"entry {entry.index}", entry.predicate["state"]
            at = moment(entry.predicate["at"], "runs", what)
            need(state != said, "runs", f"{what}: {state} twice, nothing between")
            need(latest is None or at > latest - LAG, "runs", f"{what}: a pause told out of order")
            if state == "PAUSED" or said is None:  # its beginning may be before the bundle's
                pauses.append([])
            pauses[-1].append(at)
            said, latest = state, at
        return pauses

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
                    need(item["state"] in _PLANS, "cases", f"{what}: begins with {item['state']}")
                before.append((entry.index, item))
        states = [claims[-1][1]["state"] for claims in self._cases.values()]
        spoken = ", ".join(f"{states.count(state)} {state}" for state in FOLLOWS if state in states)
        return f"{len(states)} cases{': ' if spoken else ''}{spoken}"

    def opening(self) -> str:
        """Everything opened is what a case of this bundle commits to, and all of it; what is claimed of it."""
        check, names = "opening", "cases format key order"
        if self._opening is None:
            return "nothing was opened"
        found = fields(parse(self._opening, check, "opening"), names, check, "opening")
        need(found["format"] == OPENING_FORMAT, check, "another format")
        need(isinstance(found["order"], str), check, "of no order")
        need(found["key"] is None or isinstance(found["key"], str), check, "of no file")
        need(isinstance(found["cases"], list) and found["cases"], check, "no case")
        opened = [fields(case, "case count items salt", check, "a case") for case in found["cases"]]
        cases = {str(case["case"]): case for case in opened}
        need(
            list(cases) == sorted(cases) and len(cases) == len(opened), check, "cases not in order, each once"
        )
        total, absent, says = 0, 0, []
        for name, case in cases.items():
            places, (index, item) = self._opened(case, found["order"], found["key"])
            latest = self._cases[name][-1]
            total += len(places)
            absent += len(places) if (index, item) == latest and item["state"] in ABSENT else 0
            at = next(entry.signed_at for entry in self._entries if entry.index == index)
            rest = "".join(
                f"; residue in {r['where']} until {r['until'][:10]}" for r in item.get("residue", ())
            )
            later = "" if (index, item) == latest else f"; its case is {latest[1]['state']} now, without them"
            number = f"{len(places)} {item['state']}"
            says.append(f"{number} (entry {index}, signed {at:%Y-%m-%d %H:%M} UTC{rest}{later})")
        self.opened_absent = absent == total
        number = "all" if self.opened_absent else f"{absent} of {total}"
        what = "of one file"
        if found["key"] is None:
            what = f"all there are in {len(cases)} case{'s' * (len(cases) > 1)} of an order"
        return f"{total} item{'s' * (total > 1)}, {what}; {number} claimed absent: {', '.join(says)}"

    def _opened(
        self, case: Mapping[str, Any], order: str, key: str | None
    ) -> tuple[list[int], tuple[int, Mapping[str, Any]]]:
        """(places of what is opened of a case, the latest claim that commits to them)."""
        check = "opening"
        secret, size = unhex(case["salt"], check, "salt"), count(case["count"], check, "count")
        need(isinstance(case["items"], list) and case["items"], check, "no items")
        proven: list[tuple[bytes, int, list[bytes]]] = []
        for item in case["items"]:
            fields(item, "index proof reference", check, "an item")
            parts = fields(item["reference"], "bucket key kind order version_id", check, "a reference")
            need(all(isinstance(part, str) for part in parts.values()), check, "a reference: not texts")
            need(parts["order"] == order, check, "items of two orders")
            need(key in (None, parts["key"]), check, "items of another file")
            need(isinstance(item["proof"], list), check, "no proof")
            leaf = leaf_hash(hmac.new(secret, canonical(parts), hashlib.sha256).digest())
            path = [unhex(part, check, "proof") for part in item["proof"]]
            proven.append((leaf, count(item["index"], check, "index"), path))
        leaves, places = [leaf for leaf, _, _ in proven], [place for _, place, _ in proven]
        need(
            places == sorted(set(places)) and len(set(leaves)) == len(leaves), check, "an item is there twice"
        )
        need(key is not None or places == list(range(size)), check, "not every item of its case is opened")
        claims = self._cases.get(str(case["case"]), [])
        need(claims, check, "no statement of this bundle is about its case")
        shown = [
            (index, claim)
            for index, claim in claims
            for root in (bytes.fromhex(claim["commitments_root"]),)
            if all(includes(leaf, place, size, path, root) for leaf, place, path in proven)
            and (key is not None or root_of(leaves) == root)
        ]
        need(shown, check, "no statement of this bundle commits to these items")
        return places, shown[-1]


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


def read_head(found: Mapping[str, Any], what: str) -> None:
    """What every statement about a run has: which pipeline, which run, which policy, which code."""
    check = "statements"
    known = isinstance(found.get("pipeline"), str) and found["pipeline"] in PIPELINES
    need(known, check, f"{what}: of a pipeline that is not known")
    run = fields(found.get("run"), "as_of attempt number", check, what)
    count(run["number"], check, what), count(run["attempt"], check, what), moment(run["as_of"], check, what)
    policy = fields(found.get("policy"), "id sha256 version", check, what)
    need(isinstance(policy["id"], str) and isinstance(policy["version"], str), check, f"{what}: no policy")
    unhex(policy["sha256"], check, what)
    need(isinstance(found.get("code"), str), check, f"{what}: no code")


def read_items(found: Mapping[str, Any], states: Iterable[str], what: str) -> None:
    """Claims about cases, in order, each once; a claim says of what, and where bytes may remain."""
    check, cases = "statements", []
    need(isinstance(found["items"], list), check, f"{what}: items are not a list")
    for item in found["items"]:
        residue = isinstance(item, dict) and ("residue" in item or item.get("state") == "RESIDUE_PENDING")
        fields(item, "case commitments_root state" + " residue" * residue, check, what)
        need(isinstance(item["case"], str) and _UUID.fullmatch(item["case"]), check, f"{what}: no case")
        need(isinstance(item["state"], str) and item["state"] in states, check, f"{what}: an unknown state")
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


def read_plan(entry: Entry, what: str) -> None:
    """A plan names what is eligible and the cases it is about; a dry run is about none."""
    names = "clauses code dry_run eligible items pipeline planned policy run set_root signed_at"
    check, found = "statements", fields(entry.predicate, names, "statements", what)
    read_head(found, what)
    need(isinstance(found["clauses"], list) and isinstance(found["planned"], dict), check, f"{what}: no plan")
    need(isinstance(found["dry_run"], bool), check, f"{what}: neither a dry run nor none")
    count(found["eligible"], check, f"{what}: eligible")
    read_items(found, _PLANS, what)
    need(not (found["dry_run"] and found["items"]), check, f"{what}: a dry run that claims cases")


def read_assertions(entry: Entry, what: str) -> None:
    """What a suite expected and observed, and whether all of it held."""
    names = "assertions code pipeline policy round run signed_at success suite suite_sha256"
    check, found = "statements", fields(entry.predicate, names, "statements", what)
    read_head(found, what)
    need(isinstance(found["suite"], str), check, f"{what}: no suite")
    unhex(found["suite_sha256"], check, what)
    need(count(found["round"], check, what) > 0, check, f"{what}: rounds count from 1")
    need(
        isinstance(found["assertions"], list) and found["assertions"], check, f"{what}: nothing was asserted"
    )
    for item in found["assertions"]:
        part = fields(item, "expected name observed success", check, what)
        texts = all(isinstance(part[name], str) for name in ("expected", "name", "observed"))
        need(texts and isinstance(part["success"], bool), check, f"{what}: an assertion that says nothing")
    held = all(item["success"] for item in found["assertions"])
    need(found["success"] is held, check, f"{what}: success that its assertions do not show")


def read_result(entry: Entry, what: str) -> None:
    """A run's result names its outcome, its counts and its cases."""
    check, found = "statements", entry.predicate
    names = "outcome counts items set_root claims assertions unfinished_steps planned clauses"
    missing = set(names.split()) - set(found)
    need(not missing, check, f"{what}: without {', '.join(sorted(missing))}")
    read_head(found, what)
    need(found["outcome"] in ("verified", "failed"), check, f"{what}: no outcome")
    need(isinstance(found["counts"], dict) and isinstance(found["claims"], dict), check, f"{what}: no counts")
    need(isinstance(found["assertions"], list), check, f"{what}: assertions are not a list")
    read_items(found, FOLLOWS, what)


def read_rotation(entry: Entry, what: str) -> None:
    """Was read when keys were turned."""
    fields(entry.predicate, "new old role signed_at", "statements", what)


def read_posture(entry: Entry, what: str) -> None:
    """That whatever destroys was paused, or may go on: when, and by whom. Nothing is told before it is so."""
    check, found = "statements", fields(entry.predicate, "at by signed_at state", "statements", what)
    need(found["state"] in ("PAUSED", "RESUMED"), check, f"{what}: neither a pause nor its end")
    need(isinstance(found["by"], str) and found["by"].strip(), check, f"{what}: by nobody")
    need(moment(found["at"], check, what) < entry.signed_at + LAG, check, f"{what}: of a moment to come")


CAPPED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "photo_purge": {"entries": ("erase_items",), "bytes": ("erase_bytes",)},
    "payment_archive": {"records to archive": ("rows",), "records to erase": ("expiring_rows", "ended_hot_rows")},
}  # fmt: skip
"""Pipelines whose plans are judged by caps: by these at least, and the facts of the plan whose sum each one judges."""
ANSWERS = ("approved", "rejected", "timed_out", "void", "none")
"""What can have been said to a plan over its caps."""
_DECIMAL = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")
READERS = {
    PLAN: read_plan, ASSERTIONS: read_assertions, RESULT: read_result, HEARTBEAT: read_heartbeat,
    ROTATION: read_rotation, POSTURE: read_posture,
}  # fmt: skip


def books(found: Mapping[str, Any], what: str) -> int:
    """Check the sums of a run's result; how many were eligible."""
    names = ("eligible", "acted", "held", "failed")
    eligible, acted, held, failed = (count(found["counts"].get(n), "counts", f"{what}: {n}") for n in names)
    rest = eligible - acted - held - failed
    need(rest >= 0, "counts", f"{what}: more acted, held and failed than eligible")
    absent = fields(found["claims"].get("OBSERVED_ABSENT"), "cases of_them_after_deadline", "counts", what)
    number = sum(item["state"] == "OBSERVED_ABSENT" for item in found["items"])
    need(count(absent["cases"], "counts", what) == number, "counts", f"{what}: other cases than it counts")
    if found["outcome"] == "verified":
        need(rest == 0 and failed == 0, "counts", f"{what}: verified, but eligible is not acted + held")
        asserted = [isinstance(a, dict) and a.get("success") is True for a in found["assertions"]]
        need(asserted and all(asserted), "counts", f"{what}: verified, but not every assertion held")
        need(found["unfinished_steps"] == [], "counts", f"{what}: verified, but steps did not finish")
        bad = [
            n for n in PIPELINES[found["pipeline"]] if count(found["counts"].get(n), "counts", f"{what}: {n}")
        ]
        need(not bad, "counts", f"{what}: verified, but {', '.join(bad)} is not zero")
    return eligible


def approval(entry: Entry, what: str) -> None:
    """Check that nothing was done over the caps without a second person's word for this very manifest."""
    check, found = "runs", entry.predicate
    planned, said = found["planned"], found.get("approval")
    over = over_caps(found["pipeline"], planned, what)
    need(bool(over) == (said is not None), check, f"{what}: over its caps without an answer, or one unasked")
    if said is None:
        return
    told = isinstance(said, dict) and said.get("answer") in ANSWERS and said.get("over") == over
    need(told, check, f"{what}: no answer that there is, or about other caps")
    released = found["outcome"] == "verified" or count(found["counts"].get("acted"), check, what) > 0
    if said["answer"] != "approved":
        need(not released, check, f"{what}: over its caps, and nobody approved it")
        return
    names = "answer answered_at answered_by asked_at manifest_sha256 over"
    fields(said, names + " started_by" * ("started_by" in said), check, f"{what}: approval")
    sealed = entry.statement["subject"][0]["digest"]["sha256"]
    need(said["manifest_sha256"] == sealed, check, f"{what}: another manifest was approved")
    by, starter = said["answered_by"], said.get("started_by")
    another = isinstance(by, str) and by and by != starter
    need(another, check, f"{what}: approved by nobody else than who started it")
    asked, answered = moment(said["asked_at"], check, what), moment(said["answered_at"], check, what)
    between = asked <= answered <= entry.signed_at
    need(between, check, f"{what}: approved before it was asked, or after the result")


def paused(plan: Entry, entry: Entry, pauses: Iterable[Sequence[datetime]], what: str) -> None:
    """Check that a purge within one pause did nothing: by an hour, for clocks, and only where its end is told."""
    if entry.predicate["pipeline"] == "photo_purge" and entry.predicate["counts"]["acted"]:
        for begun, ended in (pause for pause in pauses if len(pause) > 1):
            inside = begun + LAG <= plan.signed_at and entry.signed_at <= ended - LAG
            need(not inside, "runs", f"{what}: acted while the house was paused")


def over_caps(pipeline: str, planned: Mapping[str, Any], what: str) -> list[str]:
    """Names of the caps that a plan exceeds; a plan of before there were any has none."""
    if "caps" not in planned:
        return []
    caps, over = planned["caps"], []
    need(isinstance(caps, dict) and pipeline in CAPPED, "runs", f"{what}: caps that are none")
    for name, cap in caps.items():
        pair = fields(cap, "allowed found", "runs", f"{what}: cap")
        texts = all(isinstance(part, str) and _DECIMAL.fullmatch(part) for part in pair.values())
        need(texts, "runs", f"{what}: a cap without numbers")
        if Decimal(pair["found"]) > Decimal(pair["allowed"]):
            over.append(name)
    for name, counted in CAPPED[pipeline].items():
        total = str(sum(count(planned.get(part), "runs", f"{what}: {part}") for part in counted))
        same = name in caps and caps[name]["found"] == total
        need(same, "runs", f"{what}: judged by the caps with other {name} than planned")
    return sorted(over)


def follows(plan: Mapping[str, Any], found: Mapping[str, Any], latest: Mapping[str, str], what: str) -> None:
    """Check a result against the plan of its run. ``latest`` are the states claimed of cases before it."""
    for name in ("planned", "clauses"):
        need(found[name] == plan[name], "runs", f"{what}: {name} is not what the plan says")
    eligible = found["counts"]["eligible"]
    need(
        eligible >= plan["eligible"], "runs", f"{what}: {eligible} eligible, {plan['eligible']} were planned"
    )
    planned, reached = {item["case"] for item in plan["items"]}, {item["case"] for item in found["items"]}
    for item in found["items"]:
        case, state = item["case"], item["state"]
        # Who plans nothing about a case can only say what becomes of one that was absent. An audit also sees that what
        # came back is gone again: another case of the same order may have erased it.
        before = latest.get(case, ABSENT[0])
        seen = before in ABSENT or (before == "RESURRECTED" and found["pipeline"] == "evidence_audit")
        again = state == "RESURRECTED" or (state in ABSENT and seen)
        need(
            case in planned or again, "runs", f"{what}: claims {state} of case {case}, which it did not plan"
        )
    lost = planned - reached
    need(
        found["outcome"] == "failed" or not lost,
        "runs",
        f"{what}: verified, but {len(lost)} cases are missing",
    )


def _runs_line(
    plans: Mapping[tuple[str, int], Entry],
    spoken: Mapping[tuple[str, int], Entry],
    done: Mapping[tuple[str, int], Entry],
) -> str:
    dry = [run for run, plan in plans.items() if plan.predicate["dry_run"]]
    ended = {*done, *dry}
    waiting = [f"{pipeline} {number}" for pipeline, number in plans if (pipeline, number) not in ended]
    line = f"{len(plans)} plans, {len(dry)} of them dry runs; {len(done)} runs with a result"
    if waiting:
        line += f"; without a result: {', '.join(waiting[:5])}{', …' if len(waiting) > 5 else ''}"
    before = len(spoken.keys() - plans.keys())
    return line + (f"; {before} runs planned before this bundle begins" if before else "")


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
    parser = argparse.ArgumentParser(
        "lifecycle_verify.py", description="Verify a bundle of deletion evidence, offline."
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--trust", type=Path, required=True, help="keys you trust, got from somewhere else")
    parser.add_argument("--since", type=Path, help="the checkpoint you kept last time")
    parser.add_argument("--from", dest="start", type=_midnight, help="first day that must be covered (UTC)")
    parser.add_argument("--to", dest="end", type=_midnight, help="day up to which, itself not included")
    parser.add_argument("--opening", type=Path, help="the opening of an order's items, released to you")
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
