"""The place that a statement names is the one that Airflow writes to."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from jinja2 import Template

from data_lifecycle.protocol import tasklogs

RUNS = ("manual__2026-03-01T02:00:00.681956+00:00", "scheduled__2026-03-01T02:00:00+00:00", "replay of March")


@pytest.mark.parametrize("run_id", RUNS)
@pytest.mark.parametrize("map_index", [-1, 0, 12])
def test_airflows_own_template_leads_below_it(run_id: str, map_index: int) -> None:
    from airflow.configuration import conf

    template = conf.get_mandatory_value("logging", "log_filename_template")
    instance = SimpleNamespace(dag_id="photo_purge", run_id=run_id, task_id="act", map_index=map_index)
    name = Template(template).render(ti=instance, try_number=3)
    base = urlsplit(tasklogs.remote_folder("kept"))
    key = f"{base.path.lstrip('/')}/{name}"
    mapped = f"map_index={map_index}/" if map_index >= 0 else ""
    assert base.netloc == "kept"
    assert key == tasklogs.prefix("photo_purge", run_id) + f"task_id=act/{mapped}attempt=3.log"


def test_no_run_is_taken_for_another() -> None:
    names = [tasklogs.prefix(dag, run) for dag in ("photo", "photo_purge") for run in ("r", "r1", "r10")]
    assert not [(a, b) for a in names for b in names if a != b and a.startswith(b)]


def test_a_statement_names_bucket_and_prefix() -> None:
    assert tasklogs.place("kept", "d", "r") == {"bucket": "kept", "prefix": "task-logs/dag_id=d/run_id=r/"}
