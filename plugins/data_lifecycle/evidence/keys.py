"""Ed25519 keys: the attester's signs statements, the log's signs checkpoints and nothing else.

A public half is all a reviewer needs.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PRIVATE_NAME = "attester.ed25519.pem"
PUBLIC_NAME = "attester.ed25519.pub.pem"
LOG_PRIVATE_NAME = "log.ed25519.pem"


def ensure(folder: Path, name: str = PRIVATE_NAME) -> Path:
    """Make the key pair ``name`` in ``folder`` unless it is there; the private key's path (PKCS#8 PEM, its owner's).

    An existing key is never replaced: statements signed with it must stay verifiable.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    private = folder / name
    if not private.exists():
        key = Ed25519PrivateKey.generate()
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        descriptor, unfinished = tempfile.mkstemp(dir=folder, prefix=f".{name}.")  # readable by its owner
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, does not replace the key that another set-up may have made meanwhile.
        with suppress(FileExistsError):
            os.link(unfinished, private)
        Path(unfinished).unlink()
    public = private.with_suffix(".pub.pem")
    public.write_bytes(
        load(private)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private


def load(private: Path) -> Ed25519PrivateKey:
    """Read the private key; FileNotFoundError or ValueError if it is not there or is of another kind."""
    key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the key must be an Ed25519 key")
    return key


def retired(private: Path) -> tuple[Ed25519PublicKey, ...]:
    """Public keys that were replaced by this one: the files ``<name>.retired-<key id>.pub.pem`` beside it."""
    found = (
        serialization.load_pem_public_key(file.read_bytes())
        for file in sorted(private.parent.glob(f"{private.stem}.retired-*.pub.pem"))
    )
    return tuple(key for key in found if isinstance(key, Ed25519PublicKey))


def key_id(public: Ed25519PublicKey) -> str:
    """SHA-256 (hex) of the raw public key: names the key in every envelope."""
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()
