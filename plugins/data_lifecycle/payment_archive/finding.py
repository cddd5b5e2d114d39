"""Find payment records, hot and archived, as one (policy 3.2): what an accountant or a tax auditor asks for.

A record lies in the hot table or in files of the vault; where several files hold it, because a late refund or a hold
restated its payment, the latest counts. Files are chosen by what their books say they cover, row groups by their
statistics; each is read by its exact version. Every look is recorded before anything is shown.
"""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import rfc8785

from data_lifecycle.database import Row, connect, execute, fetch
from data_lifecycle.objects import store
from data_lifecycle.payment_archive.cards import holds_card_number
from data_lifecycle.payment_archive.vaultfile import VaultFile
from data_lifecycle.protocol.house import House

COLUMNS = (
    *("payment_id", "charge_id", "order_id", "kind", "provider", "provider_ref", "amount", "fee", "currency"),
    *("occurred_at", "settled_at", "payer_country", "customer_ref"),
)
RESTATING = ("correction", "held")
TEXTS = ("order_id", "provider", "provider_ref")
"""Columns in which somebody may have written a card's number."""


class FindError(RuntimeError):
    """The question cannot be answered, or the answer does not add up; says what to do, names nobody."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: an order, a provider's reference, a period of payment [from, to) in UTC; all that are set."""

    order_id: str | None = field(default=None, repr=False)
    provider_ref: str | None = field(default=None, repr=False)
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None

    @property
    def kind(self) -> str:
        """How the register of looks names it."""
        return "order" if self.order_id else "provider-ref" if self.provider_ref else "period"

    @property
    def sha256(self) -> str:
        """Digest (hex) of the question, by which a look can be found again by whoever knows what was asked."""
        spoken = {name: None if v is None else str(v) for name, v in asdict(self).items()}
        return hashlib.sha256(rfc8785.dumps(dict(spoken))).hexdigest()


@dataclass(frozen=True, slots=True)
class Record:
    """One payment record and where it lies: "hot", or "archive" with the end of its promise (UTC).

    "quarantine" is hot too: a card's number was found in it, and the text in which it stands is withheld (None).
    """

    values: Mapping[str, Any] = field(repr=False)
    place: str
    kept_until: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """The answer. ``files`` were opened, ``fetched`` bytes of ``covered`` read; totals are (rows, amount)."""

    records: Sequence[Record] = field(repr=False)
    files: int
    fetched: int
    covered: int

    def totals(self) -> dict[tuple[str, str], tuple[int, Decimal]]:
        """(currency, kind) → (rows, amount)."""
        sums: dict[tuple[str, str], tuple[int, Decimal]] = {}
        for record in self.records:
            key = (record.values["currency"], record.values["kind"])
            rows, amount = sums.get(key, (0, Decimal(0)))
            sums[key] = (rows + 1, amount + record.values["amount"])
        return dict(sorted(sums.items()))


def find(house: House, question: Question, purpose: str, asked: str | None = None) -> Found:
    """Answer ``question`` as the accountant's role, and record the look: ``purpose`` is why, in the asker's words.

    Raises FindError for a question that restricts nothing or when a file in the vault is not the one in the books.
    """
    if not (question.order_id or question.provider_ref or (question.occurred_from and question.occurred_to)):
        raise FindError("name an order, a provider's reference or a period")
    if not purpose.strip():
        raise FindError("say why: --purpose is kept with the record of this look")
    with connect(house.connections.database("payment_reader"), "payments find") as connection:
        connection.set_session(isolation_level="REPEATABLE READ")
        # Of one snapshot: a record that is being archived meanwhile is seen in one place, not in two or none.
        files = fetch(connection, "payments_find/select_files", **_bounds(question))
        hot = fetch(connection, "payments_find/select_hot", **asdict(question))
        found = _read(house, question, files, hot)
        connection.commit()
        execute(
            connection,
            "payments_find/record_access",
            person=getpass.getuser(),
            purpose=purpose.strip(),
            asked=asked or question.kind,
            asked_sha256=question.sha256,
            rows=len(found.records),
            files=found.files,
        )
        connection.commit()
    return found


def check_against_books(house: House, first: date, after: date, found: Found) -> None:
    """FindError unless the records of the months [first, after) come to what the control ledger says they must."""
    with connect(house.connections.database("payment_reader"), "payments books") as connection:
        rows = fetch(connection, "payments_find/count_arrived", first=first, after=after)
    stated = {(row["currency"], row["kind"]): (int(row["rows"]), row["amount"]) for row in rows}
    wrong = sorted(
        key for key in stated.keys() | found.totals().keys() if stated.get(key) != found.totals().get(key)
    )
    if wrong:
        spoken = ", ".join(f"{currency} {kind}" for currency, kind in wrong)
        raise FindError(
            f"not exported: records and control ledger differ in {spoken}; see the reconciliation of the last run"
        )


def latest_evidence(house: House) -> Row | None:
    """The latest verified statement about the archive: evidence_id, envelope_sha256, as_of; None before the first."""
    with connect(house.connections.database("payment_reader"), "payments evidence") as connection:
        rows = fetch(connection, "payments_find/latest_evidence")
    return rows[0] if rows else None


def _bounds(question: Question) -> dict[str, Any]:
    return {
        "order_id": question.order_id,
        "occurred_from": question.occurred_from,
        "occurred_to": question.occurred_to,
    }


def _read(house: House, question: Question, files: Sequence[Row], hot: Sequence[Row]) -> Found:
    records = [_hot(row) for row in hot]
    restated: set[UUID] = set()
    fetched = 0
    s3 = store.client(house.connections.store("payment_reader"))
    for row in files:  # the latest first
        source = VaultFile(
            s3, house.settings.bucket_vault, row["object_key"], row["version_id"], int(row["bytes"])
        )
        taken: set[UUID] = set()
        for values in _matching(source, int(row["rows"]), question):
            own = values["payment_id"]
            if own not in restated:
                records.append(Record(values, "archive", row["last_end"]))
            if row["kind"] in RESTATING:
                taken.add(own)
        restated |= taken
        fetched += source.fetched
    records.sort(key=lambda record: (record.values["occurred_at"], str(record.values["payment_id"])))
    return Found(records, len(files), fetched, sum(int(row["bytes"]) for row in files))


def _hot(row: Row) -> Record:
    """A hot record without card numbers (policy 1.1): the daily run may not have seen it yet."""
    found = {name for name in TEXTS if name not in row["cleared"] and holds_card_number(row[name])}
    found.update(row["quarantined"])
    values = {name: None if name in found else row[name] for name in COLUMNS}
    return Record(values, "quarantine" if found else "hot", None)


def _matching(source: VaultFile, rows: int, question: Question) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.PythonFile(source, mode="r"))
    if file.metadata.num_rows != rows:
        raise FindError("a file in the vault does not have the rows that the books say: run payment_archive")
    groups = [
        number
        for number in range(file.metadata.num_row_groups)
        if _may_hold(file.metadata.row_group(number), question)
    ]
    if question.provider_ref is not None:
        # References are random, so every group may hold one: the column alone says which does.
        wanted = pa.scalar(question.provider_ref, pa.string())
        groups = [
            number
            for number in groups
            if pc.index(file.read_row_group(number, ["provider_ref"]).column(0), wanted).as_py() >= 0
        ]
    if not groups:
        return
    table = file.read_row_groups(groups, columns=list(COLUMNS))
    for name, bound, compare in (
        ("order_id", question.order_id, pc.equal),
        ("provider_ref", question.provider_ref, pc.equal),
        ("occurred_at", question.occurred_from, pc.greater_equal),
        ("occurred_at", question.occurred_to, pc.less),
    ):
        if bound is not None:
            column = table.column(name)
            if pa.types.is_dictionary(column.type):
                column = column.cast(column.type.value_type)
            table = table.filter(compare(column, pa.scalar(bound, column.type)))
    for values in table.to_pylist():
        yield {name: _plain(name, value) for name, value in values.items()}


def _plain(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in ("payment_id", "charge_id"):
        return UUID(bytes=value) if isinstance(value, bytes) else UUID(str(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value


def _may_hold(group: Any, question: Question) -> bool:
    """Whether the row group's statistics leave it possible; a column without statistics always does."""
    for number in range(group.num_columns):
        column = group.column(number)
        name, found = column.path_in_schema, column.statistics
        if found is None or not found.has_min_max:
            continue
        if name in ("order_id", "provider_ref"):
            wanted = getattr(question, name)
            if wanted is not None and not found.min <= wanted <= found.max:
                return False
        if name == "occurred_at":
            first, last = _plain(name, found.min), _plain(name, found.max)
            if question.occurred_from is not None and last < question.occurred_from:
                return False
            if question.occurred_to is not None and first >= question.occurred_to:
                return False
    return True
