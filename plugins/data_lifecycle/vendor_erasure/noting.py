"""What reaches us without our asking: a person's note about a vendor, a vendor's signed callback."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.protocol.house import House, PromiseBroken, Refused, log
from data_lifecycle.vendor_erasure.acting import record, standing
from data_lifecycle.vendor_erasure.plan import Progress, after_answer, after_look
from data_lifecycle.vendor_erasure.planning import ROLE
from data_lifecycle.vendors.accounts import Accounts
from data_lifecycle.vendors.connector import RANK, Answer, Look, Sight
from data_lifecycle.vendors.connectors.opendsr import OpenDsr
from data_lifecycle.vendors.connectors.opendsr import Refused as CallbackRefused

Found = Literal["accepted", "completed", "verified", "rejected"]


class TakenBefore(Refused):
    """A callback that was taken before, byte for byte: a replay, or a vendor that did not hear our answer."""


def note(house: House, erasure_id: str, found: Found, noted_by: str, text: str) -> str:
    """Keep what a person found out, and take the erasure as far as the register lets this vendor confirm; its state.

    ``text`` says from what they know it, and names no customer. Refused for an erasure that there is not, one that is
    verified already, and a note that says nothing or has an e-mail address in it.
    """
    if len(text.strip()) < 10:
        raise Refused(
            "the note is too short: say from what you know it, for example the date of the vendor's letter"
        )
    if "@" in text:
        raise Refused("the note has an address in it: it must name no person, for it is kept for good")
    with connect(house.connections.database(ROLE), "vendor_erasure note") as connection:
        row, now = _find(connection, erasure_id)
        if row["state"] == "verified":
            raise Refused("this erasure is verified already")
        execute(
            connection,
            "vendor_erasure/insert_confirmation",
            erasure_id=row["erasure_id"],
            said=found,
            noted_by=noted_by,
            note=text.strip(),
        )
        before = standing(row)
        progress = after_answer(before, Answer("completed" if found == "verified" else found), now)
        if progress.state == "completed":
            done = standing(
                {**row, "accepted_at": progress.accepted_at, "completed_at": progress.completed_at}
            )
            look = (
                Look(Sight.ABSENT) if found == "verified" else Look(Sight.UNKNOWABLE, "a-person-did-not-look")
            )
            progress = after_look(done, look, now)
        _keep(connection, row, progress)
    log.info("erasure %s: a person noted %s; it is %s", erasure_id, found, progress.state)
    if RANK[found] > RANK[row["confirms"]] if found in RANK else False:
        log.warning("by the register this vendor confirms %s at most: no more is claimed", row["confirms"])
    return progress.state


def take_callback(
    house: House, accounts: Accounts, vendor: str, headers: Mapping[str, str], body: bytes
) -> str:
    """Take a signed callback of an OpenDSR vendor; the state reached.

    Refused for a callback that is unsigned, signed by another, addressed to another, about another vendor's erasure or
    about none; TakenBefore (a kind of it) for one that was taken already. PromiseBroken while a run works on the
    erasure: the vendor is to try again. Nothing is kept in either case.
    """
    account = accounts.find(vendor)
    if account is None:
        raise Refused("callback: no credentials of this vendor")
    try:
        signed = OpenDsr(account).read_callback(headers, body)
    except CallbackRefused as refused:
        raise Refused(f"callback: {refused}") from None
    except ValueError as incomplete:  # of the connection, of which it says what is missing
        log.error("vendor %s: callbacks cannot be checked: %s", vendor, incomplete)
        raise Refused("callback: this vendor's connection has no key to check it by") from None
    with connect(house.connections.database(ROLE), "vendor_erasure callback") as connection:
        row, now = _find(connection, signed.subject_request_id)
        if row["vendor"] != vendor:
            raise Refused("callback: about another vendor's erasure")
        if row["submitted_at"] is None:
            raise Refused("callback: about an erasure that was never asked for")
        fresh = execute(
            connection,
            "vendor_erasure/insert_callback",
            erasure_id=row["erasure_id"],
            body_sha256=signed.sha256,
            said=signed.answer.said,
        )
        if not fresh:
            raise TakenBefore("callback: taken before")
        if row["completed_at"] is not None:
            connection.commit()  # kept, but what is done does not become less
            return str(row["state"])
        progress = after_answer(standing(row), signed.answer, now)
        _keep(connection, row, progress)
    log.info("erasure %s: callback of %s says %s", row["erasure_id"], vendor, signed.answer.said)
    return progress.state


def _find(connection: Connection, erasure_id: str) -> tuple[Row, datetime]:
    try:
        name = UUID(erasure_id)
    except ValueError:
        raise Refused("an erasure is named by a UUID, as in the log") from None
    rows = fetch(connection, "vendor_erasure/find_erasure", erasure_id=name)
    if not rows:
        raise Refused("there is no such erasure")
    return rows[0], fetch_one(connection, "run/read_clock")["now"]


def _keep(connection: Connection, row: Row, progress: Progress) -> None:
    if not record(connection, row, row["epoch"], progress):
        raise PromiseBroken("a run is working on this erasure at this moment; try again when it has finished")
    connection.commit()
