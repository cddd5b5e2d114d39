"""submit, poll, verify: ask vendors, each once a run; what they say is noted and never made more of.

Intent is committed before a vendor is called, under a new epoch; its answer only counts under that epoch. Whoever dies
in between leaves *submitted*: the next one asks again with the same key.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Literal

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.protocol import posture
from data_lifecycle.protocol.house import House, PromiseBroken, listed, log
from data_lifecycle.vendor_erasure.plan import Progress, Standing, after_answer, after_look
from data_lifecycle.vendor_erasure.planning import ROLE
from data_lifecycle.vendors.accounts import Accounts
from data_lifecycle.vendors.connector import (
    Answer,
    Connector,
    ErasureRequest,
    Identity,
    IdentityType,
    Look,
    Sight,
)
from data_lifecycle.vendors.connectors import NoSuchConnector, open_connector

Stage = Literal["submit", "poll", "verify"]
_NO_ACCOUNT = Answer("unreachable", None, "no-credentials")


class _Vendors:
    """The connectors of a step, opened once each."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._open: dict[tuple[str, str], Connector | Answer] = {}

    def get(self, vendor: str, name: str) -> Connector | Answer:
        """The connector, or the answer that its absence stands for."""
        if (vendor, name) not in self._open:
            self._open[vendor, name] = self._find(vendor, name)
        return self._open[vendor, name]

    def _find(self, vendor: str, name: str) -> Connector | Answer:
        try:
            found = open_connector(name, self._accounts.find(vendor))
        except NoSuchConnector as error:
            log.error("vendor %s: %s; a person has to ask", vendor, error)
            return Answer("manual", None, "no-such-connector")
        except ValueError as error:  # the connectors' own words about what an account lacks
            log.error("vendor %s: its connection is not complete: %s", vendor, error)
            return Answer("unreachable", None, "connection-not-complete")
        if found is None:
            log.warning("vendor %s: no credentials were given; it is not asked", vendor)
            return _NO_ACCOUNT
        return found


def run_stage(house: House, run_id: int, stage: Stage, accounts: Accounts) -> dict[str, int]:
    """Work on all erasures of the run that are at this stage; how many came to which state.

    One vendor's failure stalls no other. While the house is paused no vendor is asked to erase anything; polling and
    looking go on. PromiseBroken when guard has not released the run.
    """
    reached: dict[str, Counter[str]] = defaultdict(Counter)
    vendors = _Vendors(accounts)
    with connect(house.connections.database(ROLE), f"vendor_erasure {stage}") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        if run["released_at"] is None:
            raise PromiseBroken(f"run {run_id} was not released by guard: its plan is not published")
        work = fetch(connection, "vendor_erasure/select_work", run_id=run_id, stage=stage)
        connection.commit()
        for row in work:
            if stage == "submit" and (pause := posture.pause_in_force(connection)):
                log.warning("no vendor is asked to erase anything more: %s", pause)
                break
            state = _work(connection, run, row, stage, vendors)
            reached[row["vendor"]][state] += 1
    for vendor, states in sorted(reached.items()):
        log.info("%s at %s: %s", stage, vendor, listed(dict(sorted(states.items()))))
    if not work:
        log.info("%s: nothing is at this stage", stage)
    return dict(sum(reached.values(), Counter()))


def _work(connection: Connection, run: Row, row: Row, stage: Stage, vendors: _Vendors) -> str:
    subjects = fetch(connection, "vendor_erasure/select_subjects", erasure_id=row["erasure_id"])
    if stage == "submit" and any(subject["held"] for subject in subjects):
        connection.rollback()
        return "held"
    claimed = fetch(
        connection,
        "vendor_erasure/claim_erasure",
        erasure_id=row["erasure_id"],
        epoch=row["epoch"],
        as_of=run["as_of"],
        submitting=stage == "submit",
    )
    connection.commit()
    if not claimed:
        return "taken over by another run"
    now = run["as_of"]
    before = standing(row)
    connector = vendors.get(row["vendor"], row["connector"])
    request = (
        connector
        if isinstance(connector, Answer)
        else _request(row, subjects, connector.capabilities().identified_by, claimed[0])
    )
    if isinstance(connector, Answer) or isinstance(request, Answer):
        failure = request if isinstance(request, Answer) else _NO_ACCOUNT
        progress = (
            after_look(before, Look(Sight.UNKNOWABLE, failure.code), now)
            if stage == "verify"
            else after_answer(before, failure, now)
        )
    elif stage == "verify":
        progress = after_look(before, _look(connector, request, row), now)
    else:
        call = connector.submit if stage == "submit" else _poll(connector, row["reference"])
        progress = after_answer(before, _ask(call, request, row["vendor"]), now)
    if not record(connection, row, claimed[0]["epoch"], progress):
        connection.rollback()
        return "taken over by another run"
    connection.commit()
    return progress.state


def standing(row: Row) -> Standing:
    """What is known of an erasure from its row."""
    by_clock = row["mode"] == "ttl_only" and row["last_sent"] is not None
    return Standing(
        row["confirms"],
        row["max_residual"],
        row["attempts"],
        row["accepted_at"],
        row["completed_at"],
        row["last_sent"] + row["max_residual"] if by_clock else None,
        row["sight"],
    )


def record(connection: Connection, row: Row, epoch: int, progress: Progress) -> bool:
    """Note how far it is, if nobody else has claimed it since; the caller commits."""
    changed = execute(
        connection,
        "vendor_erasure/record_progress",
        erasure_id=row["erasure_id"],
        epoch=epoch,
        state=progress.state,
        sight=progress.sight,
        code=progress.code,
        reference=progress.reference,
        accepted_at=progress.accepted_at,
        completed_at=progress.completed_at,
        verified_at=progress.verified_at,
        residual_until=progress.residual_until,
        next_poll_at=progress.next_poll_at,
    )
    return changed == 1


def _request(row: Row, subjects: list[Row], kind: IdentityType, claimed: Row) -> ErasureRequest | Answer:
    """What the vendor is told; if one disclosure cannot be named to it, nothing is: the rest would look like all."""
    values = [subject[kind] for subject in subjects]
    if not values or not all(values):
        return Answer("manual", None, "a-disclosure-cannot-be-named-to-the-vendor")
    return ErasureRequest(
        subject_request_id=row["erasure_id"],
        subject_identities=tuple(
            Identity(identity_type=kind, identity_value=value) for value in dict.fromkeys(values)
        ),
        submitted_time=claimed["submitted_at"] or row["planned_at"],
        idempotency_key=row["idempotency_key"],
    )


def _poll(connector: Connector, reference: str | None) -> Callable[[ErasureRequest], Answer]:
    return lambda request: connector.poll(request, reference)


def _ask(call: Callable[[ErasureRequest], Answer], request: ErasureRequest, vendor: str) -> Answer:
    try:
        return call(request)
    except Exception as error:  # noqa: BLE001 — a client may fail in any way; it must not stall other vendors
        log.error("vendor %s: the connector failed: %s", vendor, type(error).__name__)
        return Answer("unreachable", None, "connector-failed")


def _look(connector: Connector, request: ErasureRequest, row: Row) -> Look:
    try:
        return connector.verify(request, row["reference"])
    except Exception as error:  # noqa: BLE001 — see above; a look that failed has seen nothing
        log.error("vendor %s: the look failed: %s", row["vendor"], type(error).__name__)
        return Look(Sight.UNKNOWABLE, "connector-failed")
