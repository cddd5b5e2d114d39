"""Calls to vendors' HTTP interfaces: one try, no redirects, small answers, and what each status is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import urllib3

from data_lifecycle.objects.store import is_loopback
from data_lifecycle.vendors.accounts import Account
from data_lifecycle.vendors.connector import Answer, Look, Sight

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
"""Seconds; whoever is slower is unreachable until the next run."""
LARGEST = 1 << 20
"""Bytes of an answer that are read; a status needs a few hundred."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; status 0 when there was none, with the reason's code."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    code: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the vendor took it."""
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """The body as an object; empty when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def refusal(self) -> Answer:
        """What a status other than 2xx means: 4xx that no repetition changes is rejected, all else unknown."""
        if self.status in (400, 404, 405, 409, 410, 413, 415, 422):
            return Answer("rejected", None, f"http-{self.status}")
        return Answer("unreachable", None, self.code or f"http-{self.status}")

    def blind(self) -> Look:
        """That nothing was seen, and why."""
        return Look(Sight.UNKNOWABLE, self.code or f"http-{self.status}")


class Http:
    """One vendor's interface. Texts of answers and errors are never logged: they quote what was asked."""

    def __init__(self, account: Account, usual: str, headers: Mapping[str, str]) -> None:
        """`usual` is the address if the account names none; TLS everywhere but on this machine, else ValueError."""
        self._base = (account.url or usual).rstrip("/")
        if not self._base.startswith("https://") and not is_loopback(self._base):
            raise ValueError("a vendor is called over https only")
        self._headers = {"Accept": "application/json", "User-Agent": "data-lifecycle", **headers}
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT), retries=False
        )

    def call(
        self, method: str, path: str, body: object | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Call once. Whatever goes wrong is a Reply with status 0 and a code."""
        sent = {**self._headers, **(headers or {})}
        data = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            answer = self._pool.request(
                method, self._base + path, body=data, headers=sent, redirect=False, preload_content=False
            )
            try:
                content = answer.read(LARGEST)
            finally:
                answer.close()
        except urllib3.exceptions.TimeoutError:
            return Reply(0, code="timeout")
        except urllib3.exceptions.SSLError:
            return Reply(0, code="tls")
        except (urllib3.exceptions.HTTPError, OSError):
            return Reply(0, code="connection")
        return Reply(answer.status, content, {name.lower(): value for name, value in answer.headers.items()})


def segment(value: str) -> str:
    """A value as one segment of a path."""
    return quote(value, safe="")


def secret(account: Account, what: str) -> str:
    """The account's password; ValueError says what should be there."""
    if not account.password:
        raise ValueError(f"the connection needs a password: {what}")
    return account.password
