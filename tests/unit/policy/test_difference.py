"""`policy diff` says in words what a new version changes, for whom, and what must be told before."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from data_lifecycle.policy.difference import Change, changes, report
from data_lifecycle.policy.loader import load_policy
from data_lifecycle.policy.model import Policy

REAL = Path(__file__).parents[3] / "include" / "policy"
NAME, TEXT = "xmanart-privacy-2024-08-08.yaml", "xmanart-privacy-2024-08-08.txt"
PHOTOS = "duration: P7D\n    boundary: {meaning: latest, start_at: P5D}"


@pytest.fixture
def old() -> Policy:
    return load_policy(REAL / NAME)


def later(folder: Path, *replaced: tuple[str, str], days: int = 7) -> Policy:
    """The next version, photos kept for ``days`` in text and rule, with replacements that must each apply."""
    text = (REAL / TEXT).read_bytes().replace(b"within 7 days", b"within %d days" % days)
    content = (REAL / NAME).read_text("utf-8").replace("within 7 days", f"within {days} days")
    content = content.replace(
        PHOTOS, f"duration: P{days}D\n    boundary: {{meaning: latest, start_at: P{days - 2}D}}"
    )
    was_digest = hashlib.sha256((REAL / TEXT).read_bytes()).hexdigest()
    for was, now in (
        ('version: "2024-08-08"', 'version: "2027-01-01"'),
        ("effective_from: 2024-08-08", "effective_from: 2027-01-01"),
        (was_digest, hashlib.sha256(text).hexdigest()),
        *replaced,
    ):
        assert was in content, was
        content = content.replace(was, now, 1)
    (folder / TEXT).write_bytes(text)
    path = folder / NAME.replace("2024-08-08", "2027-01-01")
    path.write_text(content, "utf-8")
    return load_policy(path)


def of(subject: str, found: list[Change]) -> Change:
    """The material or first change of this subject."""
    return next(
        change for change in found if change.subject == subject and not change.what.startswith("clause")
    )


def test_the_same_promises_from_a_later_day_change_nothing(old: Policy, tmp_path: Path) -> None:
    assert changes(old, later(tmp_path)) == []
    assert report(old, later(tmp_path))[-1] == "nothing changes"


def test_seven_days_to_five(old: Policy, tmp_path: Path) -> None:
    new = later(tmp_path, days=5)
    change = of("photos", changes(old, new))
    assert change.material
    assert "7 days" in change.what
    assert "5 days" in change.what
    assert "applies to everything from 2026-12-31 16:00 UTC on" in change.what
    assert "personal_photo" in change.whom
    assert "must be told before they take effect" in report(old, new)[-1]


def test_seven_days_to_fourteen(old: Policy, tmp_path: Path) -> None:
    change = of("photos", changes(old, later(tmp_path, days=14)))
    assert "only for what is collected from 2026-12-31 16:00 UTC on" in change.what
    assert change.material


def test_an_earlier_start_is_the_studios_own_business(old: Policy, tmp_path: Path) -> None:
    new = later(tmp_path, (PHOTOS, PHOTOS.replace("P5D", "P4D")))
    (change,) = changes(old, new)
    assert not change.material
    assert "erasing starts earlier" in change.what


def test_a_cap_changes_nothing_for_customers(old: Policy, tmp_path: Path) -> None:
    (change,) = changes(old, later(tmp_path, ("max_objects: 50000", "max_objects: 60000")))
    assert (change.subject, change.material, change.whom) == ("caps", False, "the studio's own rule")
    assert "50000 → 60000" in change.what


def test_the_order_of_versions_matters(old: Policy, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="older first"):
        changes(later(tmp_path), old)
