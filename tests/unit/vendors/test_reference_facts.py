"""The shipped lists, row by row, against what public sources say: nothing missing, nothing added, each on its day."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from data_lifecycle.transfer_check.yardstick import steps
from data_lifecycle.vendors.reference import HEADER, Entry, load_reference

FOLDER = Path(__file__).resolve().parents[3] / "include" / "reference"
SECOND = timedelta(seconds=1)
EEA = {
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
}  # fmt: skip
# Of the United Kingdom's own: Schedule 21 from the end of the transition, regulations of its own since.
UNION = {
    "AD": date(2010, 10, 19), "AR": date(2003, 6, 30), "CA": date(2001, 12, 20), "CH": date(2000, 7, 26),
    "FO": date(2010, 3, 5), "GG": date(2003, 11, 21), "IL": date(2011, 1, 31), "IM": date(2004, 4, 28),
    "JE": date(2008, 5, 8), "JP": date(2019, 1, 23), "KR": date(2021, 12, 17), "NZ": date(2012, 12, 19),
    "UY": date(2012, 8, 21), "US": date(2023, 7, 10), "EPO": date(2025, 7, 15), "BR": date(2026, 1, 26),
    "GB": date(2021, 6, 28),
}  # fmt: skip
TRANSITION = date(2021, 1, 1)
KINGDOM = dict.fromkeys(("AD", "AR", "CA", "CH", "GG", "GI", "IL", "IM", "JE", "JP", "NZ", "UY"), TRANSITION) | {
    "KR": date(2022, 12, 19),
    "US": date(2023, 10, 12),
}  # fmt: skip
PARTIAL = {"CA": "commercial", "US": "dpf"}
# Sensitive data of fewer than 10 000 people a year: a contract or certification, from the first; then an assessment.
# Other data: nothing below 100 000, an assessment from a million (rules of 22 March 2024).
ROUTES = {"sensitive.1": 1, "sensitive.2": 10_000, "general.1": 100_000, "general.2": 1_000_000}


def rows(name: str, regime: str | None = None) -> list[Entry]:
    return [e for e in load_reference(FOLDER).entries(name) if regime in (None, e.regime)]


def at(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@pytest.mark.parametrize(("regime", "published"), [("EU", UNION), ("UK", KINGDOM)])
def test_who_is_adequate_and_from_which_second(regime: str, published: dict[str, date]) -> None:
    found = [e for e in rows("adequacy", regime) if e.code not in EEA]
    assert {e.code for e in found} == set(published)
    for code, day in published.items():
        own = [e for e in found if e.code == code]
        assert min(e.in_force_from for e in own) == day, code
        covered = [e for e in own if e.since <= at(day) and (e.until is None or at(day) < e.until)]
        assert len(covered) == 1, f"{code}: exactly one decision on its first day"
        assert not [e for e in own if e.since <= at(day) - SECOND], f"{code}: nothing a second before"
        assert all(e.status == "in_force" for e in own)
        assert {e.condition for e in own} == {PARTIAL.get(code, "")}, code
        scope = "org" if code == "EPO" else "partial" if code in PARTIAL else "full"
        assert {e.scope for e in own} == {scope}, code


def test_the_union_renewed_the_united_kingdom_without_a_gap_and_not_for_ever() -> None:
    first, second = sorted((e for e in rows("adequacy", "EU") if e.code == "GB"), key=lambda e: e.since)
    assert (second.in_force_from, second.in_force_to) == (date(2025, 12, 19), date(2031, 12, 27))
    assert first.until == second.since
    ends = {e.code for e in rows("adequacy") if e.in_force_to is not None}
    assert ends == {"GB"}


def test_the_economic_area_is_thirty_countries_and_each_law_knows_them() -> None:
    assert {e.code for e in rows("eea") if e.in_force_to is None} == EEA
    for regime in ("EU", "UK", "CH"):
        assert {e.code for e in rows("adequacy", regime)} >= EEA, regime
    assert {e.code for e in rows("adequacy", "CN")} == set(), "China recognises nobody: a route is needed"


def test_the_thresholds_of_china() -> None:
    found = rows("routes")
    assert {e.code: int(e.condition) for e in found} == ROUTES
    assert {(e.regime, e.in_force_from, e.in_force_to) for e in found} == {("CN", date(2024, 3, 22), None)}
    assert {e.code for e in rows("sensitive", "CN")} >= {"user.content.self_image"}, "a face is sensitive"
    # Sensitive data is never free of a route, whatever the volume; other data is.
    assert (steps([])["sensitive_levels"], steps([])["general_levels"]) == ([1], [0])


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.csv")), ids=lambda file: file.stem)
def test_every_row_says_where_it_is_from_since_when_and_who_read_it(file: Path) -> None:
    with file.open(encoding="utf-8", newline="") as lines:
        found = list(csv.DictReader(lines))
    assert found
    for row in found:
        assert tuple(row) == HEADER
        assert row["source"].startswith(("https://", "studio decision", "invented organisation")), row
        assert date(2026, 1, 1) < date.fromisoformat(row["source_date"]) <= datetime.now(UTC).date(), row
        assert row["reviewed_by"].strip(), row
    keys = [(row["regime"], row["code"], row["in_force_from"]) for row in found]
    assert len(set(keys)) == len(keys), "no line twice"
