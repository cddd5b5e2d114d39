"""What disclosures are judged by: register, reference lists and notices, each in a version; and the yearly volume.

All of it changes at known moments only. `bind` finds those moments once, so that the judgement itself needs no look at
a calendar: disclosures between two of them, alike in all else, are one situation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from data_lifecycle.database import Connection, Row, execute, fetch, fetch_one
from data_lifecycle.policy.loader import REGISTER, load_all, policy_in_force
from data_lifecycle.policy.model import Policy
from data_lifecycle.protocol.house import House
from data_lifecycle.vendors import snapshot
from data_lifecycle.vendors.reference import Reference, load_reference
from data_lifecycle.vendors.register import Register, load_register

CANARY = "canary"
"""Version of register and lists in which the canaries live."""


@dataclass(frozen=True)
class Yardstick:
    """The versions to judge with, and every version of the notice that people were shown."""

    policy: Policy
    policies: tuple[Policy, ...]
    register: Register
    reference: Reference


def load(house: House, at: datetime) -> Yardstick:
    """What to judge by now; `at` picks the policy in force. PolicyError (or a kind of it) lists all that is wrong."""
    policies = load_all(house.settings.policy_dir)
    policy = policy_in_force(policies, at)
    return Yardstick(
        policy,
        policies,
        load_register(house.settings.policy_dir / REGISTER, policy),
        load_reference(house.settings.include / "reference"),
    )


def notices(policies: Sequence[Policy]) -> dict[str, Any]:
    """Versions of the notice with the period each was in force, as statements take them."""
    begins = [policy.in_force_from for policy in policies]
    return {
        "notices": [policy.version for policy in policies],
        "notice_from": begins,
        "notice_until": [*begins[1:], None],
    }


def bind(connection: Connection, yardstick: Yardstick, since: datetime, until: datetime) -> dict[str, Any]:
    """Values for `fill_subjects`, `fill_question` and `judge`, for disclosures sent from `since` to `until`."""
    return bind_versions(
        connection, yardstick.register.sha256, yardstick.reference.sha256, since, until
    ) | notices(yardstick.policies)


def bind_versions(
    connection: Connection, register: str, reference: str, since: datetime, until: datetime
) -> dict[str, Any]:
    """As `bind`, for versions that the database has, without the notices."""
    breaks = fetch_one(
        connection,
        "transfer_check/select_breaks",
        registers=[register, CANARY],
        references=[reference, CANARY],
    )["breaks"]
    volume = fetch(connection, "transfer_check/select_volume", reference=reference, since=since, until=until)
    sent = {"since": since, "until": until}
    return {"register": register, "reference": reference, "breaks": breaks, **sent, **steps(volume)}


def steps(rows: Iterable[Row]) -> dict[str, Any]:
    """The level that the yearly volume from China asked for, as steps in time, one series for each class of data.

    `<class>_breaks` are the moments, `<class>_levels` the level before the first and from each on. Before any data left
    China, sensitive data needs level 1 and other data none.
    """
    found: dict[str, tuple[list[datetime], list[int]]] = {
        "general": ([], [0]),
        "sensitive": ([], [1]),
    }
    for row in sorted(rows, key=lambda row: (row["class"], row["at"], row["level"])):
        moments, levels = found[row["class"]]
        if moments and moments[-1] == row["at"]:
            levels[-1] = max(levels[-1], row["level"])
        else:
            moments.append(row["at"])
            levels.append(row["level"])
    return {
        f"{name}_{part}": values
        for name, (moments, levels) in found.items()
        for part, values in (("breaks", moments), ("levels", levels))
    }


def open_session(connection: Connection) -> None:
    """Make the session's table of judgements; it ends with the transaction."""
    execute(connection, "transfer_check/create_judged")


def fill_session(connection: Connection, run_id: int, values: Mapping[str, Any]) -> None:
    """Fill the session's table of subjects with what run ``run_id`` is to judge, and the canaries; values of `bind`."""
    execute(connection, "transfer_check/fill_consents", **values)
    execute(connection, "transfer_check/analyze_consents")
    execute(connection, "transfer_check/fill_subjects", run_id=run_id, **values)
    execute(connection, "transfer_check/analyze_subjects")


def judge_session(connection: Connection, values: Mapping[str, Any]) -> None:
    """Judge what the session's table of subjects holds, with the values of `bind`."""
    needed = {name: values[name] for name in ("register", "reference", "breaks")}
    execute(connection, "transfer_check/judge_situations", **needed)


def keep(connection: Connection, yardstick: Yardstick) -> None:
    """Keep the versions, so that verdicts can name them; see `snapshot.keep`. The caller commits."""
    snapshot.keep(connection, yardstick.register, yardstick.reference)


def ages(reference: Reference, at: datetime) -> Mapping[str, timedelta]:
    """How far past its review period each stale list is; empty when none is."""
    return {found.name: at - found.stale_from for found in reference.lists if found.stale_from <= at}
