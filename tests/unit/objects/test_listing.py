from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import pytest

from data_lifecycle.objects.listing import OVERLAP, Lister
from data_lifecycle.objects.model import StoreUnknown, Unknown
from data_lifecycle.objects.wire import Retry

if TYPE_CHECKING:
    from tests.unit.objects.conftest import Request, ScriptedStore

from tests.unit.objects.conftest import Answer

FAST = Retry(attempts=3, base=0.001, cap=0.002)
P = "orders/12/"


def entry(key: str, version: str = "v1", tag: str = "Version") -> str:
    size = "<Size>7</Size>" if tag == "Version" else ""
    return (
        f"<{tag}><Key>{key}</Key><VersionId>{version}</VersionId><IsLatest>true</IsLatest>{size}"
        f"<Owner><ID>o</ID></Owner><LastModified>2026-01-02T03:04:05.000Z</LastModified></{tag}>"
    )


def page(*entries: str, truncated: str = "false", prefix: str = P, more: str = "") -> Answer:
    return Answer(
        '<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
        f"<Prefix>{prefix}</Prefix><IsTruncated>{truncated}</IsTruncated>{more}{''.join(entries)}</ListVersionsResult>"
    )


def markers(key: str, version: str) -> str:
    return f"<NextKeyMarker>{key}</NextKeyMarker><NextVersionIdMarker>{version}</NextVersionIdMarker>"


@pytest.fixture
def lister(scripted: ScriptedStore) -> Iterator[Lister]:
    with Lister(scripted.access, threads=2, read_timeout=0.3, retry=FAST) as made:
        yield made


def reason(lister: Lister) -> str:
    with pytest.raises(StoreUnknown) as caught:
        lister.list_versions("b", P)
    assert "orders" not in str(caught.value)
    return caught.value.reason


def test_versions_and_markers_are_read(scripted: ScriptedStore, lister: Lister) -> None:
    scripted.answer_in_turn(page(entry(P + "a", "null"), entry(P + "b", "v2", "DeleteMarker")))
    first, second = lister.list_versions("b", P)
    assert (first.key, first.kind, first.version_id, first.size) == (P + "a", "version", "null", 7)
    assert (second.key, second.kind, second.version_id, second.size) == (P + "b", "marker", "v2", 0)
    assert first.last_modified.isoformat() == "2026-01-02T03:04:05+00:00"
    assert scripted.requests[0].query["prefix"] == P


@pytest.mark.parametrize("prefix", ["", "orders/12", "/"])
def test_an_unsafe_prefix_is_not_even_asked(scripted: ScriptedStore, lister: Lister, prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        lister.list_versions("b", prefix)
    with pytest.raises(ValueError, match="prefix"):
        lister.list_many("b", [P, prefix])
    assert scripted.requests == []


@pytest.mark.parametrize(
    "name", ["a b", "a+b", "a%20b", "é", "e\u0301", "x\ny", "x\x01y", "x\ry", "#?&<>", "\ufffd", "😀"]
)
def test_escaped_keys_round_trip(scripted: ScriptedStore, lister: Lister, name: str) -> None:
    encoded = quote_plus(P + name, safe="/")
    scripted.answer_in_turn(page(entry(encoded), more="<EncodingType>url</EncodingType>"))
    assert [item.key for item in lister.list_versions("b", P)] == [P + name]


@pytest.mark.parametrize("name", ["a b", "a+b", "a%20b", "é", "e\u0301", "x\ny", "x\ry", "#?&<>", "😀"])
def test_keys_of_a_store_that_ignores_the_encoding_round_trip(
    scripted: ScriptedStore, lister: Lister, name: str
) -> None:
    scripted.answer_in_turn(page(entry(escape(P + name, {"\r": "&#13;", "\n": "&#10;"}))))
    assert [item.key for item in lister.list_versions("b", P)] == [P + name]


@pytest.mark.parametrize(
    ("key", "encoding"),
    [(P + "x\ufffdy", ""), (P + "a b", "url"), (P + "é", "url"), (P + "100%", "url"), (P + "%ff", "url")],
)
def test_a_key_that_may_have_been_altered_is_refused(
    scripted: ScriptedStore, lister: Lister, key: str, encoding: str
) -> None:
    scripted.answer_in_turn(page(entry(key), more=f"<EncodingType>{encoding}</EncodingType>"))
    assert reason(lister) == "ambiguous-key"


WHOLE = page(entry(P + "a")).body


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not xml",
        str(WHOLE).removesuffix("</ListVersionsResult>"),
        str(WHOLE)[: len(WHOLE) // 2],
        str(WHOLE) + "<more/>",
        str(WHOLE).replace("ListVersionsResult", "ListBucketResult"),
        str(WHOLE).replace("<IsTruncated>false</IsTruncated>", ""),
        str(WHOLE).replace("<IsTruncated>false", "<IsTruncated>perhaps"),
        str(WHOLE).replace("<VersionId>v1</VersionId>", ""),
        str(WHOLE).replace("<VersionId>v1</VersionId>", "<VersionId></VersionId>"),
        str(WHOLE).replace("<Key>orders/12/a</Key>", "<Key></Key>"),
        str(WHOLE).replace("<Key>", "<Key>x</Key><Key>"),
        str(WHOLE).replace("05.000Z", "05"),
        str(WHOLE).replace(P + "a", P + "&#1;"),
        str(WHOLE).replace("<ListV", '<!DOCTYPE x [<!ENTITY e "y">]><ListV', 1),
        "<html><body>captive portal</body></html>",
        "<Error><Code>InternalError</Code></Error>",
    ],
)
def test_a_malformed_answer_is_refused(scripted: ScriptedStore, lister: Lister, body: str) -> None:
    scripted.answer_in_turn(Answer(body))
    assert reason(lister) == "malformed"


@pytest.mark.parametrize(
    "answer",
    [
        page(entry("orders/123/a")),
        page(entry(P + "a"), prefix="orders/13/"),
        page(prefix=P, more="<CommonPrefixes><Prefix>orders/12/x/</Prefix></CommonPrefixes>"),
        Answer(str(WHOLE).replace("<Name>b<", "<Name>other<")),
    ],
)
def test_an_answer_to_another_question_is_refused(
    scripted: ScriptedStore, lister: Lister, answer: Answer
) -> None:
    scripted.answer_in_turn(answer)
    assert reason(lister) == "foreign"


@pytest.mark.parametrize("more", ["", f"<NextKeyMarker>{P}a</NextKeyMarker>"])
def test_a_cut_off_answer_without_markers_is_refused(
    scripted: ScriptedStore, lister: Lister, more: str
) -> None:
    scripted.answer_in_turn(page(entry(P + "a"), truncated="true", more=more))
    assert reason(lister) == "no-next-marker"


def test_a_store_that_repeats_its_page_is_refused(scripted: ScriptedStore, lister: Lister) -> None:
    scripted.answer_in_turn(page(entry(P + "a"), truncated="true", more=markers(P + "a", "v1")))
    assert reason(lister) == "no-progress"


def test_markers_that_jump_back_are_refused(scripted: ScriptedStore, lister: Lister) -> None:
    scripted.answer_in_turn(page(entry(P + "b"), truncated="true", more=markers(P + "a", "v1")))
    assert reason(lister) == "no-progress"


def test_a_cut_off_page_out_of_order_is_refused(scripted: ScriptedStore, lister: Lister) -> None:
    scripted.answer_in_turn(
        page(entry(P + "b"), entry(P + "a"), truncated="true", more=markers(P + "b", "v1"))
    )
    assert reason(lister) == "unordered"


def test_one_key_over_two_pages_follows_the_stores_own_markers(
    scripted: ScriptedStore, lister: Lister
) -> None:
    scripted.answer_in_turn(
        page(entry(P + "a", "v1"), entry(P + "a", "v2"), truncated="true", more=markers(P + "a", "v2")),
        page(entry(P + "a", "v3")),
    )
    assert [item.version_id for item in lister.list_versions("b", P)] == ["v1", "v2", "v3"]
    assert scripted.requests[1].query["key-marker"] == P + "a"
    assert scripted.requests[1].query["version-id-marker"] == "v2"


def test_a_store_that_walks_folders_loses_nothing_at_the_cut(scripted: ScriptedStore, lister: Lister) -> None:
    """It met `p0-thumb` before `p0`, cut in between, and would go on behind `p0-thumb`."""
    walk = sorted([f"{P}k{n:04d}" for n in range(998)] + [P + "p0-thumb", P + "p0", P + "p1", P + "p2"])
    walk.remove(P + "p0")
    walk.insert(walk.index(P + "p0-thumb") + 1, P + "p0")

    def script(request: Request) -> Answer:
        marker = request.query.get("key-marker", "")
        versioned = "version-id-marker" in request.query
        left = [k for k in walk if (k >= marker if versioned else k > marker)]
        collected = sorted(left[:1000])
        shown = collected[:999]
        if len(collected) == len(shown):
            return page(*map(entry, shown))
        return page(*map(entry, shown), truncated="true", more=markers(shown[-1], "v1"))

    scripted.script = script
    found = [item.key for item in lister.list_versions("b", P)]
    assert sorted(found) == sorted(walk)
    assert len(scripted.requests) == 2 + len(walk) // (1000 - OVERLAP) - 1


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([Answer(status=503), Answer("<Error><Code>SlowDown</Code></Error>", 503)], "SlowDown"),
        ([Answer(status=500)], "http-500"),
        ([Answer("<Error><Code>AccessDenied</Code></Error>", 403)], "AccessDenied"),
        ([Answer(WHOLE, cut=10)], "connection"),
        ([Answer(hang=True)], "timeout"),
    ],
)
def test_failures_are_asked_again_and_then_unknown(
    scripted: ScriptedStore, lister: Lister, answers: list[Answer], expected: str
) -> None:
    scripted.answer_in_turn(*answers)
    assert reason(lister) == expected
    assert len(scripted.requests) == FAST.attempts


@pytest.mark.parametrize(
    "failure",
    [
        Answer(status=503),
        Answer("<Error><Code>AccessDenied</Code></Error>", 403),
        Answer(hang=True),
        Answer(WHOLE, cut=9),
    ],
)
def test_one_failure_is_overcome(scripted: ScriptedStore, lister: Lister, failure: Answer) -> None:
    scripted.answer_in_turn(failure, page(entry(P + "a")))
    assert len(lister.list_versions("b", P)) == 1


def test_a_missing_bucket_is_unknown_and_not_absent(scripted: ScriptedStore, lister: Lister) -> None:
    scripted.answer_in_turn(Answer("<Error><Code>NoSuchBucket</Code></Error>", 404))
    assert reason(lister) == "NoSuchBucket"
    assert len(scripted.requests) == 1
    with pytest.raises(StoreUnknown, match="NoSuchBucket"):
        lister.list_many("b", [P])


def test_a_redirect_is_not_followed(scripted: ScriptedStore, lister: Lister) -> None:
    scripted.answer_in_turn(Answer(status=307, headers={"location": "/elsewhere"}))
    assert reason(lister) == "http-307"


def test_one_bad_prefix_stalls_no_other(scripted: ScriptedStore, lister: Lister) -> None:
    def script(request: Request) -> Answer:
        prefix = request.query["prefix"]
        return Answer(status=500) if prefix == "orders/2/" else page(entry(prefix + "a"), prefix=prefix)

    scripted.script = script
    found = lister.list_many("b", [f"orders/{n}/" for n in (1, 2, 3, 1)])
    assert list(found) == ["orders/1/", "orders/2/", "orders/3/"]
    assert found["orders/2/"] == Unknown("http-500")
    assert [len(v) for v in found.values() if not isinstance(v, Unknown)] == [1, 1]


def test_a_store_that_is_gone_is_not_waited_for_a_hundred_times(
    scripted: ScriptedStore, lister: Lister
) -> None:
    scripted.answer_in_turn(Answer(status=500))
    found = lister.list_many("b", [f"orders/{n}/" for n in range(100)])
    assert all(isinstance(value, Unknown) for value in found.values())
    assert found["orders/99/"] == Unknown("not-asked")
    assert len(scripted.requests) <= 8 * FAST.attempts


def uploads(*names: tuple[str, str], truncated: str = "false", more: str = "") -> Answer:
    listed = "".join(
        f"<Upload><Key>{key}</Key><UploadId>{upload}</UploadId><Initiated>2026-01-02T03:04:05Z</Initiated></Upload>"
        for key, upload in names
    )
    return Answer(
        f"<ListMultipartUploadsResult><Bucket>b</Bucket><Prefix></Prefix><IsTruncated>{truncated}</IsTruncated>"
        f"{more}{listed}</ListMultipartUploadsResult>"
    )


def test_uploads_are_paged_by_both_markers(scripted: ScriptedStore, lister: Lister) -> None:
    more = "<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker>"
    scripted.answer_in_turn(uploads(("k", "u1"), truncated="true", more=more), uploads(("k a+b", "u2")))
    assert [(item.key, item.kind, item.version_id) for item in lister.list_multipart_uploads("b")] == [
        ("k", "multipart", "u1"),
        ("k a+b", "multipart", "u2"),
    ]
    assert scripted.requests[1].query["key-marker"] == "k"
    assert scripted.requests[1].query["upload-id-marker"] == "u1"


@pytest.mark.parametrize("key", ["x&#1;y", "x\ufffdy"])
def test_uploads_that_xml_cannot_carry_are_asked_for_escaped(
    scripted: ScriptedStore, lister: Lister, key: str
) -> None:
    def script(request: Request) -> Answer:
        if "encoding-type" in request.query:
            return uploads(("x%01y", "u1"), more="<EncodingType>url</EncodingType>")
        return uploads((key, "u1"))

    scripted.script = script
    assert [item.key for item in lister.list_multipart_uploads("b")] == ["x\x01y"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [("", "no-next-marker"), ("<NextUploadIdMarker>u1</NextUploadIdMarker>", "no-progress")],
)
def test_uploads_cut_off_for_ever_are_refused(
    scripted: ScriptedStore, lister: Lister, more: str, expected: str
) -> None:
    scripted.answer_in_turn(uploads(("k", "u1"), truncated="true", more=more))
    with pytest.raises(StoreUnknown, match=expected):
        lister.list_multipart_uploads("b")
