"""Backups as others make them: a dump of the studio's schema, and files copied out of the buckets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from psycopg2 import sql

from data_lifecycle.connections import DatabaseAccess, StoreAccess
from data_lifecycle.database import connect, execute, fetch
from data_lifecycle.embedded.postgres import PostgresServer, programs
from data_lifecycle.objects import canary
from data_lifecycle.objects.store import client

_THREADS = 8
Place = tuple[str, str]
"""(bucket, key)."""


def dump(server: PostgresServer, database: str, schema: str | None, file: Path) -> int:
    """``pg_dump`` of a schema (None: of everything) into ``file``; its bytes."""
    chosen = [f"--schema={schema}"] if schema else []
    _run(server, database, "pg_dump", "--format=custom", f"--file={file}", *chosen)
    return file.stat().st_size


def restore_data(server: PostgresServer, database: str, schema: str, file: Path) -> None:
    """Replace all rows of ``schema`` by those of the dump, as ``docs/runbooks/restore.md`` does.

    Tables stay as they are, and no trigger fires: what is restored has happened already.
    """
    with connect(DatabaseAccess(server.url(database)), "drill restore") as connection, connection:
        execute(connection, "drill/skip_triggers")
        for table in fetch(connection, "drill/select_tables", schema=schema):
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(schema, table["name"])))
    options = ("--data-only", "--single-transaction", "--exit-on-error", f"--schema={schema}")
    _run(server, database, "pg_restore", *options, f"--dbname={database}", str(file), replica=True)


def restore_whole(server: PostgresServer, database: str, file: Path) -> None:
    """Restore a dump of everything into the empty database ``database``."""
    _run(server, database, "pg_restore", "--single-transaction", f"--dbname={database}", str(file))


def _run(server: PostgresServer, database: str, program: str, *options: str, replica: bool = False) -> None:
    parts = urlsplit(server.url(database))
    environment = {
        "PATH": os.defpath,
        "LC_ALL": "C",
        "PGHOST": str(parts.hostname),
        "PGPORT": str(parts.port),
        "PGUSER": str(parts.username),
        "PGPASSWORD": str(parts.password),
        "PGDATABASE": database,
        "PGOPTIONS": "-c session_replication_role=replica" if replica else "",
    }
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs, no shell
        [str(programs() / program), *options], env=environment, cwd="/", capture_output=True, check=False
    )
    if done.returncode != 0:
        # Its words may quote rows.
        raise RuntimeError(f"{program} failed with status {done.returncode}")


@dataclass
class BucketCopy:
    """What a plain copy of buckets holds: the latest version of each object. ``contents`` is personal data."""

    contents: dict[Place, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def take(cls, access: StoreAccess, buckets: Collection[str]) -> BucketCopy:
        """Copy what a listing shows; the canaries belong to the house and stay out of it."""
        s3 = client(access, pool=_THREADS)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="copy") as pool:
            places = sorted(place for place in listed(access, buckets))
            return cls(dict(zip(places, pool.map(lambda place: _get(s3, place), places), strict=True)))

    def put_back(self, access: StoreAccess) -> set[Place]:
        """Put back whatever is not there, as a synchronising restore does; what was put."""
        s3 = client(access, pool=_THREADS)
        missing = self.contents.keys() - listed(access, {bucket for bucket, _ in self.contents})
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="copy") as pool:
            for place in missing:
                pool.submit(_put, s3, place, self.contents[place])
        lost = missing - listed(access, {bucket for bucket, _ in self.contents})
        if lost:
            raise RuntimeError(f"{len(lost)} files could not be put back")
        return missing


def listed(access: StoreAccess, buckets: Collection[str]) -> set[Place]:
    """Objects that a plain listing shows, without the canaries."""
    s3 = client(access)
    found: set[Place] = set()
    for bucket in buckets:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            found |= {(bucket, entry["Key"]) for entry in page.get("Contents", ())}
    return {place for place in found if not place[1].startswith(canary.PREFIX)}


def traces(access: StoreAccess, buckets: Collection[str]) -> set[Place]:
    """Objects of which any version, delete marker or unfinished upload is there, without the canaries."""
    return {place for place in _traces(client(access), buckets) if not place[1].startswith(canary.PREFIX)}


def _traces(s3: Any, buckets: Collection[str]) -> Iterator[Place]:
    for bucket in buckets:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                yield bucket, entry["Key"]
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for entry in page.get("Uploads", ()):
                yield bucket, entry["Key"]


def _get(s3: Any, place: Place) -> bytes:
    data: bytes = s3.get_object(Bucket=place[0], Key=place[1])["Body"].read()
    return data


def _put(s3: Any, place: Place, data: bytes) -> None:
    s3.put_object(Bucket=place[0], Key=place[1], Body=data)
