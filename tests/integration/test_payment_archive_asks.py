"""The archive as Airflow runs it, over its caps: it waits for a person, and nobody's payments are touched before."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.dag_runs import Answer, run_dag
from tests.payment_fixtures import DUE, Till

STEPS = ("pseudonymise", "archive", "compare", "remove", "expire", "observe", "assert")


@pytest.fixture
def low_cap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A policy that lets no run archive more than one record."""
    include = tmp_path / "include"
    shutil.copytree(Path(__file__).resolve().parents[2] / "include", include)
    for file in (include / "policy").glob("xmanart-*.yaml"):
        text = file.read_text("utf-8")
        assert "max_rows: 5000000" in text
        file.write_text(text.replace("max_rows: 5000000", "max_rows: 1"), "utf-8")
    monkeypatch.setenv("LIFECYCLE_INCLUDE", str(include))


@pytest.fixture
def wants_to_go(till: Till) -> str:
    """A customer with two payments that are due, who asked to be forgotten; the order."""
    customer = till.customer()
    order = till.order(customer)
    for _ in range(2):
        till.pay(DUE, order_id=order)
    till.sql("UPDATE studio.customers SET erase_requested_at = now() WHERE customer_id = %s", customer)
    return order


def manifest(body: str) -> dict[str, Any]:
    """The digest that the question names, as a person copies it."""
    return {"manifest_sha256": f" {re.findall('`([0-9a-f]{64})`', body)[-1]}\n"}


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (Answer("Reject"), "skipped", "rejected"),
        (Answer("Approve", by="dag_test", fill_in=manifest), "failed", "void"),
    ],
    ids=["rejected", "by who started it"],
)
def test_nothing_is_archived_or_cut_off_unless_approved(
    till: Till,
    wants_to_go: str,
    low_cap: None,
    airflow_connections: None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    answer: Answer,
    state: str,
    said: str,
) -> None:
    hot = till.hot()
    ran = run_dag("payment_archive", {"dry_run": False}, caplog, capfd, answer)
    assert ran.state == "failed"
    assert (ran.states["guard"], ran.states["approve"]) == (["success"], [state])
    assert (ran.states["plan"], ran.states["attest"]) == (["success"], ["failed"])
    assert "success" not in {state for step in STEPS for state in ran.states[step]}
    assert (till.hot(), till.objects(), len(till.files("planned"))) == (hot, set(), 1)
    assert till.count("studio.customers WHERE pseudonymised_at IS NOT NULL") == 0
    (stated,) = till.statements()
    assert (stated["outcome"], stated["unfinished_steps"]) == ("failed", ["approve", *STEPS])
    assert (stated["approval"]["answer"], stated["approval"]["over"]) == (said, ["records to archive"])
    assert "over the cap for records to archive" in ran.log
    assert wants_to_go not in ran.log
    assert till.verify().refused is None


def test_over_a_cap_and_approved(
    till: Till,
    wants_to_go: str,
    low_cap: None,
    airflow_connections: None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    yes = Answer("Approve", fill_in=manifest)
    ran = run_dag("payment_archive", {"dry_run": False}, caplog, capfd, yes)
    assert ran.states["attest"] == ["success"], ran.log[-4000:]
    assert {state for states in ran.states.values() for state in states} == {"success"}
    assert till.hot() == set()
    assert len(till.records()) == 2
    assert till.count("studio.customers WHERE pseudonymised_at IS NOT NULL") == 1
    (stated,) = till.statements()
    approval = stated["approval"]
    assert (stated["outcome"], approval["answer"]) == ("verified", "approved")
    assert (approval["answered_by"], approval["started_by"]) == ("reviewer", "dag_test")
    schema = json.loads((till.house.settings.include / "schemas" / "result.v1.json").read_text("utf-8"))
    jsonschema.validate(stated, schema["properties"]["predicate"])
    assert till.verify().refused is None
