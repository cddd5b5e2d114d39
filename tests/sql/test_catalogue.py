"""Every column of the studio's and the pipelines' tables says what it means, in which unit, and which data it holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg2
import pytest

from data_lifecycle.policy.taxonomy import require_category

if TYPE_CHECKING:
    from tests.conftest import Studio

COMMENT = re.compile(
    r"^\S.* Unit: [^.]+(?:\.[^.]+)*\. Category: (?P<category>[a-z_]+(?:\.[a-z_]+)*)\.$", re.DOTALL
)

COLUMNS = """
SELECT n.nspname, c.relname, a.attname, col_description(c.oid, a.attnum)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('studio', 'lifecycle') AND c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
"""
OBJECTS = """
SELECT n.nspname, c.relname, obj_description(c.oid, 'pg_class')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('studio', 'lifecycle') AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
"""
# Columns whose names alone say that they are about a person: "none" would be a lie.
PERSONAL = {"customer_id", "order_id", "email", "display_name", "object_key", "upload_id", "pii_principal_id"}
NOBODYS = {"lifecycle.canary.object_key", "lifecycle.archive_file.object_key"}
"""Columns of such a name that are about nobody."""


def uncatalogued(rows: list[tuple[str, str, str, str | None]]) -> list[str]:
    """What is wrong with each column, as a line; empty when the catalogue is complete."""
    wrong = []
    for schema, table, column, comment in rows:
        name = f"{schema}.{table}.{column}"
        found = COMMENT.match(comment or "")
        if found is None:
            wrong.append(f"{name}: no comment that ends 'Unit: …. Category: ….'")
        elif found["category"] == "none":
            if column in PERSONAL and name not in NOBODYS:
                wrong.append(f"{name}: about a person, but its category is none")
        else:
            try:
                require_category(found["category"])
            except ValueError as error:
                wrong.append(f"{name}: {error}")
    return wrong


def read(url: str, statement: str) -> list[tuple[str, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def admin_url(make_studio: Callable[[], Studio]) -> str:
    """The superuser's way into a migrated database."""
    return make_studio().admin_url


def test_every_column_is_catalogued(admin_url: str) -> None:
    rows = read(admin_url, COLUMNS)
    assert {row[0] for row in rows} == {"studio", "lifecycle"}
    assert len(rows) > 100, "an empty catalogue would pass every check"
    assert uncatalogued(rows) == []


def test_every_table_and_view_has_a_comment(admin_url: str) -> None:
    rows = read(admin_url, OBJECTS)
    assert rows
    assert [f"{schema}.{name}" for schema, name, comment in rows if not comment] == []


@pytest.mark.parametrize(
    "comment",
    [
        None,
        "",
        "Address for order mail.",
        "Address. Unit: none. Category: user.contact.emial.",
        "Address. Unit: none. Category: .",
        "Address. Category: user.contact.email. Unit: none.",
        "Address. Unit: . Category: user.contact.email.",
        "Address. Unit: none. Category: user.contact.email",
    ],
)
def test_an_incomplete_comment_is_found(comment: str | None) -> None:
    assert uncatalogued([("studio", "customers", "address", comment)])


def test_none_is_refused_for_what_names_a_person() -> None:
    assert uncatalogued([("studio", "orders", "order_id", "The order. Unit: none. Category: none.")])
