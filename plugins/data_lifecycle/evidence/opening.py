"""Issuing openings: one order's items, for one reviewer, with a record of who did so and why."""

from __future__ import annotations

from dataclasses import dataclass

from data_lifecycle.database import Row, connect, execute, fetch
from data_lifecycle.evidence.commitment import (
    OpenedCase,
    Opening,
    OpeningError,
    Reference,
    commitments_root,
    open_case,
)
from data_lifecycle.protocol.house import House

LOOKUP = "evidence_lookup"


@dataclass(frozen=True, slots=True)
class Released:
    """An opening whose release is recorded, and how many further cases nobody can open any more."""

    opening: Opening
    lost: int

    @property
    def items(self) -> int:
        """How many items it opens."""
        return sum(len(case.items) for case in self.opening.cases)


def release(house: House, order: str, key: str | None, purpose: str, by: str) -> Released:
    """Open every item of every case of an order, or those of one file (object key), and record the release.

    ``by`` is who asks, ``purpose`` why; both are kept. Raises OpeningError when the order has no case, when one of them
    is still open, when nobody can open them any more, or when the database does not hold what was stated.
    """
    with connect(house.connections.database(LOOKUP), "evidence open") as connection:
        cases = fetch(connection, "evidence_opening/select_cases", order_id=order)
        whole = _openable(cases)
        references: dict[str, list[Reference]] = {case: [] for case in whole}
        for row in fetch(
            connection, "evidence/select_references", case_ids=[row["case_id"] for row in whole.values()]
        ):
            references[str(row["case_id"])].append(
                Reference(row["bucket"], row["object_key"], row["kind"], row["version_id"], row["order_id"])
            )
        opened = [_open(row, references[case], key) for case, row in whole.items()]
        found = tuple(case for case in opened if case is not None)
        if not found:
            raise OpeningError(
                "no item of this order is of that file" if key else "there are no items to open"
            )
        for case in found:
            execute(
                connection,
                "evidence_opening/insert_release",
                case_id=case.case,
                items=len(case.items),
                released_by=by,
                purpose=purpose,
            )
        # Recorded first: a file that nobody knows of is worse than a record of a file that was never written.
        connection.commit()
    return Released(Opening(order, found, key), len(cases) - len(whole))


def _openable(cases: list[Row]) -> dict[str, Row]:
    """Closed cases with their salts, by name."""
    if not cases:
        raise OpeningError("there is no case of this order: nothing was ever planned for it")
    pending = [str(row["case_id"]) for row in cases if row["state"] != "absent"]
    if pending:
        raise OpeningError(f"still open, nothing is claimed absent yet: case {', '.join(pending)}")
    whole = {str(row["case_id"]): row for row in cases if row["salt"] is not None}
    if not whole:
        named = ", ".join(str(row["case_id"]) for row in cases)
        raise OpeningError(f"the salts are destroyed, nobody can open this any more: case {named}")
    return whole


def _open(row: Row, references: list[Reference], key: str | None) -> OpenedCase | None:
    """The case, opened; None if it has no such item."""
    case, salt = str(row["case_id"]), bytes(row["salt"])
    stated = row["commitments_root"]
    if stated is None or commitments_root(salt, references) != bytes(stated).hex():
        raise OpeningError(f"the database does not hold the items that were stated: case {case}")
    if not any(key in (None, reference.key) for reference in references):
        return None
    return open_case(case, salt, references, key)
