"""List versions, delete markers and unfinished uploads: the observer's eyes.

Either the whole answer or `StoreUnknown`; never a part of it. A prefix, not a key, is asked, because HEAD says 404
while versions are still readable behind a delete marker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from data_lifecycle.objects.listing_xml import Page, parse
from data_lifecycle.objects.model import ObjectVersion, StoreUnknown, Unknown, require_prefix
from data_lifecycle.objects.store import CONNECT_TIMEOUT, READ_TIMEOUT
from data_lifecycle.objects.wire import DEFAULT_RETRY, Retry, Wire

if TYPE_CHECKING:
    from data_lifecycle.connections import StoreAccess

PAGE = 1000
"""Entries asked for at once: the most that S3 gives."""
OVERLAP = 100
"""Entries of a cut-off page that are asked for again.

S3 orders keys by their bytes. A store that walks folders meets `a.jpg-thumb` before `a.jpg` and, after a cut between
the two, skips `a.jpg` for ever. Asking for the end of each page again finds it, unless as many siblings share its name.
"""
THREADS = 8
"""Listings at once; more gain nothing where the store shares two cores."""
Marker = tuple[str, str]
Identity = tuple[str, str, str, str]
_ALWAYS_FATAL = frozenset({"NoSuchBucket"})


class Lister:
    """Lists with one identity over kept-alive connections; safe to share between threads; a context manager."""

    def __init__(
        self,
        access: StoreAccess,
        *,
        threads: int = THREADS,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        retry: Retry = DEFAULT_RETRY,
    ) -> None:
        """Prepare `threads` connections for `access`; timeouts in seconds. Nothing is sent yet."""
        self._wire = Wire(
            access, pool=threads, connect_timeout=connect_timeout, read_timeout=read_timeout, retry=retry
        )
        self._threads = threads

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def list_versions(self, bucket: str, prefix: str) -> list[ObjectVersion]:
        """Return every version and delete marker below `prefix`, which must end with "/".

        Raises ValueError for a prefix that is empty or could match a neighbour, `StoreUnknown` when the answer is
        not complete and trustworthy (a missing bucket included).
        """
        return [entry for page in self._version_pages(bucket, require_prefix(prefix)) for entry in page]

    def iter_bucket(self, bucket: str) -> Iterator[list[ObjectVersion]]:
        """Yield every version and delete marker of the bucket, page by page, for the inventory sweep.

        The caller must treat a `StoreUnknown` raised half-way as "nothing is known", not keep the pages so far.
        """
        return self._version_pages(bucket, "")

    def list_multipart_uploads(self, bucket: str) -> list[ObjectVersion]:
        """Return every unfinished multipart upload of the bucket: ListObjectVersions does not show them.

        Keys are asked for unescaped first, since one store claims to escape them and does not; only when such a page
        cannot be read is escaping asked for. Raises `StoreUnknown` as `list_versions` does.
        """
        try:
            return self._uploads(bucket, {})
        except StoreUnknown as unreadable:
            if unreadable.reason not in ("malformed", "ambiguous-key"):
                raise
            return self._uploads(bucket, {"encoding-type": "url"})

    def list_many(
        self, bucket: str, prefixes: Sequence[str], threads: int | None = None
    ) -> Mapping[str, list[ObjectVersion] | Unknown]:
        """List many prefixes at once; one that fails becomes `Unknown(reason)` and stalls no other.

        Raises ValueError before asking anything when a prefix is unsafe, `StoreUnknown` when the bucket is missing.
        When the store seems to be gone altogether (three failures per thread without an answer in between), the
        prefixes left become `Unknown("not-asked")` rather than waiting for every timeout.
        """
        wanted = list(dict.fromkeys(require_prefix(prefix) for prefix in prefixes))
        workers = max(1, min(threads or self._threads, len(wanted) or 1))
        lock = Lock()
        failures = 0

        def ask(prefix: str) -> list[ObjectVersion] | Unknown:
            nonlocal failures
            if failures >= 3 * workers:
                return Unknown("not-asked")
            try:
                entries = self.list_versions(bucket, prefix)
            except StoreUnknown as unknown:
                if unknown.reason in _ALWAYS_FATAL:
                    failures = 3 * workers
                    raise
                with lock:
                    failures += 1
                return Unknown(unknown.reason)
            failures = 0
            return entries

        waiting = iter(wanted)  # shared: each thread takes the next prefix from it, without a task for each

        def work(_: int) -> list[tuple[str, list[ObjectVersion] | Unknown]]:
            return [(prefix, ask(prefix)) for prefix in waiting]

        with ThreadPoolExecutor(workers, thread_name_prefix="listing") as pool:
            found = dict(pair for part in pool.map(work, range(workers)) for pair in part)
        return {prefix: found[prefix] for prefix in wanted}

    def _version_pages(self, bucket: str, prefix: str) -> Iterator[list[ObjectVersion]]:
        fixed = {"versions": "", "encoding-type": "url", "max-keys": str(PAGE), "prefix": prefix}
        marker: Marker = ("", "")
        visited: set[Marker] = set()
        seen: set[Identity] = set()
        while True:
            query = dict(fixed)
            if marker[0]:
                query["key-marker"] = marker[0]
            if marker[1]:
                query["version-id-marker"] = marker[1]
            page = parse(self._wire.get(bucket, query), bucket, prefix, "ListVersionsResult")
            yield [entry for entry in page.entries if entry.identity not in seen] if seen else page.entries
            if not page.truncated:
                return
            marker, seen = _resume(page, marker)
            if marker in visited:
                raise StoreUnknown("no-progress")
            visited.add(marker)

    def _uploads(self, bucket: str, encoding: dict[str, str]) -> list[ObjectVersion]:
        found: dict[str, ObjectVersion] = {}
        markers = ("", "")
        while True:
            query = {"uploads": "", "max-uploads": str(PAGE), **encoding}
            if markers[0]:
                query["key-marker"] = markers[0]
            if markers[1]:
                query["upload-id-marker"] = markers[1]
            page = parse(self._wire.get(bucket, query), bucket, "", "ListMultipartUploadsResult")
            known = len(found)
            found.update((entry.version_id, entry) for entry in page.entries)
            if not page.truncated:
                return list(found.values())
            if not page.id_marker:
                raise StoreUnknown("no-next-marker")
            # One store orders by upload id and leaves the key marker out; one that needed it would repeat the page.
            if len(found) != known + len(page.entries) or not page.entries:
                raise StoreUnknown("no-progress")
            markers = (page.key_marker, page.id_marker)


def _resume(page: Page, before: Marker) -> tuple[Marker, set[Identity]]:
    """Say where to go on after a cut-off page: (key marker, version id marker), and the entries that will come again.

    Raises `StoreUnknown` when the page gives no markers, has no order that could be continued, or does not get on.
    """
    if not page.key_marker or not page.id_marker or not page.entries:
        raise StoreUnknown("no-next-marker")
    keys = [entry.key for entry in page.entries]  # code point order is the order of their UTF-8 bytes
    if any(earlier > later for earlier, later in pairwise(keys)):
        raise StoreUnknown("unordered")
    if page.key_marker < keys[-1] or page.key_marker < before[0]:
        raise StoreUnknown("no-progress")
    cut = max(0, len(keys) - OVERLAP)
    while cut > 0 and keys[cut - 1] == keys[cut]:  # resume only between two keys, never within one
        cut -= 1
    if cut == 0 or keys[cut - 1] <= before[0]:
        # One key fills the page: only the store's own markers lead on.
        return (page.key_marker, page.id_marker), set()
    return (keys[cut - 1], ""), {entry.identity for entry in page.entries[cut:]}
