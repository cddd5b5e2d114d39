"""Following a run: Airflow that cannot read its logs just now is no reason to stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from data_lifecycle.command.pipelines import Following
from data_lifecycle.embedded.api import ApiError


class Airflow:
    """One running task, whose log is answered as the test wants it: a status, or lines."""

    def __init__(self) -> None:
        self.log: int | list[dict[str, Any]] = 404
        self.state = "running"

    def call(self, method: str, path: str, body: object | None = None, *, seconds: float = 30) -> Any:
        if "/logs/" not in path:
            return {"state": self.state}
        if isinstance(self.log, int):
            raise ApiError(self.log, f"{method} {path}: {self.log}")
        return {"content": self.log, "continuation_token": None if self.state == "success" else "more"}

    def pages(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        yield {"task_id": "plan", "map_index": -1, "try_number": 1, "state": self.state, "start_date": "now"}


def test_logs_out_of_reach_are_said_once_and_read_later() -> None:
    airflow, said = Airflow(), list[str]()
    following = Following(airflow, "photo_purge", "r", with_logs=True)  # type: ignore[arg-type]
    assert following.poll(said.append) is None
    airflow.log = 500
    for _ in range(3):
        assert following.poll(said.append) is None
    assert [line for line in said if "WARNING no log to be shown" in line] == [said[-1]]
    airflow.log, airflow.state = (
        [{"event": "due: 3 orders", "logger": "lifecycle", "level": "info"}],
        "success",
    )
    assert following.poll(said.append) == "success"
    assert said[-2:] == ["plan         due: 3 orders", "plan         success"]


def test_what_airflow_refuses_is_not_taken_for_that() -> None:
    airflow = Airflow()
    airflow.log = 403
    with pytest.raises(ApiError):
        Following(airflow, "photo_purge", "r", with_logs=True).poll(lambda _: None)  # type: ignore[arg-type]
