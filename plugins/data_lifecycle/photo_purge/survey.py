"""Looking into the folders of orders, whichever credential looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from data_lifecycle.connections import StoreAccess
from data_lifecycle.objects.listing import Lister
from data_lifecycle.objects.model import ObjectVersion, StoreUnknown, Unknown


@dataclass(frozen=True, slots=True)
class Survey:
    """What lies in the folders asked for, over all buckets. A folder in ``unknown`` (with the reason) has no entries
    here: it could not be seen in every bucket, and that is not the same as empty."""

    entries: dict[str, list[ObjectVersion]] = field(repr=False)
    unknown: dict[str, str] = field(repr=False)


def survey(
    access: StoreAccess, buckets: Collection[str], folders: Collection[str], threads: int = 8
) -> Survey:
    """List versions, delete markers and unfinished uploads of each folder in each bucket.

    Costs one request a folder and bucket (for up to 1 000 entries), whatever the buckets hold besides, and one a bucket
    for the unfinished uploads. Raises StoreUnknown when a bucket is missing or its unfinished uploads cannot be listed.
    """
    wanted = sorted(set(folders))
    entries: dict[str, list[ObjectVersion]] = {f: [] for f in wanted}
    unknown: dict[str, str] = {}
    with Lister(access, threads=threads) as lister:
        for bucket in buckets:
            for name, found in lister.list_many(bucket, wanted).items():
                if isinstance(found, Unknown):
                    unknown[name] = found.reason
                else:
                    entries[name].extend(found)
            for upload in lister.list_multipart_uploads(bucket):
                place = next((f for f in _folders_above(upload.key) if f in entries), None)
                if place is not None:  # the sweep accounts for those in other folders
                    entries[place].append(upload)
    for name in unknown:
        del entries[name]
    return Survey(entries, unknown)


def _folders_above(key: str) -> list[str]:
    parts = key.split("/", 2)
    return ["/".join(parts[:n]) + "/" for n in range(1, len(parts))]


def sweep(access: StoreAccess, bucket: str) -> list[list[ObjectVersion]]:
    """Every entry of a bucket, in pages; StoreUnknown if any part of it could not be listed."""
    with Lister(access) as lister:
        return [*lister.iter_bucket(bucket), lister.list_multipart_uploads(bucket)]


def by_key(survey_entries: dict[str, list[ObjectVersion]]) -> dict[tuple[str, str], list[ObjectVersion]]:
    """Entries grouped by exact (bucket, key): a prefix match is never enough."""
    grouped: dict[tuple[str, str], list[ObjectVersion]] = defaultdict(list)
    for found in survey_entries.values():
        for entry in found:
            grouped[(entry.bucket, entry.key)].append(entry)
    return grouped


__all__ = ["StoreUnknown", "Survey", "by_key", "survey", "sweep"]
