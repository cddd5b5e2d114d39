"""Statements: in-toto v1, canonical JSON (RFC 8785), in a DSSE envelope signed with Ed25519.

A statement says what was planned, done, observed and asserted in counts and digests. It names nobody.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer._signature import Signature

from data_lifecycle.evidence.keys import key_id

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signed statement: exact envelope bytes, their SHA-256 (hex), and the signing key's id."""

    envelope: bytes = field(repr=False)
    sha256: str
    key_id: str


def seal(
    key: Ed25519PrivateKey,
    manifest_sha256: str,
    subject: str,
    predicate_type: str,
    predicate: Mapping[str, Any],
) -> Sealed:
    """Sign a statement about the manifest with this digest.

    ``subject`` names the manifest ("photo_purge/run-7"). Values must be JSON without floats: money and shares are
    strings. Raises rfc8785's errors for anything that has no canonical form.
    """
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": subject, "digest": {"sha256": manifest_sha256}}],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    payload = rfc8785.dumps(cast("Any", statement))
    identity = key_id(key.public_key())
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    signature = key.sign(envelope.pae())
    envelope.signatures[identity] = Signature(identity, signature.hex())
    data = rfc8785.dumps(envelope.to_dict())
    return Sealed(data, hashlib.sha256(data).hexdigest(), identity)


def facts_digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of what is stated: two statements with the same facts are one."""
    return hashlib.sha256(rfc8785.dumps(dict(facts))).hexdigest()


def open_envelope(data: bytes, trusted: Mapping[str, Ed25519PublicKey]) -> dict[str, Any]:
    """The statement of an envelope whose signature by a trusted key holds; nothing is parsed before that.

    Raises ValueError for an unknown key, a wrong signature or payload type, or bytes that are not canonical: base64 and
    JSON have many spellings, and one statement must have one digest.
    """
    try:
        outer = json.loads(data)
        (signature,) = outer["signatures"]
        identity, sealed = signature["keyid"], b64decode(signature["sig"], validate=True)
        payload = b64decode(outer["payload"], validate=True)
        envelope = Envelope(payload, PAYLOAD_TYPE, {identity: Signature(identity, sealed.hex())})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("not an envelope with one signature over an in-toto statement") from error
    if rfc8785.dumps(envelope.to_dict()) != data:
        raise ValueError("the envelope is not canonical JSON with an in-toto statement")
    key = trusted.get(identity)
    if key is None:
        raise ValueError(f"signed by a key that is not trusted: {identity}")
    try:
        key.verify(sealed, envelope.pae())
    except InvalidSignature as error:
        raise ValueError("the signature does not fit the payload") from error
    statement: dict[str, Any] = json.loads(payload)
    if rfc8785.dumps(statement) != payload:
        raise ValueError("the payload is not canonical JSON")
    return statement
