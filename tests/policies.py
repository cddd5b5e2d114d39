"""Versions of the policy that never were: the published one with other periods for photos, as files and in memory."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path

from data_lifecycle.policy.duration import Duration
from data_lifecycle.policy.loader import load_policy
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.promises import CoolingOff
from data_lifecycle.policy.retention import Latest

FOLDER = Path(__file__).parents[1] / "include" / "policy"
REAL = load_policy(FOLDER / "xmanart-privacy-2024-08-08.yaml")
OWNER = "Studio management"


def cooling(period: str, waived_by: str | None = None) -> CoolingOff:
    """A cooling-off of that length."""
    return CoolingOff.model_validate(
        {"basis": "studio-decision", "owner": OWNER, "period": period, "waived_by": waived_by}
    )


def version(
    days: int,
    after: int,
    pause: str | None = None,
    *,
    waived_by: str | None = None,
    styles: int | None = None,
    idle: int | None = None,
) -> Policy:
    """The published policy with photos kept for ``days`` (style references for ``styles``), erasing two days before,
    in force ``after`` days after it, with a cooling-off of ``pause``; open orders expire after ``idle`` days.
    """
    begins = REAL.header.effective_from + timedelta(days=after)
    periods = {"photos": days, "style_references": styles or days}
    rules = tuple(
        rule.model_copy(
            update={
                "period": Duration(days=periods[rule.id]),
                "boundary": Latest.model_validate(
                    {"meaning": "latest", "start_at": f"P{periods[rule.id] - 2}D"}
                ),
            }
        )
        if rule.id in periods
        else rule
        for rule in REAL.retention
    )
    abandoned = REAL.abandonment
    if idle is not None:
        abandoned = abandoned.model_copy(update={"inactivity": Duration(days=idle)})
    return REAL.model_copy(
        update={
            "header": REAL.header.model_copy(
                update={"effective_from": begins, "version": begins.isoformat()}
            ),
            "retention": rules,
            "abandonment": abandoned,
            "cooling_off": cooling(pause, waived_by) if pause else None,
        }
    )


def write_version(
    folder: Path,
    effective: date,
    days: int,
    *,
    start: int | None = None,
    pause: str | None = None,
    waived_by: str | None = None,
) -> Path:
    """A policy file like the published one, both kinds of files kept for ``days``, with its text beside it."""
    name = f"xmanart-privacy-{effective.isoformat()}"
    said = (FOLDER / "xmanart-privacy-2024-08-08.txt").read_text(encoding="utf-8")
    said = said.replace("deleted within 7 days", f"deleted within {days} days")
    (folder / f"{name}.txt").write_text(said, encoding="utf-8")
    written = (FOLDER / "xmanart-privacy-2024-08-08.yaml").read_text(encoding="utf-8")
    digest = hashlib.sha256((FOLDER / "xmanart-privacy-2024-08-08.txt").read_bytes()).hexdigest()
    for old, new in (
        ("deleted within 7 days", f"deleted within {days} days"),
        ("duration: P7D", f"duration: P{days}D"),
        ("meaning: latest, start_at: P5D", f"meaning: latest, start_at: P{start or days - 2}D"),
        ("xmanart-privacy-2024-08-08.txt", f"{name}.txt"),
        (digest, hashlib.sha256(said.encode()).hexdigest()),
        ('version: "2024-08-08"', f'version: "{effective.isoformat()}"'),
        ("effective_from: 2024-08-08", f"effective_from: {effective.isoformat()}"),
    ):
        assert old in written, old
        written = written.replace(old, new)
    if pause is not None:
        waiver = "null" if waived_by is None else waived_by
        written += f"\ncooling_off: {{basis: studio-decision, owner: {OWNER}, period: {pause}, waived_by: {waiver}}}\n"
    path = folder / f"{name}.yaml"
    path.write_text(written, encoding="utf-8")
    return path
