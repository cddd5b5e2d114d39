"""`./lifecycle bench evidence`: what the log costs as it grows, and how long a reviewer needs for a month.

Part 1: the tree beside its bound, the same hashes and nothing else, and beside pymerkle where somebody installed it.
Part 2: one more entry and one proof in ever larger logs; hashes are counted, not guessed. Part 3: a month of a busy
studio, through a real database and a real locked bucket, judged by the stand-alone verifier in a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

from data_lifecycle.bench import _month
from data_lifecycle.bench._ground import Ground
from data_lifecycle.bench._report import ratio, table
from data_lifecycle.evidence import lifecycle_verify, merkle

PEER = "pymerkle"
"""GPL-licensed and never required: measured only where it happens to be installed."""
AIMS = {"tree / the same hashes": "≤ 2.2", f"{PEER} / tree": "≥ 10"}
_PROBES = 200
"""Entries appended and proven at each size."""


def main(argv: Sequence[str]) -> int:
    """Measure and print; 0 when every proof and the month's bundle verified, else 1. Timing never fails."""
    asked = _arguments(argv)
    begun = time.monotonic()

    def say(what: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - begun:4.0f} s] {what}\n")

    say(f"the tree over {asked.leaves:,} entries")
    built = build(asked.leaves, asked.rounds)
    say("one more entry, one proof")
    grown = [grow(size) for size in asked.sizes]
    say(f"a month: {asked.runs} runs, {asked.items:,} items")
    with Ground() as ground:
        month = _month.write(ground, asked.runs, asked.items)
    judged = judge(month, asked.runs, asked.rounds)
    result = {
        "tree": built,
        "growth": grown,
        "month": {
            "runs": asked.runs, "items": asked.items, "statements": month.statements, "heads": month.heads,
            "bytes": len(month.bundle), "seconds": {**month.seconds, **judged["seconds"]},
            "verify / hashing the bundle": judged["ratio"], "says": judged["says"],
        },
        "seconds": round(time.monotonic() - begun),
    }  # fmt: skip
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.stdout.write(_text(result))
    return 0 if judged["verified"] else 1


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./lifecycle bench evidence",
        description="The evidence log as it grows, and a month of it verified.",
    )
    parser.add_argument("--rounds", type=_positive, default=5, help="repetitions of each measurement (5)")
    parser.add_argument("--leaves", type=_positive, default=200_000, help="entries of the tree (200000)")
    parser.add_argument("--runs", type=_positive, default=30, help="runs of the month, one a day (30)")
    parser.add_argument("--items", type=_positive, default=10_000, help="items of the month in all (10000)")
    parser.add_argument("--quick", action="store_true", help="everything small, to see that it works")
    parser.add_argument("--json", type=Path, help="write every number to this file")
    asked = parser.parse_args(argv)
    asked.sizes = [1_000, 10_000, 100_000, 1_000_000]
    if asked.quick:
        asked.rounds, asked.leaves, asked.runs, asked.items = 1, 2_000, 3, 60
        asked.sizes = [100, 1_000, 10_000]
    return asked


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _took(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def build(leaves: int, rounds: int) -> dict[str, Any]:
    """Seconds (medians) of the tree, of the same hashes without a tree, and of the peer; ratios round by round."""
    entries = [b"entry %026d" % n for n in range(leaves)]
    alone, inner = (
        [b"\0" + entry for entry in entries],
        [b"\1" + bytes([n & 255]) * 64 for n in range(leaves - 1)],
    )

    def bound() -> None:
        digest = hashlib.sha256
        for data in alone:
            digest(data).digest()
        for data in inner:
            digest(data).digest()

    def tree() -> None:
        merkle.root_of(map(merkle.leaf_hash, entries))

    contenders: dict[str, Callable[[], object]] = {"the same hashes": bound, "tree": tree}
    peer = _peer(entries)
    if peer is not None:
        contenders[PEER] = peer
    turns: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            turns[name].append(_took(work))
    ratios = {"tree / the same hashes": ratio(turns["tree"], turns["the same hashes"])}
    if peer is not None:
        ratios[f"{PEER} / tree"] = ratio(turns[PEER], turns["tree"])
    return {
        "leaves": leaves,
        "seconds": {name: median(times) for name, times in turns.items()},
        "ratios": ratios,
    }


def _peer(entries: Sequence[bytes]) -> Callable[[], object] | None:
    if importlib.util.find_spec(PEER) is None:
        return None
    module = importlib.import_module(PEER)

    def work() -> None:
        tree = module.InmemoryTree(algorithm="sha256")
        for entry in entries:
            tree.append_entry(entry)
        tree.get_state()

    return work


class _Counting:
    """SHA-256 that counts how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, data: bytes) -> Any:
        """The real hash."""
        self.calls += 1
        return hashlib.sha256(data)


class _Log:
    """A log in memory with all its nodes: what the database keeps in two tables."""

    def __init__(self) -> None:
        self.tree = merkle.Tree()
        self.levels: list[list[bytes]] = [[] for _ in range(64)]
        self.read = 0

    def append(self) -> None:
        """One more entry."""
        for (level, _), value in self.tree.append(merkle.leaf_hash(b"entry %d" % self.tree.size)):
            self.levels[level].append(value)

    def node(self, at: merkle.Node) -> bytes:
        """A node, and one more that was read."""
        self.read += 1
        return self.levels[at[0]][at[1]]

    def prove(self, index: int) -> tuple[bytes, ...]:
        """That an entry is in the log."""
        return merkle.hashes_of(merkle.inclusion_spans(index, self.tree.size), self.node)

    def grew_from(self, size: int) -> tuple[bytes, ...]:
        """That the log begins with what it was."""
        return merkle.hashes_of(merkle.consistency_spans(size, self.tree.size), self.node)

    def check(self, index: int, proof: Sequence[bytes], root: bytes) -> None:
        """ProofError unless the proof holds."""
        merkle.verify_inclusion(self.levels[0][index], index, self.tree.size, proof, root)


def grow(size: int) -> dict[str, float]:
    """What further entries and proofs cost in a log of ``size``: microseconds (medians), hashes (the most of any)."""
    log = _Log()
    for _ in range(size):
        log.append()
    indexes = [n * size // _PROBES for n in range(_PROBES)]
    seconds = {
        "append µs": [_took(log.append) for _ in indexes],
        "prove µs": [_took(partial(log.prove, index)) for index in indexes],
        "consistency µs": [_took(partial(log.grew_from, index + 1)) for index in indexes],
    }
    most = dict.fromkeys(("hashes to append", "hashes to prove", "nodes read", "hashes to verify"), 0)
    counting = _Counting()

    def most_of(name: str, before: int, now: int) -> None:
        most[name] = max(most[name], now - before)

    with mock.patch.object(merkle, "sha256", counting):
        for index in indexes:
            before = counting.calls
            log.append()
            most_of("hashes to append", before, counting.calls)
            before, read = counting.calls, log.read
            proof = log.prove(index)
            most_of("hashes to prove", before, counting.calls)
            most_of("nodes read", read, log.read)
            root = log.tree.root()
            before = counting.calls
            log.check(index, proof, root)
            most_of("hashes to verify", before, counting.calls)
    times = {name: median(values) * 1e6 for name, values in seconds.items()}
    return {"entries": size, "log2": (size - 1).bit_length(), **times, **most}


def judge(month: _month.Month, runs: int, rounds: int) -> dict[str, Any]:
    """How long the stand-alone verifier takes for a month, as a reviewer runs it, and whether it accepts."""
    until = _month.START.date().replace(day=min(runs, 28))
    with tempfile.TemporaryDirectory(prefix="lifecycle-bench-") as name:
        folder = Path(name)
        _month.save(month, folder)
        command = [
            *[
                sys.executable,
                "-I",
                lifecycle_verify.__file__,
                "bundle.zip",
                "--trust",
                "trust.json",
                "--json",
            ],
            *["--from", _month.START.date().isoformat(), "--to", until.isoformat()],
        ]

        def review() -> subprocess.CompletedProcess[str]:
            # A file of our own and Python itself, no shell.
            return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603

        answer = review()
        if answer.returncode != 0:
            raise RuntimeError(f"the month's bundle is refused: {answer.stdout or answer.stderr}")
        outside = [_took(review) for _ in range(rounds)]
    hashed = [_took(lambda: hashlib.sha256(month.bundle).digest()) for _ in range(rounds)]
    report = json.loads(answer.stdout)
    return {
        "verified": report["verified"],
        "says": {check["check"]: check["says"] for check in report["checks"]},
        "seconds": {
            "verify, as a reviewer runs it": median(outside),
            "hashing the bundle": median(hashed),
        },
        "ratio": ratio(outside, hashed),
    }


def _text(result: Mapping[str, Any]) -> str:
    """What a person reads: the tree, the growth, the month."""
    built, grown, month = result["tree"], result["growth"], result["month"]
    columns = [name for name in grown[0] if name != "entries"]
    peer = "" if f"{PEER} / tree" in built["ratios"] else f" {PEER} is not installed: not measured."
    return "\n".join(
        [
            f"The tree over {built['leaves']:,} entries.{peer}",
            "",
            table(
                ("who", "seconds", "entries/s"),
                [
                    (name, f"{seconds:.3f}", f"{built['leaves'] / seconds:,.0f}")
                    for name, seconds in built["seconds"].items()
                ],
            ),
            "",
            table(
                ("ratio", "measured", "aim"),
                [(name, f"{value:.2f}", AIMS[name]) for name, value in built["ratios"].items()],
            ),
            "",
            "One more entry and one proof while the log grows: medians of time, the most hashes of any.",
            "",
            table(
                ("entries", *columns),
                [
                    (
                        f"{size['entries']:,}",
                        *(f"{size[name]:.1f}" if "µs" in name else f"{size[name]:.0f}" for name in columns),
                    )
                    for size in grown
                ],
            ),
            "",
            f"A month: {month['runs']} runs, {month['items']:,} items, {month['statements']} statements, "
            f"{month['heads']} signed heads; a bundle of {month['bytes'] / 1e6:.1f} MB.",
            "",
            table(
                ("step", "seconds"), [(name, f"{seconds:.3f}") for name, seconds in month["seconds"].items()]
            ),
            "",
            f"Verifying takes {month['verify / hashing the bundle']:,.0f} times as long as hashing the bundle.",
            f"The verifier says: {month['says']['counts']}; {month['says']['cases']}; {month['says']['time']}.",
            "",
            f"All of it took {result['seconds']} seconds.",
            "",
        ]
    )
