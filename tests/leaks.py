"""Looking for people where no people may be: every way a text can be written down, in everything that is written."""

from __future__ import annotations

import base64
import html
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

# Fonts and styles of Data Docs: copied from the library, the same for everybody.
_NOT_TEXT = frozenset({".otf", ".ttf", ".woff", ".woff2", ".png", ".svg", ".ico", ".css", ".gif"})


def forms(text: str) -> set[str]:
    """``text`` as logs, URLs, JSON, HTML, databases and envelopes would write it."""
    raw = text.encode()
    found = {
        text,
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        repr(raw)[2:-1],
        ascii(text)[1:-1],
        html.escape(text),
        raw.hex(),
        base64.b16encode(raw).decode(),
    }
    for offset in range(3):
        # Base64 depends on where in a longer text this one begins; what depends on its neighbours is cut off.
        code = base64.b64encode(bytes(offset) + raw).decode().rstrip("=")
        piece = code[(0, 2, 3)[offset] : len(code) - ((offset + len(raw)) % 3 != 0)]
        found |= {piece, piece.replace("+", "-").replace("/", "_")}
    found |= {form.replace("%", "%25") for form in found if "%" in form}
    return {form for form in found if len(form) > 2}


def search(needles: Mapping[str, Iterable[str]], places: Iterable[tuple[str, str]]) -> list[str]:
    """Where something of somebody was found: "place: what", ``needles`` being texts by what they are.

    What is reported does not repeat what was found.
    """
    wanted = {(what, form) for what, texts in needles.items() for text in texts for form in forms(text)}
    return sorted({f"{place}: {what}" for place, text in places for what, form in wanted if form in text})


def in_files(folder: Path) -> Iterator[tuple[str, str]]:
    """The names and texts of all files below ``folder``."""
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        yield "file name", name
        if file.is_file() and file.suffix not in _NOT_TEXT:
            yield name, file.read_text("utf-8", errors="replace")


def in_rows(table: str, rows: Iterable[Iterable[object]]) -> Iterator[tuple[str, str]]:
    """The values of a table's rows, whatever their type, as one text."""
    yield table, "\n".join(_written(value) for row in rows for value in row)


def _written(value: object) -> str:
    if isinstance(value, memoryview):
        value = bytes(value)
    if isinstance(value, bytes):
        if value[:1] == b"\x78":
            value = zlib.decompress(value)
        return value.decode("utf-8", errors="replace")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def in_database(connection: Any, tables: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Every column of these tables; a signed envelope also as what it holds."""
    for table in tables:
        cursor = connection.cursor()
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 — names of tables, from the catalogue
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
        yield from in_rows(table, rows)
        if "envelope" in names:
            place = names.index("envelope")
            payloads = [base64.b64decode(json.loads(bytes(row[place]))["payload"]) for row in rows]
            yield from in_rows(f"{table}, payload", [[payload] for payload in payloads])


def postgres_tables(connection: Any, *schemas: str) -> list[str]:
    """All tables of these schemas, ready to be named in a statement."""
    cursor = connection.cursor()
    cursor.execute(
        "SELECT format('%%I.%%I', table_schema, table_name) FROM information_schema.tables"
        " WHERE table_schema = ANY (%s) AND table_type = 'BASE TABLE' ORDER BY 1",
        [list(schemas)],
    )
    return [row[0] for row in cursor.fetchall()]


# What may name cases, because it is where the purge works: everything else of the schema names nobody.
KEPT = ("lifecycle.run", "lifecycle.assertion", "lifecycle.evidence", "lifecycle.sweep")


def people(connection: Any) -> dict[str, list[str]]:
    """Everything in the studio's database that names somebody, by what it is."""
    wanted = {
        "name": "SELECT display_name FROM studio.customers",
        "e-mail": "SELECT email FROM studio.customers",
        "customer": "SELECT customer_id::text FROM studio.customers",
        "order": "SELECT order_id FROM studio.orders",
        "words": "SELECT description FROM studio.orders WHERE octet_length(description) > 8",
        "key": "SELECT object_key FROM studio.uploads UNION SELECT object_key FROM lifecycle.item",
        "file": "SELECT upload_id::text FROM studio.uploads",
        "version": "SELECT version_id FROM lifecycle.item WHERE length(version_id) > 8",
    }
    found: dict[str, list[str]] = {}
    for what, statement in wanted.items():
        cursor = connection.cursor()
        cursor.execute(statement)
        found[what] = [row[0] for row in cursor.fetchall()]
    return found
