"""``python -m data_lifecycle.command``: what ``./lifecycle`` becomes once its environment exists."""

from __future__ import annotations

import argparse
import sys

from data_lifecycle.command import (
    airflow_cli,
    bench,
    down,
    drill,
    evidence,
    holds,
    logs,
    pause,
    payments,
    policy,
    run,
    status,
    test,
    transfers,
    up,
    vendors,
)
from data_lifecycle.embedded.api import ApiError, ApiUnavailable
from data_lifecycle.embedded.processes import NotReady


def parser() -> argparse.ArgumentParser:
    """All verbs with their options."""
    top = argparse.ArgumentParser(
        prog="./lifecycle",
        description="Pipelines that make a published privacy policy true. State is kept in $LIFECYCLE_HOME, "
        "by default .lifecycle beside this command.",
    )
    verbs = top.add_subparsers(metavar="VERB", required=True)
    for module in (
        up,
        down,
        status,
        logs,
        run,
        pause,
        airflow_cli,
        policy,
        payments,
        transfers,
        vendors,
        holds,
        evidence,
        drill,
        test,
        bench,
    ):
        module.add_to(verbs)
    return top


def main() -> int:
    """Do the verb; the exit status. What the person can mend is said in one message without a stack."""
    # What follows the name of a benchmark or `test` is theirs, options included.
    arguments, rest = parser().parse_known_args()
    if rest and not getattr(arguments, "passes_on", False):
        parser().error(f"unknown argument {rest[0]}")
    arguments.rest = rest
    try:
        return int(arguments.main(arguments))
    except (NotReady, ApiError, ApiUnavailable, FileNotFoundError, RuntimeError) as error:
        print(f"lifecycle: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lifecycle: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
