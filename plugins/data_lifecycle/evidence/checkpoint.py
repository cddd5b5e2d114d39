"""Checkpoints: the log's size and root in a signed note (C2SP ``tlog-checkpoint`` over ``signed-note``, Ed25519)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_NAME = re.compile(r"[!-*,-~]+")  # visible ASCII without "+", which separates the parts of a verifier key
_SIZE = re.compile(r"0|[1-9]\d{0,18}")
_SIGNATURE = re.compile(r"— ([!-*,-~]+) ([A-Za-z0-9+/]+={0,2})")


class CheckpointError(ValueError):
    """The bytes are not a checkpoint signed by the key that was expected."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log was at one moment. ``origin`` names the log for good: a URL without a scheme."""

    origin: str
    size: int
    root: bytes = field(repr=False)

    def body(self) -> bytes:
        """The text that is signed."""
        if not _NAME.fullmatch(self.origin) or not 0 <= self.size < 10**19 or len(self.root) != 32:
            raise CheckpointError("a checkpoint has an origin without spaces, a size and a root of 32 bytes")
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n".encode()


def raw(public: Ed25519PublicKey) -> bytes:
    """The 32 bytes of a public key."""
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def key_hash(name: str, public: Ed25519PublicKey) -> bytes:
    """Four bytes that say which key of that name signed."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + raw(public)).digest()[:4]


def verifier_key(name: str, public: Ed25519PublicKey) -> str:
    """The key as other tools for signed notes take it: ``name+hash+key``."""
    return f"{name}+{key_hash(name, public).hex()}+{b64encode(_ED25519 + raw(public)).decode()}"


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> bytes:
    """The signed note. The key's name is the origin; signing twice gives the same bytes."""
    body = checkpoint.body()
    seal = b64encode(key_hash(checkpoint.origin, key.public_key()) + key.sign(body)).decode()
    return body + f"\n— {checkpoint.origin} {seal}\n".encode()


def parse(note: bytes) -> tuple[Checkpoint, bytes, bytes]:
    """(checkpoint, key hash, signature) of a note that nobody verified yet.

    Raises CheckpointError unless it is exactly what ``sign`` writes: one signature, no extension lines, one spelling.
    """
    try:
        origin, size, encoded, empty, line, end = note.decode("utf-8").split("\n")
        root = b64decode(encoded, validate=True)
    except ValueError as error:
        raise CheckpointError("not a checkpoint of three lines with one signature") from error
    found = _SIGNATURE.fullmatch(line)
    if empty or end or not _SIZE.fullmatch(size) or not _NAME.fullmatch(origin) or found is None:
        raise CheckpointError("not a checkpoint of three lines with one signature")
    if found[1] != origin:
        raise CheckpointError("the checkpoint is signed under another name than the log's")
    seal = b64decode(found[2] + "=" * (-len(found[2]) % 4))
    if len(root) != 32 or len(seal) != 68 or b64encode(root).decode() != encoded:
        raise CheckpointError("the root or the signature has another length than it must have")
    if b64encode(seal).decode() != found[2]:
        raise CheckpointError("the signature is spelled in another way than it must be")
    return Checkpoint(origin, int(size), root), seal[:4], seal[4:]


def verify(note: bytes, origin: str, public: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint of a note signed by this log with this key; CheckpointError otherwise."""
    checkpoint, hint, signature = parse(note)
    if checkpoint.origin != origin:
        raise CheckpointError("a checkpoint of another log")
    if hint != key_hash(origin, public):
        raise CheckpointError("signed with a key that is not this log's")
    try:
        public.verify(signature, checkpoint.body())
    except InvalidSignature as error:
        raise CheckpointError("the signature does not fit the checkpoint") from error
    return checkpoint
