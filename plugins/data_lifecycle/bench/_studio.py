"""The studio that is purged: many orders with files in two versioned buckets, some of them due."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from data_lifecycle.bench._ground import Ground, run_tool, tool
from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, copy_rows, execute
from data_lifecycle.objects.store import client
from data_lifecycle.protocol import canaries

FILES = 4
"""Files of an order; each has several versions among the uploads and one in the backup, one is hidden by a marker."""
TEMPLATE = "template_studio"

Entry = tuple[str, str, str]
"""Bucket, key, version id."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many orders there are, how many of them are due, and how many versions each file has among the uploads."""

    orders: int
    due: int
    versions_per_file: int

    @classmethod
    def of(cls, orders: int, versions: int) -> Shape:
        """The shape with at least `versions` versions and markers in both buckets together; a quarter is due."""
        each = ceil(versions / orders) - FILES - 1
        return cls(orders, max(1, orders // 4), max(1, ceil(each / FILES)))

    @property
    def entries(self) -> int:
        """Versions and markers in both buckets, the canaries aside."""
        return self.orders * (FILES * self.versions_per_file + 1 + FILES)

    def order_ids(self) -> list[str]:
        """All orders; the due ones lie evenly between the others."""
        return [f"bench_{number:06d}" for number in range(self.orders)]

    def due_ids(self) -> list[str]:
        """The due orders."""
        every = self.orders // self.due
        return self.order_ids()[::every][: self.due]


def build(ground: Ground, shape: Shape) -> None:
    """Fill the buckets, keep the store's content, and make the database `TEMPLATE` of it."""
    admin_url = ground.make_database(TEMPLATE)
    canaries.place(DatabaseAccess(admin_url), ground.access("object_app"), ground.settings.photo_buckets)
    with connect(DatabaseAccess(admin_url), "bench") as connection:
        for table, rows in _rows(shape, ground.settings.bucket_uploads):
            copy_rows(connection, f"studio/copy_{table}", rows)
        connection.commit()
        connection.autocommit = True
        execute(connection, "studio/analyze_studio")
    uploads, backup = ground.settings.photo_buckets
    names = [f"{order}/photo-{number}.jpg" for order in shape.order_ids() for number in range(FILES)]
    for _ in range(shape.versions_per_file):
        put_files(ground, uploads, names)
    put_files(ground, backup, names)
    access = ground.access("object_app")
    hide = f"s3://{uploads}/orders/*/photo-{FILES - 1}.jpg"
    run_tool([tool("s5cmd"), "--endpoint-url", str(access.endpoint_url), "rm", hide], access, ground.folder)
    ground.keep_store()


def put_files(ground: Ground, bucket: str, names: list[str]) -> None:
    """Put one more version of each of these files, some bytes each, below `orders/`."""
    folder = ground.folder / "files"
    for name in names:
        path = folder / "orders" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    access = ground.access("object_app")
    command = [
        "--endpoint-url",
        str(access.endpoint_url),
        "--numworkers",
        "16",
        "cp",
        "./",
        f"s3://{bucket}/",
    ]
    run_tool([tool("s5cmd"), *command], access, folder)
    shutil.rmtree(folder)


def entries(ground: Ground) -> list[Entry]:
    """Every version and marker of both buckets, listed by plain boto3: no code of ours may judge its own work.

    Of one key the oldest comes first and the marker, which is its latest here, last.
    """
    s3 = client(ground.access("object_observer"))
    found: list[Entry] = []
    for bucket in ground.settings.photo_buckets:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for entry in (*reversed(page.get("Versions", [])), *page.get("DeleteMarkers", [])):
                found.append((bucket, entry["Key"], entry["VersionId"]))
    return found


def _rows(shape: Shape, bucket: str) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    now = datetime.now(UTC)
    born = now - timedelta(days=30)
    customer = uuid.uuid4()
    due = set(shape.due_ids())
    uploads = [
        (order, uuid.uuid4(), f"orders/{order}/photo-{number}.jpg")
        for order in shape.order_ids()
        for number in range(FILES)
    ]
    yield "customers", [(customer, "Bench", "bench@example.org", "CN", "Asia/Shanghai", False, born)]
    yield "orders", [(order, customer, "portrait", "", born, born, None) for order in shape.order_ids()]
    yield (
        "order_events",
        [
            (order, "completed", now - timedelta(days=5.5 if order in due else 2.0), now)
            for order in shape.order_ids()
        ],
    )
    yield (
        "uploads",
        [
            (name, "personal_photo", "front", bucket, key, "\\x" + "00" * 32, 1, "image/jpeg", None, born)
            for _, name, key in uploads
        ],
    )
    yield "order_uploads", [(order, name) for order, name, _ in uploads]
