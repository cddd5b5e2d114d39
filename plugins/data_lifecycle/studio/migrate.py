"""Forward-only migrations of the studio and lifecycle schemas, each recorded with its digest."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

import psycopg2
from psycopg2 import sql

from data_lifecycle.settings import Settings

LOGIN_ROLES = (
    "studio_app",
    "studio_reader",
    "studio_eraser",
    "studio_observer",
    "studio_auditor",
    "evidence_writer",
    "log_sequencer",
    "evidence_lookup",
    "payment_archiver",
    "payment_reader",
    "transfer_judge",
    "vendor_clerk",
    "vendor_eraser",
    "hold_keeper",
    "duty_officer",
    "reviewer",
)

_NAME = re.compile(r"^(\d{4})_[a-z_]+\.sql$")
# Any constant will do: it only keeps two set-ups from migrating at once.
_LOCK = 0x11FE


class MigrationError(RuntimeError):
    """The database and the migration files disagree; the message names the file."""


def migrations(folder: Path) -> list[tuple[str, str]]:
    """(name, text) of all migrations in order; MigrationError if a number is used twice."""
    files = sorted(folder.glob("*.sql"))
    latest = 0
    for file in files:
        match = _NAME.match(file.name)
        if match is None or int(match[1]) <= latest:
            raise MigrationError(
                f"{file.name}: expected a number above {latest:04d}, named NNNN_verb_noun.sql"
            )
        latest = int(match[1])
    return [(file.name, file.read_text("utf-8")) for file in files]


def apply(admin_url: str, folder: Path | None = None) -> list[str]:
    """Bring the database up to date, each migration in its own transaction; the names newly applied.

    Raises MigrationError when an applied file was edited afterwards or is unknown here (an older checkout on a newer
    database).
    """
    known = migrations(folder or Settings.from_env().include / "sql" / "schema")
    applied: list[str] = []
    connection = psycopg2.connect(admin_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%(lock)s)", {"lock": _LOCK})
            cursor.execute("CREATE SCHEMA IF NOT EXISTS lifecycle")
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS lifecycle.schema_version "
                "(name text PRIMARY KEY, sha256 text NOT NULL, "
                "applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
            )
            connection.commit()
            cursor.execute("SELECT name, sha256 FROM lifecycle.schema_version")
            recorded = dict(cursor.fetchall())
            unknown = set(recorded) - {name for name, _ in known}
            if unknown:
                raise MigrationError(f"{min(unknown)}: applied to this database, but not in this checkout")
            for name, text in known:
                digest = hashlib.sha256(text.encode()).hexdigest()
                if name in recorded:
                    if recorded[name] != digest:
                        raise MigrationError(
                            f"{name}: changed since it was applied; add a new migration instead"
                        )
                    continue
                cursor.execute(text)
                cursor.execute(
                    "INSERT INTO lifecycle.schema_version (name, sha256) VALUES (%(name)s, %(sha256)s)",
                    {"name": name, "sha256": digest},
                )
                connection.commit()
                applied.append(name)
    finally:
        connection.close()
    return applied


def set_passwords(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Let the given roles log in with these passwords; ValueError for a role the house does not have."""
    strangers = set(passwords) - set(LOGIN_ROLES)
    if strangers:
        raise ValueError(f"role {min(strangers)}: not one of {', '.join(LOGIN_ROLES)}")
    connection = psycopg2.connect(admin_url)
    try:
        with connection, connection.cursor() as cursor:
            for role, password in passwords.items():
                cursor.execute(
                    sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                        sql.Identifier(role), sql.Literal(password)
                    )
                )
    finally:
        connection.close()


def main() -> None:
    """Migrate the database of ``LIFECYCLE_ADMIN_DATABASE_URL`` and set ``LIFECYCLE_PASSWORD_<ROLE>`` of every role."""
    missing = [
        name
        for name in (
            "LIFECYCLE_ADMIN_DATABASE_URL",
            *(f"LIFECYCLE_PASSWORD_{r.upper()}" for r in LOGIN_ROLES),
        )
        if not os.environ.get(name)
    ]
    if missing:
        raise SystemExit(f"{missing[0]} is not set: give every role of the house a password of its own")
    url = os.environ["LIFECYCLE_ADMIN_DATABASE_URL"]
    for name in apply(url):
        print(f"applied {name}")
    set_passwords(url, {role: os.environ[f"LIFECYCLE_PASSWORD_{role.upper()}"] for role in LOGIN_ROLES})


if __name__ == "__main__":
    main()
