"""Puts a demo studio into a database and an object store, as the studio's own application would have.

The store comes first and the rows follow in one transaction: whoever sees an order sees all its files. A load that was
interrupted leaves objects without rows and can be repeated: the same keys then have more versions.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from data_lifecycle.connections import DatabaseAccess, StoreAccess
from data_lifecycle.database import Connection, array, connect, copy_rows, execute, fetch_one
from data_lifecycle.objects.store import client
from data_lifecycle.studio.demo.build import build
from data_lifecycle.studio.demo.model import DemoStudio, KeyHistory, Upload
from data_lifecycle.studio.demo.pictures import Album
from data_lifecycle.studio.demo.transfers import PROVIDERS

THREADS = 8
"""Keys written at the same time."""

_APPLICATION = "studio demo"
_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


class StudioNotEmpty(RuntimeError):
    """The database already has orders: a demo never mixes with what is there."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was loaded. Counts are safe to show; `scenarios` (order ids) and `contents` (keys) are for checks only.

    `versions`, `markers` and `unfinished` count what was made in the store in both buckets, orphans included.
    """

    seed: int
    now: datetime
    customers: int
    orders: int
    uploads: int
    payments: int
    disclosures: int
    consents: int
    holds: int
    versions: int
    markers: int
    unfinished: int
    orphans: int
    scenarios: Mapping[str, tuple[str, ...]] = field(repr=False)
    contents: tuple[KeyHistory, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Copies:
    """Where the second provider of storage keeps what it got: a bucket, and who may put something there."""

    access: StoreAccess
    bucket: str


def is_empty(app_database: DatabaseAccess) -> bool:
    """Whether the studio has no order yet."""
    with connect(app_database, _APPLICATION) as connection:
        return int(fetch_one(connection, "studio/count_orders")["orders"]) == 0


def load(
    app_database: DatabaseAccess,
    admin_url: str,
    app_store: StoreAccess,
    buckets: Mapping[str, str],
    seed: int,
    orders: int,
    now: datetime,
    copies: Copies | None = None,
) -> LoadReport:
    """Build a studio and write it; `buckets` names those for "uploads" and "backup", which must exist, versioned.

    What the studio sent to a second provider of storage is put at `copies`, nowhere without it. Rows are written by the
    role and objects by the identity given, which need no more than the studio's application has; `admin_url` only
    refreshes the planner's statistics afterwards. Raises StudioNotEmpty, ValueError (see `build`), psycopg2.Error or
    botocore's ClientError; after an error the database has none of the rows.
    """
    if not is_empty(app_database):
        raise StudioNotEmpty("the studio already has orders: load a demo into an empty database")
    studio = build(seed, orders, now)
    album = Album(seed)
    made = _write_objects(app_store, buckets, studio.contents, album)
    if copies is not None:
        _write_copies(copies, studio, album)
    with connect(app_database, _APPLICATION) as connection:
        first = min((p.occurred_at for p in studio.payments), default=studio.now)
        fetch_one(connection, "studio/add_payment_months", from_at=first, to_at=studio.now)
        _write_rows(connection, studio, buckets["uploads"], album)
        connection.commit()
    with connect(DatabaseAccess(admin_url), _APPLICATION) as connection:
        connection.autocommit = True
        execute(connection, "studio/analyze_studio")
    return LoadReport(
        seed=seed,
        now=studio.now,
        customers=len(studio.customers),
        orders=len(studio.orders),
        uploads=len(studio.uploads),
        payments=len(studio.payments),
        disclosures=len(studio.disclosures),
        consents=len(studio.consents),
        holds=len(studio.holds),
        versions=made["version"],
        markers=made["marker"],
        unfinished=made["multipart"],
        orphans=sum(history.fate is None for history in studio.contents),
        scenarios=studio.by_scenario,
        contents=studio.contents,
    )


def _write_objects(
    access: StoreAccess, buckets: Mapping[str, str], contents: Sequence[KeyHistory], album: Album
) -> Counter[str]:
    s3 = client(access, pool=THREADS)
    made: Counter[str] = Counter()
    with ThreadPoolExecutor(THREADS) as pool:
        for kinds in pool.map(
            lambda history: _write_key(s3, buckets[history.place], history, album), contents
        ):
            made.update(kinds)
    return made


def _write_copies(copies: Copies, studio: DemoStudio, album: Album) -> None:
    """The newest version of each file that went to a second provider, under the file's own key."""
    s3 = client(copies.access, pool=THREADS)
    sent = {d.upload_id for d in studio.disclosures if d.vendor in PROVIDERS}

    def put(upload: Upload) -> None:
        s3.put_object(
            Bucket=copies.bucket,
            Key=upload.object_key,
            Body=album.render(upload.picture),
            ContentType=upload.picture.media_type,
        )

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(put, (u for u in studio.uploads if u.upload_id in sent)):
            continue


def _write_key(s3: Any, bucket: str, history: KeyHistory, album: Album) -> Counter[str]:
    made: Counter[str] = Counter()
    for step in history.steps:
        if step == "marker":
            s3.delete_object(Bucket=bucket, Key=history.key)
        elif step == "multipart":
            media_type = _TYPES.get(history.key.rpartition(".")[2], "application/octet-stream")
            begun = s3.create_multipart_upload(Bucket=bucket, Key=history.key, ContentType=media_type)
            s3.upload_part(
                Bucket=bucket,
                Key=history.key,
                UploadId=begun["UploadId"],
                PartNumber=1,
                Body=b"\xff\xd8\xff" * 100,
            )
        else:
            s3.put_object(
                Bucket=bucket, Key=history.key, Body=album.render(step), ContentType=step.media_type
            )
        made[step if isinstance(step, str) else "version"] += 1
    return made


def _write_rows(connection: Connection, studio: DemoStudio, bucket: str, album: Album) -> None:
    tables: tuple[tuple[str, Iterable[Sequence[object]]], ...] = (
        (
            "copy_customers",
            (
                (c.customer_id, c.display_name, c.email, c.country, c.time_zone, c.is_minor, c.created_at)
                for c in studio.customers
            ),
        ),
        (
            "copy_orders",
            (
                (o.order_id, o.customer_id, o.service, o.description, o.created_at, o.created_at, o.erase_requested_at)
                for o in studio.orders
            ),
        ),
        ("copy_order_events", ((e.order_id, e.kind, e.occurred_at, e.recorded_at) for e in studio.events)),
        ("copy_uploads", _upload_rows(studio, bucket, album)),
        ("copy_order_uploads", ((order_id, u.upload_id) for u in studio.uploads for order_id in u.order_ids)),
        (
            "copy_payments",
            (
                (p.payment_id, p.charge_id, p.order_id, p.kind, p.provider, p.provider_ref, p.amount, p.fee, p.currency,
                 p.occurred_at, p.settled_at, p.payer_name, p.payer_country, p.payload)
                for p in studio.payments
            ),
        ),
        (
            "copy_disclosures",
            (
                (d.disclosure_id, d.order_id, d.vendor, d.data_category, d.purpose, d.destination_country, d.upload_id,
                 d.vendor_ref, d.sent_at, d.origin_country, array(d.access_countries), array(d.sub_processors),
                 d.transport)
                for d in studio.disclosures
            ),
        ),
        (
            "copy_consents",
            (
                (c.record_id, c.pii_principal_id, "XMANART", c.privacy_notice_version, c.purpose, c.pii_type,
                 c.recipient_third_party, c.jurisdiction, c.consent_type, c.bundled, c.given_at, c.withdrawn_at)
                for c in studio.consents
            ),
        ),
        (
            "copy_legal_holds",
            (
                (h.hold_id, h.basis, h.placed_by, h.approved_by, h.placed_at, h.expires_at, h.released_at)
                for h in studio.holds
            ),
        ),
        ("copy_legal_hold_uploads", ((h.hold_id, upload_id) for h in studio.holds for upload_id in h.upload_ids)),
    )  # fmt: skip
    for name, rows in tables:
        copy_rows(connection, f"studio/{name}", rows)


def _upload_rows(studio: DemoStudio, bucket: str, album: Album) -> Iterator[Sequence[object]]:
    for u in studio.uploads:
        content = album.render(u.picture)
        digest = "\\x" + hashlib.sha256(content).hexdigest()
        yield (
            u.upload_id, u.category, u.role, bucket, u.object_key, digest, len(content), u.picture.media_type,
            u.derived_from, u.uploaded_at,
        )  # fmt: skip
