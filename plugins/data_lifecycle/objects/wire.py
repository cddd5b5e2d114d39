"""Signed GET requests to the object store, for observation only: there is no way to change anything from here.

Independent of boto3 on purpose (see the package). Signature Version 4, one pool of kept-alive connections, bounded
retries. Errors are raised as `StoreUnknown` with a short code; neither URLs nor keys ever reach a message.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, TimeoutError

from data_lifecycle.objects.model import StoreUnknown
from data_lifecycle.objects.store import CONNECT_TIMEOUT, READ_TIMEOUT

if TYPE_CHECKING:
    from data_lifecycle.connections import StoreAccess

_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_ERROR_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")
_FINAL_CODES = frozenset({"NoSuchBucket", "InvalidBucketName", "SignatureDoesNotMatch", "InvalidAccessKeyId"})


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to ask again, and how long to wait: `base` seconds, doubled each time up to `cap`, with full jitter."""

    attempts: int = 4
    base: float = 0.1
    cap: float = 2.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the failed `attempt` (0 is the first)."""
        return random.uniform(0.0, min(self.cap, self.base * 2.0**attempt))  # noqa: S311 - guards no secret


DEFAULT_RETRY = Retry()


def canonical_query(query: Mapping[str, str]) -> str:
    """Return the query string as Signature Version 4 wants it: sorted, everything but unreserved characters escaped."""
    return "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(query.items()))


class Signer:
    """Signature Version 4 for GET requests without a body; the key derived for a day is kept."""

    def __init__(self, access: StoreAccess, host: str) -> None:
        self._access = access
        self._host = host
        self._derived: tuple[str, bytes] = ("", b"")

    def headers(self, path: str, query: str, now: datetime) -> dict[str, str]:
        """Return the headers that sign `GET path?query` at the aware UTC time `now`."""
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        day = stamp[:8]
        scope = f"{day}/{self._access.region}/s3/aws4_request"
        canonical = (
            f"GET\n{path}\n{query}\nhost:{self._host}\nx-amz-content-sha256:{_EMPTY_SHA256}\nx-amz-date:{stamp}\n\n"
            f"host;x-amz-content-sha256;x-amz-date\n{_EMPTY_SHA256}"
        )
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key(day), text.encode(), "sha256").hex()
        return {
            "host": self._host,
            "x-amz-content-sha256": _EMPTY_SHA256,
            "x-amz-date": stamp,
            "authorization": f"AWS4-HMAC-SHA256 Credential={self._access.access_key}/{scope},"
            f"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature={signature}",
        }

    def _key(self, day: str) -> bytes:
        cached_day, key = self._derived
        if cached_day != day:
            key = f"AWS4{self._access.secret_key}".encode()
            for part in (day, self._access.region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived = (day, key)
        return key


class Wire:
    """GET requests against one store, safe to use from several threads."""

    def __init__(
        self,
        access: StoreAccess,
        *,
        pool: int = 8,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        retry: Retry = DEFAULT_RETRY,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepare `pool` connections; nothing is sent yet. Timeouts are in seconds, per attempt."""
        endpoint = access.endpoint_url or f"https://s3.{access.region}.amazonaws.com"
        parts = urlsplit(endpoint)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
        ):
            raise ValueError("the store's endpoint must be http(s)://host[:port]")
        self._signer = Signer(access, parts.netloc)
        self._retry = retry
        self._clock = clock
        timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)
        # urllib3 reads no proxy from the environment, so a loopback endpoint is always reached directly.
        make = urllib3.HTTPSConnectionPool if parts.scheme == "https" else urllib3.HTTPConnectionPool
        self._pool = make(
            parts.hostname, parts.port, maxsize=pool, block=False, timeout=timeout, retries=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def get(self, bucket: str, query: Mapping[str, str]) -> bytes:
        """Return the body of a complete 200 answer to `GET /bucket?query`.

        403, 429, 5xx, timeouts and broken connections are tried again, then raise `StoreUnknown` with their code; a
        missing bucket or a wrong signature raises it at once. A body shorter than announced counts as broken.
        """
        path = "/" + quote(bucket, safe="-_.~")
        text = canonical_query(query)
        for attempt in range(self._retry.attempts):
            body, reason, again = self._once(path, text)
            if body is not None:
                return body
            if not again or attempt + 1 == self._retry.attempts:
                break
            time.sleep(self._retry.delay(attempt))
        raise StoreUnknown(reason)

    def _once(self, path: str, query: str) -> tuple[bytes | None, str, bool]:
        """Ask once: (body, code of the failure, whether asking again may help)."""
        headers = self._signer.headers(path, query, self._clock())
        try:
            answer = self._pool.urlopen(
                "GET", f"{path}?{query}", headers=headers, redirect=False, retries=False
            )
        except TimeoutError:
            return None, "timeout", True
        except (HTTPError, OSError):
            return None, "connection", True
        if answer.status == 200:
            return answer.data, "", False
        found = _ERROR_CODE.search(answer.data)
        code = found.group(1).decode() if found else f"http-{answer.status}"
        again = answer.status in (403, 408, 429) or answer.status >= 500
        return None, code, again and code not in _FINAL_CODES
