"""`./lifecycle bench purge`: the photo purge with verification beside s5cmd, rclone and boto3 without.

Part 1: contenders take turns on equal buckets; the store's content is put back byte for byte before each turn, and
after it boto3 looks at what each left behind. Part 2: the same due orders while bucket and table grow.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from data_lifecycle.bench import _contenders as who
from data_lifecycle.bench import _growth, _studio
from data_lifecycle.bench._ground import Ground
from data_lifecycle.bench._report import medians, ratio, table

Turn = dict[str, float]
AIMS = {
    f"ours / {who.S5CMD}": "≤ 1.00",
    f"ours / {who.RCLONE}": "-",
    f"ours / {who.BOTO3}": "≤ 0.35",
    "delete rate / best raw rate": "≥ 0.80",
    "verify / delete": "≤ 0.25",
}


def main(argv: Sequence[str]) -> int:
    """Measure and print; 0 when every contender deleted exactly what was due, else 1. Timing never fails."""
    asked = _arguments(argv)
    logging.disable(logging.WARNING)  # the steps' own account, which tasks write to their logs
    try:
        return _measure(asked)
    finally:
        logging.disable(logging.NOTSET)


def _measure(asked: argparse.Namespace) -> int:
    begun = time.monotonic()

    def say(what: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - begun:4.0f} s] {what}\n")

    shape = _studio.Shape.of(asked.orders, asked.versions)
    with Ground() as ground:
        say(f"filling the buckets: {shape.orders:,} orders, {shape.entries:,} versions and markers")
        _studio.build(ground, shape)
        turns, left = _take_turns(ground, shape, asked, say)
        grown = _growth.measure(ground, shape, asked.rows, asked.objects, asked.rounds, say)
    result = {
        "orders": shape.orders,
        "due_orders": shape.due,
        "entries": shape.entries,
        "turns": turns,
        "left_behind": left,
        "ratios": _ratios(turns),
        "growth": grown,
        "growth_ratios": _growth_ratios(grown),
        "seconds": round(time.monotonic() - begun),
    }
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.stdout.write(_text(result))
    return 1 if any(any(counts.values()) for counts in left.values()) else 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./lifecycle bench purge", description="The photo purge beside s5cmd, rclone and boto3."
    )
    parser.add_argument(
        "--rounds", type=_positive, default=3, help="turns of each contender after a warm-up (3)"
    )
    parser.add_argument("--orders", type=_positive, default=1600, help="orders, a quarter of them due (1600)")
    parser.add_argument(
        "--versions", type=_positive, default=20_000, help="versions in all, at least (20000)"
    )
    parser.add_argument(
        "--rows", type=_sizes, default=[1_000_000, 5_000_000], help="uploads in the table: from,to"
    )
    parser.add_argument(
        "--objects", type=_sizes, default=[10_000, 100_000], help="objects in the bucket: from,to"
    )
    parser.add_argument("--quick", action="store_true", help="one small round, to see that it works")
    parser.add_argument("--json", type=Path, help="write every number to this file")
    asked = parser.parse_args(argv)
    if asked.quick:
        asked.rounds, asked.orders, asked.versions = 1, 40, 520
        asked.rows, asked.objects = [2_000, 4_000], [200, 400]
    return asked


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _sizes(text: str) -> list[int]:
    sizes = [_positive(part) for part in text.split(",")]
    if len(sizes) != 2 or sizes[0] >= sizes[1]:
        raise argparse.ArgumentTypeError("two sizes, the smaller first: 10000,100000")
    return sizes


def _take_turns(
    ground: Ground, shape: _studio.Shape, asked: argparse.Namespace, say: Callable[[str], None]
) -> tuple[dict[str, list[Turn]], dict[str, dict[str, int]]]:
    """Seconds of each contender's turns, the warm-up left out, and what it left behind, added up over its turns."""
    listed = _studio.entries(ground)
    before = set(listed)
    folders = {f"orders/{order}" for order in shape.due_ids()}
    due_listed = [entry for entry in listed if entry[1].rsplit("/", 1)[0] in folders]
    due = set(due_listed)
    work = who.Work(ground, shape.due_ids(), due_listed)
    contenders = who.contenders(who.RAW_SIZES[:1] if asked.quick else who.RAW_SIZES)
    turns: dict[str, list[Turn]] = {name: [] for name in contenders}
    left = {name: {"due_left": 0, "undue_gone": 0, "new": 0} for name in contenders}
    for number in range(1 if asked.quick else 0, asked.rounds + 1):
        say(f"round {number} of {asked.rounds}" if number else "warm-up round")
        for name, contender in contenders.items():
            ground.put_store_back()
            gc.collect()  # nobody pays for the garbage of the one before, or for the lists that this loop keeps
            gc.freeze()
            turn = contender(work)
            after = set(_studio.entries(ground))
            left[name]["due_left"] += len(after & due)
            left[name]["undue_gone"] += len(before - due - after)
            left[name]["new"] += len(after - before)
            if number:
                turns[name].append({**turn, "deleted": float(len(due - after))})
    return turns, left


def _ratios(turns: dict[str, list[Turn]]) -> dict[str, float]:
    """Ours against each peer and the bound, round by round; the aims are in the texts that `_text` prints."""

    def of(name: str, part: str = "total") -> list[float]:
        return [turn[part] for turn in turns[name]]

    best = min((name for name in turns if name in who.RAW.values()), key=lambda name: median(of(name)))
    return {
        **{f"ours / {name}": ratio(of(who.OURS), of(name)) for name in (who.S5CMD, who.RCLONE, who.BOTO3)},
        "delete rate / best raw rate": ratio(of(best), of(who.OURS, "act")),
        "verify / delete": ratio(of(who.OURS, "observe"), of(who.OURS, "act")),
    }


def _growth_ratios(grown: list[_growth.Size]) -> dict[str, float]:
    return {name: grown[-1][name] / grown[0][name] for name in grown[0]}


def _text(result: Mapping[str, Any]) -> str:
    """What a person reads: the contenders, the ratios with their aims, the growth."""
    turns, left, ratios = result["turns"], result["left_behind"], result["ratios"]
    contenders = [
        (
            name,
            f"{values['total']:.2f}",
            f"{values['deleted'] / values['total']:,.0f}",
            f"{ratio([t['total'] for t in turns[who.OURS]], [t['total'] for t in turns[name]]):.2f}",
            *(f"{left[name][part]}" for part in ("due_left", "undue_gone", "new")),
        )
        for name, values in ((name, medians(rounds)) for name, rounds in turns.items())
    ]
    parts = medians(turns[who.OURS])
    grown: list[_growth.Size] = result["growth"]
    names = [name for name in grown[0] if name not in ("rows", "objects")]
    growth = [
        (
            f"{size['rows']:,.0f} rows, {size['objects']:,.0f} objects",
            *(f"{size[name] * 1000:,.0f}" for name in names),
        )
        for size in grown
    ]
    times = _growth_ratios(grown)
    growth.append(("times", *(f"{times[name]:.2f}" for name in names)))
    return "\n".join(
        [
            f"Purge of {result['due_orders']:,} due orders of {result['orders']:,}; {result['entries']:,} versions and "
            f"markers in two buckets. Medians of {len(turns[who.OURS])} rounds.",
            "",
            table(
                ("contender", "seconds", "deleted/s", "ours ÷ this", "due left", "undue gone", "new entries"),
                contenders,
            ),
            "",
            "Ours: "
            + ", ".join(f"{name} {parts[name]:.2f} s" for name in ("plan", "guard", "act", "observe")),
            "",
            table(
                ("ratio", "measured", "aim"), [(name, f"{ratios[name]:.2f}", AIMS[name]) for name in ratios]
            ),
            "",
            f"{result['due_orders']:,} due orders while everything else grows; milliseconds.",
            "",
            table(("there is", *names), growth),
            "",
            f"All of it took {result['seconds'] / 60:.1f} minutes.",
            "",
        ]
    )
