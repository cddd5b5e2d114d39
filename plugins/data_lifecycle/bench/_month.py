"""A month of a busy studio's evidence: written day by day, kept, sequenced, published, exported as the house does."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from data_lifecycle.bench._ground import Ground
from data_lifecycle.database import Connection, connect, execute, fetch
from data_lifecycle.evidence import vault
from data_lifecycle.evidence.bundle import export, trust_file
from data_lifecycle.evidence.commitment import set_root
from data_lifecycle.evidence.lifecycle_verify import ASSERTIONS, HEARTBEAT, PLAN, RESULT
from data_lifecycle.evidence.logbucket import LogBucket
from data_lifecycle.evidence.records import heartbeat
from data_lifecycle.evidence.sequencer import Sequencer
from data_lifecycle.evidence.statement import Sealed, seal

ORIGIN = "bench.invalid/lifecycle"
START = datetime(2026, 1, 1, tzinfo=UTC)
_FILES_OF_A_CASE = 3
_ASSERTED = [
    {"name": f"expectation {n}", "success": True, "observed": "0", "expected": "0"} for n in range(12)
]


@dataclass
class Month:
    """What was written: the bundle, the trust file that fits it, and seconds by step."""

    bundle: bytes = field(repr=False)
    trust: bytes = field(repr=False)
    statements: int
    heads: int
    seconds: dict[str, float]


def write(ground: Ground, runs: int, items: int) -> Month:
    """One run a day, each planned, asserted and stated, over ``items`` cases in all; and a heartbeat a day."""
    attester, log = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    ground.make_database("month")
    connections = ground.house_with("month_of_evidence", "month").connections
    bucket = ground.settings.bucket_evidence
    sequencer = Sequencer(
        connections.database("log_sequencer"), LogBucket(ground.access("log_vault"), bucket), log, ORIGIN
    )
    seconds: dict[str, float] = defaultdict(float)
    statements = 0
    with connect(connections.database("evidence_writer"), "bench") as connection:
        for number in range(1, runs + 2):  # one day more: its heartbeat shows that the last run's day is over
            begun = time.perf_counter()
            cases = items // runs + (number <= items % runs) if number <= runs else 0
            for kind, sealed in _day(attester, number, cases):
                _record(connection, kind, sealed, f"{number:04d}-{statements:06d}")
                statements += 1
            seconds["sign and record"] += time.perf_counter() - begun
            begun = time.perf_counter()
            _keep(ground, connection)
            seconds["lock in the bucket"] += time.perf_counter() - begun
            begun = time.perf_counter()
            sequencer.run()
            seconds["sequence and publish"] += time.perf_counter() - begun
    begun = time.perf_counter()
    bundle = export(connections.database("reviewer"), None)
    seconds["export"] = time.perf_counter() - begun
    trust = trust_file(ORIGIN, [attester.public_key()], log.public_key(), START)
    return Month(bundle, trust, statements, runs + 1, dict(seconds))


def _keep(ground: Ground, connection: Connection) -> None:
    for row in fetch(connection, "evidence/select_unstored"):
        name = row["evidence_id"]
        kept = vault.keep(
            ground.access("evidence_vault"), ground.settings.bucket_evidence, name, bytes(row["envelope"])
        )
        execute(connection, "evidence/mark_stored", evidence_id=name, version_id=kept.version_id)
        connection.commit()


def _record(connection: Connection, kind: str, sealed: Sealed, name: str) -> None:
    """Each in a transaction of its own, so that the database's clock puts them in order."""
    execute(
        connection,
        "evidence_log/insert_record",
        evidence_id=f"bench/{name}.dsse.json",
        predicate_type=kind,
        facts_sha256=sealed.sha256,
        key_id=sealed.key_id,
        envelope=sealed.envelope,
        envelope_sha256=sealed.sha256,
    )
    connection.commit()


def _day(key: Ed25519PrivateKey, number: int, cases: int) -> Iterator[tuple[str, Sealed]]:
    """The statements of a day: its heartbeat, and a run's plan, assertions and result."""
    midnight = START + timedelta(days=number - 1)
    yield HEARTBEAT, heartbeat(key, midnight.date(), midnight + timedelta(hours=1))
    if cases == 0:
        return
    for kind, minutes, predicate in (
        (PLAN, 120, _plan(number, cases)),
        (ASSERTIONS, 150, _assertions()),
        (RESULT, 151, _result(number, cases)),
    ):
        whole = {
            **_head(number),
            **predicate,
            "signed_at": (midnight + timedelta(minutes=minutes)).isoformat(),
        }
        yield kind, seal(key, _digest(f"manifest {number}").hex(), f"photo_purge/run-{number}", kind, whole)


def _head(number: int) -> dict[str, Any]:
    return {
        "pipeline": "photo_purge",
        "run": {"number": number, "attempt": 1, "as_of": (START + timedelta(days=number - 1)).isoformat()},
        "policy": {"id": "bench", "version": "1", "sha256": _digest("policy").hex()},
        "code": "0" * 40,
    }


def _items(number: int, cases: int, state: str) -> dict[str, Any]:
    names = sorted(str(UUID(bytes=_digest(f"case {number} {n}")[:16])) for n in range(cases))
    items = [{"case": name, "state": state, "commitments_root": _digest(name).hex()} for name in names]
    return {"items": items, "set_root": set_root(items)}


def _plan(number: int, cases: int) -> dict[str, Any]:
    return {
        "clauses": ["3.1", "3.2"],
        "dry_run": False,
        "planned": {"orders": cases},
        "eligible": cases * _FILES_OF_A_CASE,
        **_items(number, cases, "PLANNED"),
    }


def _assertions() -> dict[str, Any]:
    return {
        "suite": "photo_purge",
        "suite_sha256": _digest("suite").hex(),
        "round": 1,
        "assertions": _ASSERTED,
        "success": True,
    }


def _result(number: int, cases: int) -> dict[str, Any]:
    acted = cases * _FILES_OF_A_CASE
    return {
        "clauses": ["3.1", "3.2"],
        "planned": {"orders": cases},
        "outcome": "verified",
        "unfinished_steps": [],
        "counts": {
            "eligible": acted,
            "acted": acted,
            **dict.fromkeys(("held", "failed", "survivors", "unknown", "canaries_missing"), 0),
            "canaries": 6,
        },
        "assertions": _ASSERTED,
        "claims": {"OBSERVED_ABSENT": {"cases": cases, "of_them_after_deadline": 0}},
        "scope": ["object versions", "delete markers", "unfinished uploads"],
        "not_covered": ["copies at vendors"],
        "method": "listing by order",
        "task_logs": {"bucket": "lifecycle-evidence", "prefix": "task-logs/"},
        **_items(number, cases, "OBSERVED_ABSENT"),
    }


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def save(month: Month, folder: Path) -> None:
    """What a reviewer carries away: the bundle and the trust file."""
    (folder / "bundle.zip").write_bytes(month.bundle)
    (folder / "trust.json").write_bytes(month.trust)
