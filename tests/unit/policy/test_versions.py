"""Which version applies: shorter to everything, longer only to what is collected later (clause 10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_lifecycle.policy.duration import Duration
from data_lifecycle.policy.loader import load_policy
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.retention import Latest, RetentionRule
from data_lifecycle.policy.versions import applicable

REAL = load_policy(Path(__file__).parents[3] / "include" / "policy" / "xmanart-privacy-2024-08-08.yaml")
FIRST = REAL.in_force_from


def version(days: int, after: int) -> Policy:
    """The real policy with photos kept for ``days``, in force ``after`` days after the real one."""
    photos = REAL.rule("photos")
    rule = photos.model_copy(
        update={
            "period": Duration(days=days),
            "boundary": Latest.model_validate({"meaning": "latest", "start_at": f"P{days - 2}D"}),
        }
    )
    begins = REAL.header.effective_from + timedelta(days=after)
    header = REAL.header.model_copy(update={"effective_from": begins, "version": begins.isoformat()})
    rest = tuple(rule if r.id == "photos" else r for r in REAL.retention)
    return REAL.model_copy(update={"header": header, "retention": rest})


def photos(policy: Policy) -> RetentionRule:
    return policy.rule("photos")


def days(versions: list[Policy], collected: float, at: float) -> int:
    found = applicable(versions, photos, FIRST + timedelta(days=collected), FIRST + timedelta(days=at))
    return found.rule.period.days


@pytest.mark.parametrize(
    ("collected", "at", "expected"),
    [(10, 20, 7), (10, 99.999, 7), (10, 100, 5), (100, 100, 5), (120, 130, 5), (-50, 10, 7), (-50, 100, 5)],
)
def test_a_shorter_period_applies_to_everything_from_its_first_second(
    collected: float, at: float, expected: int
) -> None:
    assert days([version(7, 0), version(5, 100)], collected, at) == expected


@pytest.mark.parametrize(
    ("collected", "at", "expected"),
    [(10, 20, 7), (10, 100, 7), (99.999, 300, 7), (100, 100, 14), (120, 130, 14), (-50, 200, 7)],
)
def test_a_longer_period_applies_to_what_is_collected_later(
    collected: float, at: float, expected: int
) -> None:
    assert days([version(7, 0), version(14, 100)], collected, at) == expected


def test_there_and_back_again_keeps_the_shortest_that_was_promised_meanwhile() -> None:
    versions = [version(7, 0), version(5, 100), version(14, 200)]
    assert days(versions, 10, 250) == 5
    assert days(versions, 150, 250) == 5
    assert days(versions, 200, 250) == 14


def test_it_says_why_and_since_when() -> None:
    versions = [version(7, 0), version(5, 100)]
    then = FIRST + timedelta(days=10)
    found = applicable(versions, photos, then, then)
    assert (found.since, found.because) == (then, "in force when collected")
    later = applicable(versions, photos, then, FIRST + timedelta(days=150))
    assert later.since == versions[1].in_force_from
    assert "applies to everything" in later.because
    assert (
        applicable(versions, photos, FIRST - timedelta(days=9), FIRST).because == "the first version there is"
    )


def test_what_cannot_be_judged() -> None:
    with pytest.raises(LookupError, match="no version"):
        applicable([version(7, 0)], photos, FIRST - timedelta(days=9), FIRST - timedelta(days=8))
    with pytest.raises(ValueError, match="before collected_at"):
        applicable([version(7, 0)], photos, FIRST + timedelta(days=9), FIRST + timedelta(days=8))
    with pytest.raises(ValueError, match="time zone"):
        applicable([version(7, 0)], photos, datetime(2025, 1, 1), datetime(2025, 1, 2, tzinfo=UTC))  # noqa: DTZ001


@given(
    st.lists(st.integers(3, 60), min_size=1, max_size=6),
    st.integers(0, 600),
    st.integers(0, 600),
    st.integers(0, 600),
)
def test_time_never_lengthens_and_an_extra_version_never_reaches_back(
    periods: list[int], collected: int, later: int, after: int
) -> None:
    versions = [version(period, 100 * n) for n, period in enumerate(periods)]
    at = collected + later
    found = days(versions, collected, at)
    # Judged later, what was promised is never taken back.
    assert days(versions, collected, at + after) <= found
    # By hand: the shortest of the versions in force at any time from collection on.
    alive = [
        p
        for n, p in enumerate(periods)
        if 100 * n <= at and (n + 1 == len(periods) or 100 * (n + 1) > collected)
    ]
    assert found == min(alive)
