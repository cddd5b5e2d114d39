from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from data_lifecycle.objects.model import ObjectVersion, StoreUnknown, require_prefix

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def make(**changes: Any) -> ObjectVersion:
    fields: dict[str, Any] = {
        "bucket": "b",
        "key": "orders/1/secret.jpg",
        "kind": "version",
        "version_id": "v-secret",
        "size": 1,
        "last_modified": NOW,
        "is_latest": True,
    }
    return ObjectVersion(**{**fields, **changes})


@pytest.mark.parametrize("field", ["bucket", "key", "version_id"])
@pytest.mark.parametrize("nothing", ["", None])
def test_nothing_is_never_a_name(field: str, nothing: str | None) -> None:
    with pytest.raises(ValueError, match=field):
        make(**{field: nothing})


def test_null_is_a_legal_version_id() -> None:
    assert make(version_id="null").version_id == "null"


@pytest.mark.parametrize(
    "moment", [NOW.replace(tzinfo=None), NOW.astimezone(timezone(timedelta(hours=8)))], ids=["naive", "local"]
)
def test_a_time_must_be_utc(moment: datetime) -> None:
    with pytest.raises(ValueError, match="UTC"):
        make(last_modified=moment)


def test_repr_names_neither_key_nor_version() -> None:
    assert "secret" not in repr(make())


@pytest.mark.parametrize("prefix", ["", "/", "//", "orders/12", None])
def test_an_unsafe_prefix_is_refused(prefix: Any) -> None:
    with pytest.raises(ValueError, match="prefix"):
        require_prefix(prefix)


def test_a_prefix_that_ends_with_a_slash_is_safe() -> None:
    assert require_prefix("orders/12/") == "orders/12/"


def test_store_unknown_keeps_its_reason_between_processes() -> None:
    copy = pickle.loads(pickle.dumps(StoreUnknown("timeout")))  # noqa: S301 - its own bytes
    assert copy.reason == "timeout"
    assert "timeout" in str(copy)
