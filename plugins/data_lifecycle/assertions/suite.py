"""Great Expectations over the observations of a run: the suite is data, this runs it and keeps the outcome.

Only counts leave this module. Result formats that carry samples of values are never asked for, and the views looked at
have no keys to begin with.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_lifecycle.database import connect, execute
from data_lifecycle.protocol.house import House, PromiseBroken, log

ROLE = "studio_auditor"


@dataclass(frozen=True, slots=True)
class Assertion:
    """One expectation and how it went. ``observed`` is a count or a set of states, never a value of a person."""

    name: str
    clause: str
    success: bool
    observed: str
    expected: str
    means: str


def assert_run(house: House, run_id: int, suite: str, parameters: Mapping[str, int]) -> list[Assertion]:
    """Run ``include/expectations/<suite>.json`` on the views of run ``run_id``, store every outcome, write Data Docs.

    ``parameters`` fill the suite's ``$PARAMETER``s. Raises PromiseBroken, after storing, when an expectation did not
    hold or could not be evaluated.
    """
    assertions = _validate(house, run_id, suite, parameters)
    with connect(house.connections.database(ROLE), f"{suite} assert") as connection, connection:
        execute(
            connection,
            "evidence/insert_assertions",
            run_id=run_id,
            names=[a.name for a in assertions],
            successes=[a.success for a in assertions],
            observed=[a.observed for a in assertions],
            expected=[a.expected for a in assertions],
        )
    for a in assertions:
        level = log.info if a.success else log.error
        level(
            "%s: %s; expected %s, observed %s (clause %s)", _word(a), a.name, a.expected, a.observed, a.clause
        )
        level("    %s", a.means)
    broken = [a.name for a in assertions if not a.success]
    log.info("assertions: %d held, %d did not", len(assertions) - len(broken), len(broken))
    if broken:
        raise PromiseBroken(f"run {run_id}: {len(broken)} assertions did not hold: {'; '.join(broken)}")
    return assertions


def _word(assertion: Assertion) -> str:
    return "held" if assertion.success else "DID NOT HOLD"


def _validate(house: House, run_id: int, suite: str, parameters: Mapping[str, int]) -> list[Assertion]:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    # Dozens of lines about itself, among which a reviewer would have to look for the outcomes.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier

    definition = json.loads((house.settings.include / "expectations" / f"{suite}.json").read_text("utf-8"))
    context = gx.get_context(project_config=_project(house.settings.data_docs), mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    # The views show the run that the session names: the suite itself stays free of numbers.
    url = house.connections.database(ROLE).url.replace("postgresql://", "postgresql+psycopg2://", 1)
    source = context.data_sources.add_postgres(
        "lifecycle",
        connection_string=f"{url}?options=-c%20lifecycle.run_id%3D{run_id}%20-c%20TimeZone%3DUTC",
        create_temp_table=False,
    )
    results: list[Assertion] = []
    for part in definition["tables"]:
        asset = source.add_table_asset(part["table"], table_name=part["table"], schema_name="lifecycle")
        batch = asset.add_batch_definition_whole_table("whole")
        expectations = context.suites.add(
            gx.ExpectationSuite(name=f"{suite}.{part['table']}", expectations=part["expectations"])
        )
        validation = context.validation_definitions.add(
            gx.ValidationDefinition(name=f"{suite}.{part['table']}", data=batch, suite=expectations)
        )
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(
                name=f"{suite}.{part['table']}",
                validation_definitions=[validation],
                actions=[gx.checkpoint.UpdateDataDocsAction(name="docs")],
                result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
            )
        )
        outcome = checkpoint.run(
            expectation_parameters=dict(parameters), run_id=RunIdentifier(f"run-{run_id:08d}")
        )
        described = next(iter(outcome.run_results.values())).to_json_dict()["results"]
        results += [_assertion(part["table"], entry) for entry in described]
        if len(described) != len(part["expectations"]):
            raise PromiseBroken(
                f"suite {suite}: {len(part['expectations'])} expectations, {len(described)} outcomes"
            )
    return results


def _assertion(table: str, entry: Mapping[str, Any]) -> Assertion:
    config = entry["expectation_config"]
    meta, kwargs, result = config["meta"], config["kwargs"], entry.get("result") or {}
    failed_to_run = (entry.get("exception_info") or {}).get("raised_exception")
    if failed_to_run:
        observed = "could not be evaluated"
    elif "observed_value" in result:
        observed = str(result["observed_value"])
    else:
        observed = f"{result.get('unexpected_count')} of {result.get('element_count')} rows not as expected"
    return Assertion(
        f"{table}: {meta['name']}",
        meta["clause"],
        bool(entry["success"]) and not failed_to_run,
        observed,
        _expected(kwargs),
        meta["means"],
    )


def _expected(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None:
        return f"{low:g}" if low == high else f"at least {low:g}"
    if "value_set" in kwargs:
        return f"one of {', '.join(kwargs['value_set'])}"
    return str(kwargs.get("value", "a value in every row"))


def _project(docs: Path) -> Any:
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        FilesystemStoreBackendDefaults,
    )

    docs.mkdir(parents=True, exist_ok=True)
    defaults = FilesystemStoreBackendDefaults(root_directory=str(docs), plugins_directory=None)
    # The suite lives in include/; what an earlier run made of it must not be there when this one adds its own.
    for name in ("expectations", "validation_definition", "checkpoint"):
        store = getattr(defaults, f"{name}_store_name")
        defaults.stores[store]["store_backend"] = {"class_name": "InMemoryStoreBackend"}
    return DataContextConfig(store_backend_defaults=defaults, analytics_enabled=False)
