from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from data_lifecycle.connections import StoreAccess
from data_lifecycle.objects.wire import Retry, Signer, Wire, canonical_query


@pytest.mark.parametrize("prefix", ["orders/12/", "a b+c%/é\n#?&=~*'()/", ""])
def test_the_signature_is_the_one_botocore_makes(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    access = StoreAccess("http://127.0.0.1:8333", "AKID", "secret/+key", "eu-west-1")
    now = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    query = canonical_query({"versions": "", "prefix": prefix, "encoding-type": "url"})
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_: now.replace(tzinfo=None))
    reference = AWSRequest("GET", f"http://127.0.0.1:8333/bucket?{query}")
    S3SigV4Auth(Credentials("AKID", "secret/+key"), "s3", "eu-west-1").add_auth(reference)
    ours = Signer(access, "127.0.0.1:8333").headers("/bucket", query, now)
    assert ours["authorization"].rsplit("=", 1)[1] == reference.headers["Authorization"].rsplit("=", 1)[1]


def test_a_new_day_has_a_new_key() -> None:
    signer = Signer(StoreAccess("http://h", "a", "s", "r"), "h")
    first = signer.headers("/b", "", datetime(2026, 1, 1, 23, 59, 59, tzinfo=UTC))
    second = signer.headers("/b", "", datetime(2026, 1, 2, tzinfo=UTC))
    again = Signer(StoreAccess("http://h", "a", "s", "r"), "h").headers(
        "/b", "", datetime(2026, 1, 2, tzinfo=UTC)
    )
    assert first["authorization"] != second["authorization"] == again["authorization"]


@pytest.mark.parametrize("url", ["ftp://h", "127.0.0.1:9000", "http://h/path"])
def test_an_endpoint_must_be_a_plain_origin(url: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        Wire(StoreAccess(url, "a", "s", "r"))


def test_retries_wait_longer_and_longer_but_never_beyond_the_cap() -> None:
    retry = Retry(base=1.0, cap=3.0)
    assert all(retry.delay(0) <= 1.0 and retry.delay(9) <= 3.0 for _ in range(100))
