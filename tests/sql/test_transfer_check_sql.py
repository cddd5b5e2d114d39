"""The statements of the transfer check and the register, each as the roles that use it; what is kept stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg2
import psycopg2.errors
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 — as the package names it

from data_lifecycle.database import copy_rows, execute, fetch, fetch_one
from data_lifecycle.policy.loader import load_all
from data_lifecycle.transfer_check import yardstick
from data_lifecycle.vendors import snapshot
from data_lifecycle.vendors.reference import load_reference
from data_lifecycle.vendors.register import load_register

if TYPE_CHECKING:
    from tests.conftest import Studio

INCLUDE = Path(__file__).parents[2] / "include"
SQL = INCLUDE / "sql"
JUDGE, AUDITOR, WRITER, ADMIN = "transfer_judge", "studio_auditor", "evidence_writer", "admin"
AT = datetime(2026, 6, 1, tzinfo=UTC)
POLICIES = load_all(INCLUDE / "policy")
REGISTER = load_register(INCLUDE / "policy" / "vendors.yaml", POLICIES[-1])
REFERENCE = load_reference(INCLUDE / "reference")
RUN: dict[str, Any] = {"run_id": 1}
VERSIONS = {"register": REGISTER.sha256, "reference": REFERENCE.sha256}
STEPS = {
    "general_breaks": [], "general_levels": [0], "sensitive_breaks": [], "sensitive_levels": [1], "breaks": [AT],
}  # fmt: skip
NOTICES = yardstick.notices(POLICIES)
PEOPLE = {"orders": 100, "until": AT}
NOBODY = uuid4()

STATEMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "transfer_check/analyze_consents": ((JUDGE,), {}),
    "transfer_check/analyze_items": ((JUDGE,), {}),
    "transfer_check/analyze_subjects": ((JUDGE,), {}),
    "transfer_check/bound_memory": ((JUDGE,), {}),
    "transfer_check/count_broken": ((JUDGE, WRITER), RUN),
    "transfer_check/count_canary_verdicts": ((JUDGE,), RUN),
    "transfer_check/count_later": ((JUDGE,), {"as_of": AT}),
    "transfer_check/count_vendors": ((JUDGE,), RUN),
    "transfer_check/create_judged": ((JUDGE,), {}),
    "transfer_check/fill_consents": ((JUDGE,), {**NOTICES, "since": AT, "until": AT}),
    "transfer_check/fill_question": (
        (JUDGE,),
        {**VERSIONS, **NOTICES, **STEPS, "vendor": "fal", "category": "c", "purpose": "p", "customer_id": NOBODY,
         "at": AT},
    ),
    "transfer_check/fill_subjects": ((JUDGE,), {**RUN, **VERSIONS, **NOTICES, **STEPS}),
    "transfer_check/find_suspension": ((JUDGE,), {"vendor": "fal"}),
    "transfer_check/find_verdicts": ((JUDGE,), {"disclosure_id": NOBODY}),
    "transfer_check/insert_items": ((JUDGE,), {**RUN, "as_of": AT}),
    "transfer_check/insert_outdated": ((JUDGE,), {**RUN, **VERSIONS, "as_of": AT}),
    "transfer_check/insert_run": (
        (JUDGE,),
        {"run_id": 77, "pipeline": "p", "dag_run_id": "x", "attempt": 9, "as_of": AT, "dry_run": True, "policy_id": "p",
         "policy_version": "1", "policy_sha256": "a", "code_sha": "c", "manifest_sha256": "m", "facts": "{}"},
    ),
    "transfer_check/judge_situations": ((JUDGE,), {**VERSIONS, "breaks": [AT]}),
    "transfer_check/keep_canaries": ((JUDGE,), RUN),
    "transfer_check/keep_situations": ((JUDGE,), RUN),
    "transfer_check/keep_verdicts": ((JUDGE,), RUN),
    "transfer_check/lock_judging": ((JUDGE,), {}),
    "transfer_check/open_incidents": ((JUDGE,), RUN),
    "transfer_check/read_balance": ((WRITER, AUDITOR), {}),
    "transfer_check/reserve_run": ((JUDGE,), {}),
    "transfer_check/seal_items": ((JUDGE,), RUN),
    "transfer_check/select_all_consents": ((JUDGE,), {}),
    "transfer_check/select_breaks": ((JUDGE,), {"registers": ["canary"], "references": ["canary"]}),
    "transfer_check/select_consents": ((JUDGE,), {**NOTICES, "disclosure_id": NOBODY}),
    "transfer_check/select_judged": ((JUDGE,), {}),
    "transfer_check/select_rules": ((JUDGE,), {}),
    "transfer_check/select_subjects": ((JUDGE,), {}),
    "transfer_check/select_volume": ((JUDGE,), {**VERSIONS, "since": AT, "until": AT}),
    "transfer_check/suspend_vendors": ((JUDGE,), {**RUN, "rules": ["T10"]}),
    "vendors/count_loaded": ((JUDGE,), VERSIONS),
    "vendors/insert_reference_version": ((JUDGE,), {"sha256": "x", "entries": 1}),
    "vendors/insert_register_version": ((JUDGE,), {"sha256": "x", "vendors": 1}),
    "studio/fill_dealers": ((ADMIN,), PEOPLE),
    "studio/fill_agreements": ((ADMIN,), PEOPLE),
    "studio/fill_dealings": ((ADMIN,), {**PEOPLE, "first": 1, "last": 10}),
}  # fmt: skip
COPIES = {f"vendors/{file.stem}" for file in (SQL / "vendors").glob("copy_*.sql")}
_CONSENTS = ("transfer_check/fill_consents",)
_SESSION = ("transfer_check/create_judged", *_CONSENTS, "transfer_check/fill_subjects")
FIRST: dict[str, tuple[str, ...]] = {
    "studio/fill_agreements": ("studio/skip_triggers",),
    "studio/fill_dealings": ("studio/skip_triggers",),
    "transfer_check/analyze_consents": _CONSENTS,
    "transfer_check/fill_subjects": _CONSENTS,
    **{
        f"transfer_check/{name}": _SESSION
        for name in (
            "analyze_subjects", "judge_situations", "keep_canaries", "keep_situations", "keep_verdicts",
            "open_incidents", "select_judged",
        )
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def connections(make_studio: Callable[[], Studio]) -> Iterator[Callable[[str], Connection]]:
    studio = make_studio()
    opened: dict[str, Connection] = {}

    def of(role: str) -> Connection:
        if role not in opened:
            url = studio.admin_url if role == ADMIN else studio.urls[role]
            opened[role] = psycopg2.connect(url, options="-c TimeZone=UTC -c lifecycle.run_id=1")
        return opened[role]

    with of(ADMIN) as admin, admin.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lifecycle.run (pipeline, dag_run_id, attempt, as_of, dry_run, policy_id, policy_version,"
            " policy_sha256, code_sha, manifest_sha256, batches, facts)"
            " VALUES ('transfer_check', 'x', 1, %s, false, 'p', '1', 's', 'c', 'm', 1, '{}')",
            [AT],
        )
    yield of
    for connection in opened.values():
        connection.close()


def test_every_statement_file_is_tried_here() -> None:
    files = {
        f"{folder}/{f.stem}" for folder in ("transfer_check", "vendors") for f in (SQL / folder).glob("*.sql")
    }
    used_elsewhere = {"studio/fill_dealers", "studio/fill_agreements", "studio/fill_dealings"}
    assert files - COPIES == {
        name for name in STATEMENTS if name.partition("/")[0] != "vendors" or name in files
    } - (used_elsewhere)


@pytest.mark.parametrize(
    ("name", "role"), [(name, role) for name, (roles, _) in STATEMENTS.items() for role in roles]
)
def test_a_statement_runs_as_the_role_that_uses_it(
    connections: Callable[[str], Connection], name: str, role: str
) -> None:
    connection = connections(role)
    try:
        for earlier in FIRST.get(name, ()):
            execute(connection, earlier, **STATEMENTS.get(earlier, ((), {}))[1])
        execute(connection, name, **STATEMENTS[name][1])
    finally:
        connection.rollback()


@pytest.mark.parametrize("name", sorted(COPIES))
def test_a_version_can_be_copied_in(connections: Callable[[str], Connection], name: str) -> None:
    connection = connections(JUDGE)
    try:
        assert copy_rows(connection, name, []) == 0
    finally:
        connection.rollback()


# --- register and lists ---------------------------------------------------------------------------------------------


def test_the_files_go_in_and_come_out_as_they_are(connections: Callable[[str], Connection]) -> None:
    connection = connections(JUDGE)
    try:
        for _ in range(2):
            snapshot.keep(connection, REGISTER, REFERENCE)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM lifecycle.vendor WHERE register_sha256 = %s", [REGISTER.sha256]
            )
            assert cursor.fetchone() == (len(REGISTER.vendors),)
            cursor.execute(
                "SELECT valid_from, storage_countries FROM lifecycle.vendor_contract"
                " WHERE register_sha256 = %s AND vendor = 'aws-s3'",
                [REGISTER.sha256],
            )
            vendor = REGISTER.vendor("aws-s3")
            assert vendor is not None
            assert cursor.fetchone() == (vendor.contracts[0].valid.since, ["SG"])
            cursor.execute(
                "SELECT count(*), max(in_force_until) FROM lifecycle.reference_entry"
                " WHERE reference_sha256 = %s AND list = 'adequacy' AND code = 'GB' AND regime = 'EU'",
                [REFERENCE.sha256],
            )
            # The last day is in force to its end.
            assert cursor.fetchone() == (2, datetime(2031, 12, 28, tzinfo=UTC))
    finally:
        connection.rollback()


def test_a_version_that_is_not_whole_is_not_used(connections: Callable[[str], Connection]) -> None:
    from data_lifecycle.protocol.house import PromiseBroken

    connection = connections(ADMIN)
    try:
        snapshot.keep(connection, REGISTER, REFERENCE)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                "DELETE FROM lifecycle.reference_entry WHERE reference_sha256 = %s AND code = 'JP'",
                [REFERENCE.sha256],
            )
        with pytest.raises(PromiseBroken, match="not whole"):
            snapshot.keep(connection, REGISTER, REFERENCE)
    finally:
        connection.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lifecycle.transfer_canary SET expected = '{}'",
        "DELETE FROM lifecycle.vendor_mechanism",
        "TRUNCATE lifecycle.reference_list",
        "UPDATE lifecycle.reference_entry SET status = 'withdrawn'",
        "TRUNCATE lifecycle.verdict",
        "DELETE FROM lifecycle.verdict",
        "UPDATE lifecycle.situation SET broken = '{}'",
        "DELETE FROM lifecycle.transfer_item",
    ],
)
def test_what_was_judged_and_by_what_stays_even_for_the_administrator(
    connections: Callable[[str], Connection], statement: str
) -> None:
    connection = connections(ADMIN)
    try:
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.RestrictViolation):
            cursor.execute(statement)
    finally:
        connection.rollback()


def test_every_rule_has_a_canary_that_breaks_it_and_some_are_allowed(
    connections: Callable[[str], Connection],
) -> None:
    connection = connections(ADMIN)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT expected FROM lifecycle.transfer_canary")
            expected = [row[0] for row in cursor.fetchall()]
            cursor.execute("SELECT rule FROM lifecycle.transfer_rule")
            rules = {row[0] for row in cursor.fetchall()}
    finally:
        connection.rollback()
    assert {rule for broken in expected for rule in broken} == rules == {f"T{n:02d}" for n in range(1, 12)}
    assert sum(not broken for broken in expected) >= 5


# --- the pass -------------------------------------------------------------------------------------------------------


def test_a_rule_that_nothing_evaluates_denies_everything(connections: Callable[[str], Connection]) -> None:
    connection = connections(ADMIN)
    try:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO lifecycle.transfer_rule VALUES ('T12', '8', 'always', 'new', 'new')")
            broken = _judge_canaries(connection)
            assert broken
            assert all("T12" in rules for rules in broken)
    finally:
        connection.rollback()


def test_the_canaries_come_out_as_known_whatever_register_and_lists_are_used(
    connections: Callable[[str], Connection],
) -> None:
    connection = connections(ADMIN)
    try:
        broken = _judge_canaries(connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT expected FROM lifecycle.transfer_canary ORDER BY name")
            assert broken == [row[0] for row in cursor.fetchall()]
    finally:
        connection.rollback()


def _judge_canaries(connection: Connection) -> list[list[str]]:
    values = yardstick.bind_versions(connection, "none", "none", AT, AT)
    yardstick.open_session(connection)
    yardstick.fill_session(connection, -1, values | NOTICES)
    yardstick.judge_session(connection, values)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT j.broken FROM subject s JOIN judged j USING (key)"
            " JOIN lifecycle.transfer_canary c USING (disclosure_id) ORDER BY c.name"
        )
        return [row[0] for row in cursor.fetchall()]


def test_a_collision_of_hashes_is_refused(connections: Callable[[str], Connection]) -> None:
    connection = connections(ADMIN)
    try:
        _judge_canaries(connection)
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE judged")
            cursor.execute("UPDATE subject SET key = 1")
        with pytest.raises(psycopg2.errors.CheckViolation):
            yardstick.judge_session(connection, {**VERSIONS, **STEPS})
    finally:
        connection.rollback()


# --- the yearly volume ----------------------------------------------------------------------------------------------


def test_the_volume_counts_people_by_chinese_years_and_classes(
    connections: Callable[[str], Connection],
) -> None:
    """With thresholds of two and three people instead of thousands."""
    connection = connections(ADMIN)
    new_year = datetime(2025, 12, 31, 16, tzinfo=UTC)  # midnight in Shanghai
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("INSERT INTO lifecycle.reference_version VALUES ('v', 9)")
            for name, code, condition in (
                ("sensitive", "user.content.self_image", ""), ("routes", "sensitive.1", "1"),
                ("routes", "sensitive.2", "2"), ("routes", "general.1", "3"),
            ):  # fmt: skip
                cursor.execute(
                    "INSERT INTO lifecycle.reference_entry VALUES ('v', %s, 'CN', %s, 'full', %s, 'i',"
                    " '2021-01-01 00:00+00', NULL, 'in_force', 's', '2026-01-01', 'x')",
                    [name, code, condition],
                )
            people = [str(uuid4()) for _ in range(3)]
            for number, person in enumerate(people):
                cursor.execute(
                    "INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at)"
                    " VALUES (%s, %s, 's', now(), now())",
                    [f"ord_{number:05d}", person],
                )
            photo, mail, second = "user.content.self_image", "user.contact.email", timedelta(seconds=1)
            sent: list[tuple[int, str, str | None, datetime]] = [
                (0, photo, "US", new_year - second),  # last year's
                (0, photo, "US", new_year),
                (0, photo, "SG", new_year + second),  # the same person again
                (1, photo, "CN", new_year + second),  # did not leave
                (1, photo, None, new_year + 2 * second),  # where to is unknown: it may have left
                (0, mail, "US", new_year), (1, mail, "US", new_year), (2, mail, "US", new_year + 9 * second),
            ]  # fmt: skip
            for person, category, country, at in sent:
                cursor.execute(
                    "INSERT INTO studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose,"
                    " destination_country, sent_at, origin_country, access_countries)"
                    " VALUES (gen_random_uuid(), %s, 'v', %s, 'p', %s, %s, 'CN', '{}')",
                    [f"ord_{person:05d}", category, country, at],
                )
        found = yardstick.steps(
            fetch(
                connection, "transfer_check/select_volume", reference="v", since=new_year - second, until=AT
            )
        )
        last_year = datetime(2024, 12, 31, 16, tzinfo=UTC)
        assert found["sensitive_breaks"] == [last_year, new_year - second, new_year, new_year + 2 * second]
        assert found["sensitive_levels"] == [1, 1, 1, 1, 2]
        assert found["general_breaks"] == [last_year, new_year, new_year + 9 * second]
        assert found["general_levels"] == [0, 0, 0, 1]
    finally:
        connection.rollback()


def test_the_digest_of_a_plan_is_over_its_disclosures_and_nothing_else(
    connections: Callable[[str], Connection],
) -> None:
    connection = connections(ADMIN)
    try:
        ids = [str(uuid4()) for _ in range(20)]
        with connection.cursor() as cursor:
            for run_id, order in ((5, ids), (6, list(reversed(ids))), (7, ids[1:])):
                for name in order:
                    cursor.execute(
                        "INSERT INTO lifecycle.transfer_item VALUES (%s, %s, NULL)", [run_id, name]
                    )
        seals = [fetch_one(connection, "transfer_check/seal_items", run_id=n) for n in (5, 6, 7, 8)]
        assert seals[0] == seals[1]
        assert len({seal["sha256"] for seal in seals}) == 3
        assert [seal["items"] for seal in seals] == [20, 20, 19, 0]
    finally:
        connection.rollback()
