"""The compliance pages with Airflow's own users in front of them and real runs behind them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults.workshop import Workshop
from tests.inventory_fixtures import inventory
from tests.vendor_desk import Desk, quickly

from data_lifecycle.protocol import concluding
from data_lifecycle.vendor_inventory.documents import CSV

if TYPE_CHECKING:
    from fastapi.testclient import TestClient
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

Visit = Any
PERSONAL = re.compile(r"ord_\w+|[\w.]+@(?!studio|xmanart)[\w.]+|photo-\d|orders/", re.IGNORECASE)
"""What no page may show: order ids, addresses, names of files."""


@pytest.fixture
def visit(
    house: House, airflow_database: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str | None], TestClient]]:
    """A browser of a user of this role in Airflow; None for a stranger."""
    from airflow.api_fastapi.app import init_auth_manager, purge_cached_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    from data_lifecycle.pages import access
    from data_lifecycle.pages.app import build

    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "x" * 64)
    manager = init_auth_manager()
    app = build()
    app.dependency_overrides[access.house] = lambda: house

    def enter(role: str | None) -> TestClient:
        client = TestClient(app)
        if role is not None:
            user = SimpleAuthManagerUser(username=f"a-{role}", role=role)
            client.cookies.set("_token", manager.generate_jwt(user))
        return client

    yield enter
    purge_cached_app()


def nothing_personal(text: str) -> None:
    body = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    assert PERSONAL.findall(body) == []


def test_an_empty_house_says_that_nothing_is_proven(visit: Visit) -> None:
    viewer = visit("viewer")
    assert "nothing is proven" in viewer.get("/").text
    assert viewer.get("/inventory").status_code == 404
    assert viewer.get("/runs/photo_purge/manual__1").status_code == 404
    assert "No erasure waits for a person" in viewer.get("/answers").text


def test_runs_are_shown_with_their_evidence_and_nobody(
    house: House, studio: Studio, store: ObjectStore, visit: Visit
) -> None:
    shop = Workshop(house, studio.admin_url, store.store_access("object_admin"))
    shop.order()
    assert shop.purge("manual__2026-11-20T10:00:00+00:00") == "verified"
    viewer = visit("viewer")
    overview = viewer.get("/")
    assert overview.status_code == 200
    assert "default-src 'none'" in overview.headers["content-security-policy"]
    assert overview.headers["cache-control"] == "no-store"
    statement = next(s["evidence_id"] for s in reversed(shop.results()))
    for text in ("photo_purge", "verified", statement, "of the log", "locked 2"):
        assert text in overview.text
    link = re.search(r'href="/compliance(/runs/photo_purge/[^"]+)"', overview.text)
    assert link is not None
    run = viewer.get(link[1])
    assert run.status_code == 200
    for text in ("survivors = 0", "vendors_overdue = 0", "plan/v1", "OBSERVED_ABSENT", statement):
        assert text in run.text
    nothing_personal(overview.text)
    nothing_personal(run.text)


def test_the_inventory_is_the_one_that_was_exported(load_demo: Callable[..., Any], visit: Visit) -> None:
    from data_lifecycle.vendor_inventory import documents
    from data_lifecycle.vendor_inventory.exporting import folder_of

    demo = load_demo(orders=60)
    folder = folder_of(demo.house.settings, inventory(demo.house))
    viewer = visit("viewer")
    page = viewer.get("/inventory")
    assert page.content == (folder / documents.PAGE).read_bytes()
    assert "script-src 'none'" in page.headers["content-security-policy"]
    table = viewer.get(f"/inventory/{CSV}")
    assert table.content == (folder / CSV).read_bytes()
    assert "attachment" in table.headers["content-disposition"]
    assert viewer.get("/inventory/passwd").status_code == 404
    nothing_personal(page.text)


@pytest.fixture
def desk(house: House, studio: Studio, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An order whose files two vendors have that are asked by a person."""
    monkeypatch.setattr(concluding, "assert_run", quickly)
    made = Desk(Workshop(house, studio.admin_url, store.store_access("object_admin")))
    order = made.shop.order()
    for vendor in ("paypal", "a-stranger"):
        made.sent(order, vendor)
    assert made.shop.purge() == "verified"
    made.run(datetime.now(UTC))
    return made


def test_a_person_notes_an_answer_on_a_page(desk: Desk, visit: Visit) -> None:
    viewer, engineer = visit("viewer"), visit("op")
    erasure = str(desk.row("paypal")["erasure_id"])
    page = viewer.get("/answers")
    assert erasure in page.text
    assert "<form" not in page.text
    assert engineer.get("/answers").text.count("<form") == 2
    nothing_personal(page.text)
    said = {"found": "completed", "note": "their letter of 20 November"}
    assert viewer.post(f"/answers/{erasure}", data=said).status_code == 403
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert engineer.post(f"/answers/{erasure}", data=said, headers=elsewhere).status_code == 403
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert engineer.post(f"/answers/{erasure}", data=said, headers=cross).status_code == 403
    short = engineer.post(f"/answers/{erasure}", data={"found": "completed", "note": "ok"})
    assert short.status_code == 422
    assert "too short" in short.text
    named = {"found": "completed", "note": "a mail from ann@example.org"}
    assert engineer.post(f"/answers/{erasure}", data=named).status_code == 422
    assert engineer.post("/answers/no-such", data=said).status_code == 422
    assert desk.shop.sql("SELECT FROM lifecycle.vendor_confirmation") == []
    done = engineer.post(f"/answers/{erasure}", data=said)
    assert done.status_code == 200
    assert "is residual_until now" in done.text
    (kept,) = desk.shop.sql("SELECT said, noted_by, note FROM lifecycle.vendor_confirmation")
    assert kept == {"said": "completed", "noted_by": "a-op", "note": said["note"]}
    # No more is claimed than the register allows; the unlisted vendor's erasure still waits.
    assert desk.states() == {"a-stranger": "manual", "paypal": "residual_until"}
    assert erasure not in done.text.split("</p>", 3)[-1]


def test_a_bad_token_is_not_a_user(visit: Visit) -> None:
    stranger = visit(None)
    assert stranger.get("/").status_code == 401
    stranger.cookies.set("_token", "nonsense")
    assert stranger.get("/").status_code == 403
