"""Erasure at vendors as Airflow runs it: without credentials, with a connection, with a person's note."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.dag_runs import run_dag
from tests.faults.workshop import Workshop
from tests.vendor_servers import Files, Vendor, serving

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

pytestmark = pytest.mark.slow


def test_a_run_in_airflow_asks_who_has_a_connection_and_keeps_a_note(
    house: House,
    studio: Studio,
    store: ObjectStore,
    airflow_connections: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    shop = Workshop(house, studio.admin_url, store.store_access("object_admin"))
    order = shop.order()
    for vendor in ("openai", "fal", "paypal"):
        shop.sql(
            "INSERT INTO studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose,"
            " destination_country, upload_id, vendor_ref, sent_at)"
            " SELECT gen_random_uuid(), order_id, %s, 'c', 'p', 'US', upload_id, 'ref', now()"
            " FROM studio.order_uploads WHERE order_id = %s",
            vendor, order,
        )  # fmt: skip
    assert shop.purge() == "verified"
    with serving(Vendor(Files("ref"))) as openai:
        monkeypatch.setenv(
            "AIRFLOW_CONN_VENDOR_OPENAI",
            json.dumps({"conn_type": "http", "host": openai.url, "password": "key"}),
        )
        planned = run_dag("vendor_erasure", {}, caplog, capfd)
        assert planned.states["submit"] == ["skipped"]
        assert not shop.sql("SELECT FROM lifecycle.vendor_erasure")
        first = run_dag("vendor_erasure", {"dry_run": False}, caplog, capfd)
        assert first.state == "success"
        found = {
            row["vendor"]: row
            for row in shop.sql("SELECT vendor, state, code, erasure_id::text FROM lifecycle.vendor_erasure")
        }
        assert {v: r["state"] for v, r in found.items()} == {
            "openai": "residual_until",
            "fal": "unreachable",
            "paypal": "manual",
        }
        assert found["fal"]["code"] == "no-credentials"
        conf = {
            "erasure": found["paypal"]["erasure_id"],
            "found": "accepted",
            "note": "their mail of this morning",
        }
        second = run_dag("vendor_erasure", conf, caplog, capfd)
    assert second.state == "success"
    assert "this run stops after its plan: a manual run not started with dry_run: false" in second.log
    assert second.states["submit"] == ["skipped"], "an answer is noted all the same"
    (note,) = shop.sql("SELECT said, noted_by FROM lifecycle.vendor_confirmation")
    assert note["said"] == "accepted"
    (row,) = shop.sql("SELECT state FROM lifecycle.vendor_erasure WHERE vendor = 'paypal'")
    assert row["state"] == "residual_until"
    for text in (order, "nobody@example.org", "photo-0.jpg"):
        assert text not in first.log
