"""What an S3 store can do to a purge that takes it by its word. Looked at with a plain client that is not ours."""

from __future__ import annotations

import dataclasses
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.faults.workshop import DUE, LATE, Workshop

from data_lifecycle.connections import StoreAccess
from data_lifecycle.embedded.objectstore import ObjectStore
from data_lifecycle.objects.listing import Lister
from data_lifecycle.objects.model import StoreUnknown
from data_lifecycle.objects.store import client
from data_lifecycle.objects.wire import Retry
from data_lifecycle.photo_purge.attesting import assert_purge
from data_lifecycle.protocol.house import House


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {**(Lister.__init__.__kwdefaults__ or {}), "retry": Retry(2, 0.01, 0.02)}
    monkeypatch.setattr(Lister.__init__, "__kwdefaults__", defaults)


def presigned(shop: Workshop, key: str) -> str:
    """An address under which the studio's customers may put a file for an hour."""
    access = shop.house.connections.store("object_app")
    app = boto3.client(
        "s3",
        endpoint_url=access.endpoint_url,
        region_name=access.region,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    url: str = app.generate_presigned_url(
        "put_object", Params={"Bucket": shop.uploads, "Key": key}, ExpiresIn=3600
    )
    return url


def put(url: str) -> None:
    request = urllib.request.Request(url, data=b"late", method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("when", ["before act", "before observe"])
@pytest.mark.parametrize("key", ["recorded", "stray"])
def test_a_presigned_put_after_sealing(shop: Workshop, when: str, key: str) -> None:
    order_id = shop.order(files=0)
    file = shop.file(order_id)
    url = presigned(shop, file.key if key == "recorded" else f"orders/{order_id}/new.jpg")
    run_id = shop.plan()
    if when == "before act":
        put(url)
    shop.act(run_id)
    if when == "before observe":
        put(url)
    assert shop.everything(order_id)
    assert shop.finish(run_id) == "verified"
    shop.assert_closed_once([order_id])
    late = shop.sql("SELECT state FROM lifecycle.item WHERE origin = 'late'")
    assert [row["state"] for row in late] == ["accepted"]


@pytest.mark.parametrize("ended", [DUE, LATE], ids=["before the deadline", "after it"])
def test_a_presigned_put_after_the_purge(shop: Workshop, ended: timedelta) -> None:
    """Nothing plans this order any more, but the next sweep sees the file, and the plan after it erases it."""
    order_id = shop.order(ended=ended, files=0)
    file = shop.file(order_id)
    url = presigned(shop, file.key)
    assert shop.purge("one") == "verified"
    shop.assert_closed_once([order_id])
    put(url)
    shop.purge("two")
    assert shop.purge("three") == "verified"
    assert shop.everything() == set()
    assert shop.closings(order_id) == 2


def test_a_presigned_put_between_observing_and_sweeping(shop: Workshop) -> None:
    order_id = shop.order(ended=LATE)
    url = presigned(shop, f"orders/{order_id}/photo-0.jpg")
    run_id = shop.plan()
    shop.act(run_id)
    from data_lifecycle.photo_purge.observing import observe_run, sweep_run

    observe_run(shop.house, run_id)
    put(url)
    sweep_run(shop.house, run_id)
    shop.prove(run_id)
    assert shop.attest(run_id) == "failed"
    assert (shop.case(order_id), shop.state(order_id)) == ("open", "present")
    assert shop.purge("two") == "verified"
    shop.assert_closed_once([order_id])


@pytest.mark.parametrize("when", ["before act", "before observe"])
def test_an_upload_in_parts_that_is_finished_after_sealing(shop: Workshop, when: str) -> None:
    order_id = shop.order()
    key = f"orders/{order_id}/big.jpg"
    upload = shop.begin(key, shop.backup)
    run_id = shop.plan()
    if when == "before act":
        shop.complete(key, upload, shop.backup)
        assert len([e for e in shop.everything() if e[1] == key and e[2] == "version"]) == 1
        shop.act(run_id)
    else:
        shop.act(run_id)
        with pytest.raises(ClientError, match="NoSuchUpload"):
            shop.complete(key, upload, shop.backup)
    assert shop.finish(run_id) == "verified"
    shop.assert_closed_once([order_id])


def test_markers_versions_parts_and_copies_of_hostile_keys(shop: Workshop) -> None:
    order_id = shop.order(files=0)
    for name in ("a b+c.jpg", "ü\u0301.jpg", "new\nline.jpg", "deep/er/100%.jpg", "<&>\"'.jpg"):
        shop.file(order_id, name, versions=2, marker=True, unfinished=True)
    kinds = {entry[2] for entry in shop.everything(order_id)}
    assert kinds == {"version", "marker", "multipart"}
    shop.s3.delete_object(Bucket=shop.uploads, Key=f"orders/{order_id}/never-there.jpg")
    assert shop.purge() == "verified"
    shop.assert_closed_once([order_id])


def test_a_delete_marker_is_not_a_deletion(shop: Workshop) -> None:
    """What the studio's application deleted without a version id is readable still: it goes too, marker and all."""
    order_id = shop.order(files=0)
    file = shop.file(order_id, marker=True)
    with pytest.raises(ClientError, match=r"404|NotFound"):
        shop.s3.head_object(Bucket=shop.uploads, Key=file.key)
    (version,) = [e[3] for e in shop.everything() if e[0] == shop.uploads and e[2] == "version"]
    assert shop.s3.get_object(Bucket=shop.uploads, Key=file.key, VersionId=version)["Body"].read() == b"0"
    assert shop.purge() == "verified"
    shop.assert_closed_once([order_id])


@pytest.fixture
def older_than_versions(empty_store: ObjectStore) -> tuple[str, str]:
    """Two keys put while uploads was a plain bucket, before the set-up gave it versions and locks."""
    admin, bucket = client(empty_store.store_access("object_admin")), empty_store.settings.bucket_uploads
    admin.delete_bucket_policy(Bucket=bucket)
    admin.delete_bucket(Bucket=bucket)
    admin.create_bucket(Bucket=bucket)
    keys = ("orders/ord_null/twice.jpg", "orders/ord_null/only.jpg")
    for key in keys:
        admin.put_object(Bucket=bucket, Key=key, Body=b"null")
    empty_store.create_buckets()
    return keys


def test_null_versions(older_than_versions: tuple[str, str], shop: Workshop) -> None:
    order_id, spared = shop.order(files=0, order_id="ord_null"), shop.order(ended=None)
    for key in older_than_versions:
        shop.record(order_id, key)
    shop.s3.put_object(Bucket=shop.uploads, Key=older_than_versions[0], Body=b"later")
    found = shop.everything(order_id)
    assert {e[1] for e in found if e[3] == "null"} == set(older_than_versions)
    assert len(found) == 3
    assert shop.purge() == "verified"
    shop.assert_closed_once([order_id])
    assert len(shop.everything(spared)) == 2


def test_versions_cannot_be_suspended(shop: Workshop) -> None:
    with pytest.raises(ClientError, match=r"AccessDenied|InvalidBucketState"):
        shop.s3.put_bucket_versioning(Bucket=shop.uploads, VersioningConfiguration={"Status": "Suspended"})


def test_more_versions_of_one_key_than_a_page_holds(shop: Workshop) -> None:
    order_id = shop.order(files=0)
    file = shop.file(order_id, backup=False)
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda n: shop.s3.put_object(Bucket=shop.uploads, Key=file.key, Body=b"x"), range(1004))
        )
    assert len(shop.everything(order_id)) == 1005
    assert shop.purge() == "verified"
    origins = shop.sql("SELECT origin, count(*) FROM lifecycle.item GROUP BY origin")
    assert origins == [{"origin": "original", "count": 1005}]
    shop.assert_closed_once([order_id])


def test_neighbours_whose_names_begin_the_same(shop: Workshop) -> None:
    due = shop.order(order_id="ord_12", files=0)
    file = shop.file(due, "front.jpg", unfinished=True)
    spared = [shop.order(ended=None, order_id=name) for name in ("ord_123", "ord_12_", "ord_1-", "ORD_12")]
    shop.file("ord_123", "front.jpg", versions=2, marker=True, unfinished=True)
    shop.file("ord_123", "ord_12/front.jpg")
    twin = shop.file(shop.order(ended=None, order_id="ord_1200", files=0), "front.jpg-thumb.jpg")
    before = shop.everything(*spared, "ord_1200")
    assert twin.key in {entry[1] for entry in before}
    shop.s3.put_object(Bucket=shop.uploads, Key=file.key + "-thumb", Body=b"unrecorded")
    assert shop.purge() == "verified"
    shop.assert_closed_once([due])
    assert shop.everything(*spared, "ord_1200") == before


@pytest.fixture
def lost(shop: Workshop) -> House:
    """A house whose backup bucket does not exist. Its credentials may ask for any bucket, so that the answer is 404."""
    admin = shop.house.connections.store("object_admin")
    house = shop.through(object_eraser=admin, object_observer=admin)
    return dataclasses.replace(
        house, settings=dataclasses.replace(house.settings, bucket_backup="lost-backup")
    )


def test_a_lost_bucket_is_not_an_empty_one(shop: Workshop, lost: House) -> None:
    order_id = shop.order()
    before = shop.everything()
    with pytest.raises(StoreUnknown, match="NoSuchBucket"):
        shop.plan(house=lost)
    run_id = shop.plan()
    shop.act(run_id)
    from data_lifecycle.photo_purge.observing import observe_run, sweep_run

    for look in (observe_run, sweep_run):
        with pytest.raises(StoreUnknown, match="NoSuchBucket"):
            look(lost, run_id)
    assert before
    assert shop.attest(run_id, "observe", "settle", "sweep", "assert") == "failed"
    assert (shop.case(order_id), shop.state(order_id)) == ("open", "present")
    assert shop.purge("two") == "verified"
    shop.assert_closed_once([order_id])


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("wrong", ["secret", "identity", "unknown key"])
def test_an_observer_that_is_not_let_in_has_seen_nothing(shop: Workshop, wrong: str) -> None:
    real = shop.house.connections.store("object_observer")
    strangers: dict[str, StoreAccess] = {
        "secret": dataclasses.replace(real, secret_key="0" * 32),
        "identity": shop.house.connections.store("evidence_vault"),
        "unknown key": dataclasses.replace(real, access_key="nobody"),
    }
    order_id = shop.order()
    run_id = shop.plan()
    shop.act(run_id)
    house = shop.through(object_observer=strangers[wrong])
    with pytest.raises(StoreUnknown):
        shop.look(run_id, house)
    assert "absent" not in {o["outcome"] for o in shop.sql("SELECT outcome FROM lifecycle.observation")}
    shop.prove(run_id)
    assert shop.attest(run_id) == "failed"
    assert (shop.case(order_id), shop.state(order_id)) == ("open", "present")
    assert shop.purge("two") == "verified"
    shop.assert_closed_once([order_id])


@pytest.mark.parametrize("kind", ["version", "marker", "multipart"])
def test_a_missing_canary_voids_the_observation(shop: Workshop, kind: str) -> None:
    order_id = shop.order()
    run_id = shop.plan()
    shop.act(run_id)
    (canary, *_) = shop.sql(
        "SELECT * FROM lifecycle.canary WHERE bucket = %s AND kind = %s ORDER BY version_id",
        shop.backup,
        kind,
    )
    if kind == "multipart":
        shop.s3.abort_multipart_upload(
            Bucket=canary["bucket"], Key=canary["object_key"], UploadId=canary["version_id"]
        )
    else:
        shop.s3.delete_object(
            Bucket=canary["bucket"], Key=canary["object_key"], VersionId=canary["version_id"]
        )
    assert shop.finish(run_id) == "failed"
    assert shop.everything(order_id) == set()
    assert (shop.case(order_id), shop.state(order_id)) == ("open", "present")
    assert [s["outcome"] for s in shop.results()] == ["failed"]
    shop.assert_evidence_complete()


def test_no_canary_is_no_observation(shop: Workshop) -> None:
    order_id = shop.order()
    shop.sql("DELETE FROM lifecycle.canary")
    assert shop.purge() == "failed"
    assert shop.case(order_id) == "open"


def test_nothing_due_is_attested_too(shop: Workshop) -> None:
    empty = shop.plan("empty studio")
    shop.act(empty)
    shop.look(empty)
    assert_purge(shop.house, empty)  # the real suite: on empty tables an expectation may mean something else
    assert shop.attest(empty) == "verified"
    shop.order(ended=None)
    assert shop.purge("nothing due") == "verified"
    assert [s["outcome"] for s in shop.results()] == ["verified", "verified"]
    counts = shop.sql("SELECT counts FROM lifecycle.run_summary ORDER BY run_id")
    assert [(c["counts"]["eligible"], c["counts"]["checked"] > 0) for c in counts] == [(0, True), (0, True)]
    shop.assert_evidence_complete()
