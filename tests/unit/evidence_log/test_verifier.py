"""The verifier as a reviewer uses it: one file, carried away, on its own."""

from __future__ import annotations

import ast
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.evidence_log.attacks import GOOD, HOUSE, MIDDLE
from tests.unit.evidence_log.attacks_runs import ARCHIVE, ARCHIVED, OVER, RECORDS, YES, YES_TO_RECORDS
from tests.unit.evidence_log.forge import (
    DAYS,
    LOG,
    START,
    STRANGER,
    assertions_predicate,
    at,
    item,
    judge,
    opening,
    plan_predicate,
    run_predicate,
    salt,
    story,
    trust,
    turned,
)

from data_lifecycle.evidence import lifecycle_verify
from data_lifecycle.evidence.lifecycle_verify import ASSERTIONS, CHECKS, FOLLOWS, PLAN, RESULT, pack, unpack

FILE = Path(lifecycle_verify.__file__)


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A reviewer's folder: the verifier, a bundle, what to trust, an earlier checkpoint, an opening."""
    shutil.copy(FILE, tmp_path)
    (tmp_path / "bundle.zip").write_bytes(GOOD)
    (tmp_path / "trust.json").write_bytes(trust())
    (tmp_path / "checkpoint").write_bytes(HOUSE.note(7))
    (tmp_path / "opening.json").write_bytes(opening(20))
    (tmp_path / "other.json").write_bytes(opening(11))
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, isolated from everything of this repository."""
    command = [sys.executable, "-I", "lifecycle_verify.py", "bundle.zip", "--trust", "trust.json", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


@pytest.mark.parametrize("started_by", [None, "engineer"])
def test_a_run_over_its_caps_that_was_approved_is_verified(started_by: str | None) -> None:
    log = story()
    said = YES if started_by is None else {**YES, "started_by": started_by}
    log.run(at(DAYS), [item(90)], plan={"planned": OVER}, planned=OVER, approval=said)
    result = lifecycle_verify.verify(log.bundle(), trust())
    assert result.refused is None


def test_an_archive_run_over_its_caps_that_was_approved_is_verified() -> None:
    log = story()
    number, subject = DAYS + 1, f"{ARCHIVE}/run-{DAYS + 1}"
    of = {"pipeline": ARCHIVE}
    log.state(plan_predicate(number, at(DAYS), [item(90)], planned=RECORDS, **of), PLAN, subject)
    log.state(assertions_predicate(number, at(DAYS), **of), ASSERTIONS, subject)
    result = run_predicate(number, at(DAYS), [item(90)], planned=RECORDS, approval=YES_TO_RECORDS, **ARCHIVED)
    log.state(result, RESULT, subject)
    assert lifecycle_verify.verify(log.bundle(), trust()).refused is None


@pytest.mark.parametrize("answer", ["rejected", "timed_out", "void", "none"])
def test_a_run_over_its_caps_that_did_nothing_says_so(answer: str) -> None:
    log = story()
    log.run(
        at(DAYS),
        [],
        plan={"planned": OVER},
        planned=OVER,
        outcome="failed",
        approval={"over": ["entries"], "answer": answer},
    )
    assert lifecycle_verify.verify(log.bundle(), trust()).refused is None


def test_it_needs_the_standard_library_and_cryptography_only() -> None:
    used = set()
    for node in ast.walk(ast.parse(FILE.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            used |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used.add((node.module or "").split(".")[0])
    assert used - set(sys.stdlib_module_names) == {"cryptography"}
    assert not used & {"socket", "urllib", "http", "subprocess", "os", "ssl"}


def test_every_check_has_its_line(away: Path) -> None:
    done = run(
        away,
        "--since",
        "checkpoint",
        "--opening",
        "opening.json",
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-05",
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", check] for check in CHECKS]
    assert "grew from your checkpoint of 7 entries" in done.stdout
    assert "logged, not timestamped" in done.stdout
    assert lines[-1].endswith(
        "3 items, all there are in 1 case of an order; all claimed absent: "
        "3 OBSERVED_ABSENT (entry 3, signed 2026-01-01 02:00 UTC)"
    )
    assert "declared gaps: 2026-01-03" in done.stdout


def test_a_refusal_is_the_last_line(away: Path) -> None:
    (away / "bundle.zip").write_bytes(GOOD[:-1])
    done = run(away)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("REFUSED archive")


def test_json_says_the_same(away: Path) -> None:
    good = json.loads(run(away, "--json", "--opening", "opening.json").stdout)
    assert good["verified"] is True
    assert good["opened_absent"] is True
    assert [check["check"] for check in good["checks"]] == list(CHECKS)
    (away / "bundle.zip").write_bytes(HOUSE.bundle(notes={7: HOUSE.note(7, STRANGER)}))
    bad = json.loads(run(away, "--json").stdout)
    assert bad["verified"] is False
    assert bad["checks"][-1]["check"] == "consistency"
    assert bad["checks"][-1]["ok"] is False


def test_exit_codes_tell_apart(away: Path) -> None:
    assert run(away, "--opening", "missing.json").returncode == 2
    assert run(away, "--from", "2026-01-01").returncode == 2
    assert run(away, "--from", "someday", "--to", "2026-01-02").returncode == 2
    assert run(away, "--from", "2026-01-01", "--to", "2026-02-01").returncode == 1
    (away / "bundle.zip").write_bytes(story(5).bundle())
    assert run(away, "--opening", "other.json").returncode == 3


def test_nothing_of_the_opened_item_is_printed(away: Path) -> None:
    done = run(away, "--opening", "opening.json", "--json")
    for part in ("orders/", "A20", "jpg", salt(20).hex()):
        assert part not in done.stdout + done.stderr


def test_any_program_can_unpack_a_bundle() -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == unpack(GOOD)
    assert pack(unpack(GOOD)) == GOOD


def test_the_same_export_is_the_same_archive() -> None:
    assert HOUSE.bundle() == story().bundle()


def test_a_part_of_the_log_is_enough_for_its_days() -> None:
    assert judge(MIDDLE, asked=(at(2, 0), at(3, 0))).refused is None
    assert judge(MIDDLE).refused is None


@pytest.mark.parametrize("first", [0, 5, 6, 7, 24, 25, 26, 27])
def test_keys_that_were_replaced_are_followed(first: int) -> None:
    result = judge(turned().bundle(first=first))
    assert result.refused is None
    assert dict(result.lines)["rotations"] == "2 changes of keys"


def test_a_new_key_may_be_trusted_from_the_start() -> None:
    from tests.unit.evidence_log.forge import ATTESTER, ORIGIN, SECOND, THIRD, trusted

    keys = [trusted(k, "attester") for k in (ATTESTER, SECOND)] + [
        trusted(k, "log", ORIGIN) for k in (LOG, THIRD)
    ]
    assert judge(turned().bundle(), trust(keys=keys)).refused is None


def test_a_revoked_key_leaves_what_it_signed_before(away: Path) -> None:
    later = (START + timedelta(days=30)).isoformat()
    assert judge(GOOD, trust(attester={"revoked_at": later}, log={"valid_to": later})).refused is None


@pytest.mark.parametrize(("first", "second"), [(a, b) for a, allowed in FOLLOWS.items() for b in allowed])
def test_what_may_follow_does(first: str, second: str) -> None:
    log = story()
    after = {"RESIDUE_PENDING": ["OBSERVED_ABSENT"], "RESIDUE_CLEARED": ["OBSERVED_ABSENT"],
             "RESURRECTED": ["OBSERVED_ABSENT"]}.get(first, [])  # fmt: skip
    for step, state in enumerate([*after, first, second]):
        log.run(at(6, 1 + step), [item(95, state)])
    assert judge(log.bundle()).refused is None


def test_runs_that_failed_or_only_planned_are_evidence_too() -> None:
    log = story()
    log.run(
        at(6), [item(90, "UNKNOWN")], outcome="failed", unfinished_steps=["sweep"], counts={"eligible": 9}
    )
    log.runs += 1
    log.plan(at(6, 3), [], dry_run=True)
    log.runs += 1
    log.plan(at(6, 4), [item(91)])
    result = judge(log.bundle())
    assert result.refused is None
    line = "9 plans, 1 of them dry runs; 7 runs with a result; without a result: photo_purge 9"
    assert dict(result.lines)["runs"] == line


def test_what_was_planned_before_a_bundle_begins_is_said() -> None:
    line = dict(judge(HOUSE.bundle(first=7)).lines)["runs"]
    assert (
        line == "4 plans, 0 of them dry runs; 5 runs with a result; 1 runs planned before this bundle begins"
    )


def test_an_audit_says_what_became_of_cases_without_planning_them() -> None:
    log = story()
    audit = {"pipeline": "evidence_audit", "outcome": "failed"}
    log.runs += 1
    number = log.runs
    claims = [item(20), item(21, "RESIDUE_CLEARED"), item(22, "RESURRECTED")]
    parts: list[tuple[str, dict[str, Any]]] = [
        (PLAN, plan_predicate(number, at(6), [], pipeline="evidence_audit", eligible=3, planned={})),
        (ASSERTIONS, assertions_predicate(number, at(6), pipeline="evidence_audit")),
        (RESULT, run_predicate(number, at(6), claims, **audit, planned={})),
    ]
    for kind, predicate in parts:
        log.state(predicate, kind, f"evidence_audit/run-{number}")
    assert judge(log.bundle()).refused is None


def test_a_case_may_be_taken_over_by_a_later_run() -> None:
    log = story()
    plan = plan_predicate(7, at(6), [item(90)])
    log.run(at(6), [], plan=plan, outcome="failed", planned={"cases": 1}, counts={"eligible": 3})
    log.run(at(6, 3), [item(90)])
    assert judge(log.bundle()).refused is None


def test_a_busy_month_takes_seconds() -> None:
    import time

    log = story(1)
    number = 1000
    for day in range(1, 31):
        log.beat(day)
        items = [item(number + n) for n in range(330)]
        number += 330
        log.run(at(day), items)
    bundle = log.bundle()
    begun = time.perf_counter()
    result = judge(bundle)
    assert result.refused is None
    assert "OBSERVED_ABSENT" in dict(result.lines)["cases"]
    assert time.perf_counter() - begun < 10
