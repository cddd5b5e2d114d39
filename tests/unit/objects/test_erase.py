from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.unit.objects.conftest import Answer

from data_lifecycle.objects import erase
from data_lifecycle.objects.erase import abort_uploads, erase_versions
from data_lifecycle.objects.model import Kind, ObjectVersion, Outcome

if TYPE_CHECKING:
    from tests.unit.objects.conftest import Request, ScriptedStore

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OBJECT = re.compile(rb"<Object><Key>(.*?)</Key><VersionId>(.*?)</VersionId></Object>")


def item(number: int, kind: Kind = "version", key: str | None = None) -> ObjectVersion:
    return ObjectVersion("b", key or f"orders/1/k{number}", kind, f"v{number}", 1, NOW, True)


def free() -> None:
    """A fence that lets everything pass."""


def deleted(pairs: list[tuple[str, str]], more: str = "") -> Answer:
    listed = "".join(f"<Deleted><Key>{k}</Key><VersionId>{v}</VersionId></Deleted>" for k, v in pairs)
    return Answer(f"<DeleteResult>{listed}{more}</DeleteResult>")


def error(key: str, version: str, code: str) -> str:
    return f"<Error><Key>{key}</Key><VersionId>{version}</VersionId><Code>{code}</Code><Message>m</Message></Error>"


def asked(request: Request) -> list[tuple[str, str]]:
    return [(k.decode(), v.decode()) for k, v in OBJECT.findall(request.body)]


def honest(request: Request) -> Answer:
    return deleted(asked(request))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _low, _high: 0.001)


def outcomes(
    store: ScriptedStore, items: list[ObjectVersion], threads: int = 2, fence: Callable[[], None] = free
) -> list[tuple[Outcome, str | None]]:
    results = erase_versions(store.access, items, threads, before_batch=fence, read_timeout=0.3)
    assert [result[0] for result in results] == items
    return [result[1:] for result in results]


def test_every_version_is_named_and_the_answer_is_complete(scripted: ScriptedStore) -> None:
    scripted.script = honest
    items = [item(n) for n in range(10)]
    assert outcomes(scripted, items) == [(Outcome.ACCEPTED, None)] * 10
    assert sorted(pair for r in scripted.requests for pair in asked(r)) == sorted(
        (i.key, i.version_id) for i in items
    )
    assert len(scripted.requests) == 2
    assert all(b"<Quiet>true" not in r.body for r in scripted.requests)
    assert all("content-md5" in r.headers or "x-amz-checksum-crc32" in r.headers for r in scripted.requests)


def test_errors_inside_a_200_are_read_per_key(scripted: ScriptedStore) -> None:
    scripted.answer_in_turn(deleted([("orders/1/k0", "v0")], error("orders/1/k1", "v1", "AccessDenied")))
    assert outcomes(scripted, [item(0), item(1)], 1) == [
        (Outcome.ACCEPTED, None),
        (Outcome.FAILED, "AccessDenied"),
    ]


@pytest.mark.parametrize("named", ["VersionId", "DeleteMarkerVersionId"])
def test_a_deleted_marker_may_be_named_by_either_id(scripted: ScriptedStore, named: str) -> None:
    scripted.answer_in_turn(
        Answer(
            f"<DeleteResult><Deleted><Key>orders/1/k0</Key><DeleteMarker>true</DeleteMarker><{named}>v0</{named}>"
            "</Deleted></DeleteResult>"
        )
    )
    assert outcomes(scripted, [item(0)]) == [(Outcome.ACCEPTED, None)]
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        deleted([]),
        deleted([("orders/1/k0", "another")]),
        deleted([("orders/1/other", "v0")]),
        Answer("<DeleteResult><Deleted><Key>orders/1/k0</Key></Deleted></DeleteResult>"),
        Answer(
            "<DeleteResult><Deleted><Key>orders/1/k0</Key><VersionId>v0</VersionId><DeleteMarker>true</DeleteMarker>"
            "<DeleteMarkerVersionId>new</DeleteMarkerVersionId></Deleted></DeleteResult>"
        ),
        Answer(
            "<DeleteResult><Deleted><Key>orders/1/k0</Key><DeleteMarker>true</DeleteMarker>"
            "<DeleteMarkerVersionId>new</DeleteMarkerVersionId></Deleted></DeleteResult>"
        ),
    ],
    ids=["silent", "other version", "other key", "no version", "made a marker", "made a marker, no version"],
)
def test_an_answer_that_does_not_match_the_question_is_unknown(
    scripted: ScriptedStore, answer: Answer
) -> None:
    scripted.answer_in_turn(answer)
    assert outcomes(scripted, [item(0)]) == [(Outcome.UNKNOWN, "unanswered")]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(hang=True), "timeout"),
        (Answer("<DeleteResult>", cut=10), "500"),  # the client reads a broken 200 as a failure of the store
        (Answer("<DeleteResult><Deleted>"), "500"),
        (Answer("<Error><Code>InternalError</Code></Error>", 500), "InternalError"),
        (Answer("<Error><Code>SlowDown</Code></Error>", 503), "SlowDown"),
        (deleted([], error("orders/1/k0", "v0", "InternalError")), "InternalError"),
    ],
)
def test_what_cannot_be_known_is_asked_again_and_then_unknown(
    scripted: ScriptedStore, answer: Answer, code: str
) -> None:
    scripted.answer_in_turn(answer)
    fences: list[int] = []
    assert outcomes(scripted, [item(0)], fence=lambda: fences.append(1)) == [(Outcome.UNKNOWN, code)]
    assert len(scripted.requests) == len(fences) == erase.ATTEMPTS


def test_a_slow_store_gets_smaller_batches(scripted: ScriptedStore) -> None:
    def script(request: Request) -> Answer:
        return (
            Answer("<Error><Code>SlowDown</Code></Error>", 503)
            if len(asked(request)) > 2
            else honest(request)
        )

    scripted.script = script
    assert outcomes(scripted, [item(n) for n in range(8)], 1) == [(Outcome.ACCEPTED, None)] * 8
    assert [len(asked(r)) for r in scripted.requests] == [8, 4, 4, 2, 2, 2, 2]


def test_a_refusal_is_final(scripted: ScriptedStore) -> None:
    scripted.answer_in_turn(Answer("<Error><Code>AccessDenied</Code></Error>", 403))
    assert outcomes(scripted, [item(0), item(1)], 1) == [(Outcome.FAILED, "AccessDenied")] * 2
    assert len(scripted.requests) == 1


def test_the_fence_stops_everything_after_it(scripted: ScriptedStore) -> None:
    class HoldPlaced(Exception):
        pass

    calls: list[int] = []

    def fence() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise HoldPlaced

    scripted.script = honest
    items = [item(n, key=f"orders/1/k{n}\x01") for n in range(3)]
    scripted.answer_in_turn(Answer(status=204))
    assert outcomes(scripted, items, 1, fence) == [
        (Outcome.ACCEPTED, None),
        (Outcome.NOT_ATTEMPTED, "HoldPlaced"),
        (Outcome.NOT_ATTEMPTED, "HoldPlaced"),
    ]
    assert len(scripted.requests) == 1


def test_the_fence_stops_retries_too_but_what_was_sent_stays_unknown(scripted: ScriptedStore) -> None:
    calls: list[int] = []

    def fence() -> None:
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError

    scripted.answer_in_turn(Answer(status=500))
    assert outcomes(scripted, [item(0)], 1, fence) == [(Outcome.UNKNOWN, "500")]


@pytest.mark.parametrize("character", ["\x01", "\x0b", "\ufffe"])
def test_a_key_that_xml_cannot_carry_is_deleted_alone(scripted: ScriptedStore, character: str) -> None:
    scripted.answer_in_turn(Answer(status=204))
    odd = item(0, key=f"orders/1/x{character}y")
    assert outcomes(scripted, [odd]) == [(Outcome.ACCEPTED, None)]
    (request,) = scripted.requests
    assert (request.method, request.path, request.query["versionId"]) == ("DELETE", "/b/" + odd.key, "v0")


def test_a_single_delete_that_made_a_marker_is_unknown(scripted: ScriptedStore) -> None:
    scripted.answer_in_turn(
        Answer(status=204, headers={"x-amz-delete-marker": "true", "x-amz-version-id": "new"})
    )
    assert outcomes(scripted, [item(0, key="orders/1/\x02")]) == [(Outcome.UNKNOWN, "unanswered")]


def test_buckets_are_not_mixed(scripted: ScriptedStore) -> None:
    scripted.script = honest
    other = ObjectVersion("c", "orders/1/k0", "version", "v0", 1, NOW, True)
    assert outcomes(scripted, [item(0), other]) == [(Outcome.ACCEPTED, None)] * 2
    assert sorted(r.path for r in scripted.requests) == ["/b", "/c"]


def test_the_latest_goes_last_so_that_nothing_hidden_shows_again(scripted: ScriptedStore) -> None:
    scripted.script = honest
    marker = ObjectVersion("b", "orders/1/k", "marker", "m", 0, NOW, True)
    newer = ObjectVersion("b", "orders/1/k", "version", "new", 1, NOW, False)
    older = ObjectVersion("b", "orders/1/k", "version", "old", 1, NOW, False)
    assert outcomes(scripted, [marker, newer, older], 1) == [(Outcome.ACCEPTED, None)] * 3
    assert [version for _, version in asked(scripted.requests[0])] == ["old", "new", "m"]


def test_nothing_to_do_is_no_request(scripted: ScriptedStore) -> None:
    assert outcomes(scripted, []) == []
    assert scripted.requests == []


def test_kinds_are_not_mixed_up(scripted: ScriptedStore) -> None:
    with pytest.raises(ValueError, match="uploads"):
        erase_versions(scripted.access, [item(0, "multipart")], before_batch=free)
    with pytest.raises(ValueError, match="uploads"):
        abort_uploads(scripted.access, [item(0)], before_batch=free)
    assert scripted.requests == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(status=204), (Outcome.ACCEPTED, None)),
        (Answer("<Error><Code>NoSuchUpload</Code></Error>", 404), (Outcome.ACCEPTED, None)),
        (Answer("<Error><Code>NoSuchBucket</Code></Error>", 404), (Outcome.FAILED, "NoSuchBucket")),
        (Answer("<Error><Code>AccessDenied</Code></Error>", 403), (Outcome.FAILED, "AccessDenied")),
        (Answer(hang=True), (Outcome.UNKNOWN, "timeout")),
    ],
)
def test_uploads_are_aborted_by_their_id(
    scripted: ScriptedStore, answer: Answer, expected: tuple[Outcome, str | None]
) -> None:
    scripted.answer_in_turn(answer)
    upload = item(0, "multipart")
    (result,) = abort_uploads(scripted.access, [upload], before_batch=free, read_timeout=0.3)
    assert result == (upload, *expected)
    assert scripted.requests[0].query["uploadId"] == "v0"


def test_no_key_and_no_version_id_is_ever_logged(
    scripted: ScriptedStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "data_lifecycle")
    scripted.answer_in_turn(Answer(status=500))

    def fence() -> None:
        if scripted.requests:
            raise RuntimeError("orders/1/k0 v0")

    outcomes(scripted, [item(0), item(1)], 1, fence)
    own = [r.getMessage() for r in caplog.records if r.name.startswith("data_lifecycle")]
    assert own
    assert not [text for text in own if "orders" in text or "v0" in text]
