"""Parsing: every few seconds, in every component, for ever. It must not fail, and it must not be slow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

# 0.1 s here; room for a busy machine. What is heavy costs more than that alone.
SECONDS = 0.3
HEAVY = {"great_expectations", "boto3", "botocore", "pandas", "numpy", "psycopg2", "data_lifecycle"}
# What a DAG that asks a person needs to be parsed: 25 ms.
ASKS = {"data_lifecycle", "data_lifecycle.protocol", "data_lifecycle.protocol.approval"}
ASKS_PARTS = {"airflow.providers.standard"}
HEAVY_PARTS = {"airflow.providers", "airflow.models.taskinstance"}

_PROBE = """
import importlib.util, json, sys, time
from airflow.sdk import Param, TriggerRule, dag, get_current_context, task
from airflow.timetables.interval import CronDataIntervalTimetable
@dag(schedule=CronDataIntervalTimetable("@daily", timezone="UTC"), params={"one": Param(None)})
def plain():
    @task
    def first() -> list[int]: ...
    @task
    def second(number) -> None: ...
    second.expand(number=first())
plain()
before = set(sys.modules)
started = time.perf_counter()
spec = importlib.util.spec_from_file_location("probed", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
seconds = time.perf_counter() - started
print(json.dumps({"seconds": seconds, "modules": sorted(sys.modules), "new": sorted(set(sys.modules) - before)}))
"""


def _probe(file: Path) -> dict[str, Any]:
    """Import one file in a process that has used what any DAG uses of Airflow, and nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, str(file)], capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _heavy(modules: list[str]) -> list[str]:
    return [
        name
        for name in modules
        if name not in ASKS | {"airflow.providers"}
        and not any(f"{name}.".startswith(f"{part}.") for part in ASKS_PARTS)
        if name.split(".", 1)[0] in HEAVY or any(name == p or name.startswith(f"{p}.") for p in HEAVY_PARTS)
    ]


def test_every_file_is_a_dag_of_its_name(parsed: Any, dag_file: Path) -> None:
    assert not parsed.import_errors
    assert dag_file.stem in parsed.dags


def test_a_file_parses_fast_and_imports_nothing_heavy(dag_file: Path) -> None:
    # The fastest of three: what is measured is the file, not what else the machine does.
    answers = [_probe(dag_file) for _ in range(3)]
    assert min(answer["seconds"] for answer in answers) < SECONDS, answers[0]["new"]
    assert _heavy(answers[0]["new"]) == []
    assert _heavy(["great_expectations", "airflow.providers.amazon", "airflow.sdk"]) == [
        "great_expectations",
        "airflow.providers.amazon",
    ]


def test_the_probe_sees_a_heavy_import(tmp_path: Path) -> None:
    heavy = tmp_path / "heavy.py"
    heavy.write_text("import boto3\n")
    assert "boto3" in _heavy(_probe(heavy)["new"])
