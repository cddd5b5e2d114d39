"""approve: a plan over its caps waits for a person, whose word counts for exactly that plan and for no other.

An answer is noted before anything follows from it. At the release the plan is made again as of the same moment: unless
it is the same to the byte and its cases are still the run's own, the answer is void.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from data_lifecycle.database import Row, connect, execute, fetch, fetch_one
from data_lifecycle.photo_purge import caps
from data_lifecycle.photo_purge.guarding import release
from data_lifecycle.photo_purge.planning import digest_now
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, listed, log

SAMPLE = 5
"""Cases shown to whoever is asked."""
Word = Literal["approved", "rejected", "timed_out"]


class Rejected(PromiseBroken):
    """A person said no: nothing is erased."""


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


def batches_of(house: House, run_id: int) -> list[int] | None:
    """The batches of a run that was released; None while it waits for an answer."""
    run = _run(house, run_id)
    return list(range(run["batches"])) if run["released_at"] is not None else None


def question(house: House, run_id: int, started_by: str | None) -> Question:
    """What to ask about a run that is over its caps. PromiseBroken if nobody but who started it may answer."""
    with connect(house.connections.database("studio_reader"), "photo_purge approve") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        sample = fetch(connection, "approval/select_sample", run_id=run_id, cases=SAMPLE)
        usual = fetch_one(connection, "photo_purge/trailing_median", pipeline=run["pipeline"])
    approvers = tuple(account for account in house.settings.approvers if account != started_by)
    if not approvers:
        raise PromiseBroken(f"run {run_id} is over its caps, and nobody may approve it but who started it")
    over = caps.exceeded(run["facts"]["caps"])
    subject = f"Photo purge, run {run_id}: more than usual is due ({', '.join(over)})"
    return Question(subject, _body(run, over, sample, usual, started_by), run["manifest_sha256"], approvers)


def settle(house: House, run_id: int, answer: Answer, started_by: str | None) -> list[int]:
    """Note the answer, and release the run if it counts: its batches.

    Raises Rejected for a no; PromiseBroken when nobody answered in time, or when the answer does not count: it names
    another manifest, comes from whoever started the run or from somebody who may not approve, or the plan changed.
    """
    run = _run(house, run_id)
    if answer.word == "timed_out":
        _note(house, run, answer, started_by)
        raise PromiseBroken(f"nobody answered in time: run {run_id} erases nothing")
    if answer.word == "rejected":
        _note(house, run, answer, started_by)
        raise Rejected(f"run {run_id} was rejected by {answer.by}: it erases nothing")
    if why := _does_not_count(house, run, answer, started_by):
        _note(house, run, answer, started_by, why)
        raise PromiseBroken(
            f"the approval of run {run_id} does not count: {why}. Clear this step to be asked again"
        )
    _note(house, run, answer, started_by)
    return release_approved(house, run_id)


def approved(house: House, run_id: int) -> bool:
    """Whether the latest word about the run is an approval of its manifest that nothing came of yet."""
    run = _run(house, run_id)
    with connect(house.connections.database("studio_reader"), "photo_purge approve") as connection:
        answers = fetch(connection, "approval/select_answers", run_id=run_id)
    return bool(answers) and (answers[0]["answer"], answers[0]["manifest_sha256"]) == (
        "approved",
        run["manifest_sha256"],
    )


def release_approved(house: House, run_id: int) -> list[int]:
    """Release a run whose manifest was approved: its batches. PromiseBroken, and the approval void, if it changed."""
    run = _run(house, run_id)
    with connect(house.connections.database("studio_reader"), "photo_purge approve") as connection:
        latest = fetch(connection, "approval/select_answers", run_id=run_id)[0]
        claims = fetch_one(connection, "approval/count_claims", run_id=run_id)["cases"]
    if claims != run["facts"]["cases"] or digest_now(house, run) != run["manifest_sha256"]:
        answer = Answer("approved", latest["manifest_sha256"], latest["answered_by"], latest["asked_at"])
        _note(house, run, answer, latest["started_by"], "changed since it was sealed")
        raise PromiseBroken(
            f"run {run_id} changed since it was sealed: planned anew by the next run, asked anew"
        )
    log.info("unchanged since it was sealed and approved: manifest sha256 %s", run["manifest_sha256"])
    return release(house, run)


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
    with connect(house.connections.database(ledger.WRITER), "photo_purge approve") as connection, connection:
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


def _run(house: House, run_id: int) -> Row:
    with connect(house.connections.database("studio_reader"), "photo_purge approve") as connection:
        return fetch_one(connection, "run/read_run", run_id=run_id)


def _body(run: Row, over: Sequence[str], sample: Sequence[Row], usual: Row, started_by: str | None) -> str:
    facts = run["facts"]
    lines = [
        f"Run {run['run_id']} would erase **{facts['erase_items']} entries, {facts['erase_bytes']} bytes** of "
        f"{facts['cases']} orders ({listed(facts['cases_by_reason'])}), due as of "
        f"{run['as_of'].astimezone(UTC).isoformat(timespec='seconds')}, policy version {run['policy_version']}.",
        f"Started by: {started_by or 'the schedule'}. "
        f"The last {usual['runs']} runs erased a median of {usual['median'] or 0} entries.",
        "",
        "| cap | this run | allowed unasked | |",
        "|---|---|---|---|",
        *(
            f"| {name} | {pair['found']} | {pair['allowed']} | {'**over**' if name in over else 'within'} |"
            for name, pair in facts["caps"].items()
        ),
        "",
        f"Past their deadline: {facts['cases_past_deadline']}. Under legal hold, not touched: "
        f"{facts['held_items']} entries. Still needed, not touched: {facts['kept_items']} entries.",
        "",
        "| some of its cases | why | entries | bytes | to be absent by |",
        "|---|---|---|---|---|",
        *(
            f"| {row['case_id']} | {row['reason']} | {row['entries']} | {row['bytes']} | "
            f"{row['deadline_at'].astimezone(UTC).isoformat(timespec='minutes')} |"
            for row in sample
        ),
        "",
        "To approve, give the manifest's SHA-256; the approval counts for it alone:",
        "",
        f"`{run['manifest_sha256']}`",
    ]
    return "\n".join(lines)
