"""A plan over its caps waits for a second person's word for that very plan; the database sees to it too."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2.errors
import pytest

from data_lifecycle.photo_purge import planning
from data_lifecycle.photo_purge.approving import PETITION
from data_lifecycle.photo_purge.guarding import release
from data_lifecycle.policy.loader import load_all
from data_lifecycle.protocol import asking, posture
from data_lifecycle.protocol.asking import Answer, OverCaps, Rejected
from data_lifecycle.protocol.house import PromiseBroken
from data_lifecycle.protocol.posture import Paused

if TYPE_CHECKING:
    from tests.faults.workshop import Workshop

NOW = datetime.now(UTC)
STEPS = ("approve", "act", "observe", "settle", "sweep", "assert")


@pytest.fixture(autouse=True)
def low_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that lets no run erase more than three entries unasked."""

    def capped(folder: Any) -> Any:
        return tuple(
            policy.model_copy(update={"caps": policy.caps.model_copy(update={"max_objects": 3})})
            for policy in load_all(folder)
        )

    monkeypatch.setattr(planning, "load_all", capped)


@pytest.fixture
def over(shop: Workshop) -> int:
    """A run over its caps that guard made wait."""
    shop.order(order_id="ord_aaaa", files=2)
    shop.order(order_id="ord_zzzz", files=2)
    return waits(shop, "one")


def waits(shop: Workshop, name: str) -> int:
    run_id = shop.plan(name)
    with pytest.raises(OverCaps, match="over the cap for entries"):
        shop.act(run_id)
    assert asking.batches_of(PETITION, shop.house, run_id) is None
    return run_id


def digest(shop: Workshop, run_id: int) -> str:
    (row,) = shop.sql("SELECT manifest_sha256 AS seal FROM lifecycle.run WHERE run_id = %s", run_id)
    return str(row["seal"])


def yes(shop: Workshop, run_id: int, by: str | None = "reviewer", manifest: str | None = None) -> Answer:
    return Answer("approved", manifest or digest(shop, run_id), by, NOW)


def answers(shop: Workshop) -> list[tuple[str, str | None, str | None]]:
    rows = shop.sql("SELECT answer, answered_by, why FROM lifecycle.approval ORDER BY approval_id")
    return [(row["answer"], row["answered_by"], row["why"]) for row in rows]


def stated(shop: Workshop) -> dict[str, Any]:
    """The approval as the latest result states it."""
    envelope = json.loads(bytes(shop.results()[-1]["envelope"]))
    found: dict[str, Any] = json.loads(b64decode(envelope["payload"]))["predicate"]
    return {"outcome": found["outcome"], **found["approval"]}


def assert_nothing_happened(shop: Workshop, run_id: int, before: set[Any]) -> None:
    assert shop.everything() == before
    assert shop.sql("SELECT released_at FROM lifecycle.run WHERE run_id = %s", run_id) == [
        {"released_at": None}
    ]
    assert {row["state"] for row in shop.sql("SELECT state FROM lifecycle.item")} == {"planned"}


def test_what_is_asked_says_how_much_and_names_nobody(shop: Workshop, over: int) -> None:
    asked = asking.question(PETITION, shop.house, over, None)
    assert asked.approvers == ("reviewer",)
    assert asked.manifest_sha256 == digest(shop, over)
    for text in (
        "| entries | 8 | 3 | **over** |",
        "| bytes |",
        "within",
        asked.manifest_sha256,
        "the schedule",
    ):
        assert text in asked.body
    for row in shop.sql("SELECT case_id::text FROM lifecycle.erasure_case"):
        assert f"| {row['case_id']} | terminal | 4 |" in asked.body
    for secret in ("ord_aaaa", "photo-0", "nobody@example.org", "Nobody", "orders/"):
        assert secret not in asked.subject + asked.body


def test_an_approval_lets_exactly_this_plan_go(shop: Workshop, over: int) -> None:
    batches = asking.settle(PETITION, shop.house, over, yes(shop, over), "engineer")
    assert batches == asking.batches_of(PETITION, shop.house, over) == [0]
    from data_lifecycle.photo_purge.acting import act_batch

    act_batch(shop.house, over, 0)
    assert shop.finish(over) == "verified"
    shop.assert_closed_once(["ord_aaaa", "ord_zzzz"])
    found = stated(shop)
    assert found["manifest_sha256"] == digest(shop, over)
    assert (found["outcome"], found["answer"], found["answered_by"], found["started_by"], found["over"]) == (
        "verified", "approved", "reviewer", "engineer", ["entries"],
    )  # fmt: skip
    assert shop.verify().refused is None


@pytest.mark.parametrize(
    ("by", "manifest", "started_by", "why"),
    [
        ("reviewer", None, "reviewer", "whoever started a run may not approve it"),
        ("engineer", None, None, "whoever gave it may not approve"),
        (None, None, None, "whoever gave it may not approve"),
        ("reviewer", "0" * 64, None, "it names another manifest"),
        ("reviewer", "yes", None, "it names another manifest"),
    ],
    ids=["starter", "no approver", "nobody", "another manifest", "no digest"],
)
def test_a_word_that_does_not_count(
    shop: Workshop, over: int, by: str | None, manifest: str | None, started_by: str | None, why: str
) -> None:
    before = shop.everything()
    with pytest.raises(PromiseBroken, match=why):
        asking.settle(PETITION, shop.house, over, yes(shop, over, by, manifest), started_by)
    assert answers(shop) == [("void", by, why)]
    assert not asking.approved(PETITION, shop.house, over)
    assert_nothing_happened(shop, over, before)


def test_nobody_is_left_to_ask(shop: Workshop, over: int) -> None:
    with pytest.raises(PromiseBroken, match="nobody may approve it but who started it"):
        asking.question(PETITION, shop.house, over, "reviewer")
    two = replace(shop.house, settings=replace(shop.house.settings, approvers=("reviewer", "officer")))
    assert asking.question(PETITION, two, over, "reviewer").approvers == ("officer",)


@pytest.mark.parametrize("word", ["rejected", "timed_out"])
def test_a_no_and_silence_are_stated(shop: Workshop, over: int, word: Any) -> None:
    before = shop.everything()
    by = "reviewer" if word == "rejected" else None
    with pytest.raises(Rejected if word == "rejected" else PromiseBroken):
        asking.settle(PETITION, shop.house, over, Answer(word, None, by, NOW), None)
    assert shop.attest(over, *STEPS) == "failed"
    assert_nothing_happened(shop, over, before)
    found = stated(shop)
    assert (found["outcome"], found["answer"], found.get("answered_by")) == ("failed", word, by)
    assert shop.verify().refused is None
    assert waits(shop, "two") > over, "asked anew"


def hold(shop: Workshop) -> None:
    (row,) = shop.sql("SELECT upload_id, object_key FROM studio.uploads ORDER BY object_key LIMIT 1")
    from tests.faults.workshop import File

    shop.hold(File(str(row["upload_id"]), row["object_key"]))


def reopen(shop: Workshop) -> None:
    shop.event("ord_zzzz", "reopened")


def arrive(shop: Workshop) -> None:
    shop.file("ord_zzzz")


def plan_anew(shop: Workshop) -> None:
    shop.plan("another")


@pytest.mark.parametrize("change", [hold, reopen, arrive, plan_anew])
def test_a_plan_that_changed_since_is_asked_about_anew(shop: Workshop, over: int, change: Any) -> None:
    change(shop)
    before = shop.everything()
    with pytest.raises(
        PromiseBroken, match="changed since it was sealed: planned anew by the next run, asked anew"
    ):
        asking.settle(PETITION, shop.house, over, yes(shop, over), None)
    assert answers(shop) == [
        ("approved", "reviewer", None),
        ("void", "reviewer", "changed since it was sealed"),
    ]
    assert not asking.approved(PETITION, shop.house, over)
    assert_nothing_happened(shop, over, before)
    assert shop.attest(over, *STEPS) == "failed"
    assert stated(shop)["answer"] == "void"
    assert waits(shop, "two") > over


def test_an_approval_stands_while_the_house_is_paused(shop: Workshop, over: int) -> None:
    posture.throw(shop.house, paused=True, by="engineer", why="a test")
    with pytest.raises(Paused):
        asking.settle(PETITION, shop.house, over, yes(shop, over), None)
    assert asking.approved(PETITION, shop.house, over)
    posture.throw(shop.house, paused=False, by="engineer", why="a test")
    assert asking.release_approved(PETITION, shop.house, over) == [0]


def approve_other(shop: Workshop, over: int) -> None:
    """Another manifest of the same run was approved."""
    insert(shop, over, "ab" * 32, "approved")


def approve_then_void(shop: Workshop, over: int) -> None:
    insert(shop, over, digest(shop, over), "approved")
    shop.sql(
        "INSERT INTO lifecycle.approval (run_id, manifest_sha256, asked_at, answer, why, answered_by)"
        " VALUES (%s, %s, now(), 'void', 'changed', 'reviewer')",
        over, digest(shop, over),
    )  # fmt: skip


def reject(shop: Workshop, over: int) -> None:
    insert(shop, over, digest(shop, over), "rejected")


def say_nothing(shop: Workshop, over: int) -> None:
    assert answers(shop) == []


def insert(shop: Workshop, run_id: int, manifest: str, answer: str) -> None:
    shop.sql(
        "INSERT INTO lifecycle.approval (run_id, manifest_sha256, asked_at, answer, answered_by)"
        " VALUES (%s, %s, now(), %s, 'reviewer')",
        run_id, manifest, answer,
    )  # fmt: skip


@pytest.mark.parametrize("said", [say_nothing, reject, approve_other, approve_then_void])
def test_a_bug_of_ours_cannot_let_it_go(shop: Workshop, over: int, said: Any) -> None:
    said(shop, over)
    (run,) = shop.sql("SELECT * FROM lifecycle.run WHERE run_id = %s", over)
    with pytest.raises(psycopg2.errors.RestrictViolation) as refused:
        release(shop.house, run)
    assert refused.value.diag.constraint_name == "approved_over_caps"
    insert(shop, over, digest(shop, over), "approved")
    assert release(shop.house, run) == [0]


@pytest.mark.parametrize(
    "lie",
    [
        "facts - 'caps'",
        "jsonb_set(facts, '{caps,entries,found}', '\"1\"')",
        "jsonb_set(facts, '{caps,bytes,found}', '\"1\"')",
        "facts #- '{caps,entries,allowed}'",
    ],
)
def test_a_plan_that_was_not_judged_is_not_released(shop: Workshop, over: int, lie: str) -> None:
    shop.sql(f"UPDATE lifecycle.run SET facts = {lie} WHERE run_id = %s", over)  # noqa: S608 — a constant
    insert(shop, over, digest(shop, over), "approved")
    (run,) = shop.sql("SELECT * FROM lifecycle.run WHERE run_id = %s", over)
    with pytest.raises(psycopg2.errors.RestrictViolation) as refused:
        release(shop.house, run)
    assert refused.value.diag.constraint_name == "judged_by_caps"


@pytest.mark.parametrize(
    "wrong",
    [
        "INSERT INTO lifecycle.approval (run_id, manifest_sha256, asked_at, answer, answered_by, started_by)"
        " SELECT run_id, manifest_sha256, now(), 'approved', 'ann', 'ann' FROM lifecycle.run",
        "INSERT INTO lifecycle.approval (run_id, manifest_sha256, asked_at, answer)"
        " SELECT run_id, manifest_sha256, now(), 'approved' FROM lifecycle.run",
        "UPDATE lifecycle.approval SET answer = 'approved'",
        "DELETE FROM lifecycle.approval",
    ],
    ids=["by who started it", "by nobody", "changed", "deleted"],
)
def test_answers_stay_as_they_are(shop: Workshop, over: int, wrong: str) -> None:
    insert(shop, over, digest(shop, over), "rejected")
    with pytest.raises((psycopg2.errors.CheckViolation, psycopg2.errors.RestrictViolation)):
        shop.sql(wrong)


def test_after_a_pause_nothing_floods_out(shop: Workshop) -> None:
    """Three weeks of dues at once are over the cap: they are asked about as at any time."""
    posture.throw(shop.house, paused=True, by="engineer", why="three weeks of doubts")
    for days in range(0, 21, 4):
        shop.order(datetime.now(UTC) - timedelta(days=6 + days))
    with pytest.raises(Paused):
        shop.act(shop.plan())
    posture.throw(shop.house, paused=False, by="engineer", why="no doubts any more")
    before = shop.everything()
    assert_nothing_happened(shop, waits(shop, "two"), before)
