"""docs/statements.md says of every type of statement what its published schema says; docs/evidence.md names it all.

``UPDATE_DOCS=1 pytest tests/unit/evidence_log/test_statements_doc.py`` writes the parts between the markers anew.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.unit.evidence_log.forge import at, item, turned

from data_lifecycle.evidence.lifecycle_verify import (
    ASSERTIONS,
    CHECKS,
    FOLLOWS,
    HEARTBEAT,
    PLAN,
    POSTURE,
    READERS,
    RESULT,
    ROTATION,
)
from data_lifecycle.policy.loader import load_all

REPOSITORY = Path(__file__).resolve().parents[3]
DOCUMENT = REPOSITORY / "docs" / "statements.md"
GUIDE = REPOSITORY / "docs" / "evidence.md"
TYPES = {
    "plan": PLAN,
    "assertions": ASSERTIONS,
    "result": RESULT,
    "heartbeat": HEARTBEAT,
    "key-rotation": ROTATION,
    "posture": POSTURE,
}
PATTERNS = {
    "^[0-9a-f]{64}$": "64 hex digits",
    "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$": "UUID",
    "^2\\d{3}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{6})?\\+00:00$": "moment",
    "^2\\d{3}-\\d\\d-\\d\\d$": "day",
    "^[A-Za-z0-9+/]+={0,2}$": "base64",
    "\\S": "text",
}
SHARED = "shared"
SHOWN = 2
"""Elements of a list that the examples show."""


def schema(name: str) -> dict[str, Any]:
    """A published schema."""
    found: dict[str, Any] = json.loads(
        (REPOSITORY / "include" / "schemas" / f"{name}.v1.json").read_text("utf-8")
    )
    return found


def fields(part: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """(path, schema, required) of everything below a schema, in its order."""
    for name, inner in part.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, inner, name in part.get("required", ())
        yield from fields(inner, here)
        if inner.get("type") == "array":
            yield from fields(inner.get("items", {}), f"{here}[]")


def kind(part: Mapping[str, Any]) -> str:
    """What a value looks like, in a word or two."""
    if "enum" in part:
        return "one of " + ", ".join(f"`{value}`" for value in part["enum"])
    if part.get("type") == "array":
        inner = part.get("items", {})
        return "list" if inner.get("type") == "object" else f"list of {kind(inner)}s"
    if part.get("type") == "string":
        return PATTERNS[part["pattern"]] if "pattern" in part else "text"
    return {"integer": "count", "boolean": "yes or no", "object": "object"}[part["type"]]


@cache
def examples() -> dict[str, dict[str, Any]]:
    """The first statement of each type in a log that is written as the house writes it."""
    log = turned()
    log.run(at(7), [item(71, "HELD"), item(72), item(73)])
    log.switch(True, at(7, 3), at(7, 4))
    found: dict[str, dict[str, Any]] = {}
    for envelope in log.entries:
        statement = json.loads(b64decode(json.loads(envelope)["payload"]))
        richest = len(statement["predicate"].get("items", ())) >= len(
            found.get(statement["predicateType"], {}).get("predicate", {}).get("items", ())
        )
        if statement["predicateType"] not in found or richest:
            found[statement["predicateType"]] = statement
    return found


def shortened(value: Any) -> Any:
    """The same, with long lists cut; the cut is shown."""
    if isinstance(value, dict):
        return {name: shortened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        cut = [shortened(inner) for inner in value[:SHOWN]]
        return [*cut, "…"] if len(value) > SHOWN else cut
    return value


def predicate(name: str) -> dict[str, tuple[Mapping[str, Any], bool]]:
    """Every field of a type: path → (schema, required)."""
    return {path: (part, needed) for path, part, needed in fields(schema(name)["properties"]["predicate"])}


def shared() -> set[str]:
    """Fields that plan, assertions and result have alike."""
    first, *others = (predicate(name) for name in ("plan", "assertions", "result"))
    return {path for path in first if all(other.get(path) == first[path] for other in others)}


def table(name: str, paths: set[str]) -> list[str]:
    """The table of these fields, in the order of the schema."""
    lines = ["| field | is | means |", "|---|---|---|"]
    for path, (part, required) in predicate(name).items():
        if path in paths:
            what = kind(part) + ("" if required else ", optional")
            lines.append(f"| `{path}` | {what} | {part['description']} |")
    return lines


def rendered(name: str) -> str:
    """The table and the example of a type, or the table of what types share."""
    if name == SHARED:
        return "\n".join(table("plan", shared()))
    found, own = schema(name), set(predicate(name))
    if name in ("plan", "assertions", "result"):
        own -= shared()
    lines = [f"*{found['title']}.* {found['description']}", "", *table(name, own)]
    example = json.dumps(shortened(examples()[TYPES[name]]), indent=1, ensure_ascii=False)
    return "\n".join([*lines, "", "```json", example, "```"])


def marked(name: str) -> re.Pattern[str]:
    """The part of the document between a type's markers."""
    return re.compile(rf"(<!-- {re.escape(name)}: made from the schema -->\n).*?(\n<!-- end -->)", re.DOTALL)


@pytest.mark.parametrize("name", [SHARED, *TYPES])
def test_the_document_says_what_the_schema_says(name: str) -> None:
    text = DOCUMENT.read_text("utf-8")
    (found,) = marked(name).finditer(text)
    wanted = found[1] + rendered(name) + found[2]
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(text[: found.start()] + wanted + text[found.end() :], "utf-8")
        return
    assert found[0] == wanted, "UPDATE_DOCS=1 writes it anew"


@pytest.mark.parametrize("name", TYPES)
def test_every_field_has_a_meaning(name: str) -> None:
    assert [path for path, (part, _) in predicate(name).items() if not part.get("description")] == []


@pytest.mark.parametrize("name", TYPES)
def test_the_examples_fit(name: str) -> None:
    statement = examples()[TYPES[name]]
    Draft202012Validator(schema(name)).validate(statement)
    assert set(statement["predicate"]) <= set(predicate(name))


def test_every_type_is_documented() -> None:
    assert set(TYPES.values()) == set(READERS)
    headings = re.findall(r"^## `(.+)`$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert headings == [f"{name}/v1" for name in TYPES]


def test_the_guide_explains_every_check_in_order() -> None:
    part = GUIDE.read_text("utf-8").split("## What is proven, and by what")[1].split("\n## ")[0]
    assert tuple(re.findall(r"^\| `([a-z]+)` \|", part, re.MULTILINE)) == CHECKS


def test_the_guide_names_every_state_and_every_period() -> None:
    text = GUIDE.read_text("utf-8")
    assert [state for state in FOLLOWS if f"`{state}`" not in text] == []
    assert re.findall(r"^\| `([A-Z_]+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE) == list(FOLLOWS)
    residue = load_all(REPOSITORY / "include" / "policy")[-1].residue
    for part in (residue.write_ahead_log, residue.database_backups, residue.vendors):
        assert f"({part.days} days)" in text


@pytest.mark.parametrize("document", [GUIDE, DOCUMENT], ids=lambda path: path.name)
def test_what_is_linked_is_there(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", document.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        file = document.parent / name if name else document
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}, target
