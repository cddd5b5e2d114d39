"""Plans, assertions and results that are validly signed and logged, and do not fit together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.unit.evidence_log.attacks import ATTACKS, attack
from tests.unit.evidence_log.attacks_inside import logged
from tests.unit.evidence_log.forge import (
    ASSERTED,
    DAYS,
    Log,
    assertions_predicate,
    at,
    changed,
    item,
    plan_predicate,
    run_predicate,
    story,
)

from data_lifecycle.evidence.commitment import set_root
from data_lifecycle.evidence.lifecycle_verify import ASSERTIONS, PIPELINES, PLAN, RESULT
from data_lifecycle.evidence.statement import seal

__all__ = ["ATTACKS"]

NUMBER = DAYS + 1
"""Of the run that is added to the story."""
FAILED = [{**ASSERTED[0], "success": False}]
OTHER = [{**ASSERTED[0], "name": "others = 0"}]
EMPTY = set_root([])
DRY = {"dry_run": True, "items": [], "set_root": EMPTY}
GOOD: Mapping[str, Callable[..., dict[str, Any]]] = {
    PLAN: lambda **changes: plan_predicate(NUMBER, at(DAYS), [item(90)], **changes),
    ASSERTIONS: lambda **changes: assertions_predicate(NUMBER, at(DAYS), **changes),
    RESULT: lambda **changes: run_predicate(NUMBER, at(DAYS), [item(90)], **changes),
}
NAMES = {PLAN: "a plan", ASSERTIONS: "assertions", RESULT: "a result"}


Statement = tuple[str, Mapping[str, Any]]
"""Kind, and changes to the honest statement."""


def written(check: str, name: str, *statements: Statement, **more: Any) -> None:
    """Register statements about one more run, in this order.

    The changes ``_digest`` and ``_name`` are to the subject.
    """

    def write(log: Log) -> None:
        for kind, changes in statements:
            parts = dict(changes)
            digest, subject = parts.pop("_digest", "ab" * 32), parts.pop("_name", f"photo_purge/run-{NUMBER}")
            log.add(seal(log.attester, digest, subject, kind, GOOD[kind](**parts)).envelope)

    logged(check, name, write, **more)


def _order() -> None:
    plan, asserted, result = ((kind, dict[str, Any]()) for kind in GOOD)
    written("runs", "a result without a plan", result)
    written("runs", "a result without a plan, though asserted", asserted, result)
    written("runs", "assertions without a plan", asserted)
    written("runs", "a plan after the result", asserted, result, plan)
    written("runs", "a plan after the assertions", asserted, plan, result)
    written("runs", "planned twice", plan, (PLAN, {"eligible": 2}), asserted, result)
    written("runs", "planned again after the result", plan, asserted, result, (PLAN, {"eligible": 2}))
    written("runs", "a dry run with a result", (PLAN, DRY), asserted, result)
    written("runs", "a dry run with assertions", (PLAN, DRY), asserted)
    written("runs", "assertions after the result they are for", plan, result, asserted)

    def late() -> bytes:
        log = story()
        log.run(at(DAYS), [item(90)], plan=None)
        log.plan(at(DAYS), [item(90)])
        return log.bundle(first=20)

    attack("runs", "a plan after the result, in a bundle that begins later", late)


def _sealed() -> None:
    """What all statements about one run have in common."""
    run = GOOD[PLAN]()["run"]
    policy = GOOD[PLAN]()["policy"]
    changes: dict[str, dict[str, Any]] = {
        "manifest": {"_digest": "cd" * 32},
        "attempt": {"run": {**run, "attempt": 2}},
        "moment": {"run": {**run, "as_of": at(1).isoformat()}},
        "policy": {"policy": {**policy, "sha256": "1" * 64}},
        "version of the policy": {"policy": {**policy, "version": "2"}},
        "code": {"code": "1" * 40},
    }
    for name, change in changes.items():
        written("runs", f"a result for another {name}", (PLAN, {}), (ASSERTIONS, {}), (RESULT, change))
        written("runs", f"assertions for another {name}", (PLAN, {}), (ASSERTIONS, change), (RESULT, {}))
    other: Mapping[str, Any] = {"run": {**run, "number": NUMBER + 1}}
    written("runs", "a result under another number", (PLAN, {}), (ASSERTIONS, {}), (RESULT, other))
    zeros = dict.fromkeys(PIPELINES["evidence_audit"], 0)
    audit: Mapping[str, Any] = {"pipeline": "evidence_audit", "counts": zeros}
    written("runs", "a result of another pipeline", (PLAN, {}), (ASSERTIONS, {}), (RESULT, audit))
    foreign = {"_name": "photo_purge/run-1"}
    written("runs", "the manifest of another run", *((kind, foreign) for kind in GOOD))


def _follows() -> None:
    for name, asserted, found in (
        ("other assertions than stated", [{}], {"assertions": OTHER}),
        ("fewer assertions than stated", [{"assertions": ASSERTED + OTHER}], {}),
        ("more assertions than stated", [{}], {"assertions": ASSERTED + OTHER}),
        ("assertions that were never stated", [], {}),
        ("an assertion that did not hold, and a result that says it did",
         [{"assertions": FAILED, "success": False}], {}),
        ("a round of assertions before the last one",
         [{}, {"round": 2, "assertions": FAILED, "success": False}], {}),
        ("rounds of assertions backwards", [{"round": 2}, {"round": 1}], {}),
        ("a round of assertions twice", [{"assertions": FAILED, "success": False}, {}], {}),
        ("other counts planned than the plan says", [{}], {"planned": {"cases": 2}}),
        ("other clauses than the plan says", [{}], {"clauses": ["3.2"]}),
    ):  # fmt: skip
        written("runs", name, (PLAN, {}), *((ASSERTIONS, part) for part in asserted), (RESULT, found))
    written("runs", "eligible shrank", (PLAN, {"eligible": 4}), (ASSERTIONS, {}), (RESULT, {}))
    unplanned: Mapping[str, Any] = {"items": [], "set_root": EMPTY, "planned": {"cases": 1}}
    logged("runs", "an open case that was not planned", lambda log: log.run(
        at(DAYS), [item(90, "UNKNOWN")], plan=unplanned, outcome="failed"
    ))  # fmt: skip
    written("cases", "absent, but never planned", (PLAN, unplanned), (ASSERTIONS, {}), (RESULT, {}))
    logged("runs", "a planned case is missing from a verified result", lambda log: log.run(
        at(DAYS), [item(90)], plan={"items": (both := planned(90, 91)), "set_root": set_root(both)}
    ))  # fmt: skip

    def stolen(log: Log) -> None:
        log.run(at(DAYS), [item(90, "DELETE_ACCEPTED")], outcome="failed")
        log.run(at(DAYS, 3), [item(90)], plan={**unplanned, "eligible": 0})

    logged("runs", "absent by a run that did not plan it", stolen)

    def again(state: str) -> Callable[[Log], object]:
        def write(log: Log) -> None:
            log.run(at(DAYS), [item(90)])
            log.runs += 1
            log.plan(at(DAYS, 3), [item(90, state)])

        return write

    logged("cases", "planned after it was absent", again("PLANNED"))
    logged("cases", "planned as held after it was absent", again("HELD"))


CAPS = {"entries": {"found": "9", "allowed": "3"}, "bytes": {"found": "9", "allowed": "9"}}
OVER = {"erase_items": 9, "erase_bytes": 9, "caps": CAPS}
WITHIN = {**OVER, "caps": {**CAPS, "entries": {"found": "9", "allowed": "9"}}}
YES = {
    "over": ["entries"], "answer": "approved", "manifest_sha256": "ab" * 32, "asked_at": at(DAYS - 1).isoformat(),
    "answered_at": at(DAYS - 1).isoformat(), "answered_by": "reviewer",
}  # fmt: skip


def _approved() -> None:
    """Over the caps, nothing is done but for an approval of this very manifest by another person."""
    nothing = {"eligible": 3, "acted": 0, "failed": 0}
    for name, planned_, found in (
        ("over the caps, and nobody was asked", OVER, {}),
        ("approved though within the caps", WITHIN, {"approval": YES}),
        ("approved though nothing was capped", {"cases": 1}, {"approval": YES}),
        ("approved another manifest", OVER, {"approval": {**YES, "manifest_sha256": "cd" * 32}}),
        ("approved no manifest", OVER, {"approval": changed(YES, {"manifest_sha256": None})}),
        ("approved by who started it", OVER, {"approval": {**YES, "started_by": "reviewer"}}),
        ("approved by nobody", OVER, {"approval": changed(YES, {"answered_by": None})}),
        ("approved by an empty name", OVER, {"approval": {**YES, "answered_by": ""}}),
        ("approved before it was asked", OVER, {"approval": {**YES, "answered_at": at(1).isoformat()}}),
        ("approved after the result", OVER, {"approval": {**YES, "answered_at": at(DAYS + 9).isoformat()}}),
        ("approved at no moment", OVER, {"approval": {**YES, "answered_at": "yesterday"}}),
        ("approved for another cap", OVER, {"approval": {**YES, "over": ["bytes"]}}),
        ("approved with a field more", OVER, {"approval": {**YES, "note": "x"}}),
        ("approved with a field less", OVER, {"approval": changed(YES, {"asked_at": None})}),
        ("said maybe", OVER, {"approval": {**YES, "answer": "maybe"}}),
        ("a text for an approval", OVER, {"approval": "approved"}),
        *((f"verified though {no}", OVER, {"approval": {"over": ["entries"], "answer": no}})
          for no in ("rejected", "timed_out", "void", "none")),
        ("acted though rejected", OVER,
         {"outcome": "failed", "approval": {"over": ["entries"], "answer": "rejected"}}),
        ("over the caps, failed, and nobody was asked", OVER,
         {"outcome": "failed", "items": [], "set_root": EMPTY, "counts": nothing,
          "claims": {"OBSERVED_ABSENT": {"cases": 0, "of_them_after_deadline": 0}}}),
        ("judged with other entries than planned", {**OVER, "erase_items": 8}, {"approval": YES}),
        ("judged with other bytes than planned", {**OVER, "erase_bytes": 8}, {"approval": YES}),
        ("not judged by entries", {**OVER, "caps": {"bytes": CAPS["bytes"]}}, {}),
        ("judged by numbers that are none",
         {**OVER, "caps": {**CAPS, "entries": {"found": "9", "allowed": "lots"}}}, {"approval": YES}),
        ("judged by caps that are a list", {**OVER, "caps": []}, {"approval": YES}),
    ):  # fmt: skip
        plan: Mapping[str, Any] = {"planned": planned_}
        written("runs", name, (PLAN, plan), (ASSERTIONS, {}), (RESULT, {"planned": planned_, **found}))


ARCHIVE = "payment_archive"
RECORDS = {
    "rows": 9, "expiring_rows": 4, "ended_hot_rows": 5,
    "caps": {"records to archive": {"found": "9", "allowed": "3"}, "records to erase": {"found": "9", "allowed": "9"}},
}  # fmt: skip
ARCHIVED = {"pipeline": ARCHIVE, "counts": dict.fromkeys(PIPELINES[ARCHIVE], 0)}
YES_TO_RECORDS = {**YES, "over": ["records to archive"]}


def _approved_archive() -> None:
    """The archive's caps are its own, and count like the purge's."""
    yes = {"approval": YES_TO_RECORDS}
    for name, planned_, found in (
        ("records over the caps, and nobody was asked", RECORDS, {}),
        ("records of another manifest were approved", RECORDS,
         {"approval": {**YES_TO_RECORDS, "manifest_sha256": "cd" * 32}}),
        ("records approved by who started it", RECORDS, {"approval": {**YES_TO_RECORDS, "started_by": "reviewer"}}),
        ("archived though rejected", RECORDS, {"approval": {"over": ["records to archive"], "answer": "rejected"}}),
        ("judged with other records to archive than planned", {**RECORDS, "rows": 8}, yes),
        ("judged with other records to erase than planned", {**RECORDS, "ended_hot_rows": 4}, yes),
        ("judged with records that nobody counted", changed(RECORDS, {"expiring_rows": None}), yes),
        ("not judged by the archive's caps", {**RECORDS, **OVER}, {"approval": YES}),
    ):  # fmt: skip
        subject = {"_name": f"{ARCHIVE}/run-{NUMBER}"}
        plan: Mapping[str, Any] = {"pipeline": ARCHIVE, "planned": planned_, **subject}
        asserted: Mapping[str, Any] = {"pipeline": ARCHIVE, **subject}
        result: Mapping[str, Any] = {**ARCHIVED, "planned": planned_, **found, **subject}
        written("runs", name, (PLAN, plan), (ASSERTIONS, asserted), (RESULT, result))
    within = {"planned": WITHIN, "pipeline": "policy_change", "_name": f"policy_change/run-{NUMBER}"}
    none = {**within, "counts": dict.fromkeys(PIPELINES["policy_change"], 0)}
    told = {name: within[name] for name in ("pipeline", "_name")}
    written("runs", "caps of a pipeline that has none", (PLAN, within), (ASSERTIONS, told), (RESULT, none))


def planned(*numbers: int) -> list[dict[str, Any]]:
    """Cases of a plan."""
    return [item(number, "PLANNED") for number in numbers]


def _books() -> None:
    both = planned(90, 91)
    written("counts", "another set root of a plan", (PLAN, {"set_root": "00" * 32}))
    written("counts", "a case hidden from the set root of a plan", (PLAN, {"items": both}))
    for name, value in (("is not zero", 1), ("is not known", None), ("is a text", "0")):
        for kind in PIPELINES["evidence_audit"]:
            counts = dict.fromkeys(PIPELINES["evidence_audit"], 0) | {kind: value}
            change = {"pipeline": "evidence_audit", "counts": counts}
            written("counts", f"a verified audit of which {kind} {name}", (RESULT, change))


def _parts() -> None:
    for kind, name in NAMES.items():
        for part in ("pipeline", "run", "policy", "code", "signed_at"):
            written("statements", f"{name} without {part}", (kind, {part: None}))
        run, policy = GOOD[kind]()["run"], GOOD[kind]()["policy"]
        heads: dict[str, dict[str, Any]] = {
            "of a pipeline nobody knows": {"pipeline": "photo_purge2"},
            "of a pipeline that is a number": {"pipeline": 1},
            "of a run without number": {"run": changed(run, {"number": None})},
            "of a run with a negative number": {"run": {**run, "number": -1}},
            "of a run whose number is true": {"run": {**run, "number": True}},
            "of a run at no moment": {"run": {**run, "as_of": "yesterday"}},
            "of a run with a name more": {"run": {**run, "dag_run_id": "x"}},
            "of a policy without digest": {"policy": changed(policy, {"sha256": None})},
            "of a policy with a short digest": {"policy": {**policy, "sha256": "00"}},
            "of code that is a number": {"code": 1},
        }
        for what, change in heads.items():
            written("statements", f"{name} {what}", (kind, change))
    for part in ("clauses", "dry_run", "eligible", "items", "planned", "set_root"):
        written("statements", f"a plan without {part}", (PLAN, {part: None}))
    for part in ("assertions", "round", "success", "suite", "suite_sha256"):
        written("statements", f"assertions without {part}", (ASSERTIONS, {part: None}))
    for part in ("planned", "clauses"):
        written("statements", f"a result without {part}", (RESULT, {part: None}))
    written("statements", "a result that is only planned", (RESULT, {"outcome": "planned"}))
    plans: dict[str, dict[str, Any]] = {
        "with a field more": {"outcome": "planned"},
        "that may be a dry run": {"dry_run": "maybe"},
        "of a negative number of entries": {"eligible": -1},
        "of entries that are a text": {"eligible": "3"},
        "of a case that is absent": {"items": [item(90)]},
        "of a case in no state": {"items": [{k: v for k, v in item(90).items() if k != "state"}]},
        "of a case with residue": {"items": [item(90, residue=[{"where": "x", "until": at(9).isoformat()}])]},
        "of a case twice": {"items": planned(90, 90)},
        "of cases out of order": {"items": planned(91, 90)},
        "that is dry and claims a case": {"dry_run": True},
        "of clauses that are a text": {"clauses": "3.2"},
    }
    for name, change in plans.items():
        written("statements", f"a plan {name}", (PLAN, change))
    asserted: dict[str, dict[str, Any]] = {
        "with a field more": {"outcome": "verified"},
        "of nothing": {"assertions": []},
        "that are no list": {"assertions": "fine"},
        "with a field more in one": {"assertions": [{**ASSERTED[0], "value": "x"}]},
        "with a field less in one": {"assertions": [changed(ASSERTED[0], {"expected": None})]},
        "that observed a number": {"assertions": [{**ASSERTED[0], "observed": 0}]},
        "of which one is neither true nor false": {"assertions": [{**ASSERTED[0], "success": 1}]},
        "that failed and succeeded": {"assertions": FAILED},
        "that held and failed": {"success": False},
        "of round zero": {"round": 0},
        "of a suite with a short digest": {"suite_sha256": "00"},
        "of a suite that is a list": {"suite": ["photo_purge"]},
    }
    for name, change in asserted.items():
        written("statements", f"assertions {name}", (ASSERTIONS, change))


for _register in (_order, _sealed, _follows, _approved, _approved_archive, _books, _parts):
    _register()
