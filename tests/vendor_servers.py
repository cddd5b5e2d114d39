"""Vendors to talk to: small servers that keep a contract, and on demand break it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Reply = tuple[int, Any]
DOMAIN = "processor.example"


@dataclass(frozen=True)
class Call:
    """A request as the vendor saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Vendor:
    """A vendor's server. `answer` decides; `down` is a status that answers everything while it is set."""

    answer: Callable[[Call], Reply]
    down: int | None = None
    calls: list[Call] = field(default_factory=list)
    url: str = ""
    sign: rsa.RSAPrivateKey | None = None

    def keys(self, method: str = "POST") -> set[str]:
        """Idempotency keys of all calls of a method."""
        return {c.headers.get("idempotency-key", "") for c in self.calls if c.method == method}


@contextmanager
def serving(vendor: Vendor) -> Iterator[Vendor]:
    """Serve a vendor on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                body = json.loads(data) if data else None
            except ValueError:
                body = data.decode()
            call = Call(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            vendor.calls.append(call)
            status, content = (vendor.down, {}) if vendor.down else vendor.answer(call)
            if status == 0:  # hangs up
                self.close_connection = True
                return
            out = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(out)))
            if vendor.sign is not None:
                for name, value in signature(vendor.sign, out).items():
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(out)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 — names of the standard library

        def log_message(self, *args: Any) -> None:
            """Nothing: a test's own output is enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def local_stripe() -> Iterator[str]:
    """localstripe, a peer that speaks Stripe's interface; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 30
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/v1/customers", timeout=2)
            except urllib.error.HTTPError:
                break
            except OSError:
                assert time.monotonic() < deadline, "localstripe did not start"
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def signature(key: rsa.RSAPrivateKey, body: bytes) -> dict[str, str]:
    """Headers by which an OpenDSR processor signs."""
    made = key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    return {"X-OpenDSR-Processor-Domain": DOMAIN, "X-OpenDSR-Signature": b64encode(made).decode()}


def processor_key() -> tuple[rsa.RSAPrivateKey, str]:
    """A processor's key and its public half (PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return key, pem.decode()


class Files:
    """OpenAI's files: deleted at once, 404 afterwards. `keeps` says deleted and is not."""

    def __init__(self, *names: str, keeps: bool = False) -> None:
        self.names, self.keeps = set(names), keeps

    def __call__(self, call: Call) -> Reply:
        path = call.path.split("?")[0]
        if path == "/v1/files":
            return 200, {"data": []}
        name = path.rsplit("/", 1)[1]
        if name not in self.names:
            return 404, {"error": {"message": f"No such File object: {name}"}}
        if call.method == "DELETE" and not self.keeps:
            self.names.discard(name)
        return 200, {"id": name, "deleted": call.method == "DELETE"}


class Predictions:
    """Replicate's predictions, by name whether their data was removed."""

    def __init__(self, **removed: bool) -> None:
        self.removed = removed

    def __call__(self, call: Call) -> Reply:
        if call.path == "/v1/predictions":
            return 200, {"results": []}
        name = call.path.rsplit("/", 1)[1]
        if name not in self.removed:
            return 404, {}
        gone = self.removed[name]
        return 200, {
            "id": name,
            "data_removed": gone,
            "input": {} if gone else {"image": "x"},
            "output": None,
        }


class Removals:
    """Postmark's data removals: Pending until asked `slow` times."""

    def __init__(self, slow: int = 1) -> None:
        self.slow, self.asked = slow, 0

    def __call__(self, call: Call) -> Reply:
        if call.method == "POST":
            return 200, {"ID": 7, "Status": "Pending"}
        self.asked += 1
        return 200, {"ID": 7, "Status": "Done" if self.asked >= self.slow else "Pending"}


class Processor:
    """An OpenDSR processor: 201, then a status."""

    def __init__(self) -> None:
        self.status = "pending"
        self.about: str | None = None

    def __call__(self, call: Call) -> Reply:
        if call.method == "POST":
            self.about = self.about or call.body["subject_request_id"]
            return 201, {"controller_id": "studio", "subject_request_id": self.about}
        return 200, {"subject_request_id": self.about, "request_status": self.status}
