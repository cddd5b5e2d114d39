"""One exact version of a file in the vault, read by ranges: its footer and the row groups wanted, not the rest."""

from __future__ import annotations

import io
from typing import Any

BLOCK = 1 << 16
"""Bytes fetched at least at once: a Parquet footer and small columns come with one request."""


class VaultFile(io.RawIOBase):
    """A seekable, read-only view of ``key`` at ``version_id``. ``fetched`` counts the bytes that came over the wire.

    ``s3`` is a boto3 client that may read; ``size`` the object's bytes. Errors are botocore's.
    """

    def __init__(self, s3: Any, bucket: str, key: str, version_id: str, size: int) -> None:
        super().__init__()
        self._s3 = s3
        self._object = {"Bucket": bucket, "Key": key, "VersionId": version_id}
        self._size = size
        self._place = 0
        self._block = b""
        self._block_at = 0
        self.fetched = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Offset in bytes."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; the new offset in bytes."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def read(self, size: int | None = -1, /) -> bytes:
        """The next ``size`` bytes, all that are left for -1; fewer only at the end. OSError for a short answer."""
        wanted = self._size - self._place if size is None or size < 0 else size
        end = min(self._place + wanted, self._size)
        if end <= self._place:
            return b""
        if not self._block_at <= self._place <= end <= self._block_at + len(self._block):
            first = max(0, min(self._place, self._size - BLOCK))
            last = min(max(end, first + BLOCK), self._size)
            self._block, self._block_at = self._ranged(first, last - 1), first
            self.fetched += len(self._block)
            if len(self._block) != last - first:
                raise OSError("the vault returned less than was asked for")
        found = self._block[self._place - self._block_at : end - self._block_at]
        self._place = end
        return found

    def _ranged(self, first: int, last: int) -> bytes:
        body = self._s3.get_object(**self._object, Range=f"bytes={first}-{last}")["Body"]
        return bytes(body.read())
