"""`./lifecycle bench transfers`: a million disclosures judged, beside reading the same rows and a rule engine per row.

All three work on the same database. The rule engine's verdicts are compared with ours, disclosure by disclosure.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from psutil import Process

from data_lifecycle.bench._ground import Ground
from data_lifecycle.bench._memory import watching
from data_lifecycle.bench._report import medians, ratio, table
from data_lifecycle.bench._rule_engine import Engine
from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, execute, fetch, fetch_one
from data_lifecycle.protocol.house import House
from data_lifecycle.sqlfiles import load
from data_lifecycle.transfer_check import judging, planning, yardstick

OURS, SELECT, ENGINE = "transfer check", "plain SELECT", "Python, row by row"
_PORTION = 20_000
MEMORY = "memory MB"


def main(argv: Sequence[str]) -> int:
    """Measure and print; 0 when both judges agree on every disclosure, else 1. Timing never fails."""
    asked = _arguments(argv)
    begun = time.monotonic()

    def say(what: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - begun:4.0f} s] {what}\n")

    turns: list[dict[str, float]] = []
    differ = 0
    with Ground() as ground:
        say(f"filling the studio: {asked.rows:,} disclosures")
        now = datetime.now(UTC).replace(microsecond=0)
        server = ground.postgres.component.find()
        if server is None:
            raise RuntimeError("PostgreSQL ended")
        _fill(ground.make_database("studio_filled"), asked.rows, now)
        for number in range(asked.rounds):
            say(f"round {number + 1} of {asked.rounds}")
            house = ground.house_with(f"round_{number}", "studio_filled")
            turn, verdicts = _ours(server, house, now)
            turn[SELECT], rows = _select(house)
            turn[ENGINE], differ = _engine(house, now, verdicts if number == 0 else None) or (0.0, 0)
            turns.append({**turn, "rows": float(rows)})
            if number == 0 and differ:
                say(f"the judges differ on {differ} disclosures")
                break
        small = _growth(ground, server, asked.rows // 4, now)
    result: dict[str, Any] = {"turns": turns, "differ": differ, "quarter": small}
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.stdout.write(_text(turns, differ, small))
    return 1 if differ else 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./lifecycle bench transfers",
        description="The transfer check beside a SELECT and a rule engine.",
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="disclosures, at least 1000 (1000000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of all three (3)")
    parser.add_argument("--quick", action="store_true", help="one small round, to see that it works")
    parser.add_argument("--json", type=Path, help="write every number to this file")
    asked = parser.parse_args(argv)
    if asked.quick:
        asked.rows, asked.rounds = 4_000, 1
    if asked.rows < 1000 or asked.rounds < 1:
        parser.error("--rows 1000 and --rounds 1 at least")
    return asked


def _fill(admin_url: str, rows: int, now: datetime) -> None:
    orders = max(100, rows // 100) * 10
    with connect(DatabaseAccess(admin_url), "bench") as connection:
        execute(connection, "studio/skip_triggers")
        execute(connection, "studio/fill_dealers", orders=orders, until=now)
        execute(connection, "studio/fill_agreements", orders=orders, until=now)
        execute(connection, "studio/fill_dealings", orders=orders, until=now, first=1, last=rows)
        connection.commit()
        connection.autocommit = True
        execute(connection, "studio/analyze_studio")


def _ours(
    server: Process, house: House, now: datetime
) -> tuple[dict[str, float], dict[str, tuple[str, ...]]]:
    """Seconds and megabytes of plan and judge, and the verdict of each disclosure."""
    with watching(lambda: [child.pid for child in server.children()]) as memory:
        begun = time.perf_counter()
        run_id = planning.plan_run(house, "bench", now, None, False, False)
        planned = time.perf_counter() - begun
        with connect(house.connections.database(planning.ROLE), "bench") as connection:
            run = fetch_one(connection, "run/read_run", run_id=run_id)
            rule = yardstick.load(house, run["as_of"])
            begun = time.perf_counter()
            judging.judge(connection, run, rule)
            fetch(connection, "transfer_check/open_incidents", run_id=run_id)
            connection.commit()
            judged = time.perf_counter() - begun
    with connect(house.connections.database(planning.ROLE), "bench") as connection:
        verdicts = dict(_verdicts(connection))
    turn = {"plan": planned, "judge": judged, OURS: planned + judged, MEMORY: memory[0]}
    return turn, verdicts


def _verdicts(connection: Connection) -> Iterator[tuple[str, tuple[str, ...]]]:
    with connection.cursor("verdicts") as cursor:
        cursor.itersize = _PORTION
        cursor.execute("SELECT disclosure_id, broken FROM lifecycle.current_verdict")
        for disclosure, broken in cursor:
            yield disclosure, tuple(broken)


def _rows(connection: Connection) -> Iterator[Mapping[str, Any]]:
    with connection.cursor("subjects") as cursor:
        cursor.itersize = _PORTION
        cursor.execute(load("transfer_check/select_subjects"))
        names: list[str] = []
        for row in cursor:
            names = names or [column.name for column in cursor.description or ()]
            yield dict(zip(names, row, strict=True))


def _select(house: House) -> tuple[float, int]:
    with connect(house.connections.database(planning.ROLE), "bench") as connection:
        begun = time.perf_counter()
        count = 0
        with connection.cursor("subjects") as cursor:
            cursor.itersize = _PORTION
            cursor.execute(load("transfer_check/select_subjects"))
            for _ in cursor:
                count += 1
        return time.perf_counter() - begun, count


def _engine(house: House, now: datetime, expected: Mapping[str, tuple[str, ...]] | None) -> tuple[float, int]:
    """Seconds of the rule engine, its verdicts not even written; and on how many disclosures it differs."""
    with connect(house.connections.database(planning.ROLE), "bench") as connection:
        begun = time.perf_counter()
        rule = yardstick.load(house, now)
        values = yardstick.bind(connection, rule, now - timedelta(days=800), now)
        engine = Engine(rule, fetch(connection, "transfer_check/select_all_consents"), values)
        differ = 0
        verdicts = engine.judge(_rows(connection))
        if expected is None:
            for _ in verdicts:
                differ += 0
        else:
            while portion := list(islice(verdicts, _PORTION)):
                differ += sum(expected[name] != broken for name, broken in portion)
        return time.perf_counter() - begun, differ


def _growth(ground: Ground, server: Process, rows: int, now: datetime) -> dict[str, float]:
    """The same with a quarter of the disclosures, to see time and memory grow."""
    _fill(ground.make_database("studio_quarter"), rows, now)
    turn, _ = _ours(server, ground.house_with("quarter", "studio_quarter"), now)
    return turn


def _text(turns: Sequence[Mapping[str, float]], differ: int, small: Mapping[str, float]) -> str:
    middle = medians(turns)
    ours = [turn[OURS] for turn in turns]
    rows = [
        (
            name,
            f"{middle[name]:.2f}",
            f"{middle['rows'] / middle[name]:,.0f}",
            f"{ratio(ours, [turn[name] for turn in turns]):.2f}",
        )
        for name in (OURS, SELECT, ENGINE)
    ]
    memory = median(turn[MEMORY] for turn in turns)
    return "\n".join(
        [
            f"{middle['rows']:,.0f} disclosures by all rules T01 to T11, verdicts written. "
            f"Medians of {len(turns)} rounds.",
            "",
            table(("contender", "seconds", "disclosures/s", "ours ÷ this"), rows),
            "",
            f"Ours: plan {middle['plan']:.2f} s, judge {middle['judge']:.2f} s. The rule engine writes nothing.",
            f"Private memory of the server's processes at its peak: {memory:,.0f} MB; with a quarter of the "
            f"disclosures {small[MEMORY]:,.0f} MB, so {memory / small[MEMORY]:.2f} times; and {small[OURS]:.2f} s.",
            f"Disclosures on which the two judges differ: {differ}",
            "",
        ]
    )
