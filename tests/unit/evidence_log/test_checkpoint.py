"""Checkpoints are signed notes as C2SP writes them, and nothing else is one."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.unit.evidence_log.attacks import ATTACKS
from tests.unit.evidence_log.forge import LOG, ORIGIN, STRANGER

from data_lifecycle.evidence.checkpoint import (
    Checkpoint,
    CheckpointError,
    key_hash,
    parse,
    sign,
    verifier_key,
    verify,
)
from data_lifecycle.evidence.lifecycle_verify import unpack

HEAD = Checkpoint(ORIGIN, 17, hashlib.sha256(b"x").digest())


def test_the_note_is_spelled_as_the_specification_says() -> None:
    note = sign(HEAD, LOG).decode()
    text, _, seal = note.partition("\n\n")
    assert text == f"{ORIGIN}\n17\n{b64encode(HEAD.root).decode()}"
    assert seal.startswith(f"— {ORIGIN} ")
    assert seal.endswith("\n")
    raw = b64decode(seal.split(" ")[2])
    assert raw[:4] == key_hash(ORIGIN, LOG.public_key())
    LOG.public_key().verify(raw[4:], (text + "\n").encode())


def test_the_key_hash_is_that_of_the_specification() -> None:
    """The example of the signed-note specification: an Ed25519 key and its verifier key."""
    encoded = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    name, hint, key = encoded.split("+", 2)
    public = Ed25519PublicKey.from_public_bytes(b64decode(key)[1:])
    assert key_hash(name, public).hex() == hint
    assert verifier_key(name, public) == encoded
    text = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    seal = b64decode(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert seal[:4].hex() == hint
    public.verify(seal[4:], text)


def test_signing_twice_gives_the_same_bytes() -> None:
    assert sign(HEAD, LOG) == sign(HEAD, LOG)
    assert verify(sign(HEAD, LOG), ORIGIN, LOG.public_key()) == HEAD


def test_another_key_or_log_is_refused() -> None:
    with pytest.raises(CheckpointError, match="key"):
        verify(sign(HEAD, STRANGER), ORIGIN, LOG.public_key())
    with pytest.raises(CheckpointError, match="another log"):
        verify(sign(HEAD, LOG), "xmanart.com/other", LOG.public_key())


@pytest.mark.parametrize("name", [name for name in ATTACKS if name.startswith("checkpoint: ")])
def test_what_the_verifier_refuses_is_refused_here_too(name: str) -> None:
    bad = ATTACKS[name]()
    note = unpack(bad.bundle)["checkpoint"]
    if "trust in" in name or name.endswith(("an earlier one", "replaced key")):
        parse(note)
        return
    with pytest.raises(CheckpointError):
        verify(note, ORIGIN, LOG.public_key())


@pytest.mark.parametrize("origin", ["", "with space", "with+plus", "with\nline"])
def test_an_origin_is_one_visible_word(origin: str) -> None:
    with pytest.raises(CheckpointError):
        sign(Checkpoint(origin, 1, bytes(32)), LOG)
