"""The tree agrees with the definition in RFC 9162, written down once more and naively; proofs show what they should."""

from __future__ import annotations

import hashlib
import random

import pytest

from data_lifecycle.evidence import lifecycle_verify, merkle

TREES = 10_000


def naive_root(entries: list[bytes]) -> bytes:
    """2.1.1, word by word."""
    n = len(entries)
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = naive_split(n)
    return hashlib.sha256(b"\x01" + naive_root(entries[:k]) + naive_root(entries[k:])).digest()


def naive_split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def naive_path(m: int, entries: list[bytes]) -> list[bytes]:
    """2.1.3.1, word by word."""
    n = len(entries)
    if n == 1:
        return []
    k = naive_split(n)
    if m < k:
        return [*naive_path(m, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(m - k, entries[k:]), naive_root(entries[:k])]


def naive_proof(m: int, entries: list[bytes], *, whole: bool = True) -> list[bytes]:
    """2.1.4.1, word by word."""
    n = len(entries)
    if m == n:
        return [] if whole else [naive_root(entries)]
    k = naive_split(n)
    if m <= k:
        return [*naive_proof(m, entries[:k], whole=whole), naive_root(entries[k:])]
    return [*naive_proof(m - k, entries[k:], whole=False), naive_root(entries[:k])]


class Full:
    """A tree with all its nodes."""

    def __init__(self, entries: list[bytes]) -> None:
        self.tree, self.nodes = merkle.Tree(), {}
        for entry in entries:
            self.nodes.update(self.tree.append(merkle.leaf_hash(entry)))

    def inclusion(self, index: int, size: int) -> list[bytes]:
        return list(merkle.hashes_of(merkle.inclusion_spans(index, size), self.nodes))

    def consistency(self, old: int, new: int) -> list[bytes]:
        return list(merkle.hashes_of(merkle.consistency_spans(old, new), self.nodes))


def test_ten_thousand_random_trees_agree_with_the_definition() -> None:
    chance = random.Random(9162)
    for _ in range(TREES):
        entries = [chance.randbytes(chance.randrange(8)) for _ in range(chance.randrange(1, 34))]
        size = len(entries)
        full, root = Full(entries), naive_root(entries)
        assert full.tree.root() == root
        leaves = [merkle.leaf_hash(entry) for entry in entries]
        assert merkle.root_of(leaves) == lifecycle_verify.root_of(leaves) == root
        index, old = chance.randrange(size), chance.randrange(1, size + 1)
        path, proof = full.inclusion(index, size), full.consistency(old, size)
        assert path == naive_path(index, entries)
        assert proof == naive_proof(old, entries)
        before = naive_root(entries[:old])
        merkle.verify_inclusion(leaves[index], index, size, path, root)
        merkle.verify_consistency(old, before, size, root, proof)
        assert lifecycle_verify.includes(leaves[index], index, size, path, root)
        assert lifecycle_verify.extends(old, before, size, root, proof)


def test_every_pair_of_sizes_and_no_other_proof() -> None:
    entries = [bytes([n]) for n in range(20)]
    full = Full(entries)
    roots = [naive_root(entries[:size]) for size in range(len(entries) + 1)]
    proofs = {(old, new): full.consistency(old, new) for new in range(1, 21) for old in range(1, new + 1)}
    for (old, new), proof in proofs.items():
        for other, root in enumerate(roots[1:], 1):
            for claimed, head in ((old, roots[new]), (other, roots[new])):
                good = (claimed, root) == (old, roots[old]) or (claimed == new and root == head and not proof)
                assert lifecycle_verify.extends(claimed, root, new, head, proof) == good
                if good:
                    merkle.verify_consistency(claimed, root, new, head, proof)
                else:
                    with pytest.raises(merkle.ProofError):
                        merkle.verify_consistency(claimed, root, new, head, proof)


def test_a_leaf_is_shown_at_its_index_only() -> None:
    entries = [bytes([n]) for n in range(17)]
    full = Full(entries)
    root = full.tree.root()
    for index in range(17):
        path = full.inclusion(index, 17)
        for other in range(19):
            leaf = merkle.leaf_hash(entries[index])
            assert lifecycle_verify.includes(leaf, other, 17, path, root) == (other == index)
            if other == index:
                merkle.verify_inclusion(leaf, other, 17, path, root)
            else:
                with pytest.raises(merkle.ProofError):
                    merkle.verify_inclusion(leaf, other, 17, path, root)


def test_an_inner_node_is_no_leaf() -> None:
    entries = [b"a", b"b", b"c", b"d"]
    inner = merkle.leaf_hash(b"a") + merkle.leaf_hash(b"b")
    other = merkle.node_hash(merkle.leaf_hash(b"c"), merkle.leaf_hash(b"d"))
    assert not lifecycle_verify.includes(merkle.leaf_hash(inner), 0, 2, [other], naive_root(entries))


def test_a_tree_goes_on_from_its_edge() -> None:
    entries = [bytes([n]) for n in range(40)]
    full = Full(entries)
    for size in range(40):
        edge = [full.nodes[node] for node in merkle.complete_nodes(0, size)]
        tree = merkle.Tree(size, edge)
        assert tree.root() == naive_root(entries[:size])
        tree.extend(merkle.leaf_hash(entry) for entry in entries[size:])
        assert tree.root() == full.tree.root()


@pytest.mark.parametrize("size", [10**3, 10**6, 10**12])
def test_proofs_and_appends_grow_with_the_logarithm(size: int) -> None:
    levels = size.bit_length()
    for index in (0, size // 3, size - 1):
        spans = merkle.inclusion_spans(index, size)
        assert len(spans) <= levels
        assert len(merkle.nodes_of(spans)) <= 2 * levels
    for old in (1, size // 3, size - 1):
        spans = merkle.consistency_spans(old, size)
        assert len(spans) <= levels + 1
        assert len(merkle.nodes_of(spans)) <= 2 * levels
    assert len(merkle.complete_nodes(0, size)) <= levels


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion_spans(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_there_is_no_proof_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="can be shown"):
        merkle.consistency_spans(old, new)
    with pytest.raises(merkle.ProofError):
        merkle.verify_consistency(old, bytes(32), new, bytes(32), [])


def test_an_edge_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="complete subtrees"):
        merkle.Tree(3, [bytes(32)])
