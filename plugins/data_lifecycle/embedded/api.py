"""Airflow's REST API, the few calls the one command makes. A CLI call costs 6 to 9 s, a request milliseconds."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ApiError(RuntimeError):
    """Airflow answered with an error; ``status`` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        """``message`` is shown to the person at the keyboard."""
        super().__init__(message)
        self.status = status


class ApiUnavailable(RuntimeError):
    """Nobody answered."""


class AirflowApi:
    """One user's session. Loopback only: proxies in the environment are not asked."""

    def __init__(self, url: str, user: str, password: str) -> None:
        """Nothing is sent until the first call."""
        self._url, self._user, self._password = url.rstrip("/"), user, password
        self._token: str | None = None

    def call(self, method: str, path: str, body: object | None = None, *, seconds: float = 30) -> Any:
        """The decoded answer to ``method`` on ``/api/v2<path>``; None if it is empty.

        Raises:
            ApiError: the answer's status is 400 or more.
            ApiUnavailable: no answer within ``seconds``.
        """
        if self._token is None:
            answer = self._send(
                "POST", "/auth/token", {"username": self._user, "password": self._password}, seconds
            )
            self._token = str(answer["access_token"])
        try:
            return self._send(method, "/api/v2" + path, body, seconds)
        except ApiError as error:
            if error.status != 401:
                raise
            # The token has expired: once more with a fresh one.
            self._token = None
            return self.call(method, path, body, seconds=seconds)

    def health(self) -> Mapping[str, str]:
        """Component → status ("healthy" …) of everything Airflow monitors; empty if nobody answers."""
        try:
            answer = self._send("GET", "/api/v2/monitor/health", None, 3)
        except (ApiError, ApiUnavailable):
            return {}
        return {name: str((part or {}).get("status")) for name, part in answer.items()}

    def pages(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        """All entries ``key`` of a paged collection."""
        offset = 0
        joint = "&" if "?" in path else "?"
        while True:
            answer = self.call("GET", f"{path}{joint}limit=100&offset={offset}")
            yield from answer[key]
            offset += len(answer[key])
            if not answer[key] or offset >= answer["total_entries"]:
                return

    def _send(self, method: str, path: str, body: object | None, seconds: float) -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(  # noqa: S310 - the address is ours and http
            self._url + path, None if body is None else json.dumps(body).encode(), headers, method=method
        )
        try:
            with _direct.open(request, timeout=seconds) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, f"{method} {path}: {error.code} {_detail(error.read())}") from None
        except (OSError, http.client.HTTPException) as error:
            raise ApiUnavailable(f"Airflow at {self._url} does not answer ({type(error).__name__})") from None
        return json.loads(content) if content else None


def _detail(content: bytes) -> str:
    try:
        detail = json.loads(content).get("detail", "")
    except (ValueError, AttributeError):
        return content.decode(errors="replace")[:300]
    return detail if isinstance(detail, str) else json.dumps(detail)


def quoted(text: str) -> str:
    """``text`` as one segment of a path."""
    return urllib.parse.quote(text, safe="")
