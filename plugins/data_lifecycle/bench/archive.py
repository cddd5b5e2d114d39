"""`./lifecycle bench archive`: payments into a verified, locked file beside connectorx, ADBC, DuckDB and pandas.

All read the same rows with the same query from the same table and put a Parquet file into the same bucket. Ours reads
it back, compares every row with the table and deletes row by row what is as it was compared; the others count. They
take turns, each in a process of its own, and every round begins with another one.

It is the archive's engine on one file: what a run does around it (finding what is due, looking for card numbers, books,
fetching the file again for each credential, naming its rows to the comparison by their ids, counting once more after
the commit) is left out, as is what anybody would have to build around pandas. Deletions are rolled back, so that nobody
waits for a commit. The floor of ours is in the table too: a bare COPY is what the server needs for one look, of which
there are two, and pandas' `remove` what it needs to delete every row without asking which.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psycopg2

from data_lifecycle.bench import _archive_contenders as who
from data_lifecycle.bench._ground import Ground
from data_lifecycle.bench._report import medians, ratio, table
from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, execute
from data_lifecycle.embedded.home import REPOSITORY, write_private
from data_lifecycle.embedded.objectstore import IDENTITIES
from data_lifecycle.studio.demo.payments_bulk import fill_payments

Turn = dict[str, float]
"""Seconds by part, with peak_mib and bytes."""
AIMS = {
    "extract / COPY to nowhere": "≤ 2.20",
    "extract / best peer": "≤ 1.00",
    "pandas extract / ours": "≥ 4.00",
    "compare / extract": "≤ 1.10",
    "end to end / pandas": "≤ 0.65",
    "peak memory, MiB": "≤ 256",
}
PARTS = ("extract", "put", "read back", "count", "compare", "remove", "total")
_SEED = 7
_MONTHS = timedelta(days=540)


def main(argv: Sequence[str]) -> int:
    """Measure and print; 0 when every contender read and deleted all rows. Timing never fails."""
    asked = _arguments(argv)
    begun = time.monotonic()

    def say(what: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - begun:4.0f} s] {what}\n")

    to_at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=100)
    sizes: list[dict[str, Any]] = []
    with Ground() as ground:
        url = ground.make_database("studio_bench")
        access_file = ground.folder / "access.json"
        stores = {identity: asdict(ground.access(identity)) for identity in IDENTITIES}
        write_private(access_file, json.dumps({"stores": stores}))
        filled = 0
        for rows in asked.rows:
            say(f"filling the table: {rows:,} payments")
            _grow(url, filled, rows, to_at)
            filled = rows
            work = who.Work(url, str(access_file), str(ground.folder), "", rows, to_at.isoformat())
            turns = _take_turns(work, asked.rounds, asked.only, say)
            sizes.append({"rows": rows, "turns": turns, "ratios": _ratios(turns)})
    result = {"sizes": sizes, "rounds": asked.rounds, "seconds": round(time.monotonic() - begun)}
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.stdout.write(_text(result))
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./lifecycle bench archive", description="The payment archive beside what else moves tables."
    )
    parser.add_argument(
        "--rows",
        type=_positive,
        nargs="+",
        default=[1_000_000, 3_000_000],
        help="payments (1000000 3000000)",
    )
    parser.add_argument("--rounds", type=_positive, default=3, help="turns of each contender (3)")
    parser.add_argument(
        "--only", nargs="+", choices=list(who.CONTENDERS), default=list(who.CONTENDERS), help="some of them"
    )
    parser.add_argument("--json", type=Path, help="write every number to this file")
    asked = parser.parse_args(argv)
    if asked.rows != sorted(set(asked.rows)):
        parser.error("--rows must grow")
    return asked


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _grow(url: str, filled: int, rows: int, to_at: datetime) -> None:
    """Add payments until there are `rows`, and a key for every customer."""
    fill_payments(url, rows - filled, _SEED + filled, to_at - _MONTHS, to_at)
    with connect(DatabaseAccess(url), "bench") as connection:
        execute(connection, "studio/make_customer_keys")
        connection.commit()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _take_turns(
    work: who.Work, rounds: int, names: Sequence[str], say: Callable[[str], None]
) -> dict[str, list[Turn]]:
    turns: dict[str, list[Turn]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in (*names[shift:], *names[:shift]):
            say(f"{work.rows:,} rows, round {number + 1} of {rounds}: {name}")
            turns[name].append(_turn(name, work, number))
    return turns


def _turn(name: str, work: who.Work, number: int) -> Turn:
    """One contender's turn. The table's pages are written out before, so that nobody pays for the one before."""
    with psycopg2.connect(work.database) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
    connection.close()
    key = f"payments/v1/bench/{work.rows}-{number}-{name.split(',', maxsplit=1)[0].replace(' ', '-')}.parquet"
    turn = who.Work(**{**asdict(work), "key": key})
    done = subprocess.run(  # noqa: S603 - this program itself
        who.arguments(name, turn),
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(REPOSITORY / "plugins"), "TZ": "UTC", "HOME": work.folder},
    )
    turn.target.unlink(missing_ok=True)
    if done.returncode != 0:
        raise RuntimeError(f"{name} failed: {done.stderr[-2000:]}")
    answer = json.loads(done.stdout)
    return {**answer["parts"], "peak_mib": answer["peak_mib"], "bytes": answer["bytes"]}


def _ratios(turns: dict[str, list[Turn]]) -> dict[str, float]:
    """Ours against each, round by round; only of those who took part."""

    def of(name: str, part: str) -> list[float]:
        return [turn[part] for turn in turns[name]]

    found: dict[str, float] = {}
    if who.OURS not in turns:
        return found
    extract = of(who.OURS, "extract")
    if who.BOUND in turns:
        found["extract / COPY to nowhere"] = ratio(extract, of(who.BOUND, "extract"))
    peers = [name for name in who.PEERS if name in turns]
    if peers:
        best = min(peers, key=lambda name: median(of(name, "extract")))
        found["extract / best peer"] = ratio(extract, of(best, "extract"))
    if who.PANDAS in turns:
        found["pandas extract / ours"] = ratio(of(who.PANDAS, "extract"), extract)
        found["end to end / pandas"] = ratio(of(who.OURS, "total"), of(who.PANDAS, "total"))
    found["compare / extract"] = ratio(of(who.OURS, "compare"), extract)
    found["peak memory, MiB"] = max(of(who.OURS, "peak_mib"))
    return found


def _text(result: Mapping[str, Any]) -> str:
    """What a person reads: for each size everybody's seconds by part, peak memory and file; then ratios and aims."""
    blocks = []
    for size in result["sizes"]:
        lines = []
        for name, rounds in size["turns"].items():
            values = medians(rounds)
            lines.append(
                (
                    name,
                    *(f"{values[part]:.2f}" if part in values else "" for part in PARTS),
                    f"{max(turn['peak_mib'] for turn in rounds):,.0f}",
                    f"{values['bytes'] / 2**20:,.1f}",
                )
            )
        blocks += [
            f"{size['rows']:,} payments. Medians of {result['rounds']} rounds, seconds.",
            "",
            table(("contender", *PARTS, "peak MiB", "file MiB"), lines),
            "",
        ]
    names = [name for name in AIMS if all(name in size["ratios"] for size in result["sizes"])]
    head = ("ours", *(f"{size['rows']:,}" for size in result["sizes"]), "aim")
    ratios = [
        (name, *(f"{size['ratios'][name]:.2f}" for size in result["sizes"]), AIMS[name]) for name in names
    ]
    return "\n".join(
        [*blocks, table(head, ratios), "", f"All of it took {result['seconds'] / 60:.1f} minutes.", ""]
    )
