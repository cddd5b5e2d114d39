"""The store's own legal hold on exact versions: set, let go, read. While it is on, the store refuses to delete.

Only versions can carry it; delete markers and unfinished uploads cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from data_lifecycle.objects.store import client

if TYPE_CHECKING:
    from data_lifecycle.connections import StoreAccess

THREADS = 8
Flag = Literal["on", "off", "gone", "unknown"]
Answer = Literal["accepted", "gone", "failed", "unknown"]
# What stores say of a version that never had a hold: S3, SeaweedFS, and S3 for an object put before the lock.
_NEVER_HELD = frozenset({"NoSuchObjectLockConfiguration", "NoSuchObjectLegalHold", "NoSuchLegalHold"})
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "404", "405"})


@dataclass(frozen=True, slots=True)
class Version:
    """An exact version in a bucket; its key and id stay out of every ``repr``. ValueError if one of them is empty."""

    bucket: str
    key: str = field(repr=False)
    version_id: str = field(repr=False)

    def __post_init__(self) -> None:
        if not (self.bucket and self.key and self.version_id):
            raise ValueError("a version needs bucket, key and version id")


def read_flags(
    access: StoreAccess, versions: Iterable[Version], threads: int = THREADS
) -> dict[Version, tuple[Flag, str | None]]:
    """Whether each version is under legal hold, with the store's code where it is ``unknown``.

    ``gone`` is a version that the store does not have. What the store does not say is unknown, never off.
    """
    s3 = client(access, pool=threads)

    def ask(version: Version) -> tuple[Flag, str | None]:
        answer, code, status = _call(s3.get_object_legal_hold, **_named(version))
        if code is None:
            said = answer.get("LegalHold", {}).get("Status")
            return (
                ("on", None) if said == "ON" else ("off", None) if said == "OFF" else ("unknown", "no-status")
            )
        if code in _NEVER_HELD:
            return "off", None
        if code in _GONE:
            return "gone", None
        return "unknown", code if status else "connection"

    return _each(ask, versions, threads)


def set_flags(
    access: StoreAccess, versions: Iterable[Version], want: Literal["on", "off"], threads: int = THREADS
) -> dict[Version, tuple[Answer, str | None]]:
    """Put each version under legal hold, or let go of it: what the store answered, with its code if it did not say yes.

    Acceptance is a claim of the store; `read_flags`, with another credential, is what counts.
    """
    s3 = client(access, pool=threads)
    status = {"Status": want.upper()}

    def ask(version: Version) -> tuple[Answer, str | None]:
        _, code, http = _call(s3.put_object_legal_hold, **_named(version), LegalHold=status)
        if code is None:
            return "accepted", None
        if code in _GONE:
            return "gone", code
        return ("unknown" if http in (0, 408, 429) or http >= 500 else "failed"), code

    return _each(ask, versions, threads)


def try_to_delete(
    access: StoreAccess, version: Version
) -> tuple[Literal["refused", "deleted", "missing", "unknown"], str | None]:
    """Try to delete a version that is flagged: only ``refused`` (403) shows that the store enforces its holds.

    Whoever calls it must be able to do without that version.
    """
    _, code, status = _call(client(access).delete_object, **_named(version))
    if code is None:
        return "deleted", None
    if code in _GONE:
        return "missing", code
    return ("refused" if status == 403 else "unknown"), code


def _named(version: Version) -> dict[str, Any]:
    return {"Bucket": version.bucket, "Key": version.key, "VersionId": version.version_id}


def _each(ask: Callable[[Version], Any], versions: Iterable[Version], threads: int) -> dict[Version, Any]:
    wanted = list(dict.fromkeys(versions))
    if not wanted:
        return {}
    with ThreadPoolExecutor(min(threads, len(wanted)), thread_name_prefix="flags") as pool:
        return dict(zip(wanted, pool.map(ask, wanted), strict=True))


def _call(operation: Callable[..., Any], **parameters: Any) -> tuple[dict[str, Any], str | None, int]:
    """(answer, None, 200) or ({}, code, HTTP status; 0 if there was no answer). No text of an error leaves it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return operation(**parameters), None, 200
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return {}, str(error.response.get("Error", {}).get("Code", "no-code")), status
    except BotoCoreError as error:
        return {}, type(error).__name__, 0
