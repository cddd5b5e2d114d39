"""A new version of the policy in the middle of everything: each file goes by the rule under which it was given."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.faults.workshop import File, Workshop
from tests.policies import FOLDER, write_version

from data_lifecycle.photo_purge.explain import run_explain_order
from data_lifecycle.photo_purge.planning import plan_run
from data_lifecycle.protocol.house import House, Refused

DAY = timedelta(days=1)
WithVersion = Callable[..., House]


@pytest.fixture
def with_version(shop: Workshop, tmp_path: Path) -> WithVersion:
    """The house with one more version: ``with_version(days=14, begun=10)`` took effect ten days ago."""

    def add(days: int, begun: float, pause: str | None = None) -> House:
        include = tmp_path / "include"
        include.mkdir()
        for part in FOLDER.parent.iterdir():
            if part != FOLDER:
                (include / part.name).symlink_to(part)
        shutil.copytree(FOLDER, include / "policy")
        write_version(
            include / "policy", (datetime.now(UTC) - timedelta(days=begun)).date(), days, pause=pause
        )
        return replace(shop.house, settings=replace(shop.house.settings, include=include))

    return add


def given(shop: Workshop, file: File, ago: timedelta) -> File:
    shop.sql(
        "UPDATE studio.uploads SET uploaded_at = %s WHERE upload_id = %s",
        datetime.now(UTC) - ago,
        file.upload_id,
    )
    return file


def created(shop: Workshop, order: str, ago: timedelta) -> None:
    shop.sql("UPDATE studio.orders SET created_at = %s WHERE order_id = %s", datetime.now(UTC) - ago, order)


def keys(shop: Workshop, order: str) -> set[str]:
    return {key for _, key, _, _ in shop.everything(order)}


def versions(shop: Workshop) -> dict[str, set[str]]:
    """Versions by which entries were judged, by what was to become of them."""
    found: dict[str, set[str]] = {}
    for row in shop.sql("SELECT DISTINCT disposition, policy_version FROM lifecycle.item"):
        found.setdefault(row["disposition"], set()).add(row["policy_version"])
    return found


def facts(shop: Workshop, run_id: int) -> dict[str, Any]:
    found: dict[str, Any] = shop.sql("SELECT facts FROM lifecycle.run WHERE run_id = %s", run_id)[0]["facts"]
    return found


def test_what_was_given_before_a_longer_version_goes_as_promised_then_and_the_rest_stays(
    shop: Workshop, with_version: WithVersion
) -> None:
    house = with_version(days=14, begun=10)
    new = (datetime.now(UTC) - 10 * DAY).date().isoformat()
    order = shop.order(6 * DAY, files=0)
    created(shop, order, 20 * DAY)
    old = given(shop, shop.file(order, "old.jpg"), 15 * DAY)
    young = given(shop, shop.file(order, "young.jpg"), 8 * DAY)
    thumb = given(shop, shop.file(order, "thumb.jpg", derived_from=old), 8 * DAY)
    assert shop.purge("one", house=house) == "verified"
    assert keys(shop, order) == {young.key}, "what is made from an old file is as old"
    assert old.key not in keys(shop, order)
    assert thumb.key not in keys(shop, order)
    assert versions(shop) == {"erase": {"2024-08-08"}, "keep": {new}}
    assert (shop.case(order), shop.state(order)) == ("absent", "present")
    (case,) = shop.sql(
        "SELECT deadline_at - anchor_at AS within, closed_at < deadline_at AS kept FROM lifecycle.erasure_case"
    )
    assert (case["within"], case["kept"]) == (7 * DAY, True)
    # The next run finds the order, and nothing of it that is due: no case, no deadline missed.
    assert shop.purge("two", house=house) == "verified"
    assert (shop.closings(order), keys(shop, order)) == (1, {young.key})


def test_what_was_given_under_a_longer_version_goes_by_it(shop: Workshop, with_version: WithVersion) -> None:
    house = with_version(days=14, begun=30)
    order = shop.order(12.5 * DAY, files=0)
    created(shop, order, 40 * DAY)
    old = given(shop, shop.file(order, "old.jpg"), 35 * DAY)
    shop.sql("UPDATE studio.uploads SET absent_at = now() WHERE upload_id = %s", old.upload_id)
    for bucket in (shop.uploads, shop.backup):
        for entry in [e for e in shop.everything(order) if e[0] == bucket]:
            shop.s3.delete_object(Bucket=bucket, Key=entry[1], VersionId=entry[3])
    given(shop, shop.file(order, "young.jpg"), 20 * DAY)
    assert shop.purge(house=house) == "verified"
    shop.assert_closed_once([order])
    (case,) = shop.sql("SELECT deadline_at - anchor_at AS within FROM lifecycle.erasure_case")
    assert case["within"] == 14 * DAY, "what went before sets no deadline any more"


@pytest.mark.parametrize(("pause", "expected"), [("P9D", False), ("P3D", True)])
def test_a_shorter_version_reaches_what_was_there_only_after_its_cooling_off(
    shop: Workshop, with_version: WithVersion, pause: str, expected: bool
) -> None:
    house = with_version(days=5, begun=5, pause=pause)
    order = shop.order(3.5 * DAY)
    created(shop, order, 20 * DAY)
    shop.sql("UPDATE studio.uploads SET uploaded_at = now() - interval '19 days'")
    assert shop.purge(house=house) == "verified"
    assert (keys(shop, order) == set()) is expected
    if expected:
        (case,) = shop.sql(
            "SELECT deadline_at - closed_at AS left_over, start_at, anchor_at FROM lifecycle.erasure_case"
        )
        assert case["left_over"] > timedelta(0), "no violation of the past is invented"
        assert facts(shop, int(shop.sql("SELECT max(run_id) AS n FROM lifecycle.run")[0]["n"]))[
            "erase_by_version"
        ] == {(datetime.now(UTC) - 5 * DAY).date().isoformat(): 2}


def test_a_version_that_is_not_in_force_can_be_planned_with_and_nothing_else(
    shop: Workshop, with_version: WithVersion
) -> None:
    house = with_version(days=5, begun=-20, pause="P3D")
    coming = (datetime.now(UTC) + 20 * DAY).date().isoformat()
    shop.order(3.5 * DAY)

    def plan(named: str | None, dry: bool, tried: str) -> int:
        return plan_run(house, tried, datetime.now(UTC), None, dry, named)

    with pytest.raises(Refused, match="is not in force before"):
        plan(coming, False, "acting")
    with pytest.raises(Refused, match="no such version"):
        plan("2031-01-01", True, "unknown")
    assert facts(shop, plan(None, True, "old"))["erase_items"] == 0
    seen = facts(shop, plan(coming, True, "new"))
    assert seen["erase_by_version"] == {coming: 2}
    assert shop.sql("SELECT count(*) AS n FROM lifecycle.item") == [{"n": 0}]
    write_version(house.settings.policy_dir, (datetime.now(UTC) - 30 * DAY).date(), 14)
    with pytest.raises(Refused, match="was followed by"):
        plan("2024-08-08", True, "past")


def test_explain_says_of_each_file_which_version_applies_and_names_nobody(
    shop: Workshop, with_version: WithVersion
) -> None:
    house = with_version(days=14, begun=10)
    order = shop.order(6 * DAY, files=0)
    created(shop, order, 20 * DAY)
    old = given(shop, shop.file(order, "old.jpg"), 15 * DAY)
    given(shop, shop.file(order, "young.jpg"), 8 * DAY)
    lines, good = run_explain_order(house.settings, order, None, "Europe/Berlin")
    assert good
    text = "\n".join(lines)
    assert text.count("rule photos, P7D, from P5D") == 2, "the old file and what nobody recorded"
    assert text.count("rule photos, P14D, from P12D: in force when collected") == 1
    assert (text.count("due since"), text.count("not before")) == (2, 1)
    assert order not in text
    assert old.key not in text
    assert run_explain_order(house.settings, "ord_nobody", None, None) == (["no such order"], False)
    assert "unknown time zone" in run_explain_order(house.settings, order, None, "Mars/Base")[0][0]
    assert "time zone" in run_explain_order(house.settings, order, "2026-01-01T00:00", None)[0][0]
    assert "no version" in run_explain_order(house.settings, order, "2020-01-01T00:00Z", None)[0][0]
