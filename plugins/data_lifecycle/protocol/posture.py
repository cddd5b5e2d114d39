"""The switch that pauses whatever destroys: erasing, removing, expiring, asking vendors to erase, destroying keys.

Plans, observations, assertions and statements go on. Steps ask before every request or transaction; the database
refuses by itself what a step forgot to ask for. What is under way at that moment, one request or one transaction, ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from data_lifecycle.database import Connection, connect, execute, fetch
from data_lifecycle.protocol.house import House, PromiseBroken

OFFICER = "duty_officer"
"""The database role that may throw the switch, and nothing else."""


@dataclass(frozen=True, slots=True)
class Posture:
    """What was said last: paused or resumed, when (UTC), by which account, and why."""

    paused: bool
    at: datetime
    by: str
    why: str

    def __str__(self) -> str:
        """For people: "paused since … by …: why"."""
        word = "paused since" if self.paused else "resumed at"
        return f"{word} {self.at.astimezone(UTC).isoformat(timespec='seconds')} by {self.by}: {self.why}"


class Paused(PromiseBroken):
    """Somebody paused whatever destroys: this step must not go on."""


def current(connection: Connection) -> Posture | None:
    """What was said last; None if nobody ever paused anything."""
    rows = fetch(connection, "posture/read_posture")
    return Posture(rows[0]["paused"], rows[0]["at"], rows[0]["by_whom"], rows[0]["why"]) if rows else None


def pause_in_force(connection: Connection) -> Posture | None:
    """The pause that is in force, if one is."""
    found = current(connection)
    return found if found is not None and found.paused else None


def refuse_while_paused(connection: Connection, what: str) -> None:
    """Raise Paused, saying that ``what`` does not happen, if a pause is in force. Reads in the open transaction."""
    if pause := pause_in_force(connection):
        raise Paused(f"{what}: {pause}; ./lifecycle resume ends the pause")


def read(house: House, role: str = OFFICER) -> Posture | None:
    """What was said last, asked with the credentials of ``role``."""
    with connect(house.connections.database(role), "posture") as connection:
        return current(connection)


def throw(house: House, *, paused: bool, by: str, why: str) -> bool:
    """Pause or resume from the next request on; False if that was so already, and then nothing is noted.

    ``why`` names no customer. psycopg2's errors when the database cannot be reached: then nothing has changed.
    """
    with connect(house.connections.database(OFFICER), "posture") as connection:
        found = current(connection)
        if (found is not None and found.paused) is paused:
            return False
        execute(connection, "posture/insert_posture", paused=paused, by_whom=by, why=why)
        connection.commit()
    return True
