"""Any vendor that speaks OpenDSR 2.0. Answers and callbacks count only with its signature and about this request."""

from __future__ import annotations

import binascii
import hashlib
import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_lifecycle.vendors.accounts import Account
from data_lifecycle.vendors.connector import Answer, Capabilities, ErasureRequest, Look, Sight
from data_lifecycle.vendors.connectors.http import Http, Reply, secret, segment

SIGNATURE = "x-opendsr-signature"
DOMAIN = "x-opendsr-processor-domain"
_STATES = {
    "pending": "accepted",
    "in_progress": "in_progress",
    "completed": "completed",
    "cancelled": "rejected",
}


class Refused(Exception):
    """An answer or callback that must not count; the message is a code that names nobody."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a vendor signed: about which request, what it said, and the digest (hex) that tells a replay."""

    subject_request_id: str
    answer: Answer
    sha256: str


class OpenDsr:
    """Extra: `processor_domain`, `processor_public_key` (PEM, RSA), and if wanted `callback_url` (https)."""

    def __init__(self, account: Account) -> None:
        """Password: the bearer token. ValueError names what is missing."""
        token = secret(account, "the bearer token")
        for name in ("processor_domain", "processor_public_key"):
            if not account.extra.get(name):
                raise ValueError(f"the connection's extra needs {name}")
        if not account.url:
            raise ValueError("the connection needs a host: the vendor's OpenDSR address")
        self._domain = str(account.extra["processor_domain"])
        self._key = str(account.extra["processor_public_key"]).encode()
        self._callback = account.extra.get("callback_url")
        self._http = Http(account, account.url, {"Authorization": f"Bearer {token}"})

    def capabilities(self) -> Capabilities:
        """The vendor's signed word."""
        return Capabilities("async", "completed")

    def submit(self, request: ErasureRequest) -> Answer:
        """Send the request; its id is ours, so that sending it again is the same request."""
        body = json.loads(request.model_dump_json())
        body["api_version"] = "2.0"
        if self._callback:
            body["status_callback_urls"] = [str(self._callback)]
        reply = self._http.call("POST", "/requests", body, {"Idempotency-Key": request.idempotency_key})
        if reply.status == 409:  # it has this request already
            return self.poll(request, None)
        if not reply.ok:
            return reply.refusal()
        try:
            found = _signed(reply.body, reply.headers, self._domain, self._key)
        except Refused as refused:
            return Answer("unreachable", None, str(refused))
        if found.get("subject_request_id") != str(request.subject_request_id):
            return Answer("unreachable", None, "about-another-request")
        return Answer("accepted", str(request.subject_request_id))

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """Ask for the status; an answer without signature is none."""
        name = str(request.subject_request_id)
        reply: Reply = self._http.call("GET", f"/requests/{segment(name)}")
        if not reply.ok:
            return Answer("unreachable", reference, reply.code or f"http-{reply.status}")
        try:
            return self.read(reply.headers, reply.body, name).answer
        except Refused as refused:
            return Answer("unreachable", reference, str(refused))

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """OpenDSR has no call that shows."""
        return Look(Sight.UNKNOWABLE, "opendsr-has-no-look")

    def read(self, headers: Mapping[str, str], body: bytes, about: str | None = None) -> Signed:
        """What a status says; Refused when unsigned, by another, unreadable or about another request."""
        return self._read(self._found(headers, body), body, about)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Signed:
        """What a callback says; Refused as `read` does, and when it is not addressed to us (OpenDSR 2.0, 8.8).

        A vendor signs what it tells any of its customers with one key, and request ids are the customers' own: without
        the address, what it told another one about a request of the same id would count as told to us. Whether it was
        seen before, the caller has to know: `Signed.sha256`.
        """
        found = self._found(headers, body)
        if not self._callback or found.get("status_callback_url") != str(self._callback):
            raise Refused("addressed-to-another")
        return self._read(found, body, None)

    def _found(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        return _signed(body, {n.lower(): v for n, v in headers.items()}, self._domain, self._key)

    def _read(self, found: Mapping[str, Any], body: bytes, about: str | None) -> Signed:
        name = found.get("subject_request_id")
        if not isinstance(name, str) or (about is not None and name != about):
            raise Refused("about-another-request")
        said = _STATES.get(str(found.get("request_status")))
        if said is None:
            raise Refused("unknown-status")
        answer = Answer(said, name, "cancelled" if said == "rejected" else None)  # type: ignore[arg-type]
        return Signed(name, answer, hashlib.sha256(body).hexdigest())


def _signed(body: bytes, headers: Mapping[str, str], domain: str, key: bytes) -> dict[str, Any]:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    if headers.get(DOMAIN) != domain:
        raise Refused("from-another-processor")
    public = serialization.load_pem_public_key(key)
    if not isinstance(public, rsa.RSAPublicKey):
        raise Refused("key-is-not-rsa")
    try:
        signature = b64decode(headers.get(SIGNATURE, ""), validate=True)
        public.verify(signature, body, padding.PKCS1v15(), hashes.SHA256())
        found = json.loads(body)
    except InvalidSignature:
        raise Refused("unsigned") from None
    except (binascii.Error, ValueError, RecursionError):
        raise Refused("unreadable") from None
    if not isinstance(found, dict):
        raise Refused("unreadable")
    return found
