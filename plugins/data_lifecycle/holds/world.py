"""What is under hold at this moment, as rows and store say, whichever credentials look."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from data_lifecycle.connections import StoreAccess
from data_lifecycle.database import Connection, fetch
from data_lifecycle.holds.plan import Coverage, Covered, HeldFile, cover, probes
from data_lifecycle.objects.canary import PREFIX
from data_lifecycle.objects.listing import Lister
from data_lifecycle.objects.model import ObjectVersion, StoreUnknown, Unknown


@dataclass(frozen=True, slots=True)
class World:
    """Held files, what of them lies in the buckets, the objects to try holds on, and all entries below ``canary/``."""

    files: tuple[HeldFile, ...] = field(repr=False)
    coverage: Coverage = field(repr=False)
    probes: tuple[Covered, ...] = field(repr=False)
    canaries: tuple[ObjectVersion, ...] = field(repr=False)


def look(connection: Connection, access: StoreAccess, buckets: Collection[str]) -> World:
    """Read the holds in force and list their folders in every bucket.

    Costs one request a folder and bucket, and one a bucket for unfinished uploads. StoreUnknown when any of it cannot
    be listed: a hold that is half seen would be half set.
    """
    files = tuple(
        HeldFile(row["upload_id"], row["object_key"], frozenset(row["hold_ids"]), frozenset(row["order_ids"]))
        for row in fetch(connection, "holds/select_held")
    )
    folders = {folder for file in files for folder in file.folders}
    entries: list[ObjectVersion] = []
    canaries: list[ObjectVersion] = []
    with Lister(access) as lister:
        for bucket in buckets:
            for found in lister.list_many(bucket, sorted(folders)).values():
                if isinstance(found, Unknown):
                    raise StoreUnknown(found.reason)
                entries += found
            canaries += lister.list_versions(bucket, PREFIX)
            entries += [
                upload
                for upload in lister.list_multipart_uploads(bucket)
                if any(upload.key.startswith(folder) for folder in folders)
            ]
    strays = {entry.key for entry in entries} - {file.key for file in files}
    recorded = {row["object_key"] for row in fetch(connection, "holds/select_recorded", keys=sorted(strays))}
    return World(files, cover(files, entries, recorded), probes(canaries), tuple(canaries))
