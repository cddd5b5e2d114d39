"""The published schemas describe what is written: good files fit, and each part of them is needed."""

from __future__ import annotations

import json
from base64 import b64decode
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.unit.evidence_log.attacks import GOOD
from tests.unit.evidence_log.attacks_posture import ATTACKS, paused
from tests.unit.evidence_log.forge import opening, trust, turned

from data_lifecycle.evidence.lifecycle_verify import (
    ASSERTIONS,
    HEARTBEAT,
    PIPELINES,
    PLAN,
    POSTURE,
    READERS,
    RESULT,
    ROTATION,
    unpack,
)

SCHEMAS = Path(__file__).resolve().parents[3] / "include" / "schemas"
OF_TYPE = {
    PLAN: "plan.v1",
    ASSERTIONS: "assertions.v1",
    RESULT: "result.v1",
    HEARTBEAT: "heartbeat.v1",
    ROTATION: "key-rotation.v1",
    POSTURE: "posture.v1",
}


@cache
def validator(name: str) -> Any:
    """The validator of a published schema."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def statements(bundle: bytes) -> list[dict[str, Any]]:
    """Statements of all entries of a bundle."""
    files = unpack(bundle)
    names = sorted(name for name in files if name.startswith("entries/"))
    return [json.loads(b64decode(json.loads(files[name])["payload"])) for name in names]


def test_every_statement_type_has_its_schema() -> None:
    assert set(OF_TYPE) == set(READERS)
    listed = {file.stem for file in SCHEMAS.glob("*.json")}
    assert listed == {*OF_TYPE.values(), "envelope.v1", "trust.v1", "opening.v1", "bundle.v1", "proofs.v1"}


def test_good_files_fit() -> None:
    bundle = turned().bundle(notes={3: turned().note(3)})
    for statement in statements(bundle) + statements(paused().bundle()):
        kind = statement["predicateType"]
        validator(OF_TYPE[kind]).validate(statement)
        assert validator(OF_TYPE[kind]).schema["$id"] == f"{kind}.schema.json"
    files = unpack(bundle)
    for name, data in files.items():
        if name.startswith("entries/"):
            validator("envelope.v1").validate(json.loads(data))
    validator("bundle.v1").validate(json.loads(files["manifest.json"]))
    validator("proofs.v1").validate(json.loads(files["proofs.json"]))
    validator("trust.v1").validate(json.loads(trust()))
    for given in (opening(20), opening(20, key="orders/A20/é 1.jpg")):
        validator("opening.v1").validate(json.loads(given))


BEYOND_SCHEMAS = {
    "out of order", "twice", "the same facts", "the same envelope", "back-dated", "of tomorrow", "today a gap",
    "tomorrow a gap", "of no day", "on no day", "lone rotation", "as a heartbeat", "a key twice", "a space",
    "a byte order",
    "UTF", "NaN", "infinity", "a fraction", "an exponent", "minus zero", "character", "an escape", "ASCII", "behind",
    "nested", "nothing", "nobody knows", "next version", "that is a list",
}  # fmt: skip
"""What a schema cannot say: spelling, order, calendars, history."""


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in ATTACKS
        if name.startswith("statements: ") and not any(word in name for word in BEYOND_SCHEMAS)
    ],
)
def test_what_the_verifier_finds_incomplete_does_not_fit(name: str) -> None:
    bad = statements(ATTACKS[name]().bundle)[-1]
    kind = bad.get("predicateType") if isinstance(bad, dict) else None
    assert not validator(OF_TYPE.get(str(kind), "result.v1")).is_valid(bad)


def test_a_file_that_is_changed_does_not_fit() -> None:
    manifest = json.loads(unpack(GOOD)["manifest.json"])
    for name in manifest:
        assert not validator("bundle.v1").is_valid({k: v for k, v in manifest.items() if k != name})


@pytest.mark.parametrize("name", ["plan.v1", "assertions.v1", "result.v1"])
def test_schemas_and_verifier_know_the_same_pipelines(name: str) -> None:
    predicate = validator(name).schema["properties"]["predicate"]
    assert set(predicate["properties"]["pipeline"]["enum"]) == set(PIPELINES)
