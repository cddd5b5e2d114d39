"""log: read the evidence log again, in the database and in the locked bucket, and name every difference.

Only reads. The bucket is listed before the database's snapshot is taken: places are committed before the bucket is
told, so whatever the bucket has that the snapshot lacks was taken away from the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2.extensions
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from data_lifecycle.connections import StoreAccess
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.evidence import keys, merkle
from data_lifecycle.evidence.lifecycle_verify import HEARTBEAT, LAG, PLAN, RESULT, ROTATION
from data_lifecycle.evidence.logbucket import LogBucket
from data_lifecycle.evidence_audit import logcheck
from data_lifecycle.evidence_audit.logcheck import Copy, Entry, Finding, Stored
from data_lifecycle.evidence_audit.plan import sample_entries
from data_lifecycle.objects import store
from data_lifecycle.protocol import ledger, tasklogs
from data_lifecycle.protocol.house import House, log

ROLE = "studio_auditor"
IDENTITY = "evidence_vault"
CHUNK = 500
"""Entries that are in memory at once."""
THREADS = 8
RUNS = 200
"""Of so many of the latest runs it is looked whether their task logs are in the bucket."""
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404"})


class Vault:
    """The locked bucket, through an identity that reads it; botocore's errors unless an object is simply not there."""

    def __init__(self, access: StoreAccess, bucket: str) -> None:
        """Prepare connections; nothing is sent yet."""
        self._s3: Any = store.client(access, pool=THREADS)
        self._bucket = bucket
        self.locks = 0

    def rule(self) -> timedelta | None:
        """How long the bucket locks what is put into it in COMPLIANCE mode; None if it does not."""
        found = self._s3.get_object_lock_configuration(Bucket=self._bucket)["ObjectLockConfiguration"]
        default = found.get("Rule", {}).get("DefaultRetention", {})
        days = default.get("Days", 0) + 365 * default.get("Years", 0)
        return timedelta(days=days) if default.get("Mode") == "COMPLIANCE" and days else None

    def listed(self, prefix: str, after: str = "") -> Iterator[tuple[str, bool]]:
        """(key, whether it is a delete marker) of each version below ``prefix`` whose key sorts after ``after``."""
        arguments = {"Bucket": self._bucket, "Prefix": prefix, "KeyMarker": after}
        for page in self._s3.get_paginator("list_object_versions").paginate(**arguments):
            for part, marker in (("Versions", False), ("DeleteMarkers", True)):
                for entry in page.get(part, ()):
                    if entry["Key"] > after:
                        yield entry["Key"], marker

    def versions(self, name: str) -> int:
        """How many versions and delete markers this very name has."""
        return sum(key == name for key, _ in self.listed(name))

    def read(self, name: str, version_id: str | None = None) -> Stored | None:
        """An object with its lock; None when there is none."""
        from botocore.exceptions import ClientError

        wanted = {"Bucket": self._bucket, "Key": name} | ({"VersionId": version_id} if version_id else {})
        try:
            found = self._s3.get_object(**wanted)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _GONE:
                raise
            return None
        self.locks += 1
        mode, until = found.get("ObjectLockMode"), found.get("ObjectLockRetainUntilDate")
        return Stored(found["Body"].read(), mode, until, found["LastModified"])


@dataclass
class _Check:
    """A check of the log as it goes on."""

    connection: Connection
    vault: Vault
    folder: LogBucket
    origin: str
    ring: logcheck.Ring
    rule: timedelta | None
    own_plan: int
    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    sampled: int = 0
    checkpoints: int = 0
    own_plan_found: bool = False

    def add(self, *found: Finding) -> None:
        self.findings += found

    def compare(self, entries: Sequence[Entry]) -> None:
        """Compare entries with their copies in the bucket, and judge their signatures."""
        with ThreadPoolExecutor(THREADS, thread_name_prefix="log") as pool:
            copies = list(pool.map(self._copy, entries))
        for entry, copy in zip(entries, copies, strict=True):
            found = list(logcheck.compare_entry(entry, copy, self.rule))
            wrong = self.ring.judge(entry)
            self.add(*found, *([wrong] if wrong else []))
            if entry.index == self.own_plan:
                self.own_plan_found = copy.statement is not None and copy.leaf is not None

    def _copy(self, entry: Entry) -> Copy:
        name = entry.evidence_id
        statement = self.vault.read(name, entry.version_id) if entry.version_id else None
        return Copy(self.vault.read(self.folder.leaf_name(entry.index)), statement, self.vault.versions(name))

    def nodes(self, wanted: Sequence[merkle.Node]) -> dict[merkle.Node, bytes]:
        rows = fetch(
            self.connection,
            "evidence_log/select_nodes",
            levels=[level for level, _ in wanted],
            positions=[position for _, position in wanted],
        )
        return {(int(row["level"]), int(row["position"])): bytes(row["hash"]) for row in rows}

    def rows(self, first: int, end: int, others: Sequence[int] = ()) -> list[Entry]:
        found = fetch(
            self.connection, "evidence_audit/select_log_entries", first=first, end=end, others=list(others)
        )
        return [_entry(row) for row in found]


def check_log(house: House, run_id: int) -> int:
    """Verify the log from where the last audit ended (or whole, as the plan says) to its signed head.

    The exact bytes of each entry are hashed again; the tree must have the root that the last audit saw and those that
    the log's key signed; database, statements and leaves of the bucket must agree, and each object be locked. Some
    older entries are read again by chance. Writes what was found; the number of differences. Errors of the store pass
    through: what cannot be read is not verified.
    """
    settings = house.settings
    vault = Vault(house.connections.store(IDENTITY), settings.bucket_evidence)
    folder = ledger.bucket(house, IDENTITY)
    with connect(house.connections.database(ROLE), "evidence_audit log") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        audited = fetch(connection, "evidence_audit/find_audited")
        connection.commit()
        whole = bool(run["facts"]["whole_log"]) or not audited
        begin = 0 if whole else int(audited[0]["tree_size"])
        leaves = list(vault.listed(f"{settings.log_folder}/leaf/", _before(folder.leaf_name(begin))))
        heads = list(vault.listed(f"{settings.log_folder}/checkpoint/"))
        connection.set_session(isolation_level=psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ)
        head = fetch_one(connection, "evidence_audit/read_log_head")
        published = min(int(head["tree_size"]), int(head["published"]))
        own = fetch(connection, "evidence_audit/find_own_plan", run_id=run_id, predicate_type=PLAN)
        check = _Check(
            connection,
            vault,
            folder,
            settings.log_origin,
            _ring(house, connection, int(head["tree_size"])),
            vault.rule(),
            int(own[0]["log_index"]) if own else -1,
        )
        if check.rule is None:
            check.add(Finding("no-lock-rule", settings.bucket_evidence))
        first, root = _walk(check, audited, begin, published)
        if published == int(head["tree_size"]) and root != bytes(head["root"]):
            check.add(Finding("head-differs", f"head of {published} entries"))
        _sample(check, audited, str(run["facts"]["seed"]), first)
        _compare_listing(check, leaves, heads, int(head["tree_size"]))
        signed_before = head["now"] - LAG
        for row in fetch(connection, "evidence_audit/select_waiting", signed_before=signed_before):
            check.add(Finding("never-sequenced", row["evidence_id"]))
        since = audited[0]["checked_at"] if audited else head["now"] - timedelta(days=36500)
        beats = fetch_one(connection, "evidence_audit/read_heartbeats", predicate_type=HEARTBEAT, since=since)
        unlogged = _runs_without_logs(check, first, published)
        _write(check, run_id, first, published, root, beats, unlogged)
        connection.commit()
    _tell(check, first, published, int(head["tree_size"]), root, beats, unlogged)
    return len(check.findings)


def _walk(check: _Check, audited: Sequence[Row], begin: int, end: int) -> tuple[int, bytes]:
    """(first entry read, root recomputed for ``end`` entries). Starts over at 0 when the past is not what it was."""
    known = {int(row["tree_size"]): bytes(row["root"]) for row in audited}
    if known and max(known) > end:
        check.add(Finding("rolled-back", f"head of {end} entries, {max(known)} were verified"))
        begin, known = 0, {}
    edge = check.nodes(merkle.complete_nodes(0, begin))
    complete = [edge.get(node) for node in merkle.complete_nodes(0, begin)]
    hashes = [value for value in complete if value is not None]
    if begin and (len(hashes) != len(complete) or merkle.fold(hashes) != known[begin]):
        check.add(Finding("history-changed", f"the first {begin} entries"))
        begin, hashes, known = 0, [], {}
    tree = merkle.Tree(begin, hashes)
    heads = {
        int(row["tree_size"]): row
        for row in fetch(check.connection, "evidence_audit/select_published", first=max(begin, 1))
    }
    roots: dict[int, bytes] = {begin: tree.root()}
    for start in range(begin, end, CHUNK):
        stop = min(start + CHUNK, end)
        entries = check.rows(start, stop)
        check.add(*logcheck.compare_order(entries, start, stop))
        check.compare(entries)
        check.entries += len(entries)
        by_index = {entry.index: entry for entry in entries}
        for index in range(start, stop):
            entry = by_index.get(index)
            # A place without an entry keeps its room: what follows must not be blamed for it.
            data = entry.envelope if entry is not None else None
            tree.append(bytes(32) if data is None else merkle.leaf_hash(data))
            if index + 1 in heads or index + 1 in known:
                roots[index + 1] = tree.root()
    for size, root in known.items():
        if roots.get(size, root) != root:
            check.add(Finding("history-changed", f"the first {size} entries"))
    _compare_nodes(check, begin, end)
    for size, row in heads.items():
        if size <= end:
            kept = check.vault.read(check.folder.checkpoint_name(size), row["store_version_id"])
            note = bytes(row["note"])
            check.add(
                *logcheck.compare_checkpoint(
                    size, note, bytes(row["root"]), kept.data if kept else None, roots.get(size),
                    check.origin, check.ring.of("log"),
                )
            )  # fmt: skip
            if kept is not None:
                check.add(*logcheck.compare_lock(f"checkpoint of {size} entries", kept, check.rule))
            check.checkpoints += 1
    return begin, tree.root()


def _compare_nodes(check: _Check, begin: int, end: int) -> None:
    made = sorted(logcheck.made_nodes(begin, end))
    for start in range(0, len(made), 10 * CHUNK):
        part = made[start : start + 10 * CHUNK]
        below = {(level - 1, 2 * position + side) for level, position in part for side in (0, 1)}
        check.add(*logcheck.compare_nodes(check.nodes(sorted({*part, *below})), part))


def _sample(check: _Check, audited: Sequence[Row], seed: str, first: int) -> None:
    """Read some older entries again, and show that they are in the tree that was verified then."""
    if not first or not audited:
        return
    wanted = set(sample_entries(seed, first))
    if 0 <= check.own_plan < first:
        wanted.add(check.own_plan)
    entries = check.rows(0, 0, sorted(wanted))
    check.add(*(Finding("entry-missing", f"entry {i}") for i in sorted(wanted - {e.index for e in entries})))
    check.compare(entries)
    check.sampled = len(entries)
    for entry in entries:
        spans = merkle.inclusion_spans(entry.index, first)
        leaf = entry.leaf if entry.envelope is None else merkle.leaf_hash(entry.envelope)
        try:
            proof = merkle.hashes_of(spans, check.nodes(merkle.nodes_of(spans)))
            merkle.verify_inclusion(leaf, entry.index, first, proof, bytes(audited[0]["root"]))
        except (KeyError, merkle.ProofError):
            check.add(Finding("not-included", entry.subject))


def _compare_listing(
    check: _Check, leaves: Sequence[tuple[str, bool]], heads: Sequence[tuple[str, bool]], size: int
) -> None:
    """What the bucket's folder has that the database does not, and what lies there more than once."""
    known = {
        check.folder.checkpoint_name(int(row["tree_size"])): int(row["tree_size"])
        for row in fetch(check.connection, "evidence_audit/select_published", first=0)
    }
    for names in (leaves, heads):
        counted = Counter(name for name, marker in names if not marker)
        check.add(*(Finding("written-twice", name) for name, count in sorted(counted.items()) if count > 1))
        check.add(
            *(Finding("deleted-from-log", name) for name in sorted({n for n, marker in names if marker}))
        )
    for name in sorted({name for name, _ in leaves if name >= check.folder.leaf_name(size)}):
        check.add(Finding("rolled-back", name))
    for name in sorted({name for name, _ in heads} - known.keys()):
        if name > check.folder.checkpoint_name(size):
            check.add(Finding("rolled-back", name))
        elif known and name < max(known):  # the latest may have been published and not yet noted
            check.add(Finding("checkpoint-unknown", name))


def _runs_without_logs(check: _Check, first: int, end: int) -> int:
    runs = fetch(
        check.connection,
        "evidence_audit/select_stated_runs",
        first=first,
        end=end,
        predicate_type=RESULT,
        count=RUNS,
    )
    places = [tasklogs.prefix(row["pipeline"], row["dag_run_id"]) for row in runs]
    return sum(next(check.vault.listed(place), None) is None for place in places)


def _write(check: _Check, run_id: int, first: int, size: int, root: bytes, beats: Row, unlogged: int) -> None:
    written = fetch_one(
        check.connection,
        "evidence_audit/insert_log_check",
        run_id=run_id,
        first_index=first,
        tree_size=size,
        root=root,
        entries=check.entries,
        sampled=check.sampled,
        checkpoints=check.checkpoints,
        locks=check.vault.locks,
        own_plan_found=check.own_plan_found,
        gaps=beats["gaps"],
        days_missing=beats["missing"],
        runs_without_logs=unlogged,
        findings=len(check.findings),
    )
    execute(
        check.connection,
        "evidence_audit/insert_findings",
        run_id=run_id,
        round=written["round"],
        whats=[finding.what for finding in check.findings],
        subjects=[finding.subject for finding in check.findings],
    )


def _tell(check: _Check, first: int, size: int, head: int, root: bytes, beats: Row, unlogged: int) -> None:
    log.info("evidence log of %d entries, root recomputed %s", size, root.hex())
    log.info(
        "read: %d entries from %d on, %d older ones by chance, %d signed heads, locks of %d objects",
        check.entries, first, check.sampled, check.checkpoints, check.vault.locks,
    )  # fmt: skip
    if head > size:
        log.warning("%d entries have a place and are not published yet", head - size)
    log.info("the plan of this audit was %sfound in the bucket", "" if check.own_plan_found else "NOT ")
    log.info("heartbeats: %d whole days, %d of them declared gaps", beats["days"], beats["gaps"])
    for day in beats["new_gaps"]:
        log.warning("no sign of life on %s: declared a gap since the last audit, never back-dated", day)
    for day in beats["missing_days"]:
        log.error("no sign of life on %s, and no declared gap", day)
    if unlogged:
        log.warning(
            "%d runs have no task log in the bucket; look into Airflow's own folder of logs", unlogged
        )
    for finding in check.findings:
        log.error("DIFFERENCE %s: %s: %s", finding.what, finding.subject, logcheck.MEANS[finding.what])
    log.info("differences between database, bucket and signed head: %d", len(check.findings))


def _entry(row: Row) -> Entry:
    data = row["envelope"]
    return Entry(
        int(row["log_index"]),
        row["evidence_id"],
        bytes(row["leaf_hash"]),
        None if data is None else bytes(data),
        row["envelope_sha256"],
        row["store_version_id"],
    )


def _ring(house: House, connection: Connection, size: int) -> logcheck.Ring:
    """Keys known from the key folder, today's and those that were replaced, then those that rotations introduce."""
    attester, head = house.settings.attester_key, house.settings.log_key
    ring = logcheck.Ring([_public(attester), *keys.retired(attester)], [_public(head), *keys.retired(head)])
    for row in fetch(connection, "evidence_log/select_rotations", predicate_type=ROTATION, end=size):
        ring.turn(bytes(row["envelope"]))
    return ring


def _public(private: Path) -> Ed25519PublicKey:
    """The public half that lies beside a private key; the audit signs no head, and has no use for the other half."""
    key = serialization.load_pem_public_key(private.with_suffix(".pub.pem").read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("the key must be an Ed25519 key")
    return key


def _before(name: str) -> str:
    """A key that sorts right before ``name``, which ends with a number or ".json"."""
    return name[:-1]
