"""The columns of an archived payment record, in the order in which the archive keeps them.

A query for the engine delivers exactly these, with these names and in this order; money as numeric(18,4), moments as
timestamptz, the provider's object as the text of its jsonb. Whoever paid is not among them: `customer_ref` stands for
the customer, made with a key that can be destroyed (policy 3.2, 6.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pyarrow as pa

Kind = Literal["uuid", "text", "word", "json", "money", "moment"]
"""Words and JSON are texts, the one with few different values, the other long."""

# Gives memory back within a tenth of a second, where Arrow's first choice keeps it. Set for the whole process, before
# anything is read.
if (
    "jemalloc" in pa.supported_memory_backends()
):  # a build without this allocator is slower to give back, no more
    pa.jemalloc_set_decay_ms(100)
    pa.set_memory_pool(pa.jemalloc_memory_pool())

FORMAT = "data-lifecycle payment records v1"
"""Written into every file; another format gets another number and never the same key in the vault."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type, whether it may be NULL, whether its smallest and largest value are noted."""

    name: str
    kind: Kind
    nullable: bool = False
    bounded: bool = False

    @property
    def arrow(self) -> Any:
        """The Arrow type: UUID of 16 bytes, UTF-8, decimal128(18, 4), microseconds UTC."""
        return _ARROW[self.kind]

    @property
    def encoding(self) -> str | None:
        """The Parquet encoding; None where a dictionary is used."""
        return _ENCODING[self.kind]


_ARROW: dict[str, Any] = {
    "uuid": pa.uuid(),
    "text": pa.string(),
    "word": pa.string(),
    "json": pa.string(),
    "money": pa.decimal128(18, 4),
    "moment": pa.timestamp("us", tz="UTC"),
}
_ENCODING: dict[str, str | None] = {
    "uuid": "PLAIN",  # random bytes: nothing is shorter
    "text": "DELTA_BYTE_ARRAY",
    "word": None,
    "json": "PLAIN",
    "money": "PLAIN",
    "moment": "DELTA_BINARY_PACKED",
}

COLUMNS = (
    Column("payment_id", "uuid"),
    Column("charge_id", "uuid"),
    Column("order_id", "text", bounded=True),
    Column("kind", "word"),
    Column("provider", "word"),
    Column("provider_ref", "text"),
    Column("amount", "money", bounded=True),
    Column("fee", "money", nullable=True),
    Column("currency", "word"),
    Column("occurred_at", "moment", bounded=True),
    Column("settled_at", "moment", nullable=True, bounded=True),
    Column("payer_country", "word", nullable=True),
    Column("customer_ref", "text", nullable=True),
    Column("provider_payload", "json", nullable=True),
)
NAMES = tuple(column.name for column in COLUMNS)


@cache
def schema() -> Any:
    """The Arrow schema of files and batches."""
    return pa.schema(
        [pa.field(column.name, column.arrow, column.nullable) for column in COLUMNS],
        metadata={"format": FORMAT},
    )
