"""The DAGs as Airflow's parser sees them; no database is needed for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

DAG_FILES = sorted((Path(__file__).resolve().parents[2] / "dags").glob("*.py"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for ``dag_file`` (or ``dag``, which follows from it) runs once for each pipeline."""
    if "dag_file" in metafunc.fixturenames:
        metafunc.parametrize("dag_file", DAG_FILES, ids=lambda file: file.stem)


@pytest.fixture(scope="session")
def parsed() -> Any:
    """All files of dags/, parsed."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(DAG_FILES[0].parent))


@pytest.fixture
def dag(parsed: Any, dag_file: Path) -> Any:
    """The DAG of a file; its id is the file's name."""
    assert not parsed.import_errors, parsed.import_errors
    return parsed.dags[dag_file.stem]
