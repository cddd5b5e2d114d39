"""guard and approve: a plan over its caps waits for a person, whose word counts for exactly that plan and no other.

An answer is noted before anything follows from it. At the release the plan is made again as of the same moment: unless
it is the same to the byte and still the run's own, the answer is void.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.protocol import ledger, posture
from data_lifecycle.protocol.caps import exceeded
from data_lifecycle.protocol.house import House, PromiseBroken, log
from data_lifecycle.protocol.releasing import StatePlan, publish_plan
from data_lifecycle.protocol.steps import final, go_on

SAMPLE = 5
"""Cases shown to whoever is asked."""
Word = Literal["approved", "rejected", "timed_out"]
Release = Callable[[House, Row], list[int]]
"""Lets a run act, given its row, as its pipeline does it: its batches. Raises Paused while the house is paused."""


class OverCaps(PromiseBroken):
    """The plan waits for a person's approval."""


class Rejected(PromiseBroken):
    """A person said no: nothing is done."""


@dataclass(frozen=True, slots=True)
class Petition:
    """What a pipeline brings along when one of its runs asks.

    ``title`` heads the question. ``role`` reads runs and answers. ``numbers`` tells of a run's row the lines (Markdown)
    above and below the table of caps, without anything that names a person. ``digest_now`` is what the SHA-256 of the
    manifest would be if the run were planned now as of the same moment; it writes nothing. ``still_its_own``: no other
    run has taken over what this one planned.
    """

    pipeline: str
    title: str
    role: str
    numbers: Callable[[Connection, Row], tuple[Sequence[str], Sequence[str]]]
    digest_now: Callable[[House, Row], str]
    still_its_own: Callable[[Connection, Row], bool]
    release: Release


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: a headline, the numbers in Markdown, the manifest's SHA-256 (hex), and who may answer."""

    subject: str
    body: str
    manifest_sha256: str
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: the word, the manifest it names, the account it came from (None: nobody), and when asked."""

    word: Word
    manifest_sha256: str | None
    by: str | None
    asked_at: datetime


def guard(
    house: House, run_id: int, pipeline: str, role: str, state_plan: StatePlan, release: Release
) -> list[int]:
    """Publish the sealed plan, then let it go: the batches to work on; an empty list for a dry run.

    The plan is in the public log before anything follows from it. Raises PromiseBroken when it cannot be published or
    was never judged by the caps of the policy, Paused while the house is paused, OverCaps when it exceeds one of them,
    and what ``release`` raises.
    """
    run = publish_plan(house, run_id, pipeline, state_plan)
    judged = run["facts"].get("caps")
    if judged is None:
        raise PromiseBroken(
            f"run {run_id} was planned without being judged by the caps: the next run plans anew"
        )
    over = exceeded(judged)
    for name, cap in judged.items():
        verdict = "EXCEEDED" if name in over else "within"
        log.info("cap %s: %s, limit %s: %s", name, cap["found"], cap["allowed"], verdict)
    if run["dry_run"]:
        log.info("dry run: stopping after the plan; nothing is changed")
        return []
    with connect(house.connections.database(role), f"{pipeline} guard") as connection:
        posture.refuse_while_paused(connection, f"run {run_id} is not released, its plan is public")
    if over:
        raise OverCaps(
            f"run {run_id} is over the cap for {', '.join(over)}: nothing is done unless a person approves it; "
            f"manifest sha256 {run['manifest_sha256']}"
        )
    return release(house, run)


def guard_step(guard_run: Callable[[House, int], list[int]], run_id: int) -> list[int]:
    """The step guard: the batches, none if the plan has to wait for an answer; skips the rest of a dry run."""
    with final(PromiseBroken):
        try:
            batches = guard_run(House.of_airflow(), run_id)
        except OverCaps as waits:
            log.warning("%s", waits)
            return []
    go_on(batches)
    return batches


def batches_of(petition: Petition, house: House, run_id: int) -> list[int] | None:
    """The batches of a run that was released; None while it waits for an answer."""
    run = _run(petition, house, run_id)
    return list(range(run["batches"])) if run["released_at"] is not None else None


def question(petition: Petition, house: House, run_id: int, started_by: str | None) -> Question:
    """What to ask about a run that is over its caps. PromiseBroken if nobody but who started it may answer."""
    with _reading(petition, house) as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        if not petition.still_its_own(connection, run):
            raise PromiseBroken(
                f"run {run_id} gave way to another: the next run plans anew what is left of it"
            )
        above, below = petition.numbers(connection, run)
    approvers = tuple(account for account in house.settings.approvers if account != started_by)
    if not approvers:
        raise PromiseBroken(f"run {run_id} is over its caps, and nobody may approve it but who started it")
    over = exceeded(run["facts"]["caps"])
    subject = f"{petition.title}, run {run_id}: more than usual is due ({', '.join(over)})"
    lines = [*above, f"Started by: {started_by or 'the schedule'}.", "", *_table(run, over), "", *below]
    return Question(subject, "\n".join([*lines, "", *_seal(run)]), run["manifest_sha256"], approvers)


def settle(
    petition: Petition, house: House, run_id: int, answer: Answer, started_by: str | None
) -> list[int]:
    """Note the answer, and release the run if it counts: its batches.

    Raises Rejected for a no; PromiseBroken when nobody answered in time, or when the answer does not count: it names
    another manifest, comes from whoever started the run or from somebody who may not approve, or the plan changed.
    """
    run = _run(petition, house, run_id)
    if answer.word == "timed_out":
        _note(house, run, answer, started_by)
        raise PromiseBroken(f"nobody answered in time: run {run_id} does nothing")
    if answer.word == "rejected":
        _note(house, run, answer, started_by)
        raise Rejected(f"run {run_id} was rejected by {answer.by}: it does nothing")
    if why := _does_not_count(house, run, answer, started_by):
        _note(house, run, answer, started_by, why)
        raise PromiseBroken(
            f"the approval of run {run_id} does not count: {why}. Clear this step to be asked again"
        )
    _note(house, run, answer, started_by)
    return release_approved(petition, house, run_id)


def approved(petition: Petition, house: House, run_id: int) -> bool:
    """Whether the latest word about the run is an approval of its manifest that nothing came of yet."""
    run = _run(petition, house, run_id)
    with _reading(petition, house) as connection:
        answers = fetch(connection, "approval/select_answers", run_id=run_id)
    return bool(answers) and (answers[0]["answer"], answers[0]["manifest_sha256"]) == (
        "approved",
        run["manifest_sha256"],
    )


def release_approved(petition: Petition, house: House, run_id: int) -> list[int]:
    """Release a run whose manifest was approved: its batches. PromiseBroken, and the approval void, if it changed."""
    with _reading(petition, house) as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        latest = fetch(connection, "approval/select_answers", run_id=run_id)[0]
        its_own = petition.still_its_own(connection, run)
    if not its_own or petition.digest_now(house, run) != run["manifest_sha256"]:
        answer = Answer("approved", latest["manifest_sha256"], latest["answered_by"], latest["asked_at"])
        _note(house, run, answer, latest["started_by"], "changed since it was sealed")
        raise PromiseBroken(
            f"run {run_id} changed since it was sealed: planned anew by the next run, asked anew"
        )
    log.info("unchanged since it was sealed and approved: manifest sha256 %s", run["manifest_sha256"])
    return petition.release(house, run)


def said(connection: Connection, run: Row) -> Mapping[str, Any]:
    """Fact of a result: what was said to a plan over its caps, and by whom; nothing of a plan that is within them.

    It is the latest word, or that nobody has said anything.
    """
    over = exceeded(run["facts"].get("caps", {}))
    if not over:
        return {}
    answers = fetch(connection, "approval/select_answers", run_id=run["run_id"])
    found: dict[str, Any] = {"over": over, "answer": "none"}
    for name, value in answers[0].items() if answers else ():
        if value is not None:
            found[name] = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
    log.info("over the cap for %s: %s by %s", ", ".join(over), found["answer"], found.get("answered_by"))
    return {"approval": found}


def _does_not_count(house: House, run: Row, answer: Answer, started_by: str | None) -> str | None:
    if answer.by not in house.settings.approvers:
        return "whoever gave it may not approve"
    if answer.by == started_by:
        return "whoever started a run may not approve it"
    if answer.manifest_sha256 != run["manifest_sha256"]:
        return "it names another manifest"
    return None


def _note(house: House, run: Row, answer: Answer, started_by: str | None, void: str | None = None) -> None:
    named = answer.manifest_sha256 or ""
    # What somebody typed is not repeated unless it can be a digest.
    digest = named if len(named) == 64 and set(named) <= set("0123456789abcdef") else run["manifest_sha256"]
    application = f"{run['pipeline']} approve"
    with connect(house.connections.database(ledger.WRITER), application) as connection, connection:
        noted = execute(
            connection,
            "approval/insert_answer",
            run_id=run["run_id"],
            manifest_sha256=digest,
            asked_at=answer.asked_at,
            answer="void" if void else answer.word,
            why=void,
            answered_by=answer.by,
            started_by=started_by,
        )
    if noted != 1:
        raise PromiseBroken("the database did not note the answer: something swallows the change")
    log.info(
        "answer noted: %s by %s%s", "void" if void else answer.word, answer.by or "nobody",
        f" ({void})" if void else "",
    )  # fmt: skip


def _reading(petition: Petition, house: House) -> AbstractContextManager[Connection]:
    return connect(house.connections.database(petition.role), f"{petition.pipeline} approve")


def _run(petition: Petition, house: House, run_id: int) -> Row:
    with _reading(petition, house) as connection:
        return fetch_one(connection, "run/read_run", run_id=run_id)


def _table(run: Row, over: Sequence[str]) -> list[str]:
    return [
        "| cap | this run | allowed unasked | |",
        "|---|---|---|---|",
        *(
            f"| {name} | {cap['found']} | {cap['allowed']} | {'**over**' if name in over else 'within'} |"
            for name, cap in run["facts"]["caps"].items()
        ),
    ]


def _seal(run: Row) -> list[str]:
    return [
        "To approve, give the manifest's SHA-256; the approval counts for it alone:",
        "",
        f"`{run['manifest_sha256']}`",
    ]
