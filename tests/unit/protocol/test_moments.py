"""As of when a run judges: never in the future, never without a zone, never by a misspelt parameter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_lifecycle.protocol.house import Refused
from data_lifecycle.protocol.moments import judge_as_of, refuse_unknown

NOW = datetime(2026, 6, 10, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_run_judges_at_its_own_moment() -> None:
    assert judge_as_of(None, NOW - HOUR, NOW) == NOW - HOUR


def test_a_scheduler_whose_clock_is_ahead_does_not_judge_the_future() -> None:
    assert judge_as_of(None, NOW + HOUR, NOW) == NOW


def test_a_stated_moment_counts_instead() -> None:
    assert judge_as_of("2026-06-01T10:00:00+08:00", NOW, NOW) == datetime(2026, 6, 1, 2, tzinfo=UTC)
    assert judge_as_of("2026-06-01T02:00:00Z", NOW, NOW) == datetime(2026, 6, 1, 2, tzinfo=UTC)
    assert judge_as_of(NOW.isoformat(), NOW - HOUR, NOW) == NOW, "the present itself is not the future"


@pytest.mark.parametrize(
    "stated", ["2026-06-01", "2026-06-01T02:00:00", "yesterday", "", "2026-06-01T25:00:00Z"]
)
def test_what_is_no_instant_with_a_zone_is_refused(stated: str) -> None:
    with pytest.raises(Refused, match=r"as_of .* is not an instant with a time zone; write it like"):
        judge_as_of(stated, NOW, NOW)


@pytest.mark.parametrize("ahead", [timedelta(microseconds=1), timedelta(days=365)])
def test_a_stated_future_is_refused_and_not_shortened(ahead: timedelta) -> None:
    with pytest.raises(Refused, match="later than the database's clock"):
        judge_as_of((NOW + ahead).isoformat(), NOW, NOW)


def test_a_run_without_a_zone_is_an_error_of_the_house() -> None:
    with pytest.raises(ValueError, match="run_after"):
        judge_as_of(None, NOW.replace(tzinfo=None), NOW)


@settings(max_examples=200, deadline=None, database=None)
@given(
    st.datetimes(datetime(2024, 8, 9), datetime(2030, 1, 1)),  # noqa: DTZ001 - the zone is drawn next
    st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
    st.integers(-3 * 86400, 3 * 86400),
)
def test_no_parameter_ever_judges_later_than_the_database(
    moment: datetime, zone: timezone, ahead: int
) -> None:
    now = moment.replace(tzinfo=UTC)
    other = (now + timedelta(seconds=ahead)).astimezone(zone)
    judged = judge_as_of(None, other, now)
    assert judged == min(other, now)
    assert judged.utcoffset() == timedelta(0)
    if ahead <= 0:
        assert judge_as_of(other.isoformat(), now, now) == other
    else:
        with pytest.raises(Refused):
            judge_as_of(other.isoformat(), now, now)


def test_a_misspelt_parameter_never_passes_silently() -> None:
    for conf in (None, {}, {"as_of": "x"}, {"as_of": None, "dry_run": True}):
        refuse_unknown(conf, ("as_of", "dry_run"))
    with pytest.raises(Refused, match=r"conf key 'dryrun' is unknown; this pipeline takes as_of, dry_run"):
        refuse_unknown({"dryrun": True, "as_of": None}, ("dry_run", "as_of"))
