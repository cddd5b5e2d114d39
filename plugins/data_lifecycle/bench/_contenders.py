"""Who takes part: our purge, with verification, and what people use instead, without.

All get the same buckets with the same content and delete the same entries with the same identity. What a contender
prepares for itself (a file of commands) and the start of its program count; Python's own start and imports do not.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter

from data_lifecycle.bench._ground import Ground, run_tool, tool
from data_lifecycle.bench._studio import TEMPLATE, Entry
from data_lifecycle.objects.store import client
from data_lifecycle.photo_purge.acting import act_batch
from data_lifecycle.photo_purge.guarding import guard_run
from data_lifecycle.photo_purge.observing import observe_run
from data_lifecycle.photo_purge.planning import plan_run

OURS, S5CMD, RCLONE, BOTO3 = "ours, verified", "s5cmd", "rclone", "boto3, usual"
RAW_THREADS = 8
RAW_SIZES = (100, 250, 1000)
"""Keys a request that are tried for the best raw rate."""
RAW = {size: f"raw, {size} a request" for size in RAW_SIZES}
_IDENTITY = "object_eraser"

Split = dict[str, float]
"""Seconds of each part; "total" is all of it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be deleted: the due orders, and exactly the entries below their folders."""

    ground: Ground
    due_orders: Sequence[str]
    due_entries: Sequence[Entry]
    """As `entries` lists them: of each key the oldest first."""


def contenders(raw_sizes: Sequence[int] = RAW_SIZES) -> dict[str, Callable[[Work], Split]]:
    """All by name, in the order in which they take turns."""
    raw = {RAW[size]: _raw_of(size) for size in raw_sizes}
    return {OURS: _ours, S5CMD: _s5cmd, RCLONE: _rclone, BOTO3: _boto3, **raw}


def _ours(work: Work) -> Split:
    """The steps of the pipeline that plan, release, erase and verify, one after the other as its tasks run them."""
    house = work.ground.house_with(f"studio_{uuid.uuid4().hex[:12]}", TEMPLATE)
    begun = time.perf_counter()
    run_id = plan_run(house, "bench", datetime.now(UTC), None, dry_run=False)
    planned = time.perf_counter()
    batches = guard_run(house, run_id)
    released = time.perf_counter()
    for batch in batches:
        act_batch(house, run_id, batch)
    acted = time.perf_counter()
    observe_run(house, run_id)
    ended = time.perf_counter()
    return {
        "plan": planned - begun,
        "guard": released - planned,
        "act": acted - released,
        "observe": ended - acted,
        "total": ended - begun,
    }


def _s5cmd(work: Work) -> Split:
    access = work.ground.access(_IDENTITY)
    begun = time.perf_counter()
    commands = work.ground.folder / "s5cmd.txt"
    commands.write_text(
        "".join(
            f'rm --all-versions "s3://{bucket}/orders/{order}/*"\n'
            for bucket in work.ground.settings.photo_buckets
            for order in work.due_orders
        )
    )
    run_tool(
        [tool("s5cmd"), "--endpoint-url", str(access.endpoint_url), "--log", "error", "run", str(commands)],
        access,
        work.ground.folder,
    )
    return {"total": time.perf_counter() - begun}


def _rclone(work: Work) -> Split:
    """With a filter of folders, so that it lists the due ones only; versions and markers are shown to it."""
    access = work.ground.access(_IDENTITY)
    begun = time.perf_counter()
    filters = work.ground.folder / "rclone.txt"
    filters.write_text("".join(f"+ /orders/{order}/**\n" for order in work.due_orders) + "- *\n")
    for bucket in work.ground.settings.photo_buckets:
        remote = f":s3,provider=SeaweedFS,env_auth,endpoint='{access.endpoint_url}':{bucket}"
        run_tool(
            [
                tool("rclone"),
                "delete",
                remote,
                "--config=/dev/null",
                "--s3-versions",
                "--s3-version-deleted",
                "--s3-no-check-bucket",
                f"--filter-from={filters}",
                "--checkers=16",
                "--transfers=16",
            ],
            access,
            work.ground.folder,
        )
    return {"total": time.perf_counter() - begun}


def _boto3(work: Work) -> Split:
    """`bucket.object_versions.filter(Prefix=…).delete()` for each order, as every answer on the web has it."""
    import boto3

    access = work.ground.access(_IDENTITY)
    begun = time.perf_counter()
    s3 = boto3.session.Session(access.access_key, access.secret_key, region_name=access.region).resource(
        "s3", endpoint_url=access.endpoint_url
    )
    for name in work.ground.settings.photo_buckets:
        bucket = s3.Bucket(name)
        for order in work.due_orders:
            bucket.object_versions.filter(Prefix=f"orders/{order}/").delete()
    return {"total": time.perf_counter() - begun}


def _raw_of(size: int) -> Callable[[Work], Split]:
    """Nothing but DeleteObjects, version ids known, of each key the oldest first: what the store can do."""

    def raw(work: Work) -> Split:
        s3 = client(work.ground.access(_IDENTITY), pool=RAW_THREADS)
        requests = []
        for bucket in work.ground.settings.photo_buckets:
            known = sorted((entry for entry in work.due_entries if entry[0] == bucket), key=itemgetter(1))
            for start in range(0, len(known), size):
                keys = [{"Key": key, "VersionId": version} for _, key, version in known[start : start + size]]
                requests.append({"Bucket": bucket, "Delete": {"Objects": keys, "Quiet": True}})
        begun = time.perf_counter()
        with ThreadPoolExecutor(RAW_THREADS) as pool:
            answers = list(pool.map(lambda request: s3.delete_objects(**request), requests))
        seconds = time.perf_counter() - begun
        if any(answer.get("Errors") for answer in answers):
            raise RuntimeError("the store refused a deletion of the raw contender")
        return {"total": seconds}

    return raw
