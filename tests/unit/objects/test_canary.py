from __future__ import annotations

from datetime import UTC, datetime

import pytest

from data_lifecycle.objects.canary import Canary, check
from data_lifecycle.objects.model import Kind, ObjectVersion

ENTRIES: tuple[tuple[str, str, Kind, str], ...] = (
    ("b", "canary/lifecycle-canary", "marker", "m"),
    ("b", "canary/lifecycle-canary", "version", "1"),
    ("b", "canary/lifecycle-canary", "version", "2"),
    ("b", "canary/unfinished", "multipart", "u"),
)
EXPECTED = Canary(ENTRIES)


def found(entries: tuple[tuple[str, str, Kind, str], ...]) -> list[ObjectVersion]:
    return [
        ObjectVersion(b, k, kind, v, 0, datetime(2026, 1, 1, tzinfo=UTC), False) for b, k, kind, v in entries
    ]


def test_exactly_the_canary_makes_the_scan_count() -> None:
    assert check(EXPECTED, found(ENTRIES))
    assert check(EXPECTED, found((*ENTRIES, ("b", "orders/1/a", "version", "9"))))


@pytest.mark.parametrize("missing", range(4))
def test_one_missing_piece_voids_the_scan(missing: int) -> None:
    assert not check(EXPECTED, found(ENTRIES[:missing] + ENTRIES[missing + 1 :]))


def test_a_stranger_or_another_id_voids_the_scan() -> None:
    assert not check(EXPECTED, found((*ENTRIES, ("b", "canary/lifecycle-canary", "version", "3"))))
    assert not check(EXPECTED, found((*ENTRIES[:3], ("b", "canary/unfinished", "multipart", "other"))))


def test_nothing_expected_is_never_fulfilled() -> None:
    assert not check(Canary(()), [])
    assert not check(EXPECTED.of("another bucket"), [])


def test_it_survives_json() -> None:
    assert Canary.from_json(EXPECTED.to_json()) == EXPECTED


@pytest.mark.parametrize(
    "text", ["{}", '[["b","k","version"]]', '[["b","k","version",""]]', '[["b","k","other","v"]]']
)
def test_something_else_is_not_a_canary(text: str) -> None:
    with pytest.raises(ValueError, match="canary"):
        Canary.from_json(text)
