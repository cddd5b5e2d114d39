"""Every kind of difference between database, bucket and signed head is told apart, and nothing else is reported."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from tests.unit.evidence_log.forge import ATTESTER, LOG, ORIGIN, STRANGER, THIRD

from data_lifecycle.evidence import merkle
from data_lifecycle.evidence.checkpoint import Checkpoint, sign
from data_lifecycle.evidence.records import heartbeat, rotation
from data_lifecycle.evidence_audit.logcheck import (
    MEANS,
    Copy,
    Entry,
    Ring,
    Stored,
    compare_checkpoint,
    compare_entry,
    compare_lock,
    compare_nodes,
    compare_order,
    made_nodes,
)

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
LOCK = timedelta(days=3)
OTHER = b"other bytes"


def stored(data: bytes, mode: str | None = "COMPLIANCE", held: timedelta = LOCK) -> Stored:
    """An object of the bucket, locked as the rule says."""
    return Stored(data, mode, NOW + held, NOW)


def entry(data: bytes = b"envelope", index: int = 5) -> Entry:
    """An entry as it should be."""
    return Entry(index, "heartbeat/x", merkle.leaf_hash(data), data, hashlib.sha256(data).hexdigest(), "v")


def leaf(of: Entry) -> Stored:
    """What the bucket should say about it."""
    return stored(rfc8785.dumps({"evidence": of.evidence_id, "index": of.index, "leaf_hash": of.leaf.hex()}))


GOOD = entry()
COPY = Copy(leaf(GOOD), stored(b"envelope"), 1)
CASES = {
    "nothing": (GOOD, COPY, set()),
    "envelope edited": (
        replace(GOOD, envelope=OTHER, envelope_sha256=hashlib.sha256(OTHER).hexdigest()),
        COPY,
        {"envelope-changed", "statement-differs"},
    ),
    "envelope gone": (
        replace(GOOD, envelope=None, envelope_sha256=None), COPY, {"envelope-changed", "statement-differs"}
    ),
    "leaf edited": (replace(GOOD, leaf=bytes(32)), COPY, {"leaf-changed", "bucket-leaf-differs"}),
    "digest edited": (replace(GOOD, envelope_sha256="00"), COPY, {"digest-changed"}),
    "envelope and leaf edited": (
        entry(OTHER), COPY, {"bucket-leaf-differs", "statement-differs"}
    ),
    "bucket's leaf missing": (GOOD, replace(COPY, leaf=None), {"bucket-leaf-missing"}),
    "bucket's leaf of another entry": (GOOD, replace(COPY, leaf=leaf(entry(index=6))), {"bucket-leaf-differs"}),
    "bucket's leaf of another statement": (
        GOOD, replace(COPY, leaf=leaf(replace(GOOD, evidence_id="y"))), {"bucket-leaf-differs"}
    ),
    "bucket's leaf not JSON": (GOOD, replace(COPY, leaf=stored(b"{")), {"bucket-leaf-differs"}),
    "statement missing": (GOOD, replace(COPY, statement=None), {"statement-missing"}),
    "statement edited": (GOOD, replace(COPY, statement=stored(OTHER)), {"statement-differs"}),
    "statement overlaid": (GOOD, replace(COPY, versions=2), {"statement-overlaid"}),
    "statement in another mode": (
        GOOD, replace(COPY, statement=stored(b"envelope", "GOVERNANCE")), {"not-locked"}
    ),
    "leaf not locked": (GOOD, replace(COPY, leaf=replace(leaf(GOOD), until=None)), {"not-locked"}),
    "locked too short": (
        GOOD, replace(COPY, statement=stored(b"envelope", held=LOCK - timedelta(minutes=6))), {"lock-short"}
    ),
    "locked a little late": (
        GOOD, replace(COPY, statement=stored(b"envelope", held=LOCK - timedelta(minutes=4))), set()
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_entry_is_compared_in_all_places(name: str) -> None:
    subject, copy, expected = CASES[name]
    found = list(compare_entry(subject, copy, LOCK))
    assert {finding.what for finding in found} == expected
    assert all(finding.subject == subject.subject and MEANS[finding.what] for finding in found)


def test_without_a_rule_only_the_mode_is_judged() -> None:
    assert list(compare_lock("x", stored(b"", held=timedelta(0)), None)) == []
    assert [f.what for f in compare_lock("x", stored(b"", None), None)] == ["not-locked"]


def test_a_gap_is_named_by_its_places() -> None:
    entries = [entry(index=index) for index in (3, 4, 7)]
    assert [f.subject for f in compare_order(entries, 3, 9)] == ["entry 5", "entry 6", "entry 8"]


@pytest.mark.parametrize(("first", "end"), [(0, 1), (0, 13), (5, 13), (8, 16), (12, 13), (16, 16)])
def test_made_nodes_are_those_that_appending_makes(first: int, end: int) -> None:
    tree, made = merkle.Tree(), set()
    for index in range(end):
        new = {node for node, _ in tree.append(merkle.leaf_hash(b"%d" % index)) if node[0]}
        made |= new if index >= first else set()
    assert made_nodes(first, end) == made


def test_only_the_node_that_was_changed_is_blamed() -> None:
    tree, nodes = merkle.Tree(), {}
    for index in range(8):
        nodes |= dict(tree.append(merkle.leaf_hash(b"%d" % index)))
    wanted = made_nodes(0, 8)
    assert list(compare_nodes(nodes, wanted)) == []
    changed = [(f.what, f.subject) for f in compare_nodes(nodes | {(0, 3): bytes(32)}, wanted)]
    assert changed == [("node-changed", "node 1 of level 1")]
    gone = {node: value for node, value in nodes.items() if node != (2, 1)}
    assert [(f.what, f.subject) for f in compare_nodes(gone, wanted)] == [
        ("node-missing", "node 1 of level 2")
    ]


def test_a_checkpoint_is_compared_with_bucket_and_entries() -> None:
    root = bytes(range(32))
    note = sign(Checkpoint(ORIGIN, 7, root), LOG)
    keys = [STRANGER.public_key(), LOG.public_key()]

    def found(**change: object) -> set[str]:
        given = {"size": 7, "note": note, "noted_root": root, "kept": note, "root": root} | change
        return {f.what for f in compare_checkpoint(**given, origin=ORIGIN, keys=keys)}  # type: ignore[arg-type]

    assert found() == set()
    assert found(root=None) == set(), "not every head's entries are read again"
    assert found(root=bytes(32)) == {"root-differs"}
    assert found(kept=None) == {"checkpoint-missing"}
    assert found(kept=b"other") == {"checkpoint-differs"}
    assert found(noted_root=bytes(32)) == {"checkpoint-wrong"}
    assert found(size=8) == {"checkpoint-wrong"}
    strange = sign(Checkpoint(ORIGIN, 7, root), THIRD)
    assert found(note=strange, kept=strange) == {"checkpoint-wrong"}
    elsewhere = sign(Checkpoint("example.org/log", 7, root), LOG)
    assert found(note=elsewhere, kept=elsewhere) == {"checkpoint-wrong"}


def test_signatures_are_judged_by_role() -> None:
    ring = Ring([ATTESTER.public_key()], [LOG.public_key()])

    def judged(data: bytes) -> str | None:
        finding = ring.judge(entry(data))
        return finding.what if finding else None

    good = heartbeat(ATTESTER, NOW.date(), NOW).envelope
    assert judged(good) is None
    assert judged(heartbeat(STRANGER, NOW.date(), NOW).envelope) == "signer-unknown"
    assert judged(heartbeat(LOG, NOW.date(), NOW).envelope) == "signer-unknown", (
        "the log's key attests nothing"
    )
    later = heartbeat(ATTESTER, NOW.date(), NOW + timedelta(seconds=1)).envelope
    payload, signature = later.split(b'"payloadType"')[0], good.split(b'"payloadType"')[1]
    assert judged(payload + b'"payloadType"' + signature) == "signature-wrong"
    for broken in (b"", b"{}", b"[]", good + b" ", good.replace(b"in-toto", b"in-tot0")):
        assert judged(broken) == "signature-wrong"
    assert ring.judge(replace(entry(), envelope=None)) is not None


def test_a_new_key_is_trusted_from_a_trusted_one_only() -> None:
    ring = Ring([ATTESTER.public_key()], [LOG.public_key()])
    turned = rotation(ATTESTER, THIRD, "attester", "attester-2", NOW).envelope
    by_new = heartbeat(THIRD, NOW.date(), NOW).envelope
    ring.turn(rotation(STRANGER, THIRD, "attester", "attester-2", NOW).envelope)
    ring.turn(heartbeat(ATTESTER, NOW.date(), NOW).envelope)
    ring.turn(b"{}")
    assert ring.judge(entry(by_new)) is not None
    ring.turn(turned)
    assert ring.judge(entry(by_new)) is None
    assert ring.judge(entry(turned)) is None
    assert len(ring.of("attester")) == 2
    assert len(ring.of("log")) == 1
