"""A store that answers as scripted, so that every kind of wrong answer can be given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from data_lifecycle.connections import StoreAccess


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    body: str | bytes = ""
    status: int = 200
    hang: bool = False
    cut: int = 0  # bytes announced but never sent
    headers: dict[str, str] = field(default_factory=dict)


class ScriptedStore:
    """An HTTP server whose answers come from `script(request)`; it remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.script: Callable[[Request], Answer] = lambda _request: Answer(status=500)
        self.released = threading.Event()
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                query = dict(parse_qsl(parts.query, keep_blank_values=True))
                headers = {k.lower(): v for k, v in self.headers.items()}
                request = Request(self.command, unquote(parts.path), query, headers, body)
                store.requests.append(request)
                reply = store.script(request)
                if reply.hang:
                    store.released.wait(20)
                    self.close_connection = True
                    return
                data = reply.body.encode() if isinstance(reply.body, str) else reply.body
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data) + reply.cut))
                self.end_headers()
                self.wfile.write(data)
                if reply.cut:
                    self.close_connection = True

            do_GET = do_POST = do_DELETE = do_PUT = answer  # noqa: N815 - named by http.server

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.access = StoreAccess(f"http://127.0.0.1:{self.server.server_port}", "id", "secret", "us-east-1")

    def answer_in_turn(self, *answers: Answer) -> None:
        """Give these answers one after the other, the last one for ever."""
        left = list(answers)
        lock = threading.Lock()

        def script(_request: Request) -> Answer:
            with lock:
                return left.pop(0) if len(left) > 1 else left[0]

        self.script = script

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def scripted() -> Iterator[ScriptedStore]:
    store = ScriptedStore()
    yield store
    store.close()
