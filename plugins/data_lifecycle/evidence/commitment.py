"""Commitments: every item of a statement can be proven, and none can be guessed (policy 3.2, 6).

A statement names a case by a random id and carries one root over the commitments of its items. An item's commitment is
an HMAC over its reference under the case's random salt: without the salt nobody can tell whether a guess is right, and
when the salt is destroyed nobody ever can.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import rfc8785

from data_lifecycle.evidence import merkle
from data_lifecycle.evidence.lifecycle_verify import OPENING_FORMAT

SALT_BYTES = 32


class OpeningError(ValueError):
    """An opening cannot be made or does not hold; names nobody."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One thing in the store: a version, marker or unfinished upload of an order. Personal data: never in a log."""

    bucket: str = field(repr=False)
    key: str = field(repr=False)
    kind: str
    version_id: str = field(repr=False)
    order: str = field(repr=False)

    def canonical(self) -> bytes:
        """RFC 8785 JSON: one reference, one spelling."""
        return rfc8785.dumps(cast("Any", asdict(self)))


@dataclass(frozen=True, slots=True)
class OpenedItem:
    """A reference, its place among the sorted commitments of its case, and the proof that it stands there."""

    reference: Reference
    index: int
    proof: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedCase:
    """Items of one case with the case's salt. ``count`` is how many items the case has, opened or not."""

    case: str
    salt: bytes = field(repr=False)
    count: int
    items: tuple[OpenedItem, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a reviewer needs to find an order's items in statements. Personal data: given to that reviewer alone.

    Without ``key`` every item of each case is in it; with it, those of that one file (object key).
    """

    order: str = field(repr=False)
    cases: tuple[OpenedCase, ...]
    key: str | None = field(default=None, repr=False)

    def to_json(self) -> bytes:
        """The file that ``lifecycle_verify.py --opening`` reads."""
        content = {
            "format": OPENING_FORMAT,
            "order": self.order,
            "key": self.key,
            "cases": [
                {
                    "case": case.case,
                    "salt": case.salt.hex(),
                    "count": case.count,
                    "items": [
                        {
                            "reference": asdict(item.reference),
                            "index": item.index,
                            "proof": [part.hex() for part in item.proof],
                        }
                        for item in case.items
                    ],
                }
                for case in sorted(self.cases, key=lambda case: case.case)
            ],
        }
        return rfc8785.dumps(cast("Any", content))


def new_salt() -> bytes:
    """A fresh salt for a case."""
    return secrets.token_bytes(SALT_BYTES)


def commit(salt: bytes, reference: Reference) -> bytes:
    """The commitment to a reference, 32 bytes; ValueError for a salt of another length."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return hmac.new(salt, reference.canonical(), hashlib.sha256).digest()


def commitments_root(salt: bytes, references: Collection[Reference]) -> str:
    """Root (hex) over the sorted commitments of a case's references; the order they come in does not matter."""
    return merkle.root_of(_leaves(salt, references)).hex()


def open_case(
    case: str, salt: bytes, references: Collection[Reference], key: str | None = None
) -> OpenedCase:
    """Open all references of a case, or those of one file; ``references`` are all that the case committed to.

    Raises OpeningError when the case has none of that file.
    """
    leaves = _leaves(salt, references)
    places = {leaf: index for index, leaf in enumerate(leaves)}
    nodes = _nodes(leaves)
    opened = {
        places[merkle.leaf_hash(commit(salt, reference))]: reference
        for reference in references
        if key in (None, reference.key)
    }
    if not opened:
        raise OpeningError("the case has no such item")
    items = (
        OpenedItem(opened[index], index, merkle.hashes_of(merkle.inclusion_spans(index, len(leaves)), nodes))
        for index in sorted(opened)
    )
    return OpenedCase(case, salt, len(leaves), tuple(items))


def set_root(items: Sequence[Mapping[str, Any]]) -> str:
    """Root (hex) over the items of a statement, each as RFC 8785 JSON, in the order of the statement."""
    return merkle.root_of(merkle.leaf_hash(rfc8785.dumps(dict(item))) for item in items).hex()


def _leaves(salt: bytes, references: Collection[Reference]) -> list[bytes]:
    made = sorted({commit(salt, reference) for reference in references})
    return [merkle.leaf_hash(commitment) for commitment in made]


def _nodes(leaves: Sequence[bytes]) -> dict[merkle.Node, bytes]:
    tree = merkle.Tree()
    return {node: value for leaf in leaves for node, value in tree.append(leaf)}
