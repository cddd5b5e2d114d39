"""The vault believes only what it read back: once, unaltered, and under a lock that nobody can open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_lifecycle.connections import StoreAccess
from data_lifecycle.evidence import vault
from data_lifecycle.objects import store

NAME = "photo_purge/2026/06/10/run-00000007-01.dsse.json"
DATA = b'{"payload":"e30=","payloadType":"t","signatures":[]}'


@pytest.fixture(scope="module")
def access() -> Iterator[StoreAccess]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield StoreAccess(f"http://{host}:{port}", "id", "secret", "us-east-1")
    server.stop()


@pytest.fixture
def bucket(access: StoreAccess, request: pytest.FixtureRequest) -> str:
    """A bucket that locks each object for a day in COMPLIANCE mode; a mark "mode" says otherwise."""
    mode = getattr(request, "param", "COMPLIANCE")
    name = f"evidence-{abs(hash(request.node.name)) % 10**9}"
    s3 = store.client(access)
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    if mode:
        rule = {"DefaultRetention": {"Mode": mode, "Days": 1}}
        s3.put_object_lock_configuration(
            Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )
    return name


class Lying:
    """A client that does not ask, or whose answers are not what the store said."""

    def __init__(self, client: Any, **lies: Any) -> None:
        self._client, self._lies = client, lies

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name not in self._lies:
            return found
        answer = self._lies[name]
        return (
            (lambda **asked: answer(found(**asked)))
            if name == "get_object"
            else (lambda **asked: answer(asked))
        )


def lie(monkeypatch: pytest.MonkeyPatch, access: StoreAccess, **lies: Any) -> None:
    liar = Lying(store.client(access), **lies)
    monkeypatch.setattr(store, "client", lambda _access: liar)


def test_what_is_kept_is_read_back_by_version_and_locked(access: StoreAccess, bucket: str) -> None:
    before = datetime.now(UTC)
    kept = vault.keep(access, bucket, NAME, DATA)
    found = store.client(access).get_object(Bucket=bucket, Key=NAME, VersionId=kept.version_id)
    assert found["Body"].read() == DATA
    assert timedelta(hours=23) < kept.locked_until - before < timedelta(hours=25)
    assert kept.version_id not in repr(kept)


def test_keeping_it_again_finds_the_same_version_and_adds_none(access: StoreAccess, bucket: str) -> None:
    first = vault.keep(access, bucket, NAME, DATA)
    assert vault.keep(access, bucket, NAME, DATA) == first
    versions = store.client(access).list_object_versions(Bucket=bucket)["Versions"]
    assert [v["VersionId"] for v in versions] == [first.version_id]


def test_other_bytes_under_the_name_are_an_alarm_and_not_overwritten(
    access: StoreAccess, bucket: str
) -> None:
    vault.keep(access, bucket, NAME, b"something else")
    with pytest.raises(vault.VaultError, match="other bytes") as alarm:
        vault.keep(access, bucket, NAME, DATA)
    assert NAME in str(alarm.value)
    assert "something" not in str(alarm.value)
    assert len(store.client(access).list_object_versions(Bucket=bucket)["Versions"]) == 1


def test_a_store_that_alters_what_it_keeps_is_caught(
    access: StoreAccess, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Altered:
        def read(self) -> bytes:
            return DATA[:-1] + b"]"

    lie(monkeypatch, access, get_object=lambda answer: {**answer, "Body": Altered()})
    with pytest.raises(vault.VaultError, match="other bytes"):
        vault.keep(access, bucket, NAME, DATA)


@pytest.mark.parametrize("bucket", ["", "GOVERNANCE"], indirect=True)
def test_a_bucket_without_a_compliance_lock_is_no_vault(access: StoreAccess, bucket: str) -> None:
    with pytest.raises(vault.VaultError, match="not locked in COMPLIANCE mode"):
        vault.keep(access, bucket, NAME, DATA)


@pytest.mark.parametrize(
    "lock",
    [
        {"ObjectLockMode": None, "ObjectLockRetainUntilDate": None},
        {"ObjectLockRetainUntilDate": None},
        {"ObjectLockRetainUntilDate": datetime.now(UTC) - timedelta(seconds=1)},
        {"ObjectLockMode": "compliance"},
    ],
    ids=("no lock", "no end", "ended", "another mode"),
)
def test_a_lock_that_does_not_reach_into_the_future_is_none(
    access: StoreAccess, bucket: str, monkeypatch: pytest.MonkeyPatch, lock: dict[str, Any]
) -> None:
    lie(monkeypatch, access, get_object=lambda answer: {**answer, **lock})
    with pytest.raises(vault.VaultError, match="not locked"):
        vault.keep(access, bucket, NAME, DATA)


@pytest.mark.parametrize(
    ("code", "status"), [("AccessDenied", 403), ("InternalError", 500), ("NoSuchBucket", 404)]
)
def test_a_store_that_refuses_is_not_taken_for_one_that_has_it(
    access: StoreAccess, bucket: str, monkeypatch: pytest.MonkeyPatch, code: str, status: int
) -> None:
    def refuse(_asked: object) -> None:
        raise ClientError(
            {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject"
        )  # type: ignore[typeddict-item]

    lie(monkeypatch, access, put_object=refuse)
    with pytest.raises(ClientError, match=code):
        vault.keep(access, bucket, NAME, DATA)
