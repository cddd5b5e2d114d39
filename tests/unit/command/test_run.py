"""``./lifecycle run`` plans unless it is told to act, whatever the pipeline takes an empty answer for."""

from __future__ import annotations

import argparse
from types import SimpleNamespace
from typing import Any

import pytest

from data_lifecycle.command import pipelines, run

AT = "2026-03-01T00:00:00+00:00"


class Api:
    """An Airflow that knows one pipeline with these parameters."""

    def __init__(self, *params: str) -> None:
        self.params = params

    def call(self, _method: str, path: str) -> dict[str, Any]:
        if path.endswith("/details"):
            return {"params": {name: {} for name in self.params}}
        return {"is_paused": False}


@pytest.mark.parametrize(
    ("words", "params", "conf"),
    [
        ([], ("as_of", "dry_run"), {"dry_run": True}),
        (["--act"], ("as_of", "dry_run"), {"dry_run": False}),
        ([], ("as_of",), {}),
        (["--as-of", AT], ("dry_run",), {"as_of": AT, "dry_run": True}),
        (["--param", "policy_file=a=b"], ("policy_file",), {"policy_file": "a=b"}),
        (["--param", "rejudge=true"], ("rejudge",), {"rejudge": True}),
    ],
)  # fmt: skip
def test_it_plans_unless_it_is_told_to_act(
    monkeypatch: pytest.MonkeyPatch, words: list[str], params: tuple[str, ...], conf: dict[str, object]
) -> None:
    sent: list[object] = []

    def trigger(_api: object, _dag_id: str, given: dict[str, object]) -> str:
        sent.append(given)
        return "manual__1"

    house = SimpleNamespace(airflow=SimpleNamespace(url="http://x", api=lambda _: Api(*params)))
    monkeypatch.setattr(run.House, "existing", lambda _: house)
    monkeypatch.setattr(pipelines, "trigger", trigger)
    monkeypatch.setattr(pipelines.Following, "wait", lambda *_, **__: "success")
    parser = argparse.ArgumentParser()
    run.add_to(parser.add_subparsers())
    arguments = parser.parse_args(["run", "photo_purge", *words])
    assert arguments.main(arguments) == 0
    assert sent == [conf]


@pytest.mark.parametrize("word", ["policy_version", "policy_version=", "=1", "dry_run=false", "as_of=x"])
def test_a_parameter_needs_a_name_and_a_value_and_no_option_of_its_own(word: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"NAME=VALUE|is given by --"):
        run.setting(word)


def test_a_parameter_that_the_pipeline_does_not_have_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house = SimpleNamespace(airflow=SimpleNamespace(url="http://x", api=lambda _: Api("as_of", "dry_run")))
    monkeypatch.setattr(run.House, "existing", lambda _: house)
    monkeypatch.setattr(pipelines, "trigger", pytest.fail)
    parser = argparse.ArgumentParser()
    run.add_to(parser.add_subparsers())
    arguments = parser.parse_args(["run", "photo_purge", "--param", "policy=1"])
    assert arguments.main(arguments) == 1
    assert "has no parameter policy: it takes as_of, dry_run" in capsys.readouterr().out
