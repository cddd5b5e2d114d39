"""Erase exactly the versions, delete markers and unfinished uploads that were sealed, each by its version id.

The answers are claims of the store, not proof: a mistyped version id is "deleted" too. Absence is for `listing` to
observe, with another credential.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from data_lifecycle.objects.model import ObjectVersion, Outcome
from data_lifecycle.objects.store import CONNECT_TIMEOUT, READ_TIMEOUT, client

if TYPE_CHECKING:
    from data_lifecycle.connections import StoreAccess

log = logging.getLogger(__name__)

THREADS = 8
BATCH_LIMIT = 1000
"""The most keys that DeleteObjects takes."""
ATTEMPTS = 4
"""Requests for the same item before its outcome stays UNKNOWN."""

Result = tuple[Outcome, str | None]
Erased = tuple[ObjectVersion, Outcome, str | None]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SLOW = frozenset({"SlowDown", "503", "ServiceUnavailable", "TooManyRequests", "429", "RequestLimitExceeded"})
_UNSURE = _SLOW | {"InternalError", "RequestTimeout", "OperationAborted", "500", "502", "504"}


@dataclass(slots=True)
class _Batch:
    items: list[ObjectVersion] = field(repr=False)
    attempt: int = 0
    not_before: float = 0.0


def erase_versions(
    access: StoreAccess,
    items: Sequence[ObjectVersion],
    threads: int = THREADS,
    *,
    before_batch: Callable[[], None],
    connect_timeout: float = CONNECT_TIMEOUT,
    read_timeout: float = READ_TIMEOUT,
) -> list[Erased]:
    """Delete each version and marker of `items` by key and version id; return (item, outcome, code) in the same order.

    `before_batch` runs in the calling thread right before every request, retries too: the place for legal holds and
    the epoch's fence. When it raises, nothing more is sent, what is under way is awaited, and everything else is
    NOT_ATTEMPTED with the exception's class name as the code. Timeouts, 5xx and answers that do not match the question
    are asked again, then UNKNOWN. Raises ValueError for a multipart upload among the items, before any request.
    """
    if any(item.kind == "multipart" for item in items):
        raise ValueError("unfinished uploads are aborted, not deleted by version")
    size = min(BATCH_LIMIT, max(1, ceil(len(items) / max(1, threads))))
    s3 = client(access, pool=threads, attempts=1, connect_timeout=connect_timeout, read_timeout=read_timeout)
    s3.meta.events.register("before-parse.s3.DeleteObjects", _read_answer)
    return _Run(
        items, _batches(items, size), threads, before_batch, lambda batch: _delete(s3, batch)
    ).results()


def abort_uploads(
    access: StoreAccess,
    items: Sequence[ObjectVersion],
    threads: int = THREADS,
    *,
    before_batch: Callable[[], None],
    connect_timeout: float = CONNECT_TIMEOUT,
    read_timeout: float = READ_TIMEOUT,
) -> list[Erased]:
    """Abort each unfinished upload of `items`; as `erase_versions`. An upload that is gone already is ACCEPTED."""
    if any(item.kind != "multipart" for item in items):
        raise ValueError("only unfinished uploads can be aborted")
    s3 = client(access, pool=threads, attempts=1, connect_timeout=connect_timeout, read_timeout=read_timeout)
    return _Run(items, _batches(items, 1), threads, before_batch, lambda batch: _abort(s3, batch)).results()


def _batches(items: Sequence[ObjectVersion], size: int) -> deque[_Batch]:
    """Cut into batches per bucket; a key that XML 1.0 cannot carry goes alone, by a plain DELETE.

    Of one key the oldest go first and the latest last: what a delete marker hides must not show again meanwhile, and
    a store that looks for the new latest after each deletion has nothing to look for (12 times faster at 600 versions).
    """
    groups: dict[str, list[ObjectVersion]] = {}
    batches: deque[_Batch] = deque()
    ordered = sorted(dict.fromkeys(reversed(items)), key=lambda i: (i.key, i.is_latest, i.last_modified))
    for item in ordered:  # a listing is newest first: reversed, what shares a second keeps its order
        if _NOT_XML.search(item.key):
            batches.append(_Batch([item]))
        else:
            groups.setdefault(item.bucket, []).append(item)
    for group in groups.values():
        batches.extend(_Batch(group[i : i + size]) for i in range(0, len(group), size))
    return batches


class _Run:
    """One erasure: the calling thread fences and hands out batches, threads send them, answers decide what is next."""

    def __init__(
        self,
        items: Sequence[ObjectVersion],
        batches: deque[_Batch],
        threads: int,
        before_batch: Callable[[], None],
        send: Callable[[list[ObjectVersion]], dict[ObjectVersion, Result]],
    ) -> None:
        self._items = items
        self._waiting = batches
        self._threads = max(1, threads)
        self._allowed = self._threads
        self._before_batch = before_batch
        self._send = send
        self._done: dict[ObjectVersion, Result] = {}

    def results(self) -> list[Erased]:
        """Send everything; return (item, outcome, code) in the order of the items."""
        stopped: str | None = None
        running: dict[Future[dict[ObjectVersion, Result]], _Batch] = {}
        with ThreadPoolExecutor(self._threads, thread_name_prefix="erase") as pool:
            while running or (self._waiting and stopped is None):
                while stopped is None and self._waiting and len(running) < self._allowed:
                    pause = self._waiting[0].not_before - time.monotonic()
                    if pause > 0 and running:
                        break
                    time.sleep(max(0.0, pause))
                    try:
                        self._before_batch()
                    except Exception as reason:  # noqa: BLE001 - whatever the fence raises, it means stop
                        stopped = type(reason).__name__
                        log.warning("erasing stopped by the fence: %s", stopped)
                        break
                    batch = self._waiting.popleft()
                    running[pool.submit(self._send, batch.items)] = batch
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    self._settle(running.pop(future), future.result())
        rest: Result = (Outcome.NOT_ATTEMPTED, stopped)
        return [(item, *self._done.get(item, rest)) for item in self._items]

    def _settle(self, batch: _Batch, answers: dict[ObjectVersion, Result]) -> None:
        """Keep what is decided; put the unsure back, in smaller batches on fewer threads when the store is slow."""
        self._done.update(answers)
        unsure = [item for item in batch.items if answers[item][0] is Outcome.UNKNOWN]
        slow = any(answers[item][1] in _SLOW for item in unsure)
        if not slow:
            self._allowed = min(self._threads, self._allowed + 1)
        if not unsure or batch.attempt + 1 >= ATTEMPTS:
            return
        size = len(unsure)
        if slow:
            self._allowed = max(1, self._allowed // 2)
            size = max(1, ceil(size / 2))
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - spreads the load, guards no secret
        later = time.monotonic() + jitter * min(4.0, 0.2 * 2.0**batch.attempt)
        for start in range(0, len(unsure), size):
            self._waiting.append(_Batch(unsure[start : start + size], batch.attempt + 1, later))


def _delete(s3: Any, items: list[ObjectVersion]) -> dict[ObjectVersion, Result]:
    if len(items) == 1 and _NOT_XML.search(items[0].key):
        return {items[0]: _delete_one(s3, items[0])}
    request = [{"Key": item.key, "VersionId": item.version_id} for item in items]
    answer, failure = _call(
        s3.delete_objects, Bucket=items[0].bucket, Delete={"Objects": request, "Quiet": False}
    )
    if failure is not None:
        return dict.fromkeys(items, failure)
    deleted: set[tuple[str, str]] = set()
    errors: dict[tuple[str, str], str] = {}
    for entry in answer.get("Deleted", []):
        named = {entry[name] for name in ("VersionId", "DeleteMarkerVersionId") if entry.get(name)}
        # A deleted marker may be named by either; a second or another id than the one asked for: it made a new marker.
        if len(named) == 1:
            deleted.add((entry.get("Key", ""), named.pop()))
    for entry in answer.get("Errors", []):
        errors[(entry.get("Key", ""), entry.get("VersionId", ""))] = entry.get("Code", "no-code")
    results: dict[ObjectVersion, Result] = {}
    for item in items:
        identity = (item.key, item.version_id)
        code = errors.get(identity, errors.get((item.key, "")))
        if code is not None:
            results[item] = (Outcome.UNKNOWN if code in _UNSURE else Outcome.FAILED, code)
        elif identity in deleted:
            results[item] = (Outcome.ACCEPTED, None)
        else:
            results[item] = (Outcome.UNKNOWN, "unanswered")
    return results


def _read_answer(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Read a good answer to DeleteObjects; botocore's own reading of it takes a quarter as long as the deletions do.

    What is no such answer (an error, another document, broken XML) is left to botocore.
    """
    if response_dict["status_code"] != 200:
        return
    try:
        document = ElementTree.fromstring(response_dict["body"])  # noqa: S314 - the parser that botocore uses
    except ElementTree.ParseError:
        return
    if _local(document) != "DeleteResult":
        return
    lists: dict[str, list[dict[str, str]]] = {"Deleted": [], "Error": []}
    for entry in document:
        lists.setdefault(_local(entry), []).append({_local(part): part.text or "" for part in entry})
    customized_response_dict.update(Deleted=lists["Deleted"], Errors=lists["Error"])
    response_dict["body"] = b"<DeleteResult/>"


def _local(element: ElementTree.Element) -> str:
    """The name without its namespace, which some stores leave out."""
    return element.tag.rpartition("}")[2]


def _delete_one(s3: Any, item: ObjectVersion) -> Result:
    answer, failure = _call(s3.delete_object, Bucket=item.bucket, Key=item.key, VersionId=item.version_id)
    if failure is not None:
        return failure
    if answer.get("VersionId", item.version_id) != item.version_id:
        return Outcome.UNKNOWN, "unanswered"
    return Outcome.ACCEPTED, None


def _abort(s3: Any, items: list[ObjectVersion]) -> dict[ObjectVersion, Result]:
    (item,) = items
    _, failure = _call(s3.abort_multipart_upload, Bucket=item.bucket, Key=item.key, UploadId=item.version_id)
    if failure is None or failure[1] == "NoSuchUpload":
        return {item: (Outcome.ACCEPTED, None)}
    return {item: failure}


def _call(operation: Callable[..., Any], **parameters: Any) -> tuple[dict[str, Any], Result | None]:
    """Call the store once: (answer, None) or ({}, what the failure means)."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectTimeoutError,
        HTTPClientError,
        ReadTimeoutError,
        ResponseStreamingError,
    )
    from botocore.parsers import ResponseParserError

    try:
        return operation(**parameters), None
    except (ReadTimeoutError, ConnectTimeoutError):
        return {}, (Outcome.UNKNOWN, "timeout")
    except (HTTPClientError, ResponseStreamingError):
        return {}, (Outcome.UNKNOWN, "connection")
    except ResponseParserError:
        return {}, (Outcome.UNKNOWN, "malformed")
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "no-code"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        unsure = status >= 500 or status in (0, 200, 408, 429) or code in _UNSURE
        return {}, (Outcome.UNKNOWN if unsure else Outcome.FAILED, code)
    except (
        BotoCoreError
    ) as error:  # refused before anything was sent: its text would name parameters, its class does not
        return {}, (Outcome.FAILED, type(error).__name__)
