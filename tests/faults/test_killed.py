"""SIGKILL at every boundary of a step and in the middle of it: whoever goes on converges, with one claim."""

from __future__ import annotations

import multiprocessing
import signal
from dataclasses import dataclass

import pytest
from tests.faults import runner
from tests.faults.workshop import Entry, Workshop

from data_lifecycle.evidence.lifecycle_verify import ASSERTIONS, PLAN, RESULT
from data_lifecycle.settings import Settings

# Each killed process is forked from one that has imported everything and has no connection of ours.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.faults.runner", "boto3", "data_lifecycle.policy.loader"])
ORDER = ("plan", "guard", "act", "observe", "settle", "sweep", "assert", "attest")
POINTS = {
    "plan: sealed, not committed": ("plan", "photo_purge.planning:_tell::before:1"),
    "plan: committed": ("plan", "end"),
    "guard: plan stated, not committed": ("guard", "photo_purge.guarding:state_plan::after:1"),
    "guard: plan committed, not stored": ("guard", "protocol.ledger:publish::before:1"),
    "guard: a heartbeat, not committed": ("guard", "protocol.ledger:record_heartbeats::after:1"),
    "guard: plan stored, not noted": ("guard", "evidence.vault:keep::after:1"),
    "guard: stored, no place in the log": ("guard", "evidence.sequencer:Sequencer.run::before:1"),
    "guard: place given, nothing signed": ("guard", "evidence.sequencer:sign::before:1"),
    "guard: head published, not noted": ("guard", "evidence.logbucket:LogBucket.put_checkpoint::after:1"),
    "guard: published, not released": ("guard", "protocol.ledger:publish::after:1"),
    "guard: released, not committed": (
        "guard",
        "protocol.releasing:execute:run/release_run:after:1",
    ),
    "guard: released": ("guard", "end"),
    "act: intent not committed": ("act", "photo_purge.acting:fetch:photo_purge/record_intent:after:1"),
    "act: intent committed, nothing sent": ("act", "photo_purge.acting:_erase::before:1"),
    "act: one request answered": ("act", "objects.erase:_call::after:1"),
    "act: some requests answered": ("act", "objects.erase:_call::after:4"),
    "act: all sent, no outcome": ("act", "photo_purge.acting:execute:photo_purge/record_outcomes:before:1"),
    "act: outcomes not committed": ("act", "photo_purge.acting:execute:photo_purge/record_outcomes:after:1"),
    "act: done": ("act", "end"),
    "observe: copied, not committed": (
        "observe",
        "photo_purge.observing:copy_rows:photo_purge/copy_observations:after:1",
    ),
    "observe: committed": ("observe", "end"),
    "settle: late arrivals taken up": ("settle", "photo_purge.acting:act_batch::before:1"),
    "settle: acted": ("settle", "end"),
    "sweep: judged, not committed": (
        "sweep",
        "photo_purge.observing:execute:photo_purge/insert_resurfaced:after:1",
    ),
    "sweep: committed": ("sweep", "end"),
    "assert: stored, not stated": ("assert", "protocol.concluding:state_assertions::before:1"),
    "assert: stated, not committed": ("assert", "protocol.ledger:state_assertions::after:1"),
    "assert: stated": ("assert", "end"),
    "attest: closed, not stated": ("attest", "protocol.ledger:state_result::before:1"),
    "attest: stated, not committed": ("attest", "protocol.concluding:_come_to::after:1"),
    "attest: committed, not stored": ("attest", "protocol.ledger:publish::before:1"),
    "attest: stored, not noted": ("attest", "evidence.vault:keep::after:1"),
    "attest: noted, not committed": ("attest", "protocol.ledger:execute:evidence/mark_stored:after:1"),
    "attest: one stored, not the other": ("attest", "evidence.vault:keep::before:2"),
    "attest: stored, no place in the log": ("attest", "evidence.sequencer:Sequencer.run::before:1"),
    "attest: place given, nothing told": ("attest", "evidence.sequencer:Sequencer._publish::before:1"),
    "attest: told, nothing signed": ("attest", "evidence.sequencer:sign::before:1"),
    "attest: head published, not noted": ("attest", "evidence.logbucket:LogBucket.put_checkpoint::after:1"),
    "attest: published": ("attest", "end"),
}


@dataclass(frozen=True)
class Scene:
    due: list[str]
    held: str
    spared: set[Entry]
    late: str


@pytest.fixture
def scene(shop: Workshop) -> Scene:
    """Due orders of every shape beside a held one, one that is not due, and a neighbour whose name begins the same."""
    plain = shop.order(files=2)
    shop.order(ended=None, order_id=plain + "3")
    many = shop.order(files=0)
    front = shop.file(many, "a b+ü\n.jpg", versions=3, marker=True, unfinished=True)
    shop.file(many, "thumb.jpg", derived_from=front)
    shared = shop.order(files=0)
    shop.share(front, shared)
    held = shop.order(files=0)
    shop.hold(shop.file(held))
    open_order = shop.order(ended=None)
    common = shop.file(plain, "common.jpg")
    shop.share(common, open_order)
    spared = {entry for entry in shop.everything() if entry[1].split("/")[1] not in (plain, many, shared)}
    spared |= {entry for entry in shop.everything() if entry[1] == common.key}
    return Scene([plain, many, shared], held, spared, f"orders/{many}/late.jpg")


def kill(step: str, run_id: int, point: str, settings: Settings) -> None:
    """Run a step in a process that must not survive it."""
    process = PROCESSES.Process(target=runner.run, args=(step, run_id, point, settings))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def go(shop: Workshop, step: str, run_id: int) -> object:
    """A step in this process, undisturbed."""
    if step == "act":
        return shop.act(run_id)
    if step == "settle":
        return runner.STEPS["settle"](shop.house, run_id) and runner.STEPS["observe"](shop.house, run_id)
    if step == "attest":
        return shop.attest(run_id)
    return runner.STEPS[step](shop.house, run_id)


def check(shop: Workshop, scene: Scene) -> None:
    assert shop.everything() == scene.spared
    for order_id in scene.due:
        assert shop.case(order_id) == "absent"
        assert shop.closings(order_id) == 1
        assert shop.state(order_id) == "absent"
    assert shop.case(scene.held) == "open"
    shop.assert_evidence_complete()
    result = shop.verify()
    assert result.refused is None
    for order_id in scene.due:
        assert shop.claims(order_id)[-1] == "OBSERVED_ABSENT"


# A killed plan leaves nothing to go on with but a new one.
CASES = [(point, "same run") for point, (step, _) in POINTS.items() if step != "plan"]
CASES += [
    (point, "new run") for point, (step, where) in POINTS.items() if step != "settle" and where != "end"
]
CASES += [
    (point, "new run")
    for point in ("plan: committed", "observe: committed", "settle: late arrivals taken up")
]


@pytest.mark.parametrize(("point", "again"), CASES, ids=[f"{point}, {again}" for point, again in CASES])
def test_whoever_goes_on_converges(shop: Workshop, scene: Scene, point: str, again: str) -> None:
    step, where = POINTS[point]
    run_id = 0 if step == "plan" else shop.plan()
    for earlier in ORDER[1 : ORDER.index(step)]:
        go(shop, earlier, run_id)
        if earlier == "act" and step == "settle":
            shop.s3.put_object(Bucket=shop.backup, Key=scene.late, Body=b"late")
    kill(step, run_id, where, shop.house.settings)
    if step == "act" and point != "act: intent not committed":
        states = shop.sql("SELECT DISTINCT state FROM lifecycle.item WHERE disposition = 'erase'")
        assert [row["state"] for row in states] == ["accepted" if where == "end" else "intended"]
    if again == "same run":
        rest = ORDER[ORDER.index(step) :]
    else:
        run_id, rest = shop.plan("two"), ORDER[1:]
    for later in rest:
        outcome = go(shop, later, run_id)
    assert outcome == "verified"
    check(shop, scene)
    stated = [(s["run_id"], s["predicate_type"]) for s in shop.statements() if s["run_id"]]
    # Whoever asserts anew asserts a further round: each is stated once, and the result says what the last one says.
    rounds = 2 if (point, again) == ("assert: stated", "same run") else 1
    assert {kind: stated.count((run_id, kind)) for kind in (PLAN, ASSERTIONS, RESULT)} == {
        PLAN: 1,
        ASSERTIONS: rounds,
        RESULT: 1,
    }
    assert {stated.count(one) for one in stated if one[1] != ASSERTIONS} == {1}
