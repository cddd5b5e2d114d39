"""The steps of the yearly volume, and the periods of the notices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from data_lifecycle.policy.loader import load_all
from data_lifecycle.transfer_check.yardstick import notices, steps

NEW_YEAR, DAY = datetime(2025, 12, 31, 16, tzinfo=UTC), timedelta(days=1)


def row(name: str, level: int, at: datetime) -> dict[str, object]:
    return {"class": name, "level": level, "at": at}


def test_without_any_transfer_sensitive_data_needs_the_first_route() -> None:
    assert steps([]) == {
        "general_breaks": [], "general_levels": [0], "sensitive_breaks": [], "sensitive_levels": [1],
    }  # fmt: skip


def test_levels_rise_within_a_year_and_start_anew_with_the_next() -> None:
    found = steps(
        [
            row("sensitive", 2, NEW_YEAR + 40 * DAY),
            row("sensitive", 1, NEW_YEAR),
            row("sensitive", 1, NEW_YEAR + 365 * DAY),
            row("general", 0, NEW_YEAR),
        ]
    )
    assert found["sensitive_breaks"] == [NEW_YEAR, NEW_YEAR + 40 * DAY, NEW_YEAR + 365 * DAY]
    assert found["sensitive_levels"] == [1, 1, 2, 1]
    assert found["general_levels"] == [0, 0]


def test_of_two_levels_at_one_moment_the_stricter_counts() -> None:
    at = NEW_YEAR + DAY
    for order in (1, -1):
        rows = [row("general", level, at) for level in (0, 2, 1)][::order]
        assert steps(rows)["general_levels"] == [0, 2]


def test_a_notice_is_in_force_until_the_next_begins() -> None:
    policies = load_all(Path(__file__).resolve().parents[3] / "include" / "policy")
    found = notices([*policies, *policies])
    assert found["notice_until"] == [policies[0].in_force_from, None]
    assert found["notice_from"][0] == policies[0].in_force_from
