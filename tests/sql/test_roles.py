"""No role does more than its duty: what is not granted is refused by the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg2
import psycopg2.errors as refused
import pytest

from data_lifecycle.studio.migrate import LOGIN_ROLES

if TYPE_CHECKING:
    from tests.conftest import Studio

RoleUrl = Callable[[str], str]


@pytest.fixture(scope="module")
def role_url(make_studio: Callable[[], Studio]) -> RoleUrl:
    """Logins of one database for the module: no test here commits."""
    return make_studio().urls.__getitem__


READS_OF_PEOPLE = (
    "SELECT email FROM studio.customers",
    "SELECT display_name FROM studio.customers",
    "SELECT amount FROM studio.payments",
    "SELECT vendor_ref FROM studio.disclosures",
    "SELECT purpose FROM studio.consents",
    "SELECT description FROM studio.orders",
    "SELECT customer_id FROM studio.orders",
    "SELECT * FROM studio.orders",
    "COPY studio.customers TO STDOUT",
)
CHANGES_OF_THE_STUDIO = (
    "INSERT INTO studio.order_events (order_id, kind, occurred_at) VALUES ('ord_1234', 'completed', now())",
    "UPDATE studio.orders SET terminal_at = now()",
    "UPDATE studio.orders SET erase_requested_at = now()",
    "UPDATE studio.uploads SET object_key = 'x'",
    "UPDATE studio.legal_holds SET released_at = now()",
    "SELECT studio.release_hold(NULL, 'a')",
    "SELECT studio.approve_hold(NULL, 'a')",
    "DELETE FROM studio.legal_hold_uploads",
    "INSERT INTO studio.legal_holds (hold_id, placed_by, placed_at) VALUES (gen_random_uuid(), 'a', now())",
    "DELETE FROM studio.orders",
    "DELETE FROM studio.uploads",
    "DELETE FROM studio.order_uploads",
    "DELETE FROM studio.payments",
    "TRUNCATE studio.uploads",
)
CHANGES_OF_STATE = (
    "UPDATE studio.orders SET photo_state = 'absent'",
    "UPDATE studio.uploads SET absent_at = now()",
)
CHANGES_OF_EVIDENCE = (
    "UPDATE lifecycle.evidence SET outcome = 'kept'",
    "UPDATE lifecycle.evidence SET envelope = ''",
    "DELETE FROM lifecycle.evidence",
    "TRUNCATE lifecycle.evidence",
)
FORGED_EVIDENCE = "INSERT INTO lifecycle.evidence (evidence_id) VALUES ('x')"
FORGED_OBSERVATION = "INSERT INTO lifecycle.observation (run_id) VALUES (1)"
CHANGED_OBSERVATIONS = (
    "UPDATE lifecycle.observation SET outcome = 'absent'",
    "DELETE FROM lifecycle.observation",
    "TRUNCATE lifecycle.observation",
)
FORGED_ASSERTION = "INSERT INTO lifecycle.assertion (run_id) VALUES (1)"
CHANGED_ASSERTIONS = ("UPDATE lifecycle.assertion SET success = true", "DELETE FROM lifecycle.assertion")
CHANGED_ITEMS = ("UPDATE lifecycle.item SET state = 'accepted'", "DELETE FROM lifecycle.item")
RESEALED_ITEMS = (
    "UPDATE lifecycle.item SET object_key = 'x'",
    "UPDATE lifecycle.item SET disposition = 'erase'",
    "UPDATE lifecycle.item SET version_id = 'x'",
)
RESEALED_RUN = (
    "UPDATE lifecycle.run SET manifest_sha256 = ''",
    "UPDATE lifecycle.run SET as_of = now()",
    "DELETE FROM lifecycle.run",
)
FORGED_SCHEMA = ("UPDATE lifecycle.schema_version SET sha256 = ''", "DELETE FROM lifecycle.schema_version")
SALTS = (
    "SELECT salt FROM lifecycle.case_salt",
    "SELECT count(*) FROM lifecycle.case_salt",
    "COPY lifecycle.case_salt TO STDOUT",
    "INSERT INTO lifecycle.case_salt (case_id, salt) VALUES (gen_random_uuid(), '')",
    "UPDATE lifecycle.case_salt SET salt = ''",
    "DELETE FROM lifecycle.case_salt",
    "TRUNCATE lifecycle.case_salt",
)
SALT_FUNCTIONS = (
    "SELECT lifecycle.open_case_salts('{}')",
    "SELECT lifecycle.destroy_salts('-infinity')",
)
BECOMING_MORE = (
    "CREATE TABLE studio.extra (n integer)",
    "CREATE TABLE lifecycle.extra (n integer)",
    "CREATE TABLE public.extra (n integer)",
    "ALTER TABLE studio.order_events DISABLE TRIGGER ALL",
    "DROP TABLE studio.payments",
    "SET session_replication_role = replica",
    "CREATE ROLE extra",
    "ALTER ROLE studio_reader SUPERUSER",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('/etc/passwd')",
)
PIPELINE = (
    *READS_OF_PEOPLE, *CHANGES_OF_THE_STUDIO, *CHANGES_OF_EVIDENCE, *CHANGED_OBSERVATIONS, *CHANGED_ASSERTIONS,
    *RESEALED_ITEMS, *RESEALED_RUN, *FORGED_SCHEMA,
)  # fmt: skip

FORBIDDEN: dict[str, tuple[str, ...]] = {
    "studio_app": (
        "UPDATE studio.order_events SET kind = 'message'",
        "DELETE FROM studio.order_events",
        "UPDATE studio.orders SET terminal_at = NULL, terminal_kind = NULL",
        "UPDATE studio.orders SET reopened_at = now()",
        "UPDATE studio.uploads SET object_key = 'x'",
        "UPDATE studio.payments SET amount = 1",
        "DELETE FROM studio.orders",
        "DELETE FROM studio.uploads",
        "DELETE FROM studio.payments",
        "DELETE FROM studio.legal_holds",
        "TRUNCATE studio.uploads",
        "SELECT object_key FROM lifecycle.item",
        "SELECT envelope FROM lifecycle.evidence",
        *CHANGES_OF_STATE, *CHANGES_OF_EVIDENCE, *CHANGED_OBSERVATIONS, *CHANGED_ITEMS, *RESEALED_RUN, *FORGED_SCHEMA,
        FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION,
    ),
    "studio_reader": (
        *PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION,
        FORGED_ASSERTION,
    ),
    "studio_eraser": (
        *PIPELINE, *CHANGES_OF_STATE, "DELETE FROM lifecycle.item",
        FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION,
    ),
    "studio_observer": (*PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_ASSERTION),
    "studio_auditor": (*PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION),
    "evidence_writer": (*PIPELINE, *CHANGED_ITEMS, FORGED_OBSERVATION, FORGED_ASSERTION),
    "log_sequencer": (
        *PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION,
        FORGED_ASSERTION,
        "SELECT order_id FROM studio.orders",
        "SELECT facts FROM lifecycle.run",
        "UPDATE lifecycle.log_leaf SET leaf_hash = ''",
        "DELETE FROM lifecycle.log_leaf",
        "UPDATE lifecycle.log_node SET hash = ''",
        "UPDATE lifecycle.log_checkpoint SET note = ''",
        "DELETE FROM lifecycle.log_checkpoint",
        "TRUNCATE lifecycle.log_leaf CASCADE",
        "DELETE FROM lifecycle.log_head",
        "INSERT INTO lifecycle.log_head (one, root) VALUES (true, '')",
    ),
    "evidence_lookup": (
        *PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION,
        FORGED_ASSERTION,
        *SALTS[3:], *SALT_FUNCTIONS,
        "SELECT order_id FROM studio.orders",
        "SELECT object_key FROM studio.uploads",
        "INSERT INTO lifecycle.closed_item VALUES (gen_random_uuid(), 1)",
    ),
    "payment_archiver": (
        *CHANGES_OF_STATE, *CHANGED_ITEMS, *RESEALED_RUN, FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION, *SALTS,
        "SELECT email FROM studio.customers",
        "SELECT key FROM lifecycle.customer_key",
        "INSERT INTO studio.payments (payment_id) VALUES (gen_random_uuid())",
        "UPDATE studio.payments SET amount = 1",
        "UPDATE studio.payments SET settled_at = now()",
        "INSERT INTO lifecycle.payment_arrival (rows) VALUES (1)",
        "DELETE FROM lifecycle.payment_arrival",
        "DELETE FROM lifecycle.archive_file",
        "INSERT INTO lifecycle.archive_compared (rows) VALUES (1)",
        "SELECT * FROM lifecycle.payment_access",
    ),
    "payment_reader": (
        *CHANGES_OF_THE_STUDIO, *CHANGES_OF_STATE, *CHANGES_OF_EVIDENCE, *CHANGED_ITEMS, *RESEALED_RUN,
        FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION, *SALTS,
        "SELECT email FROM studio.customers",
        "SELECT payer_name FROM studio.payments",
        "SELECT key FROM lifecycle.customer_key",
        "DELETE FROM studio.payments",
        "UPDATE lifecycle.archive_file SET state = 'absent'",
        "DELETE FROM lifecycle.payment_access",
        "UPDATE lifecycle.provider_statement SET matched = 1",
    ),
    "vendor_eraser": (
        *CHANGES_OF_THE_STUDIO, *CHANGES_OF_STATE, *CHANGES_OF_EVIDENCE, *CHANGED_ITEMS, *RESEALED_RUN,
        FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION, *SALTS,
        "SELECT amount FROM studio.payments",
        "UPDATE studio.disclosures SET vendor = 'x'",
        "DELETE FROM lifecycle.vendor_erasure",
    ),
    "vendor_clerk": (
        *CHANGES_OF_THE_STUDIO, *CHANGES_OF_STATE, *CHANGED_ITEMS, *RESEALED_RUN,
        FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION,
        *(act for act in READS_OF_PEOPLE if "SELECT customer_id" not in act),
        "SELECT transport FROM studio.disclosures",
        "SELECT origin_country FROM studio.disclosures",
        "SELECT broken FROM lifecycle.situation",
        "INSERT INTO lifecycle.verdict (disclosure_id, situation_id) VALUES (gen_random_uuid(), 1)",
        "UPDATE lifecycle.vendor SET review_due_on = 'infinity'",
        "UPDATE lifecycle.inventory_line SET people = 1",
        "DELETE FROM lifecycle.inventory_drift",
        "UPDATE lifecycle.inventory_document SET content = ''",
        "INSERT INTO lifecycle.inventory_stored (run_id) VALUES (1)",
        "INSERT INTO lifecycle.inventory_canary (number) VALUES (99)",
        "DELETE FROM lifecycle.inventory_expected",
        "INSERT INTO lifecycle.drift_kind VALUES ('a', '4', 'a')",
        "UPDATE studio.vendor_suspension SET lifted_at = now()",
    ),
    "transfer_judge": (
        *CHANGES_OF_THE_STUDIO, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION,
        FORGED_ASSERTION,
        *(act for act in READS_OF_PEOPLE if "purpose" not in act and "SELECT customer_id" not in act),
        "SELECT upload_id FROM studio.disclosures",
        "UPDATE studio.disclosures SET transport = 'TLSv1.3'",
        "UPDATE studio.consents SET bundled = false",
        "UPDATE studio.customers SET is_minor = false",
        "DELETE FROM lifecycle.verdict",
        "UPDATE lifecycle.verdict SET supersedes = NULL",
        "UPDATE lifecycle.situation SET broken = '{}'",
        "UPDATE lifecycle.transfer_rule SET applies = 'always'",
        "INSERT INTO lifecycle.transfer_canary (disclosure_id) VALUES (gen_random_uuid())",
        "UPDATE lifecycle.transfer_canary SET expected = '{}'",
        "UPDATE lifecycle.incident SET closed_at = now()",
        "DELETE FROM lifecycle.incident",
        "UPDATE studio.vendor_suspension SET lifted_at = now()",
        "UPDATE lifecycle.reference_entry SET in_force_until = NULL",
        "DELETE FROM lifecycle.vendor_contract",
    ),
    "hold_keeper": (
        *PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION, *SALTS,
        "SELECT basis FROM studio.legal_holds",
        "SELECT placed_by FROM studio.legal_holds",
        "UPDATE lifecycle.hold_item SET want = 'off'",
        "UPDATE lifecycle.hold_item SET object_key = 'x'",
        "DELETE FROM lifecycle.hold_item",
        "UPDATE lifecycle.hold_probe SET outcome = 'refused'",
        "INSERT INTO lifecycle.hold_look (run_id) VALUES (1)",
        "INSERT INTO lifecycle.hold_seen (run_id) VALUES (1)",
    ),
    "duty_officer": (
        *PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION, FORGED_ASSERTION,
        "SELECT order_id FROM studio.orders",
        "SELECT order_id FROM lifecycle.erasure_case",
        "UPDATE lifecycle.run SET released_at = now()",
        "INSERT INTO lifecycle.posture (at, paused, by_whom, why) VALUES (now(), false, 'a', 'a')",
        "UPDATE lifecycle.posture SET paused = false",
        "DELETE FROM lifecycle.posture",
    ),
    "reviewer": (
        "INSERT INTO lifecycle.posture (paused, by_whom, why) VALUES (false, 'a', 'a')",
        *PIPELINE, *CHANGES_OF_STATE, *CHANGED_ITEMS, FORGED_EVIDENCE, FORGED_OBSERVATION,
        FORGED_ASSERTION,
        "SELECT order_id FROM studio.orders",
        "SELECT object_key FROM studio.uploads",
        "SELECT object_key FROM lifecycle.item",
        "SELECT object_key FROM lifecycle.observation",
        "SELECT order_id FROM lifecycle.erasure_case",
        "SELECT people FROM lifecycle.inventory_line",
        "SELECT people FROM lifecycle.inventory_drift",
        "SELECT people FROM lifecycle.inventory_vendor",
    ),
}  # fmt: skip
"""Acts that the server must refuse, per role. The rows they name need not exist: rights are checked first."""


def attempt(url: str, statement: str) -> None:
    """Run one statement and undo it."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def test_the_table_covers_every_role() -> None:
    assert set(FORBIDDEN) == set(LOGIN_ROLES)


@pytest.mark.parametrize(
    ("role", "statement"),
    [(role, act) for role, acts in FORBIDDEN.items() for act in dict.fromkeys((*acts, *BECOMING_MORE))],
)
def test_forbidden_acts_are_refused(role_url: RoleUrl, role: str, statement: str) -> None:
    with pytest.raises(refused.InsufficientPrivilege):
        attempt(role_url(role), statement)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (role, act)
        for role in LOGIN_ROLES
        if role != "evidence_lookup"
        for act in (*SALTS, *(SALT_FUNCTIONS if role != "evidence_writer" else ()))
    ],
)
def test_nobody_else_gets_at_the_salts(role_url: RoleUrl, role: str, statement: str) -> None:
    with pytest.raises(refused.InsufficientPrivilege):
        attempt(role_url(role), statement)


@pytest.mark.parametrize("role", LOGIN_ROLES)
@pytest.mark.parametrize("other", [*LOGIN_ROLES, "postgres"])
def test_no_role_becomes_another(role_url: RoleUrl, role: str, other: str) -> None:
    if role != other:
        with pytest.raises(refused.InsufficientPrivilege):
            attempt(role_url(role), f"SET ROLE {other}")


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_roles_are_plain_and_think_in_utc(role_url: RoleUrl, role: str) -> None:
    connection = psycopg2.connect(role_url(role))
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT session_user::text, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication, "
                "current_setting('TimeZone') FROM pg_roles WHERE rolname = session_user"
            )
            assert cursor.fetchone() == (role, False, False, False, False, False, "UTC")
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("studio_app", "SELECT email FROM studio.customers"),
        ("studio_app", "UPDATE studio.orders SET erase_requested_at = now() WHERE false"),
        ("studio_reader", "SELECT order_id, terminal_at, photo_state FROM studio.orders"),
        ("studio_reader", "SELECT upload_id FROM studio.effective_hold"),
        ("studio_eraser", "UPDATE lifecycle.item SET state = 'accepted' WHERE false"),
        ("studio_observer", "SELECT object_key FROM lifecycle.item"),
        ("studio_auditor", "SELECT outcome FROM lifecycle.observation"),
        ("evidence_writer", "UPDATE studio.orders SET photo_state = 'absent' WHERE false"),
        ("log_sequencer", "SELECT tree_size FROM lifecycle.log_head FOR UPDATE"),
        ("log_sequencer", "SELECT envelope FROM lifecycle.evidence"),
        ("evidence_lookup", "SELECT salt FROM lifecycle.case_salt"),
        ("evidence_lookup", "SELECT order_id FROM lifecycle.erasure_case"),
        ("evidence_writer", "SELECT salt FROM lifecycle.open_case_salts('{}')"),
        ("transfer_judge", "SELECT disclosure_id FROM lifecycle.transfer_subject"),
        ("transfer_judge", "SELECT withdrawn_at FROM studio.consents"),
        ("studio_app", "SELECT vendor FROM studio.vendor_suspension"),
        ("studio_app", "UPDATE studio.vendor_suspension SET lifted_at = now(), lifted_by = 'x' WHERE false"),
        ("vendor_clerk", "SELECT person, file FROM lifecycle.inventory_subject"),
        ("duty_officer", "SELECT paused FROM lifecycle.posture"),
        ("reviewer", "SELECT why FROM lifecycle.posture"),
        ("reviewer", "SELECT content FROM lifecycle.inventory_document"),
        ("reviewer", "SELECT evidence_id FROM lifecycle.evidence"),
        ("reviewer", "SELECT note FROM lifecycle.log_checkpoint"),
    ],
)
def test_duties_are_possible(role_url: RoleUrl, role: str, statement: str) -> None:
    attempt(role_url(role), statement)
