"""The shipped policy: complete against its text, and readable in `policy check` and `policy explain`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data_lifecycle.policy.explain import NOT_ENFORCED, enforced_by, explain, run_check, run_explain
from data_lifecycle.policy.loader import load_policy
from data_lifecycle.policy.source import normalise, read_text

ROOT = Path(__file__).parents[3]
DIRECTORY = ROOT / "include" / "policy"
POLICY = load_policy(DIRECTORY / "xmanart-privacy-2024-08-08.yaml")
TEXT = DIRECTORY / "xmanart-privacy-2024-08-08.txt"


def quotes() -> list[tuple[str, str]]:
    return [
        (promise.clause.section, normalise(quote))
        for promise in POLICY.promises
        if promise.clause is not None
        for quote in (promise.clause.quote, *promise.clause.further)
    ]


def test_every_statement_of_the_text_is_quoted() -> None:
    lines = [line.strip() for line in TEXT.read_text(encoding="utf-8").splitlines()]
    statements = [normalise(line[1:]) for line in lines if line.startswith("•")]
    tables = (
        "Personal photos",
        "Style reference",
        "Contact information",
        "Order info",
        "Payment ",
        "Technical info",
    )
    statements += [normalise(line) for line in lines if line.startswith(tables)]
    assert len(statements) > 70
    quoted = [quote for _, quote in quotes()]
    # Browser settings of 5.2 are controls; every other bullet or table row stands as it is.
    missing = [line for line in statements if not any(line in quote or quote in line for quote in quoted)]
    assert missing == []


def test_every_numbered_clause_is_cited() -> None:
    parents = {"1", "2", "3", "4", "5", "6"}
    assert {section for section, _ in quotes()} == set(read_text(TEXT).sections) - parents


def test_the_names_that_pipelines_use() -> None:
    photos, styles = POLICY.rule("photos"), POLICY.rule("style_references")
    assert POLICY.rule_for_upload("personal_photo") is photos
    assert POLICY.rule_for_upload("style_reference") is styles
    assert photos.clause is not None
    assert (photos.clause.section, photos.start_at, photos.duration) == (
        "3.2",
        timedelta(days=5),
        timedelta(days=7),
    )
    assert (styles.start_at, styles.duration, styles.schedule) == (
        photos.start_at,
        photos.duration,
        photos.schedule,
    )
    assert photos.schedule.cron == "0 2 * * *"
    assert (POLICY.inactivity, POLICY.orphans_report_after) == (timedelta(days=30), timedelta(days=7))
    assert POLICY.caps.canary.prefix == "canary/"
    assert len(POLICY.sha256) == 64
    with pytest.raises(KeyError, match="rules: photos, style_references, payments"):
        POLICY.rule("photo")
    with pytest.raises(KeyError, match="no retention rule for uploads 'selfie'"):
        POLICY.rule_for_upload("selfie")


@pytest.mark.parametrize(
    ("category", "rule"),
    [
        ("user.content.self_image", "photos"),
        ("user.content", "deliverables"),
        ("user.content.public", "deliverables"),
        ("user.device.ip_address", "technical_data"),
        ("user.contact.email", "contact_data"),
        ("user.behavior.browsing_history", "technical_data"),
        ("user.behavior.purchase_history", "order_data"),
        ("user.biometric", None),
    ],
)
def test_the_nearest_rule_covers_a_category(category: str, rule: str | None) -> None:
    found = POLICY.rule_for_category(category)
    assert (found.id if found else None) == rule


def test_a_studio_decision_is_never_cited_as_a_promise() -> None:
    ours = [promise for promise in POLICY.promises if promise.basis == "studio-decision"]
    assert {"contact_data", "abandoned_orders", "orphans", "caps"} <= {promise.id for promise in ours}
    assert all(promise.clause is None and promise.owner for promise in ours)


def test_check_shows_a_line_for_every_promise_and_is_honest_about_gaps() -> None:
    lines, ok = run_check([DIRECTORY])
    assert ok
    for promise in POLICY.promises:
        (line,) = (line for line in lines if line.split(" ")[0] == promise.id)
        assert line.endswith(enforced_by(promise))
    assert enforced_by(POLICY.rule("photos")) == "photo_purge (not yet: vendors)"
    assert enforced_by(POLICY.promise("payments")) == "payment_archive (not yet: backups)"
    assert enforced_by(POLICY.promise("contact_data")) == NOT_ENFORCED
    assert any("Owner still to be named: contact_data" in line for line in lines)


def test_check_refuses_a_broken_file_and_no_file(tmp_path: Path) -> None:
    shutil.copy(TEXT, tmp_path)
    broken = tmp_path / "xmanart-privacy-2024-08-08.yaml"
    content = (DIRECTORY / broken.name).read_text(encoding="utf-8")
    broken.write_text(content.replace("start_at: P5D", "start_at: P6D", 1), encoding="utf-8")
    lines, ok = run_check([broken, DIRECTORY])
    assert not ok
    assert lines[0] == f"REFUSED {broken}: 1 problem(s)"
    assert "= 180 h > 168 h" in lines[1]
    assert run_check([]) == (["no policy file given"], False)


def test_explain_names_clause_dates_and_reasons() -> None:
    text = "\n".join(explain(POLICY, "photos", datetime.fromisoformat("2026-03-01T10:00+08:00")))
    for part in (
        'Clause 3.2: "Automatically deleted within 7 days after order completion"',
        "Erasing starts 2026-03-06 02:00:00Z = 2026-03-06 10:00:00+0800 Asia/Shanghai",
        "Deadline       2026-03-08 02:00:00Z",
        "First run      2026-03-06 02:00:00Z",
        "Margin         12 h at worst, 36 h here",
        "on erasure_request: due at once, verified absent within 24 h",
    ):
        assert part in text, text


def test_explain_shows_another_zone_without_moving_the_deadline() -> None:
    lines = explain(POLICY, "photos", datetime(2026, 3, 1, 2, tzinfo=UTC), "America/New_York")
    (deadline,) = (line for line in lines if line.startswith("Deadline"))
    assert "2026-03-08 02:00:00Z = 2026-03-07 21:00:00-0500 America/New_York" in deadline


def test_explain_a_floor_and_a_decision() -> None:
    payments = "\n".join(explain(POLICY, "payments", datetime.fromisoformat("2028-02-29T10:00+08:00")))
    assert "Kept until     2035-03-01 02:00:00Z" in payments
    assert "pseudonymised, not erased" in payments
    assert "First run      2035-03-01 03:00:00Z" in payments
    orders = "\n".join(explain(POLICY, "order_data", datetime(2026, 3, 1, tzinfo=UTC)))
    assert "A decision of the studio, not a promise of the policy" in orders
    assert "Clause " not in orders


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photo", "2026-03-01T10:00Z"), "no retention rule 'photo'"),
        (("photos", "2026-03-01T10:00"), "completed_at must carry a time zone"),
        (("photos", "yesterday"), "Invalid isoformat string"),
        (("photos", "2026-03-01T10:00Z", "Mars/Base"), "unknown time zone Mars/Base"),
    ],
)
def test_explain_says_what_it_cannot_use(arguments: tuple[str, ...], message: str) -> None:
    lines, ok = run_explain(DIRECTORY, *arguments)
    assert not ok
    assert len(lines) == 1
    assert message in lines[0]


def test_explain_an_event_older_than_the_policy() -> None:
    lines, ok = run_explain(DIRECTORY, "photos", "2023-03-01T10:00+08:00")
    assert ok
    assert any(line.startswith("Note: the event is older than this version") for line in lines)


def test_importing_the_clock_loads_nothing_heavy() -> None:
    heavy = {
        "clock": {"pydantic", "fideslang", "numpy", "croniter", "yaml"},
        "explain": {"fideslang", "numpy", "croniter"},
    }
    for module, unwanted in heavy.items():
        program = f"import sys, data_lifecycle.policy.{module}; print(sorted({unwanted} & set(sys.modules)))"
        run = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(ROOT / "plugins"), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == "[]"
