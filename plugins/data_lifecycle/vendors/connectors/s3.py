"""Copies in a bucket of another provider or region: all versions of exactly these keys, deleted singly, looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from data_lifecycle.connections import StoreAccess
from data_lifecycle.objects import store
from data_lifecycle.objects.listing import Lister
from data_lifecycle.objects.model import ObjectVersion, StoreUnknown
from data_lifecycle.vendors.accounts import Account
from data_lifecycle.vendors.connector import Answer, Capabilities, ErasureRequest, Look, Sight, worst
from data_lifecycle.vendors.connectors.http import secret


class S3Copies:
    """Erases with one credential and looks with another, and only believes a listing that shows the canary."""

    def __init__(self, account: Account) -> None:
        """Login, password, extra: `bucket`, `canary` (a key that must always be found), `region_name`, and for the look
        `observer_access_key`, `observer_secret_key`. ValueError names what is missing."""
        extra = account.extra
        missing = [
            name
            for name in ("bucket", "canary", "observer_access_key", "observer_secret_key")
            if not extra.get(name)
        ]
        if missing or not account.login:
            raise ValueError(f"the connection needs {', '.join(missing) or 'a login: the access key'}")
        self._bucket, self._canary = str(extra["bucket"]), str(extra["canary"])
        if "/" not in self._canary:
            raise ValueError("the canary lies in a folder of its own: folder/name")
        self._eraser = StoreAccess(
            account.url,
            account.login,
            secret(account, "the secret key"),
            str(extra.get("region_name") or "us-east-1"),
        )
        self._observer = replace(
            self._eraser,
            access_key=str(extra["observer_access_key"]),
            secret_key=str(extra["observer_secret_key"]),
        )

    def capabilities(self) -> Capabilities:
        """Versions can be listed."""
        return Capabilities("sync", "verified", "object_key")

    def submit(self, request: ErasureRequest) -> Answer:
        """Delete every version and marker of the keys, and end their unfinished uploads."""
        keys = request.values("object_key")
        try:
            with Lister(self._eraser) as lister:
                found = self._entries(lister, keys)
        except StoreUnknown as unknown:
            return Answer("unreachable", None, unknown.reason)
        client = store.client(self._eraser, attempts=1)
        answers = [self._erase(client, entry) for entry in found]
        return worst([*answers, Answer("completed")] if keys else [])

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """Deleting again is the way to ask."""
        return self.submit(request)

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """List with the observer: the canary must be there, and nothing of the keys."""
        keys = request.values("object_key")
        if not keys:
            return Look(Sight.UNKNOWABLE, "nothing-to-look-for")
        try:
            with Lister(self._observer) as lister:
                if not self._entries(lister, [self._canary]):
                    return Look(Sight.UNKNOWABLE, "canary-not-found")
                found = self._entries(lister, keys)
        except StoreUnknown as unknown:
            return Look(Sight.UNKNOWABLE, unknown.reason)
        return Look(Sight.PRESENT, "still-there") if found else Look(Sight.ABSENT)

    def _entries(self, lister: Lister, keys: Sequence[str]) -> list[ObjectVersion]:
        wanted = set(keys)
        folders = dict.fromkeys(f"{key.rpartition('/')[0]}/" for key in keys)
        versions = [e for folder in folders for e in lister.list_versions(self._bucket, folder)]
        return [e for e in [*versions, *lister.list_multipart_uploads(self._bucket)] if e.key in wanted]

    def _erase(self, client: Any, entry: ObjectVersion) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError

        place = {"Bucket": entry.bucket, "Key": entry.key}
        try:
            if entry.kind == "multipart":
                client.abort_multipart_upload(**place, UploadId=entry.version_id)
            else:
                client.delete_object(**place, VersionId=entry.version_id)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code") or "no-code")
            return Answer("completed") if code == "NoSuchUpload" else Answer("unreachable", None, code)
        except BotoCoreError as error:
            return Answer("unreachable", None, type(error).__name__)
        return Answer("completed")
