"""Time from outside, if wanted: an RFC 3161 authority says when it saw a signed head of the log.

The log never waits for it. An authority that fails or lies costs one warning, and is asked again about the head that is
published next: who sees a head sees all heads before it. The authority learns a digest and nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import urllib3
from cryptography import x509
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
from urllib3.exceptions import HTTPError

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, execute, fetch
from data_lifecycle.evidence.lifecycle_verify import LAG, Refused, Stamp, read_stamp, vouched
from data_lifecycle.evidence.logbucket import LogBucket

log = logging.getLogger("lifecycle")

_LARGEST = 1 << 16
"""Bytes of an answer: a token with a chain of certificates has some thousands."""
_TIMEOUT = urllib3.Timeout(connect=5, read=10)
_PATIENCE = 20.0
"""Seconds for the whole conversation: an answer that comes byte by byte would outlast any timeout of the socket."""


class NotStamped(RuntimeError):
    """The authority gave no timestamp that a reviewer would accept. Says why; never repeats what it answered."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Whom to ask, and the certificates its answers must lead to (with the names a reviewer reads)."""

    url: str
    trusted: Mapping[x509.Certificate, str] = field(repr=False)

    @classmethod
    def of(cls, url: str, trust: Path | None) -> Authority:
        """The authority at ``url``; ``trust`` is a PEM file of its own or its issuers' certificates.

        Raises NotStamped without readable certificates: an answer that nobody can judge is worth nothing.
        """
        if trust is None:
            raise NotStamped("an authority is named, but not the certificates its answers must lead to")
        return cls(url, {found: found.subject.rfc4514_string() for found in certificates(trust)})

    def ask(self, data: bytes) -> bytes:
        """Its answer about these bytes, verified as a reviewer will; NotStamped if there is none that holds."""
        request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = self._post(request.as_bytes())
        told = self.judge(answer, data)
        if told.nonce != request.nonce:
            raise NotStamped("the authority answered another question: the nonce differs")
        if abs(datetime.now(UTC) - told.at) > LAG:
            raise NotStamped(f"the authority says it is {told.at:%Y-%m-%d %H:%M} UTC, which it is not")
        return answer

    def judge(self, answer: bytes, data: bytes) -> Stamp:
        """What an answer about these bytes says; NotStamped unless it holds and leads to a trusted certificate."""
        try:
            told = read_stamp(answer, data)
        except Refused as error:
            raise NotStamped(str(error)) from error
        if vouched(told, self.trusted) is None:
            raise NotStamped("the answer is not signed by the authority that is trusted")
        return told

    def _post(self, body: bytes) -> bytes:
        got: list[bytes | NotStamped] = []

        def talk() -> None:
            try:
                got.append(_post(self.url, body))
            except NotStamped as error:
                got.append(error)

        conversation = threading.Thread(target=talk, daemon=True)
        conversation.start()
        conversation.join(_PATIENCE)
        if not got:
            raise NotStamped(f"the authority took longer than {_PATIENCE:.0f} seconds")
        if isinstance(got[0], NotStamped):
            raise got[0]
        return got[0]


def _post(url: str, body: bytes) -> bytes:
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    try:
        with urllib3.PoolManager(timeout=_TIMEOUT, retries=False) as pool:
            answer = pool.request(
                "POST", url, body=body, headers=headers, preload_content=False, redirect=False
            )
            data = answer.read(_LARGEST + 1)
            answer.close()
    except (HTTPError, OSError, ValueError) as error:
        raise NotStamped(f"the authority cannot be reached: {type(error).__name__}") from error
    if answer.status != 200 or len(data) > _LARGEST:
        raise NotStamped(f"the authority answered with status {answer.status} and {len(data)} bytes")
    return data


def certificates(file: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file; NotStamped if there are none."""
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise NotStamped(f"{file.name}: holds no certificates that can be read") from error


def stamp(
    database: DatabaseAccess, bucket: LogBucket, size: int, note: bytes, url: str, trust: Path | None
) -> datetime | None:
    """Have the published head of ``size`` entries seen from outside, once; the time (UTC), or None if nobody would.

    ``note`` are the head's exact bytes, ``database`` the login of ``log_sequencer``. The token is kept in the locked
    bucket first, then noted in the database; repeating goes on where it ended. An authority's failure is logged and
    raises nothing; errors of bucket and database are raised, LogForked if the bucket does not lock the token.
    """
    with connect(database, "evidence timestamp") as connection:
        noted = fetch(connection, "evidence_log/select_timestamps", sizes=[size])
        if noted:
            found: datetime = noted[0]["stamped_at"]
            return found
        try:
            authority = Authority.of(url, trust)
            kept = bucket.timestamp(size) or bucket.put_timestamp(size, authority.ask(note))
            told = authority.judge(kept.data, note)
        except NotStamped as error:
            log.warning("the head of %d entries has no outside timestamp yet: %s", size, error)
            return None
        execute(
            connection,
            "evidence_log/insert_timestamp",
            tree_size=size,
            token=kept.data,
            stamped_at=told.at,
            version_id=kept.version_id,
        )
        connection.commit()
    log.info("the head of %d entries was seen from outside at %s", size, told.at.isoformat())
    return told.at
