"""What a look at the places where bytes may remain shows: only what was seen clears."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from data_lifecycle.evidence_audit.residue import judge
from data_lifecycle.photo_purge.claims import BACKUPS, VENDORS, WAL

CLOSED = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
UNTIL, NOW = CLOSED + 7 * DAY, CLOSED + 8 * DAY
CASE = {"closed_at": CLOSED, "closed_lsn": "1/A0000000", "cleared": []}
SEEN = {
    "oldest_wal": "2/10000000",
    "vacuumed_at": CLOSED + DAY,
    "oldest_backup": CLOSED + DAY,
    "latest_backup": CLOSED + 2 * DAY,
}
CLEARS = [
    (WAL, {}),
    (WAL, {"oldest_wal": "1/A0000001"}),
    (BACKUPS, {}),
    (BACKUPS, {"oldest_backup": None}),
]
PENDS = [
    (WAL, {"oldest_wal": None}),
    (WAL, {"oldest_wal": "1/A0000000"}),
    (WAL, {"oldest_wal": "0/FFFFFFFF"}),
    (WAL, {"vacuumed_at": None}),
    (WAL, {"vacuumed_at": CLOSED}),
    (BACKUPS, {"oldest_backup": CLOSED}),
    (BACKUPS, {"oldest_backup": CLOSED - DAY}),
    (BACKUPS, {"latest_backup": None, "oldest_backup": None}),
    (BACKUPS, {"latest_backup": CLOSED}),
    (VENDORS, {}),
    ("a place that nobody knows", {}),
]


@pytest.mark.parametrize(("place", "change"), CLEARS)
def test_what_is_seen_to_be_gone_is_cleared(place: str, change: dict[str, object]) -> None:
    assert judge(place, UNTIL, NOW, CASE, {**SEEN, **change}).outcome == "cleared"


@pytest.mark.parametrize(("place", "change"), PENDS)
def test_everything_else_is_pending_however_late_it_is(place: str, change: dict[str, object]) -> None:
    for now in (NOW, NOW + 4000 * DAY):
        found = judge(place, UNTIL, now, CASE, {**SEEN, **change})
        assert found.outcome == "pending"
        assert found.why


def test_a_case_without_a_noted_place_in_the_log_is_never_cleared() -> None:
    assert judge(WAL, UNTIL, NOW, {**CASE, "closed_lsn": None}, SEEN).outcome == "pending"


def test_what_was_seen_gone_stays_cleared() -> None:
    before = {**CASE, "cleared": [WAL]}
    assert judge(WAL, UNTIL, NOW, before, {**SEEN, "oldest_wal": None}).outcome == "cleared"
    assert judge(BACKUPS, UNTIL, NOW, before, {**SEEN, "latest_backup": None}).outcome == "pending"


@pytest.mark.parametrize("place", [WAL, BACKUPS, VENDORS])
def test_nothing_is_looked_for_before_its_date(place: str) -> None:
    assert judge(place, UNTIL, UNTIL - timedelta(seconds=1), CASE, SEEN).outcome == "early"
    assert judge(place, UNTIL, UNTIL, CASE, SEEN).outcome != "early"
