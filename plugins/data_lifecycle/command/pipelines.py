"""Trigger pipelines through Airflow's REST API and follow their runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from data_lifecycle.embedded.api import AirflowApi, ApiError, quoted
from data_lifecycle.embedded.home import REPOSITORY
from data_lifecycle.embedded.processes import NotReady, wait_until

_ENDED = frozenset({"success", "failed"})
_NOT_STARTED = frozenset({"None", "scheduled", "queued", "restarting", "removed"})
_LOUD = frozenset({"warning", "error", "critical"})
_PAUSE_SECONDS = 1.0
_NO_LOG = (
    "WARNING no log to be shown: Airflow cannot read it, most likely because the object store that keeps it is away; "
    "tasks go on, and a log that the store does not take stays in Airflow's folder of logs"
)


def names() -> list[str]:
    """Every pipeline of the house: a DAG's id is the name of its file."""
    return sorted(file.stem for file in (REPOSITORY / "dags").glob("*.py"))


def wait_until_known(api: AirflowApi, dag_id: str, *, seconds: float = 90) -> None:
    """Until Airflow has parsed ``dag_id``. NotReady with the file's error if it cannot be imported."""

    def check() -> bool:
        for error in api.pages("/importErrors", "import_errors"):
            if str(error["filename"]).endswith(f"{dag_id}.py"):
                raise NotReady(f"{error['filename']} cannot be imported:\n{error['stack_trace']}")
        try:
            api.call("GET", f"/dags/{quoted(dag_id)}/details")
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return True

    wait_until(check, seconds=seconds, what=f"pipeline {dag_id}", pause=_PAUSE_SECONDS)


def unpause(api: AirflowApi, dag_id: str) -> None:
    """Let the schedule of ``dag_id`` run."""
    api.call("PATCH", f"/dags/{quoted(dag_id)}?update_mask=is_paused", {"is_paused": False})


def has_succeeded(api: AirflowApi, dag_id: str) -> bool:
    """Whether any run of ``dag_id`` ended well."""
    answer = api.call("GET", f"/dags/{quoted(dag_id)}/dagRuns?state=success&limit=1")
    return int(answer["total_entries"]) > 0


def trigger(api: AirflowApi, dag_id: str, conf: Mapping[str, object]) -> str:
    """Start a run of ``dag_id``; its run id. ApiError 422 if ``conf`` does not fit the pipeline's parameters."""
    body = {"logical_date": None, "conf": dict(conf)}
    return str(api.call("POST", f"/dags/{quoted(dag_id)}/dagRuns", body)["dag_run_id"])


@dataclass
class Following:
    """One run as it goes on. Call ``poll`` until it returns a state; each call hands over what is new."""

    api: AirflowApi
    dag_id: str
    run_id: str
    with_logs: bool
    _states: dict[str, str] = field(default_factory=dict)
    _tokens: dict[str, str | None] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)
    _in_the_dark: bool = False

    @property
    def _path(self) -> str:
        return f"/dags/{quoted(self.dag_id)}/dagRuns/{quoted(self.run_id)}"

    def poll(self, say: Callable[[str], None]) -> str | None:
        """Say what happened since the last call; the run's state if it has ended, else None."""
        # The state is asked first: whatever a task wrote before the run ended is then read below.
        state = str(self.api.call("GET", self._path)["state"])
        instances = list(self.api.pages(f"{self._path}/taskInstances?order_by=id", "task_instances"))
        for instance in sorted(instances, key=lambda entry: (str(entry["start_date"]), entry["map_index"])):
            name, current = _name(instance), str(instance["state"])
            changed = self._states.get(name) != current and current not in _NOT_STARTED
            self._states[name] = current
            if changed and current == "running":
                say(f"{name:<12} {current}")
            if self.with_logs and current not in _NOT_STARTED:
                for line in self._new_lines(instance):
                    say(f"{name:<12} {line}")
            if changed and current != "running":
                say(f"{name:<12} {current}")
        return state if state in _ENDED else None

    def wait(self, say: Callable[[str], None], *, seconds: float) -> str:
        """Follow to the end; "success" or "failed". NotReady after ``seconds``.

        Runs of the same pipeline that go first, because only one may at a time, are followed as well.
        """
        end = time.monotonic() + seconds
        known, others = {self.run_id}, list[Following]()
        while (state := self.poll(say)) is None:
            if time.monotonic() > end:
                raise NotReady(f"run {self.run_id} of {self.dag_id} has not ended within {seconds:.0f} s")
            for run in self.api.pages(f"/dags/{quoted(self.dag_id)}/dagRuns?state=running", "dag_runs"):
                if (name := str(run["dag_run_id"])) not in known:
                    say(f"first comes {name}")
                    known.add(name)
                    others.append(Following(self.api, self.dag_id, name, with_logs=False))
            others = [other for other in others if not other._said_end(say)]
            time.sleep(_PAUSE_SECONDS)
        return state

    def _said_end(self, say: Callable[[str], None]) -> bool:
        state = self.poll(say)
        if state:
            say(f"{self.run_id}: {state}")
        return state is not None

    def _new_lines(self, instance: Mapping[str, Any]) -> Iterator[str]:
        """What the pipeline itself logged, and warnings of anybody, not yet read."""
        attempt = int(instance["try_number"])
        for number in range(1, attempt + 1):
            key = f"{instance['task_id']}/{instance['map_index']}/{number}"
            if key in self._read:
                continue
            query = f"map_index={instance['map_index']}&full_content=false"
            if token := self._tokens.get(key):
                query += f"&token={quoted(token)}"
            path = f"{self._path}/taskInstances/{quoted(str(instance['task_id']))}/logs/{number}?{query}"
            try:
                answer = self.api.call("GET", path)
            except ApiError as error:
                if error.status == 500:
                    # What Airflow answers while the store that keeps the logs is away. Asked again at the next poll.
                    if not self._in_the_dark:
                        yield _NO_LOG
                    self._in_the_dark = True
                # Between being started and having written its first line a task has no log.
                elif error.status != 404:
                    raise
                continue
            self._in_the_dark = False
            self._tokens[key] = answer.get("continuation_token")
            if self._tokens[key] is None:
                self._read.add(key)
            yield from filter(None, map(_line, answer["content"]))


def _name(instance: Mapping[str, Any]) -> str:
    index = instance["map_index"]
    return str(instance["task_id"]) + (f"[{index}]" if index >= 0 else "")


# What a line begins with already, or what only matters to Airflow.
_OWN_FIELDS = frozenset(
    {
        *("timestamp", "event", "level", "logger", "filename", "lineno", "error_detail", "category", "ti_id"),
        *("dag_id", "run_id", "task_id", "map_index", "try_number"),
    }
)


def _line(entry: object) -> str | None:
    """A log entry as one readable line; None for Airflow's own chatter."""
    if not isinstance(entry, dict):
        return None
    event, logger = str(entry.get("event", "")), str(entry.get("logger") or "")
    level = str(entry.get("level", "")).lower()
    # A category marks a Python warning: about libraries, for whoever maintains them.
    ours = logger.startswith(("lifecycle", "data_lifecycle")) or (level in _LOUD and "category" not in entry)
    if not ours or event.startswith(("::group::", "::endgroup::")):
        return None
    fields = " ".join(f"{name}={value}" for name, value in entry.items() if name not in _OWN_FIELDS)
    causes = "; ".join(
        f"{detail.get('exc_type')}: {detail.get('exc_value')}" for detail in entry.get("error_detail") or ()
    )
    mark = level.upper() + " " if level in _LOUD else ""
    return " ".join(part for part in (mark + event, fields, causes) if part)
