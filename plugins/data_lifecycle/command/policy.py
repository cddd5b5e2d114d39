"""``./lifecycle policy``: check the policy files, explain what follows from a rule. Needs no server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from data_lifecycle.settings import Settings


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("policy", help="check the policy files, explain a rule, compare versions")
    what = verb.add_subparsers(metavar="check|explain|diff", required=True)
    check = what.add_parser("check", help="refuse a file that cannot be kept, and say why")
    check.set_defaults(main=main_check)
    explain = what.add_parser("explain", help="which dates follow for a record, and why")
    explain.add_argument("rule", help="id of a retention rule, for example photos")
    explain.add_argument(
        "--completed-at", required=True, help="when its clock started, ISO 8601 with a time zone"
    )
    explain.add_argument("--timezone", help="a further zone to show the dates in, for example Asia/Tokyo")
    explain.set_defaults(main=main_explain)
    diff = what.add_parser("diff", help="what a new version changes, in words, and for whom")
    diff.add_argument("old", type=Path, help="the version in force")
    diff.add_argument("new", type=Path, help="the version to come")
    diff.set_defaults(main=main_diff)


def main_check(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every verb is called alike
    """0 if every version may be used, 1 if one must not be."""
    from data_lifecycle.policy.explain import run_check

    return _print(*run_check([Settings.from_env().policy_dir]))


def main_explain(arguments: argparse.Namespace) -> int:
    """0 if the dates could be told, 1 if not."""
    from data_lifecycle.policy.explain import run_explain

    folder = Settings.from_env().policy_dir
    return _print(*run_explain(folder, arguments.rule, arguments.completed_at, arguments.timezone))


def main_diff(arguments: argparse.Namespace) -> int:
    """0 if the versions could be compared, 1 if one must not be used."""
    from data_lifecycle.policy.difference import report
    from data_lifecycle.policy.loader import PolicyError, load_policy

    try:
        return _print(report(load_policy(arguments.old), load_policy(arguments.new)), True)
    except PolicyError as error:
        return _print([str(problem) for problem in error.problems], False)
    except ValueError as error:
        return _print([str(error)], False)


def _print(lines: list[str], good: bool) -> int:
    print("\n".join(lines))
    return 0 if good else 1
