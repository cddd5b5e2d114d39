"""A store that lies: an HTTP proxy in front of the real one, which accepts what it forwards as it was signed."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from data_lifecycle.connections import StoreAccess

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Call:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def target(self) -> str:
        """Path and query, readable."""
        return unquote(self.path)


@dataclass
class Answer:
    """What is sent back; ``cut`` breaks the connection in the middle of the body."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


Forward = Callable[[Call], Answer]
Lie = Callable[[Call, Forward], Answer]


@contextmanager
def lying(access: StoreAccess, lie: Lie) -> Iterator[StoreAccess]:
    """The same identity at a store that answers as ``lie`` wants, which may forward to the real one."""
    real = urlsplit(access.endpoint_url or "")

    def forward(call: Call) -> Answer:
        connection = http.client.HTTPConnection(real.hostname or "", real.port, timeout=60)
        try:
            connection.request(call.method, call.path, call.body, call.headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), dict(answer.getheaders()))
        finally:
            connection.close()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

        def _answer(self) -> None:
            if self.headers.get("Expect", "").lower() == "100-continue":
                del self.headers["Expect"]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = lie(Call(self.command, self.path, dict(self.headers.items()), body), forward)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
            self.close_connection = self.close_connection or answer.cut

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - names that http.server looks for

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield replace(access, endpoint_url=f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()


def objects_of(body: bytes) -> list[tuple[bytes, bytes]]:
    """(key, version id) of each object in a DeleteObjects request, as XML text."""
    return re.findall(rb"<Object><Key>(.*?)</Key><VersionId>(.*?)</VersionId></Object>", body, re.DOTALL)


def without(body: bytes, name: bytes, *elements: bytes) -> bytes:
    """A listing without the entries whose text has ``name``."""
    for element in elements:
        pattern = rb"<" + element + rb">(?:(?!</" + element + rb">).)*?</" + element + rb">"
        body = re.sub(pattern, lambda m: b"" if name in m.group() else m.group(), body, flags=re.DOTALL)
    return body
