"""The Merkle tree of RFC 9162: hashes, a streaming append in O(log n), inclusion and consistency proofs. Pure.

A *node* (level, position) is the root of the complete subtree over the leaves ``position << level`` to
``(position + 1) << level``; level 0 are the leaves. Nodes never change once they exist, so they can be stored.
A *span* (start, end) is a range of leaves that begins at a multiple of its own size rounded up to a power of two: what
proofs consist of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256

Node = tuple[int, int]
Span = tuple[int, int]

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves."""


class ProofError(ValueError):
    """A proof does not show what it should."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf: the prefix keeps a leaf from being passed off as an inner node."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """The right edge of a tree: what is needed to append and to know the root, O(log n) hashes."""

    __slots__ = ("_edge", "size")

    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        """``edge`` are the hashes of ``complete_nodes(0, size)``; ValueError if their number does not fit."""
        self.size = size
        self._edge = list(edge)
        if size < 0 or len(self._edge) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves does not have {len(self._edge)} complete subtrees")

    def append(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """Add the hash of a leaf; the nodes that came into being, the leaf's first."""
        made: list[tuple[Node, bytes]] = [((0, self.size), leaf)]
        level, position, current = 0, self.size, leaf
        while position & 1:
            current = sha256(b"\x01" + self._edge.pop() + current).digest()
            level, position = level + 1, position >> 1
            made.append(((level, position), current))
        self._edge.append(current)
        self.size += 1
        return made

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add the hashes of many leaves: the fast way when nobody asks for the nodes."""
        edge, size, hashed = self._edge, self.size, sha256
        push, pop = edge.append, edge.pop
        for current in leaves:
            position = size
            while position & 1:
                current = hashed(b"\x01" + pop() + current).digest()  # noqa: PLW2901 — the leaf climbs
                position >>= 1
            push(current)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The root of all leaves so far."""
        return fold(self._edge)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Root over hashes of leaves."""
    tree = Tree()
    tree.extend(leaves)
    return tree.root()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Root over the complete subtrees of a span, from left to right."""
    if not hashes:
        return EMPTY_ROOT
    current = hashes[-1]
    for left in reversed(hashes[:-1]):
        current = node_hash(left, current)
    return current


def complete_nodes(start: int, end: int) -> list[Node]:
    """The complete subtrees a span consists of, from left to right."""
    found: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def inclusion_spans(index: int, size: int) -> list[Span]:
    """What the proof that leaf ``index`` is in the tree of ``size`` leaves consists of, nearest the leaf first."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size} leaves")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """What the proof that the tree of ``new`` leaves begins with that of ``old`` leaves consists of."""
    if not 0 < old <= new:
        raise ValueError(f"no tree of {new} leaves can be shown to begin with one of {old}")
    if old == new:
        return []
    spans: list[Span] = []
    start, end, whole = 0, new, True
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start, whole = middle, False
    if not whole:
        spans.append((start, end))
    return spans[::-1]


def nodes_of(spans: Iterable[Span]) -> list[Node]:
    """All nodes that have to be read to compute the hashes of these spans."""
    return [node for start, end in spans for node in complete_nodes(start, end)]


def hashes_of(
    spans: Iterable[Span], nodes: Mapping[Node, bytes] | Callable[[Node], bytes]
) -> tuple[bytes, ...]:
    """The hashes of the spans: the proof. KeyError if a node is not there."""
    read = nodes if callable(nodes) else nodes.__getitem__
    return tuple(fold([read(node) for node in complete_nodes(start, end)]) for start, end in spans)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check a proof as RFC 9162, 2.1.3.2 says; ProofError if the leaf is not shown to be there."""
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size} leaves")
    position, last, current = index, size - 1, leaf
    for other in proof:
        if last == 0:
            raise ProofError("the proof is too long")
        if position & 1 or position == last:
            current = node_hash(other, current)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            current = node_hash(current, other)
        position, last = position >> 1, last >> 1
    if last or current != root:
        raise ProofError(f"leaf {index} is not shown to be in the tree of {size} leaves")


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check a proof as RFC 9162, 2.1.4.2 says; ProofError if the new tree is not shown to begin with the old one."""
    if not 0 < old <= new:
        raise ProofError(f"no tree of {new} leaves can be shown to begin with one of {old}")
    if old == new:
        if proof or old_root != new_root:
            raise ProofError("two trees of one size differ")
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise ProofError("the proof is empty")
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = path[0]
    for other in path[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if position & 1 or position == last:
            before, after = node_hash(other, before), node_hash(other, after)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            after = node_hash(after, other)
        position, last = position >> 1, last >> 1
    if last or before != old_root or after != new_root:
        raise ProofError(f"the tree of {new} leaves is not shown to begin with that of {old}")


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
