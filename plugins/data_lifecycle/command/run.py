"""``./lifecycle run PIPELINE``: one run, through Airflow, its task logs shown as they come; it plans, or acts too."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from data_lifecycle.command import pipelines
from data_lifecycle.embedded.api import quoted
from data_lifecycle.embedded.home import Home
from data_lifecycle.embedded.house import House

_LIMIT_SECONDS = 3600.0


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("run", help="run a pipeline now and follow it")
    verb.add_argument("pipeline", choices=pipelines.names())
    verb.add_argument(
        "--as-of", type=moment, metavar="TIME", help="the moment to judge by: ISO 8601 with a time zone"
    )
    verb.add_argument("--act", action="store_true", help="do what is planned, instead of only saying it")
    verb.add_argument(
        "--param",
        type=setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the pipeline, for example policy_version=2024-08-08; may be repeated",
    )
    verb.set_defaults(main=main)


def moment(text: str) -> datetime:
    """A moment from ISO 8601; argparse's error if it has no time zone."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not ISO 8601, for example 2026-02-01T00:00:00+00:00"
        ) from None
    if parsed.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone, for example {text}Z")
    return parsed


def setting(text: str) -> tuple[str, str | bool]:
    """Name and value of a parameter; argparse's error without both. What has an option of its own is given by that.

    ``true`` and ``false`` are what they say, anything else is text.
    """
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, for example policy_version=2024-08-08")
    if name in ("as_of", "dry_run"):
        raise argparse.ArgumentTypeError(f"{name} is given by --{'act' if name == 'dry_run' else 'as-of'}")
    return name, {"true": True, "false": False}.get(value, value)


def main(arguments: argparse.Namespace) -> int:
    """0 if the run succeeded, 1 if it failed."""
    house = House.existing(Home.from_env())
    # The engineer may trigger and nothing else is needed: the administrator's rights stay unused.
    api = house.airflow.api("engineer")
    if api.call("GET", f"/dags/{quoted(arguments.pipeline)}")["is_paused"]:
        print(
            f"lifecycle: {arguments.pipeline} is paused, its runs would wait: unpause it in {house.airflow.url}"
        )
        return 1
    conf: dict[str, object] = {}
    if arguments.as_of:
        conf["as_of"] = arguments.as_of.isoformat()
    known = api.call("GET", f"/dags/{quoted(arguments.pipeline)}/details")["params"]
    for name, value in arguments.param:
        if name not in known:
            takes = ", ".join(sorted(known)) or "none"
            print(f"lifecycle: {arguments.pipeline} has no parameter {name}: it takes {takes}")
            return 1
        conf[name] = value
    if "dry_run" in known:
        conf["dry_run"] = not arguments.act
    run_id = pipelines.trigger(api, arguments.pipeline, conf)
    print(f"{house.airflow.url}/dags/{quoted(arguments.pipeline)}/runs/{quoted(run_id)}", flush=True)
    following = pipelines.Following(api, arguments.pipeline, run_id, with_logs=True)
    state = following.wait(lambda line: print(line, flush=True), seconds=_LIMIT_SECONDS)
    print(f"{arguments.pipeline} {run_id}: {state}")
    return 0 if state == "success" else 1
