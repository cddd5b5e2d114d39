"""A shorter period cools off before it reaches what was there; no version invents a violation, none excuses one."""

from __future__ import annotations

import hashlib
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.policies import FOLDER, REAL, cooling, version, write_version

from data_lifecycle.policy.difference import report
from data_lifecycle.policy.explain import run_explain
from data_lifecycle.policy.loader import PolicyError, load_all
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.retention import RetentionRule
from data_lifecycle.policy.versions import applicable, era, in_force, reaching, shorter, window

FIRST = REAL.in_force_from
DAY = timedelta(days=1)


def photos(policy: Policy) -> RetentionRule:
    return policy.rule("photos")


def days(versions: list[Policy], collected: float, at: float) -> int:
    return applicable(versions, photos, FIRST + collected * DAY, FIRST + at * DAY).rule.period.days


def dates(versions: list[Policy], collected: float, anchor: float) -> tuple[float, float]:
    """Start and deadline in days, of something collected and of which the clock started then."""
    reached = reaching(versions, photos, era(versions, FIRST + collected * DAY))
    start, deadline = window(reached, FIRST + anchor * DAY)
    return (start - FIRST) / DAY, (deadline - FIRST) / DAY


@pytest.mark.parametrize(
    ("collected", "at", "expected"),
    [
        (10, 102.999, 7),
        (10, 103, 5),
        (99.999, 102, 7),
        (100, 100, 5),
        (101, 101, 5),
        (-9, 102, 7),
        (-9, 103, 5),
    ],
)
def test_what_was_there_cools_off_and_what_comes_was_promised_the_new_rule(
    collected: float, at: float, expected: int
) -> None:
    assert days([version(7, 0), version(5, 100, "P3D")], collected, at) == expected


def test_a_waived_cooling_off_is_none() -> None:
    assert days([version(7, 0), version(5, 100, "P3D", waived_by="Ann")], 10, 100) == 5


def test_a_longer_version_takes_a_shortening_back_only_within_its_cooling_off() -> None:
    back = [version(7, 0), version(5, 100, "P3D"), version(7, 102)]
    assert days(back, 10, 200) == 7, "it never reached what was there"
    assert days(back, 101, 200) == 5, "but who gave something under it was promised it"
    late = [version(7, 0), version(5, 100, "P3D"), version(7, 104)]
    assert days(late, 10, 200) == 5
    repeated = [version(7, 0), version(5, 100, "P3D"), version(5, 102)]
    assert days(repeated, 10, 102.5) == 7
    assert days(repeated, 10, 103) == 5, "the next version promises the same: nothing was taken back"
    halfway = [version(7, 0), version(5, 100, "P3D"), version(6, 102, "P1D")]
    assert days(halfway, 10, 103) == 6


@pytest.mark.parametrize(
    ("anchor", "start", "deadline"),
    [
        (50, 55, 57),  # over long before: as it was
        (96.5, 101.5, 103.5),  # the old start comes first, and the old deadline before the new one could
        (
            98.5,
            103,
            105,
        ),  # old: 103.5 to 105.5; the new rule would have asked for 103.5: not before it took hold
        (99, 103, 105),
        (100, 103, 105),
        (101, 104, 106),
    ],
)
def test_a_deadline_is_never_later_than_before_and_never_before_the_rule_left_time_to_keep_it(
    anchor: float, start: float, deadline: float
) -> None:
    assert dates([version(7, 0), version(5, 100, "P3D")], 40, anchor) == (start, deadline)


HISTORIES = st.lists(
    st.tuples(st.integers(3, 40), st.integers(1, 30), st.sampled_from((None, "P1D", "P3D", "P9D"))),
    min_size=1,
    max_size=5,
)


@settings(max_examples=300, deadline=None, database=None)
@given(HISTORIES, st.integers(-20, 120), st.integers(0, 60), st.booleans())
def test_no_version_invents_a_violation_of_the_past_and_none_excuses_one(
    history: list[tuple[int, int, str | None]], collected: int, waiting: int, idle: bool
) -> None:
    begins, versions = 0, []
    for period, gap, pause in history:
        versions.append(version(period, begins, pause))
        begins += gap
    anchor = FIRST + (collected + (0 if idle else waiting)) * DAY
    first = era(versions, FIRST + collected * DAY)
    for known in range(first + 2, len(versions) + 1):
        before, after = (reaching(versions[:n], photos, first) for n in (known - 1, known))
        newest = versions[known - 1]
        old, new = window(before, anchor), window(after, anchor)
        if new[1] < old[1]:
            assert new[1] >= newest.shortens_from + photos(newest).slack, "invented"
            assert new[0] >= min(old[0], newest.shortens_from)
        if new[1] > old[1]:  # only where a shortening was taken back before it reached anything
            assert old[1] > newest.in_force_from, "excused"
        # Whatever the deadline, the rule that gives it leaves its time from the start on.
        assert new[1] - new[0] >= min(one.rule.slack for one in after) - timedelta(hours=1)


@settings(max_examples=200, deadline=None, database=None)
@given(HISTORIES, st.integers(0, 100), st.integers(0, 150))
def test_the_applicable_rule_is_the_shortest_that_has_reached(
    history: list[tuple[int, int, str | None]], collected: int, later: int
) -> None:
    begins, versions = 0, []
    for period, gap, pause in history:
        versions.append(version(period, begins, pause))
        begins += gap
    at = FIRST + (collected + later) * DAY
    known = in_force(versions, at)
    found = applicable(versions, photos, FIRST + collected * DAY, at)
    reached = [
        one
        for one in reaching(known, photos, era(known, FIRST + collected * DAY))
        if not one.shortens or one.since <= at
    ]
    assert not any(shorter(one.rule, found.rule) for one in reached)
    assert found.since <= at


# --- files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in FOLDER.glob("xmanart-privacy-2024-08-08.*"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_a_version_that_shortens_says_how_long_it_cools_off(folder: Path) -> None:
    write_version(folder, date(2026, 7, 1), 5)
    with pytest.raises(PolicyError, match=r"cooling_off: .missing.: photos, style_references: erased sooner"):
        load_all(folder)
    write_version(folder, date(2026, 7, 1), 5, pause="P3D")
    old, new = load_all(folder)
    assert new.shortens_from == new.in_force_from + 3 * DAY
    assert old.shortens_from == old.in_force_from
    assert any("cooling-off P3D" in line for line in report(old, new))
    write_version(folder, date(2026, 7, 1), 5, pause="P3D", waived_by="Ann")
    old, new = load_all(folder)
    assert new.shortens_from == new.in_force_from
    assert any("waived by Ann" in line for line in report(old, new))


@pytest.mark.parametrize(("days", "start"), [(14, 12), (7, 5)])
def test_a_version_that_shortens_nothing_needs_none(folder: Path, days: int, start: int) -> None:
    write_version(folder, date(2026, 7, 1), days, start=start)
    assert len(load_all(folder)) == 2


def test_an_earlier_start_counts_as_shorter_too(folder: Path) -> None:
    write_version(folder, date(2026, 7, 1), 7, start=4)
    with pytest.raises(PolicyError, match="cooling_off"):
        load_all(folder)


def test_what_is_still_shorter_than_an_earlier_version_needs_one_too(folder: Path) -> None:
    write_version(folder, date(2026, 7, 1), 5, pause="P3D")
    write_version(folder, date(2026, 7, 2), 6)
    with pytest.raises(PolicyError, match="erased sooner than in 2024-08-08"):
        load_all(folder)


def test_orders_that_expire_sooner_need_one_too(folder: Path) -> None:
    path = write_version(folder, date(2026, 7, 1), 7)
    path.write_text(path.read_text().replace("inactivity: P30D", "inactivity: P20D"))
    with pytest.raises(PolicyError, match="abandoned_orders: erased sooner"):
        load_all(folder)


def test_years_are_no_cooling_off() -> None:
    with pytest.raises(ValidationError, match="days or hours"):
        cooling("P1Y")


def test_a_moment_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        in_force([REAL], datetime(2026, 1, 1))  # noqa: DTZ001


# --- explained ----------------------------------------------------------------------------------------------------


def test_explain_tells_version_rule_reason_and_deadline_for_a_moment_of_collection(folder: Path) -> None:
    write_version(folder, date(2026, 7, 1), 5, pause="P3D")

    def explained(collected: str, completed: str, as_of: str) -> str:
        lines, good = run_explain(folder, "photos", completed, None, collected, as_of)
        assert good, lines
        return "\n".join(lines)

    old = explained("2026-06-01T00:00Z", "2026-06-30T00:00Z", "2026-07-02T00:00Z")
    assert "Version        2024-08-08: P7D, from P5D; in force when collected" in old
    assert (
        "Version        2026-07-01: P5D, from P3D; shorter than in 2024-08-08: applies to everything" in old
    )
    assert "not yet: the rule before still runs" in old
    assert "Applies        version 2024-08-08" in old
    assert "Deadline       2026-07-07 00:00:00Z" in old
    cooled = explained("2026-06-01T00:00Z", "2026-06-30T00:00Z", "2026-07-04T00:00Z")
    assert "Applies        version 2026-07-01" in cooled
    # It took hold on 3 July at 16:00 UTC, and leaves two days from then on.
    assert "Deadline       2026-07-05 16:00:00Z" in cooled
    young = explained("2026-07-02T00:00Z", "2026-07-02T00:00Z", "2026-07-02T00:00Z")
    assert "Applies        version 2026-07-01" in young
    assert "Deadline       2026-07-07 00:00:00Z" in young
    lines, good = run_explain(folder, "photos", "2026-06-01T00:00Z", None, None, "2026-06-02T00:00Z")
    assert good
    assert any(line.startswith("To come        2026-07-01") for line in lines)


def test_explain_refuses_to_judge_what_is_not_there_yet(folder: Path) -> None:
    lines, good = run_explain(
        folder, "photos", "2026-06-01T00:00Z", None, "2026-07-01T00:00Z", "2026-06-02T00:00Z"
    )
    assert (lines, good) == (["as_of is before collected_at: data that is not there has no rule"], False)


def test_another_period_for_what_is_archived_is_refused(tmp_path: Path) -> None:
    for file in FOLDER.glob("xmanart-privacy-*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = write_version(tmp_path, date(2026, 1, 1), 7)
    text = path.read_text("utf-8").replace("duration: P7Y", "duration: P6Y")
    text = text.replace("7 years", "6 years")
    said = path.with_suffix(".txt")
    words = said.read_text("utf-8").replace("7 years", "6 years")
    digest = hashlib.sha256(said.read_bytes()).hexdigest()
    said.write_text(words, "utf-8")
    path.write_text(text.replace(digest, hashlib.sha256(words.encode()).hexdigest()), "utf-8")
    with pytest.raises(PolicyError, match=r"retention.2.duration: P6Y: 2024-08-08 promised P7Y; keep that"):
        load_all(tmp_path)
