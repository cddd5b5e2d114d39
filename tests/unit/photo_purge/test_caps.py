"""How much may be erased unasked: at the cap yes, one more no; and what is unusual is asked about too."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data_lifecycle.photo_purge.caps import judge
from data_lifecycle.policy.loader import load_all, policy_in_force
from data_lifecycle.policy.model import Policy
from data_lifecycle.protocol.caps import exceeded

POLICY = policy_in_force(
    load_all(Path(__file__).resolve().parents[3] / "include" / "policy"), datetime.now(UTC)
)


def policy(**caps: Any) -> Policy:
    return POLICY.model_copy(update={"caps": POLICY.caps.model_copy(update=caps)})


def over(entries: int = 0, *, of: int = 0, files: int = 0, size: int = 0, median: int | None = None,
         runs: int = 0, photos: int = 0, **caps: Any) -> list[str]:  # fmt: skip
    facts = {
        "erase_items": entries,
        "erase_bytes": size,
        "due_files": files,
        "erase_by_rule": {POLICY.rule_for_upload("personal_photo").id: photos},
    }
    return exceeded(judge(policy(**caps), facts, of, median, runs))


@pytest.mark.parametrize("more", [0, 1])
def test_at_the_cap_and_one_more(more: int) -> None:
    named = [[], ["entries"]][more]
    assert over(10 + more, max_objects=10) == named
    assert over(size=10 + more, max_bytes=10) == [["bytes"], []][1 - more]
    assert over(of=200, files=100 + more) == [[], ["share of live files"]][more]
    assert over(photos=40000 + more) == [[], ["entries of personal_photo"]][more]
    usual = {"median": 200, "runs": 7}
    assert over(1000 + more, **usual) == [[], ["entries beside the trailing median"]][more]


def test_a_share_of_few_says_nothing() -> None:
    assert over(of=199, files=199) == []
    assert over(of=0, files=0, share_applies_from_objects=0) == []


def test_what_is_usual_is_known_after_some_runs_and_not_for_a_handful() -> None:
    assert over(40_000, median=10, runs=6) == []
    assert over(40_000, median=10, runs=7) == ["entries beside the trailing median"]
    assert over(500, median=1, runs=14) == []
    assert over(501, median=1, runs=14) == ["entries beside the trailing median"]
    assert over(40_000, median=1, runs=14, max_times_trailing_median=None) == []
    assert over(40_000, median=None, runs=0) == []


def test_it_is_on_unless_a_policy_says_otherwise() -> None:
    caps = type(POLICY.caps).model_fields
    assert caps["max_times_trailing_median"].default == 5.0
    assert caps["median_applies_from_runs"].default == 7
