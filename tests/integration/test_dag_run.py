"""The purge as Airflow runs it, on real servers: what happens when something is wrong, and what is stated then."""

from __future__ import annotations

import re
import shutil
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rfc8785
from cryptography.hazmat.primitives import serialization
from tests.dag_runs import Answer, Ran, run_dag
from tests.faults.workshop import DUE, Workshop

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

STEPS = ["plan", "guard", "approve", "act", "observe", "settle", "sweep", "assert", "attest"]
pytestmark = pytest.mark.slow


@pytest.fixture
def shop(house: House, studio: Studio, store: ObjectStore, airflow_connections: None) -> Workshop:
    """An empty studio to fill by hand; the DAG finds it through Airflow connections."""
    return Workshop(house, studio.admin_url, store.store_access("object_admin"))


@pytest.fixture
def run(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the purge: ``run(dry_run=True)``."""
    return lambda **conf: run_dag("photo_purge", {"dry_run": False, **conf}, caplog, capfd)


def statement(shop: Workshop) -> dict[str, Any]:
    """What the only run came to, or its plan if it was dry, as it lies in the locked bucket, its signature checked."""
    from data_lifecycle.evidence.keys import PUBLIC_NAME, key_id
    from data_lifecycle.evidence.statement import open_envelope

    shop.assert_evidence_complete()
    (told,) = shop.results() or [s for s in shop.statements() if s["run_id"]]
    name, (envelope,) = told["evidence_id"], shop.kept_evidence()[told["evidence_id"]]
    key = serialization.load_pem_public_key(
        (shop.house.settings.attester_key.parent / PUBLIC_NAME).read_bytes()
    )
    found = open_envelope(envelope, {key_id(key): key})  # type: ignore[arg-type,dict-item]
    assert shop.verify().refused is None
    return {"name": name, **found["predicate"]}


def count(shop: Workshop, table: str) -> int:
    return int(shop.sql(f"SELECT count(*) AS n FROM {table}")[0]["n"])  # noqa: S608 — a constant


def test_a_run_that_keeps_the_promise(
    load_demo: Callable[..., Any],
    shop: Workshop,
    run: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from data_lifecycle.photo_purge import planning

    load_demo(orders=40)
    monkeypatch.setattr(planning, "CASES_PER_BATCH", 10)
    before = shop.everything()
    ran = run()
    assert ran.state == "success"
    batches = -(-count(shop, "lifecycle.erasure_case") // 10)
    assert batches > 1, "otherwise nothing is said about mapped tasks"
    assert ran.states == {step: ["success"] * (batches if step == "act" else 1) for step in STEPS}
    stated = statement(shop)
    assert (stated["outcome"], stated["unfinished_steps"]) == ("verified", [])
    assert stated["counts"]["acted"] == len(before) - len(shop.everything()) + sum(
        row["n"]
        for row in shop.sql(
            "SELECT count(*) AS n FROM lifecycle.item WHERE kind = 'nothing' AND disposition = 'erase'"
        )
    )
    # What a reviewer reads in the logs: the clause, the seal, the outcomes, the evidence.
    (manifest,) = shop.sql("SELECT manifest_sha256 AS seal FROM lifecycle.run")
    for text in (
        "clause 3.2",
        "within 7 days",
        manifest["seal"],
        "held: balance: survivors = 0",
        stated["name"],
    ):
        assert text in ran.log
    # The same again: nothing is due, and that is attested too.
    assert run().state == "success"
    assert [s["outcome"] for s in shop.results()] == ["verified", "verified"]
    assert shop.verify().refused is None


@pytest.mark.parametrize("asked", [True, None], ids=["asked for", "by default"])
def test_a_dry_run_touches_nothing_and_says_so(
    shop: Workshop, run: Callable[..., Ran], asked: bool | None
) -> None:
    shop.order(DUE)
    before = shop.everything()
    ran = run(dry_run=asked)
    assert "this run stops after its plan" in ran.log
    assert ran.state == "success"
    assert ran.states == {step: ["success" if step in ("plan", "attest") else "skipped"] for step in STEPS}
    assert shop.everything() == before
    assert count(shop, "lifecycle.erasure_case") == count(shop, "lifecycle.item") == 0
    stated = statement(shop)
    assert (stated["dry_run"], stated["items"]) == (True, [])
    assert stated["planned"]["erase_items"] == len(before)
    assert "did not succeed" not in ran.log


@pytest.fixture
def low_cap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A policy that lets no run erase more than one entry."""
    include = tmp_path / "include"
    shutil.copytree(Path(__file__).resolve().parents[2] / "include", include)
    for file in (include / "policy").glob("xmanart-*.yaml"):
        text = file.read_text("utf-8")
        assert "max_objects: 50000" in text
        file.write_text(text.replace("max_objects: 50000", "max_objects: 1"), "utf-8")
    monkeypatch.setenv("LIFECYCLE_INCLUDE", str(include))


def manifest(body: str) -> dict[str, Any]:
    """The digest that the question names, as a person copies it."""
    return {"manifest_sha256": f" {re.findall('`([0-9a-f]{64})`', body)[-1]}\n"}


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (Answer("Reject"), "skipped", "rejected"),
        (Answer(None), "failed", "timed_out"),
        (Answer("Approve"), "failed", "void"),
        (Answer("Approve", by="dag_test", fill_in=manifest), "failed", "void"),
    ],
    ids=["rejected", "nobody answered", "without the manifest", "by who started it"],
)
def test_over_a_cap_nothing_is_erased_unless_approved(
    shop: Workshop,
    low_cap: None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    answer: Answer,
    state: str,
    said: str,
) -> None:
    """Neither by act nor by what follows: settle must not take what was never released for survivors."""
    shop.order(DUE, files=2)
    before = shop.everything()
    ran = run_dag("photo_purge", {"dry_run": False}, caplog, capfd, answer)
    assert ran.state == "failed"
    assert (ran.states["guard"], ran.states["approve"]) == (["success"], [state])
    assert (ran.states["plan"], ran.states["attest"]) == (["success"], ["failed"])
    assert "success" not in {state for step in STEPS[2:] for state in ran.states[step]}
    assert shop.everything() == before
    assert {row["state"] for row in shop.sql("SELECT state FROM lifecycle.item")} == {"planned"}
    stated = statement(shop)
    assert (stated["outcome"], stated["unfinished_steps"]) == ("failed", STEPS[2:-1])
    assert (stated["approval"]["answer"], stated["approval"]["over"]) == (said, ["entries"])
    assert "over the cap for entries" in ran.log


def test_over_a_cap_and_approved(
    shop: Workshop, low_cap: None, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    order = shop.order(DUE, files=2)
    yes = Answer("Approve", fill_in=manifest)
    ran = run_dag("photo_purge", {"dry_run": False}, caplog, capfd, yes)
    assert ran.states == {step: ["success"] for step in STEPS}
    assert shop.everything(order) == set()
    stated = statement(shop)
    assert (stated["outcome"], stated["approval"]["answer"]) == ("verified", "approved")
    assert (stated["approval"]["answered_by"], stated["approval"]["started_by"]) == ("reviewer", "dag_test")


def test_a_lost_canary_fails_the_run_after_the_evidence_is_stored(
    shop: Workshop, run: Callable[..., Ran]
) -> None:
    order = shop.order(DUE)
    (canary,) = shop.sql("SELECT * FROM lifecycle.canary WHERE kind = 'version' ORDER BY 1, 4 LIMIT 1")
    shop.s3.delete_object(Bucket=canary["bucket"], Key=canary["object_key"], VersionId=canary["version_id"])
    ran = run()
    assert ran.state == "failed"
    assert (ran.states["assert"], ran.states["attest"]) == (["failed"], ["failed"])
    assert shop.everything(order) == set()
    assert shop.case(order) == "open", "who missed a canary has seen nothing, so nothing is proven"
    stated = statement(shop)
    assert (stated["outcome"], stated["unfinished_steps"]) == ("failed", ["assert"])
    assert [a["name"] for a in stated["assertions"] if not a["success"]] == ["balance: canaries_missing = 0"]
    assert ran.log.index("stored and read back") < ran.log.index("is not verified")


def test_a_failed_batch_is_stated_with_what_was_seen(shop: Workshop, run: Callable[..., Ran]) -> None:
    order = shop.order(DUE)
    before = shop.everything(order)
    shop.sql("REVOKE UPDATE ON lifecycle.item FROM studio_eraser")
    shop.sql("REVOKE UPDATE (state, code, changed_at) ON lifecycle.item FROM studio_eraser")
    ran = run()
    assert ran.state == "failed"
    assert (ran.states["act"], ran.states["observe"]) == (["failed"], ["success"])
    assert shop.everything(order) == before
    stated = statement(shop)
    assert (stated["outcome"], stated["unfinished_steps"]) == ("failed", ["act", "settle", "sweep", "assert"])
    assert stated["counts"]["survivors"] == len(before)


@pytest.mark.parametrize(
    ("conf", "reason"),
    [
        ({"as_off": "2026-01-01T00:00:00Z"}, "conf key 'as_off' is unknown"),
        ({"as_of": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, "later than the database's clock"),
        ({"as_of": "yesterday"}, "not an instant with a time zone"),
    ],
    ids=["unknown key", "future", "no instant"],
)
def test_a_run_that_must_not_go_on_as_asked(
    shop: Workshop, run: Callable[..., Ran], conf: dict[str, str], reason: str
) -> None:
    shop.order(DUE)
    before = shop.everything()
    ran = run(**conf)
    assert ran.state == "failed"
    assert ran.states["plan"] == ["failed"]
    assert reason in ran.log
    assert shop.everything() == before
    assert count(shop, "lifecycle.run") == count(shop, "lifecycle.evidence") == 0


def test_without_a_plan_attest_says_where_to_look(
    shop: Workshop, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    from data_lifecycle.embedded import ports

    shop.order(DUE)
    monkeypatch.setenv("AIRFLOW_CONN_STUDIO_READER", f"postgresql://x:x@127.0.0.1:{ports.choose()}/studio")
    ran = run()
    assert ran.states["plan"] == ["failed"]
    assert ran.states["attest"] == ["failed"]
    assert "there is no plan to state anything about: see the log of the step plan" in ran.log
    assert "psycopg2.OperationalError" in ran.log
    assert "TypeError" not in ran.log


def test_statements_are_canonical(shop: Workshop, run: Callable[..., Ran]) -> None:
    """A run with nothing to do attests as well, in bytes that anybody can make again from the facts."""
    import json

    assert run().state == "success"
    (row,) = shop.results()
    payload = b64decode(json.loads(bytes(row["envelope"]))["payload"])
    assert rfc8785.dumps(json.loads(payload)) == payload
    assert statement(shop)["planned"]["cases"] == 0
