"""Which versions a hold covers, which flags change, and what a hold does to a deadline: decided without any server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_lifecycle.holds.plan import Covered, HeldFile, changes, cover, deadline_after_holds, probes, seal
from data_lifecycle.objects.flags import Flag, Version
from data_lifecycle.objects.model import ObjectVersion

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HOLD = uuid4()


def entry(key: str, kind: str = "version", version: str = "v1", bucket: str = "uploads") -> ObjectVersion:
    return ObjectVersion(bucket, key, kind, version, 1, NOW, False)  # type: ignore[arg-type]


def held(key: str, *orders: str, hold: UUID = HOLD) -> HeldFile:
    return HeldFile(uuid4(), key, frozenset({hold}), frozenset(orders))


def keys(found: tuple[Covered, ...]) -> list[tuple[str, str]]:
    return [(line.version.key, line.origin) for line in found]


def test_a_hold_covers_its_file_and_strays_beside_it_and_no_other_recorded_file() -> None:
    file = held("orders/1/a.jpg", "1", "2")
    found = cover(
        [file],
        [
            entry("orders/1/a.jpg"),
            entry("orders/1/a.jpg", version="v2", bucket="backup"),
            entry("orders/1/b.jpg"),
            entry("orders/1/stray"),
            entry("orders/2/stray"),
            entry("orders/11/stray"),
            entry("orders/1/a.jpg", "marker", "m"),
            entry("orders/2/part", "multipart", "u"),
        ],
        {"orders/1/b.jpg"},
    )
    assert keys(found.versions) == [
        ("orders/1/a.jpg", "recorded"),
        ("orders/1/a.jpg", "recorded"),
        ("orders/1/stray", "stray"),
        ("orders/2/stray", "stray"),
    ]
    assert found.unflaggable == 2


def test_a_stray_is_under_the_holds_of_every_file_beside_it() -> None:
    other = uuid4()
    found = cover(
        [held("orders/1/a", "1"), held("orders/1/b", "1", hold=other)], [entry("orders/1/stray")], ()
    )
    assert found.versions[0].hold_ids == {HOLD, other}


def test_an_order_without_an_id_covers_nobody() -> None:
    assert held("elsewhere", "").folders == frozenset()
    assert cover([held("elsewhere", "")], [entry("orders/1/x")], ()).versions == ()


def test_only_the_object_of_the_set_up_is_tried() -> None:
    assert keys(probes([entry("canary/held"), entry("canary/other"), entry("orders/1/held")])) == [
        ("canary/held", "probe")
    ]


FLAGS: list[Flag] = ["on", "off", "unknown"]


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("state", [None, "intended", "on", "clearing"])
def test_what_is_covered_is_set_unless_it_is_known_and_on(flag: Flag, state: str | None) -> None:
    line = Covered(Version("uploads", "k", "v"), "recorded", None, frozenset({HOLD}), NOW)
    known = {line.version: (None, state)} if state else {}
    items, lifted = changes([line], known, {}, {line.version: flag})
    assert [item.want for item in items] == ([] if (flag, state) == ("on", "on") else ["on"])
    assert lifted == ((flag, state) == ("off", "on"))


def test_what_is_not_covered_is_let_go_if_we_flagged_it_or_the_store_kept_it_from_the_purge() -> None:
    ours, refused, free = (Version("uploads", key, "v") for key in "abc")
    items, _ = changes(
        [], {ours: (None, "intended")}, {refused: None, free: None}, {refused: "on", free: "off"}
    )
    assert [(item.version, item.want) for item in items] == [(ours, "off"), (refused, "off")]


def test_what_the_store_kept_from_the_purge_stays_if_a_hold_covers_it() -> None:
    line = Covered(Version("uploads", "k", "v"), "recorded", None, frozenset({HOLD}), NOW)
    items, _ = changes([line], {}, {line.version: None}, {line.version: "on"})
    assert [item.want for item in items] == ["on"]


def test_the_seal_tells_apart_what_is_held_and_what_changes() -> None:
    one = Covered(Version("uploads", "k", "v"), "recorded", None, frozenset({HOLD}), NOW)
    other = Covered(Version("uploads", "k", "v"), "recorded", None, frozenset({uuid4()}), NOW)
    (on, _), (off, _) = changes([one], {}, {}, {}), changes([], {one.version: (None, "on")}, {}, {})
    seals = {
        seal("p", NOW, on, [one]),
        seal("p", NOW, on, [other]),
        seal("p", NOW, off, []),
        seal("p", NOW, (), []),
        seal("q", NOW, on, [one]),
        seal("p", NOW + HOUR, on, [one]),
    }
    assert len(seals) == 6
    assert seal("p", NOW, on, [one]) in seals


@pytest.mark.parametrize(
    ("spans", "wanted"),
    [
        ([], 0),
        ([(-9, -8)], 0),  # over long before the deadline: excuses nothing
        ([(-9, -0.5)], 0.5),  # over half a day before it: a day from its end
        ([(-9, 3)], 4),
        ([(0, 3)], 4),
        ([(1, 3)], 0),  # placed after the deadline: excuses nothing
        ([(-9, 3), (2, 5)], 6),
        ([(-9, 3), (3.5, 5)], 6),  # placed within the day after the first
        ([(-9, 3), (5, 7)], 4),
        ([(2, 5), (-9, 3)], 6),
        ([(-9, 3), (-8, 1)], 4),
    ],
)
def test_a_hold_moves_a_deadline_only_if_it_was_in_force_when_that_passed(
    spans: list[tuple[float, float]], wanted: float
) -> None:
    moved = deadline_after_holds(NOW, [(NOW + a * DAY, NOW + b * DAY) for a, b in spans], DAY)
    assert moved == NOW + wanted * DAY


@given(st.lists(st.tuples(st.integers(-200, 200), st.integers(1, 100)), max_size=6))
def test_no_deadline_is_earlier_or_further_than_the_last_hold_allows(spans: list[tuple[int, int]]) -> None:
    found = [(NOW + begun * HOUR, NOW + (begun + length) * HOUR) for begun, length in spans]
    moved = deadline_after_holds(NOW, found, DAY)
    assert moved >= NOW
    assert moved == NOW or moved in {ended + DAY for _, ended in found}
