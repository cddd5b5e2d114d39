"""Listing and erasing on a real S3 server, each with the identity that does it in production."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.integration.objects.conftest import BACKUP, UPLOADS, Store, version_of

from data_lifecycle.connections import StoreAccess
from data_lifecycle.objects import canary
from data_lifecycle.objects.erase import abort_uploads, erase_versions
from data_lifecycle.objects.listing import Lister
from data_lifecycle.objects.model import ObjectVersion, Outcome, StoreUnknown, Unknown
from data_lifecycle.objects.wire import Retry

HOSTILE = [
    "a b",
    "a+b",
    "a%20b",
    "100%",
    "\u00e9.jpg",
    "e\u0301.jpg",
    "new\nline",
    "return\rtab\t",
    "#fragment",
    "?query=1&x",
    "<&>\"'",
    "\U0001f600",
    " lead and trail ",
    "deep/er/than/others",
    "x" * 200 + "/" + "y" * 200 + "/" + "z" * 200,
]


def free() -> None:
    """A fence that lets everything pass."""


@pytest.fixture(scope="module")
def observer(own_store: Store) -> Iterator[Lister]:
    with Lister(own_store.access["object_observer"]) as lister:
        yield lister


def put(store: Store, *keys: str, bucket: str = UPLOADS) -> list[str]:
    return [str(store.admin.put_object(Bucket=bucket, Key=key, Body=b"x").get("VersionId")) for key in keys]


def erase(store: Store, items: list[ObjectVersion], identity: str = "object_eraser") -> list[Outcome]:
    return [outcome for _, outcome, _ in erase_versions(store.access[identity], items, before_batch=free)]


def test_hostile_keys_are_found_and_erased_exactly(own_store: Store, observer: Lister, prefix: str) -> None:
    keys = [prefix + name for name in HOSTILE]
    versions = put(own_store, *keys)
    found = observer.list_versions(UPLOADS, prefix)
    assert {(v.key, v.version_id) for v in found} == set(zip(keys, versions, strict=True))
    assert set(erase(own_store, found)) == {Outcome.ACCEPTED}
    assert observer.list_versions(UPLOADS, prefix) == []


def test_a_key_with_a_leading_slash_is_never_taken_for_absent(
    own_store: Store, observer: Lister, prefix: str
) -> None:
    """The store files it without the slash, and answers so: not what was asked, hence unknown."""
    put(own_store, "/" + prefix + "a")
    with pytest.raises(StoreUnknown, match="foreign"):
        observer.list_versions(UPLOADS, "/" + prefix)
    found = observer.list_versions(UPLOADS, prefix)
    assert [v.key for v in found] == [prefix + "a"]
    assert erase(own_store, found) == [Outcome.ACCEPTED]
    assert observer.list_versions(UPLOADS, prefix) == []


def test_a_key_that_xml_cannot_carry_is_unknown_until_it_is_erased_by_its_recorded_version(
    own_store: Store, observer: Lister, prefix: str
) -> None:
    """The store shows it as U+FFFD: another key, so neither a plan nor an absence may rest on it."""
    (version,) = put(own_store, prefix + "x\x01y")
    with pytest.raises(StoreUnknown, match="ambiguous-key"):
        observer.list_versions(UPLOADS, prefix)
    assert erase(own_store, [version_of(prefix + "x\x01y", version)]) == [Outcome.ACCEPTED]
    assert observer.list_versions(UPLOADS, prefix) == []


def test_a_neighbour_with_a_longer_number_is_left_alone(
    own_store: Store, observer: Lister, prefix: str
) -> None:
    near = prefix.removesuffix("/") + "3/"
    put(own_store, prefix + "a", near + "a")
    assert {v.key for v in observer.list_versions(UPLOADS, prefix)} == {prefix + "a"}
    erase(own_store, observer.list_versions(UPLOADS, prefix))
    assert len(observer.list_versions(UPLOADS, near)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("spread", [False, True], ids=["of one key", "of many keys"])
def test_more_versions_than_a_page_holds(
    own_store: Store, observer: Lister, prefix: str, spread: bool
) -> None:
    """Names that are beginnings of others: this store cuts its pages in another order than it sorts them."""
    names = (
        [f"p{n // 3:04d}.jpg" + ("", "-thumb", " copy")[n % 3] for n in range(2050)]
        if spread
        else ["one"] * 1050
    )
    keys = [prefix + name for name in names]
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda key: (key, put(own_store, key)[0]), keys))
    found = observer.list_versions(UPLOADS, prefix)
    assert len(found) == len(written)
    assert {(v.key, v.version_id) for v in found} == set(written)
    swept = [v for page in observer.iter_bucket(UPLOADS) for v in page if v.key.startswith(prefix)]
    assert sorted(v.identity for v in swept) == sorted(v.identity for v in found)
    assert set(erase(own_store, found)) == {Outcome.ACCEPTED}
    assert observer.list_versions(UPLOADS, prefix) == []


def test_delete_markers_are_found_and_erased(own_store: Store, observer: Lister, prefix: str) -> None:
    put(own_store, prefix + "a")
    own_store.admin.delete_object(Bucket=UPLOADS, Key=prefix + "a")
    found = observer.list_versions(UPLOADS, prefix)
    assert sorted(v.kind for v in found) == ["marker", "version"]
    assert erase(own_store, [v for v in found if v.kind == "version"]) == [Outcome.ACCEPTED]
    left = observer.list_versions(UPLOADS, prefix)
    assert [v.kind for v in left] == ["marker"]
    assert erase(own_store, left) == [Outcome.ACCEPTED]
    assert observer.list_versions(UPLOADS, prefix) == []


def test_null_versions_of_a_suspended_bucket(own_store: Store, prefix: str) -> None:
    bucket = "suspended-" + prefix.split("/")[1]
    access = own_store.access["object_admin"]
    own_store.admin.create_bucket(Bucket=bucket)
    put(own_store, prefix + "before", bucket=bucket)
    own_store.admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(own_store, prefix + "before", prefix + "a", bucket=bucket)
    own_store.admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    put(own_store, prefix + "a", bucket=bucket)
    with Lister(access) as lister:
        found = lister.list_versions(bucket, prefix)
        assert len(found) == 4
        nulls = [v for v in found if v.version_id == "null"]
        assert {v.key for v in nulls} == {prefix + "before", prefix + "a"}
        assert set(erase(own_store, nulls, "object_admin")) == {Outcome.ACCEPTED}
        left = lister.list_versions(bucket, prefix)
        assert {v.identity for v in left} == {v.identity for v in found} - {v.identity for v in nulls}


def test_unfinished_uploads_are_found_and_aborted(own_store: Store, observer: Lister, prefix: str) -> None:
    started = {
        own_store.admin.create_multipart_upload(Bucket=UPLOADS, Key=prefix + name)["UploadId"]: prefix + name
        for name in ("a b+c%20", "new\nline", "\u00e9", "twice", "twice")
    }
    assert observer.list_versions(UPLOADS, prefix) == []
    found = [u for u in observer.list_multipart_uploads(UPLOADS) if u.key.startswith(prefix)]
    assert {u.version_id: u.key for u in found} == started
    for _ in range(2):  # the second time they are gone already
        results = abort_uploads(own_store.access["object_eraser"], found, before_batch=free)
        assert {outcome for _, outcome, _ in results} == {Outcome.ACCEPTED}
    assert not [u for u in observer.list_multipart_uploads(UPLOADS) if u.key.startswith(prefix)]


@pytest.mark.slow
def test_more_uploads_than_a_page_holds(own_store: Store, prefix: str) -> None:
    bucket = "many-" + prefix.split("/")[1]
    own_store.admin.create_bucket(Bucket=bucket)

    def start(number: int) -> str:
        key = f"{prefix}{number % 700}"
        return str(own_store.admin.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"])

    with ThreadPoolExecutor(4) as pool:
        started = set(pool.map(start, range(1030)))
    with Lister(own_store.access["object_admin"]) as lister:
        assert {u.version_id for u in lister.list_multipart_uploads(bucket)} == started


def test_erasing_twice_converges(own_store: Store, observer: Lister, prefix: str) -> None:
    put(own_store, prefix + "a")
    found = observer.list_versions(UPLOADS, prefix)
    for _ in range(2):
        assert erase(own_store, found) == [Outcome.ACCEPTED]
        assert observer.list_versions(UPLOADS, prefix) == []


def test_accepted_is_no_proof(own_store: Store, observer: Lister, prefix: str) -> None:
    (version,) = put(own_store, prefix + "a")
    mistyped = version[:-1] + ("0" if version[-1] != "0" else "1")
    assert erase(own_store, [version_of(prefix + "a", mistyped)]) == [Outcome.ACCEPTED]
    assert [v.version_id for v in observer.list_versions(UPLOADS, prefix)] == [version]


def test_versions_written_before_a_page_is_asked_appear_at_once(
    own_store: Store, observer: Lister, prefix: str
) -> None:
    for count in range(1, 6):
        put(own_store, prefix + "a")
        assert len(observer.list_versions(UPLOADS, prefix)) == count


def test_many_prefixes_at_once(own_store: Store, observer: Lister, prefix: str) -> None:
    prefixes = [f"{prefix}{n}/" for n in range(20)]
    put(own_store, *(p + "a" for p in prefixes[:10]))
    found = observer.list_many(UPLOADS, prefixes)
    sizes = [-1 if isinstance(found[p], Unknown) else len(found[p]) for p in prefixes]  # type: ignore[arg-type]
    assert sizes == [1] * 10 + [0] * 10


def test_what_may_not_be_seen_is_unknown(own_store: Store, prefix: str) -> None:
    once = Retry(attempts=1)
    vault, wrong = own_store.access["evidence_vault"], own_store.access["object_observer"]
    forged = StoreAccess(wrong.endpoint_url, wrong.access_key, "not the secret", wrong.region)
    for access, bucket, reason in (
        (vault, UPLOADS, "AccessDenied"),
        (forged, UPLOADS, "SignatureDoesNotMatch"),
        (own_store.access["object_admin"], "no-such-bucket", "NoSuchBucket"),
    ):
        with Lister(access, retry=once) as lister:
            with pytest.raises(StoreUnknown, match=reason):
                lister.list_versions(bucket, prefix)
            with pytest.raises(StoreUnknown, match=reason):
                lister.list_multipart_uploads(bucket)


def test_the_observer_cannot_erase(own_store: Store, observer: Lister, prefix: str) -> None:
    put(own_store, prefix + "a")
    found = observer.list_versions(UPLOADS, prefix)
    (result,) = erase_versions(own_store.access["object_observer"], found, before_batch=free)
    assert result[1:] == (Outcome.FAILED, "AccessDenied")
    assert observer.list_versions(UPLOADS, prefix) == found


def test_the_canary_is_written_once_and_must_be_found(own_store: Store, observer: Lister) -> None:
    app = own_store.access["object_app"]
    expected = canary.ensure(app, [UPLOADS, BACKUP])
    assert canary.ensure(app, [UPLOADS, BACKUP]) == expected
    assert sorted(kind for _, _, kind, _ in expected.of(BACKUP).entries) == [
        "marker",
        "multipart",
        "version",
        "version",
    ]
    found = [
        item
        for bucket in (UPLOADS, BACKUP)
        for item in observer.list_versions(bucket, canary.PREFIX) + observer.list_multipart_uploads(bucket)
    ]
    assert canary.check(expected, found)
    assert not canary.check(expected, [item for item in found if item.bucket == UPLOADS])
    assert canary.check(expected.of(UPLOADS), [item for item in found if item.bucket == UPLOADS])


def test_a_bucket_without_versions_gets_no_canary(own_store: Store, prefix: str) -> None:
    bucket = "plain-" + prefix.split("/")[1]
    own_store.admin.create_bucket(Bucket=bucket)
    with pytest.raises(RuntimeError, match="versioning"):
        canary.ensure(own_store.access["object_admin"], [bucket])
