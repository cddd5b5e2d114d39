"""How a step fails for good, skips, begins, and what attest counts as not done."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from data_lifecycle.protocol.house import PromiseBroken, Refused
from data_lifecycle.protocol.steps import asked, final, go_on, planned, stops_after_plan, unfinished


def context(states: dict[str, list[str]], conf: dict[str, Any] | None = None) -> dict[str, Any]:
    crumbs = [{"task_id": task, "state": state} for task, found in states.items() for state in found]
    return {
        "ti": SimpleNamespace(get_task_breadcrumbs=lambda *_: crumbs),
        "dag": SimpleNamespace(dag_id="d", params={"as_of": None}),
        "run_id": "r",
        "dag_run": SimpleNamespace(conf=conf),
        "params": {"as_of": None, **(conf or {})},
    }


def test_only_the_named_kinds_are_final() -> None:
    with pytest.raises(AirflowFailException, match="as said") as caught, final(PromiseBroken):
        raise PromiseBroken("as said")
    assert caught.value.__suppress_context__
    with pytest.raises(Refused, match="not named"), final(PromiseBroken):
        raise Refused("not named")


@pytest.mark.parametrize("released", [None, [], False])
def test_nothing_released_skips(released: object) -> None:
    with pytest.raises(AirflowSkipException, match="dry run"):
        go_on(released)
    with pytest.raises(AirflowSkipException, match="because"):
        go_on(released, "because")


def test_something_released_goes_on() -> None:
    go_on([0])
    go_on(True)
    assert planned(7) == 7
    with pytest.raises(AirflowFailException, match="no plan"):
        planned(None)


@pytest.mark.parametrize(
    "kind",
    ["manual", "backfill", "scheduled", "asset_triggered", "asset_materialization", "operator_triggered"],
)
@pytest.mark.parametrize("asked_for", [True, False, None])
def test_only_a_scheduled_run_deletes_unasked(
    kind: str, asked_for: bool | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "lifecycle")
    dry = stops_after_plan(SimpleNamespace(run_type=DagRunType(kind)), {"dry_run": asked_for})
    assert dry is (asked_for if asked_for is not None else kind != "scheduled")
    assert ("stops after its plan" in caplog.text) is dry
    assert ("started with dry_run: " + str(asked_for).lower() in caplog.text) is (asked_for is not None)


def test_every_kind_of_run_was_thought_of() -> None:
    kinds = {
        "manual",
        "backfill",
        "scheduled",
        "asset_triggered",
        "asset_materialization",
        "operator_triggered",
    }
    assert {kind.value for kind in DagRunType} == kinds


def test_a_key_of_no_pipeline_is_refused() -> None:
    assert asked(context({}, {"as_of": "x"}))[1] == {"as_of": "x"}
    with pytest.raises(Refused, match="as_off"):
        asked(context({}, {"as_off": "x"}))


@pytest.mark.parametrize(
    ("states", "missing"),
    [
        ({"plan": ["success"], "guard": ["success"], "act": ["success", "success"]}, ()),
        ({"plan": ["success"], "guard": ["success"], "act": ["success", "removed"]}, ()),
        ({"plan": ["success"], "guard": ["success"], "act": ["success", "failed"]}, ("act",)),
        ({"plan": ["success"], "guard": ["success"], "act": ["success", "skipped"]}, ("act",)),
        ({"plan": ["success"], "guard": ["success"]}, ("act",)),
        ({"plan": ["success"], "guard": ["removed"], "act": ["success"]}, ("guard",)),
        ({"plan": ["success"], "guard": ["skipped"], "act": ["skipped"]}, ()),
        ({"plan": ["success"], "guard": ["skipped"], "act": ["upstream_failed"]}, ("act",)),
        ({"plan": ["success"], "guard": ["failed"], "act": ["skipped"]}, ("guard", "act")),
    ],
)
def test_what_did_not_succeed(states: dict[str, list[str]], missing: tuple[str, ...]) -> None:
    assert unfinished(context(states), ("plan", "guard", "act"), mapped=("act",)) == missing
