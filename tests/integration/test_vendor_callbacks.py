"""Vendors call back over HTTP: what is signed and about their own erasure counts, once; all else learns nothing."""

from __future__ import annotations

import http.client
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.faults.workshop import Workshop
from tests.vendor_desk import Desk, quickly
from tests.vendor_servers import DOMAIN, Processor, Vendor, processor_key, serving, signature

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.pages.callbacks import LARGEST
from data_lifecycle.protocol import concluding
from data_lifecycle.vendors.accounts import Account, GivenAccounts

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

ADDRESS = "https://studio.example/compliance/callbacks/"
JSON = {"Content-Type": "application/json"}
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Answer:
    """What came back, all of it but the date."""

    status: int
    body: bytes
    headers: frozenset[tuple[str, str]]


@dataclass
class Post:
    """The app behind a port of its own, and how vendors reach it."""

    port: int
    house: House
    key: rsa.RSAPrivateKey
    accounts: dict[str, Account]
    desk: Desk

    def send(
        self,
        vendor: str,
        body: bytes | Iterator[bytes],
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
        kind: Mapping[str, str] = JSON,
    ) -> Answer:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            line.request(
                method,
                f"/callbacks/{vendor}",
                body,
                {**kind, **(headers or {})},
                encode_chunked=not isinstance(body, bytes),
            )
            answer = line.getresponse()
            kept = frozenset((k.lower(), v) for k, v in answer.getheaders() if k.lower() != "date")
            return Answer(answer.status, answer.read(), kept)
        finally:
            line.close()

    def say(self, vendor: str, status: str, *, about: str | None = None, to: str | None = None) -> bytes:
        return json.dumps(
            {
                "controller_id": "studio",
                "subject_request_id": about or str(self.desk.row(vendor)["erasure_id"]),
                "request_status": status,
                "status_callback_url": to or ADDRESS + vendor,
                "expected_completion_time": "2026-11-30T00:00:00Z",
            }
        ).encode()

    def signed(self, vendor: str, body: bytes, **more: Any) -> Answer:
        return self.send(vendor, body, signature(self.key, body), **more)

    def kept(self) -> int:
        (row,) = self.desk.shop.sql("SELECT count(*) AS n FROM lifecycle.vendor_callback")
        return int(row["n"])


@pytest.fixture
def post(
    house: House, studio: Studio, store: ObjectStore, airflow_database: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Post]:
    """Two vendors accepted an erasure each; the app is served over HTTP."""
    from airflow.api_fastapi.app import init_auth_manager, purge_cached_app

    from data_lifecycle.pages import access
    from data_lifecycle.pages.app import build

    monkeypatch.setattr(concluding, "assert_run", quickly)
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "x" * 64)
    init_auth_manager()
    desk = Desk(Workshop(house, studio.admin_url, store.store_access("object_admin")))
    order = desk.shop.order()
    for vendor in ("pixelwright", "brushworks"):
        desk.sent(order, vendor)
    assert desk.shop.purge() == "verified"
    key, public = processor_key()
    with ExitStack() as stack:
        for vendor in ("pixelwright", "brushworks"):
            place = stack.enter_context(serving(Vendor(Processor(), sign=key)))
            desk.accounts[vendor] = Account(
                place.url,
                password="token",
                extra={
                    "processor_domain": DOMAIN,
                    "processor_public_key": public,
                    "callback_url": ADDRESS + vendor,
                },
            )
        desk.run()
        assert set(desk.states().values()) == {"accepted"}
        app = build()
        made = Post(0, house, key, desk.accounts, desk)
        app.dependency_overrides[access.house] = lambda: made.house
        app.dependency_overrides[access.accounts] = lambda: GivenAccounts(made.accounts)
        with served(app) as made.port:
            yield made
    purge_cached_app()


class served:  # noqa: N801 — used as a function
    """The app on a free port."""

    def __init__(self, app: Any) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
        )
        self._up = threading.Event()
        startup = self._server.startup

        async def told(sockets: Any = None) -> None:
            await startup(sockets)
            self._up.set()

        self._server.startup = told  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        assert self._up.wait(30)
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)


def test_a_signed_callback_counts_once_and_a_replay_hears_the_same(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    body = post.say("pixelwright", "in_progress")
    first = post.signed("pixelwright", body)
    assert (first.status, first.body) == (204, b"")
    assert post.desk.states()["pixelwright"] == "in_progress"
    done = post.say("pixelwright", "completed")
    assert post.signed("pixelwright", done).status == 204
    assert post.desk.states() == {"brushworks": "accepted", "pixelwright": "completed"}
    for again in (body, done):
        assert post.signed("pixelwright", again) == first
    assert post.kept() == 2
    assert post.desk.states()["pixelwright"] == "completed"
    for personal in ("@", "orders/", "ord_", "token"):
        assert personal not in caplog.text


def test_strangers_cannot_tell_what_there_is(post: Post) -> None:
    before = post.desk.states()
    body = post.say("pixelwright", "completed")
    stranger, _ = processor_key()
    incomplete = replace(post.accounts["pixelwright"], extra={})
    post.accounts = {**post.accounts, "aws-s3": incomplete}
    other = str(post.desk.row("brushworks")["erasure_id"])
    answers = {
        "unsigned": post.send("pixelwright", body),
        "signed by a stranger": post.send("pixelwright", body, signature(stranger, body)),
        "signature of another text": post.send(
            "pixelwright", post.say("pixelwright", "cancelled"), signature(post.key, body)
        ),
        "no base64": post.send(
            "pixelwright", body, {**signature(post.key, body), "X-OpenDSR-Signature": "*"}
        ),
        "unknown vendor": post.signed("no-such-vendor", body),
        "no name of a vendor": post.signed("..%0aaws", body),
        "no OpenDSR vendor": post.signed("aws-s3", body),
        "another vendor's": post.signed("pixelwright", post.say("pixelwright", "completed", about=other)),
        "nobody's": post.signed("pixelwright", post.say("pixelwright", "completed", about=NOBODY)),
        "no id": post.signed("pixelwright", post.say("pixelwright", "completed", about="x")),
        "told another customer": post.signed(
            "pixelwright", post.say("pixelwright", "completed", to="https://another.example/cb")
        ),
        "unknown status": post.signed("pixelwright", post.say("pixelwright", "perhaps")),
        "no object": post.signed("pixelwright", b"[1]"),
        "not JSON, though signed": post.signed("pixelwright", b"completed"),
        "far too deep": post.signed("pixelwright", b"[" * 60_000),
    }
    refused = answers["unsigned"]
    assert (refused.status, refused.body) == (403, b"")
    assert {name for name, answer in answers.items() if answer != refused} == set()
    assert post.desk.states() == before
    assert post.kept() == 0


def test_what_is_too_large_or_not_json_is_not_read(post: Post) -> None:
    body = post.say("pixelwright", "completed")
    large = body[:-1] + b" " * LARGEST + b"}"
    assert post.signed("pixelwright", large).status == 413
    unannounced = post.send(
        "pixelwright", (large[i : i + 4096] for i in range(0, len(large), 4096)), signature(post.key, large)
    )
    assert unannounced.status == 413
    for kind in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        assert post.signed("pixelwright", body, kind=kind).status == 415
    assert post.send("pixelwright", b"", method="GET").status == 405
    assert post.kept() == 0
    assert (
        post.signed("pixelwright", body, kind={"Content-Type": "Application/JSON; charset=utf-8"}).status
        == 204
    )


def test_while_the_database_is_away_the_vendor_is_to_come_again(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    body, whole = post.say("pixelwright", "completed"), post.house

    class Away:
        def database(self, role: str) -> DatabaseAccess:
            return DatabaseAccess("postgresql://nobody:secret@127.0.0.1:1/studio")

    class Unknown:
        def database(self, role: str) -> DatabaseAccess:
            raise LookupError("no such connection")

    for broken in (Away(), Unknown()):
        post.house = replace(whole, connections=broken)
        answer = post.signed("pixelwright", body)
        assert (answer.status, answer.body) == (503, b"")
        assert ("retry-after", "300") in answer.headers
    assert "secret" not in caplog.text
    post.house = whole
    assert post.signed("pixelwright", body).status == 204
    assert post.desk.states()["pixelwright"] == "completed"


def test_nothing_else_is_open(post: Post) -> None:
    """Every route but this one asks who is there; one that is added later is found here."""
    from fastapi.routing import APIRoute

    from data_lifecycle.pages.access import SIGNED_IN
    from data_lifecycle.pages.app import build

    routes = build().routes
    assert all(isinstance(route, APIRoute) for route in routes)
    guarded: Callable[[APIRoute], bool] = lambda route: any(  # noqa: E731
        part.call is SIGNED_IN.dependency for part in route.dependant.dependencies
    )
    open_ones = {route.path for route in routes if isinstance(route, APIRoute) and not guarded(route)}
    assert open_ones == {"/callbacks/{vendor}"}
    line = http.client.HTTPConnection("127.0.0.1", post.port, timeout=20)
    for route in routes:
        assert isinstance(route, APIRoute)
        if route.path in open_ones:
            continue
        for method in route.methods:
            line.request(method, route.path.replace("{", "").replace("}", "").replace(":path", ""))
            answer = line.getresponse()
            answer.read()
            assert answer.status == 401, route.path
    line.close()


def test_it_is_there_as_airflow_mounts_it(airflow_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's own app in front, with all that it puts before an application of a plugin."""
    from airflow.api_fastapi.app import create_app, purge_cached_app
    from fastapi.testclient import TestClient

    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "x" * 64)
    purge_cached_app()
    client = TestClient(create_app(apps="core"))
    try:
        unsigned = client.post("/compliance/callbacks/pixelwright", json={})
        # There is no connection for our own database here: a vendor is to come again.
        assert (unsigned.status_code, unsigned.content) == (503, b"")
        assert client.post("/compliance/callbacks/pixelwright", content=b"x").status_code == 415
        assert client.get("/compliance/answers").status_code == 401
    finally:
        purge_cached_app()
