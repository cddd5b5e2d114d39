"""Parse one page of ListObjectVersions or ListMultipartUploads, and refuse everything that is not wholly understood.

Stores differ: AWS escapes keys when asked to (`encoding-type=url`) and says so, others ignore the wish, or claim to
escape and do not, or replace what XML 1.0 cannot carry by U+FFFD. A page whose keys may have been altered is refused,
because a wrong key turns into a wrong "absent".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote_plus
from xml.parsers import expat

from data_lifecycle.objects.model import Kind, ObjectVersion, StoreUnknown

_URL_ESCAPED = re.compile(r"(?:[A-Za-z0-9_.~*!'()/+-]|%[0-9A-Fa-f]{2})*", re.ASCII)

_ROOTS: dict[str, dict[str, Kind]] = {
    "ListVersionsResult": {"Version": "version", "DeleteMarker": "marker"},
    "ListMultipartUploadsResult": {"Upload": "multipart"},
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its entries and, when `truncated`, the store's markers for the next one."""

    entries: list[ObjectVersion] = field(repr=False)
    truncated: bool
    key_marker: str = field(repr=False)
    id_marker: str = field(repr=False)


def parse(body: bytes, bucket: str, prefix: str, root: str) -> Page:
    """Return the page in `body`, which must answer for exactly `bucket` and `prefix`.

    `root` is the name of the expected document. Raises `StoreUnknown`: `malformed` for XML that is broken, cut off or
    lacks a field; `foreign` for an answer to another question; `ambiguous-key` when the key cannot be trusted.
    """
    kinds = _ROOTS[root]
    top: dict[str, str] = {}
    raw: list[tuple[Kind, dict[str, str]]] = []
    try:
        _read(body, root, kinds, top, raw)
    except expat.ExpatError:
        raise StoreUnknown("malformed") from None
    decode = _decoder(top.get("EncodingType", ""))
    if top.get("Name", top.get("Bucket", bucket)) != bucket or decode(top.get("Prefix", prefix)) != prefix:
        raise StoreUnknown("foreign")
    truncated = top.get("IsTruncated")
    if truncated not in ("true", "false"):
        raise StoreUnknown("malformed")
    try:
        entries = [_entry(bucket, kind, fields, decode) for kind, fields in raw]
    except (KeyError, ValueError):
        raise StoreUnknown("malformed") from None
    if prefix and not all(entry.key.startswith(prefix) for entry in entries):
        raise StoreUnknown("foreign")
    return Page(
        entries,
        truncated == "true",
        decode(top.get("NextKeyMarker", "")),
        top.get("NextVersionIdMarker", "") or top.get("NextUploadIdMarker", ""),
    )


def _entry(bucket: str, kind: Kind, fields: dict[str, str], decode: Callable[[str], str]) -> ObjectVersion:
    if kind == "multipart":
        started = datetime.fromisoformat(fields["Initiated"])
        return ObjectVersion(bucket, decode(fields["Key"]), kind, fields["UploadId"], 0, started, False)
    latest = fields["IsLatest"]
    if latest not in ("true", "false"):
        raise ValueError("IsLatest")
    size = int(fields["Size"]) if kind == "version" else 0
    modified = datetime.fromisoformat(fields["LastModified"])
    return ObjectVersion(
        bucket, decode(fields["Key"]), kind, fields["VersionId"], size, modified, latest == "true"
    )


def _decoder(encoding: str) -> Callable[[str], str]:
    if encoding == "url":
        return _unescape
    if encoding == "":
        return _verbatim
    raise StoreUnknown("malformed")


def _unescape(text: str) -> str:
    if _URL_ESCAPED.fullmatch(text) is None:  # claims to be escaped and is not
        raise StoreUnknown("ambiguous-key")
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise StoreUnknown("ambiguous-key") from None


def _verbatim(text: str) -> str:
    if "\ufffd" in text:  # what some stores write for a character that XML cannot carry
        raise StoreUnknown("ambiguous-key")
    return text


def _read(
    body: bytes,
    root: str,
    kinds: dict[str, Kind],
    top: dict[str, str],
    raw: list[tuple[Kind, dict[str, str]]],
) -> None:
    """Fill `top` with the document's own fields and `raw` with those of each entry."""
    depth = 0
    current: dict[str, str] = {}
    text: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal depth, current
        depth += 1
        text.clear()
        if depth == 1 and name != root:
            raise StoreUnknown("malformed")
        if depth == 2:
            current = {}
            if name == "CommonPrefixes":  # nothing was asked to be grouped: entries would be hidden
                raise StoreUnknown("foreign")

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        if depth == 2:
            if name in current:
                raise StoreUnknown("malformed")
            current[name] = "".join(text)
        elif depth == 1:
            kind = kinds.get(name)
            if kind is not None:
                raw.append((kind, current))
            elif name in top:
                raise StoreUnknown("malformed")
            else:
                top[name] = "".join(text)
        text.clear()

    def refuse(*_: object) -> None:
        raise StoreUnknown("malformed")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(body, True)
