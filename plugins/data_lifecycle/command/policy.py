"""``./lifecycle policy``: check the policy files, explain what follows from a rule. Needs no server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from data_lifecycle.settings import Settings


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("policy", help="check the policy files, explain a rule, compare versions")
    what = verb.add_subparsers(metavar="check|explain|diff|impact", required=True)
    check = what.add_parser("check", help="refuse a file that cannot be kept, and say why")
    check.set_defaults(main=main_check)
    explain = what.add_parser("explain", help="which dates follow for a record, and why")
    explain.add_argument("rule", nargs="?", help="id of a retention rule, for example photos")
    explain.add_argument("--completed-at", help="when its clock started, ISO 8601 with a time zone")
    explain.add_argument(
        "--collected-at", help="when it was given, if not then: decides which version applies"
    )
    explain.add_argument("--as-of", help="the moment at which it is judged, if not now")
    explain.add_argument(
        "--order", help="instead of a rule: all files of this order, as the database has them"
    )
    explain.add_argument("--timezone", help="a further zone to show the dates in, for example Asia/Tokyo")
    explain.set_defaults(main=main_explain)
    diff = what.add_parser("diff", help="what a new version changes, in words, and for whom")
    diff.add_argument("old", type=Path, help="the version in force")
    diff.add_argument("new", type=Path, help="the version to come")
    diff.set_defaults(main=main_diff)
    impact = what.add_parser("impact", help="what a new version would make due when; nothing is erased")
    impact.add_argument("new", type=Path, help="the version to come, its text beside it")
    impact.add_argument("--out", type=Path, help="a folder for impact.json, impact.svg and impact.txt")
    impact.set_defaults(main=main_impact)


def main_check(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every verb is called alike
    """0 if every version may be used, 1 if one must not be."""
    from data_lifecycle.policy.explain import run_check

    return _print(*run_check([Settings.from_env().policy_dir]))


def main_explain(arguments: argparse.Namespace) -> int:
    """0 if the dates could be told, 1 if not."""
    from data_lifecycle.policy.explain import run_explain

    settings = Settings.from_env()
    if arguments.order is not None:
        from data_lifecycle.photo_purge.explain import run_explain_order

        return _print(*run_explain_order(settings, arguments.order, arguments.as_of, arguments.timezone))
    if arguments.rule is None or arguments.completed_at is None:
        return _print(["name a rule and --completed-at, or an --order"], False)
    return _print(
        *run_explain(
            settings.policy_dir,
            arguments.rule,
            arguments.completed_at,
            arguments.timezone,
            arguments.collected_at,
            arguments.as_of,
        )
    )


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


def main_impact(arguments: argparse.Namespace) -> int:
    """0 if it could be measured, 1 if the version must not be used or the house is not up."""
    import psycopg2

    from data_lifecycle.database import connect, fetch_one
    from data_lifecycle.policy.loader import PolicyError, load_proposal
    from data_lifecycle.policy_change import document, planning
    from data_lifecycle.protocol.house import House

    try:
        house = House.of_files()
        there, proposed = load_proposal(house.settings.policy_dir, arguments.new)
        with connect(house.connections.database(planning.ROLE), "policy impact") as connection:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            as_of = fetch_one(connection, "run/read_clock")["now"]
            made = planning.measured(connection, there, proposed, as_of)
    except PolicyError as error:
        return _print([str(problem) for problem in error.problems], False)
    except (psycopg2.Error, OSError, LookupError) as error:
        return _print([f"not answerable: {type(error).__name__}; is the house up? ./lifecycle status"], False)
    if arguments.out is not None:
        planning.write(arguments.out, made)
    return _print(document.text(made.told, made.manifest), True)


def _print(lines: list[str], good: bool) -> int:
    print("\n".join(lines))
    return 0 if good else 1
