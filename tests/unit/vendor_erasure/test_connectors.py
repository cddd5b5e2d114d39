"""Each connector against a peer that keeps its contract, and against one that does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from tests.vendor_servers import (
    DOMAIN,
    Call,
    Files,
    Predictions,
    Processor,
    Removals,
    Reply,
    Vendor,
    processor_key,
    serving,
    signature,
)

from data_lifecycle.vendors.accounts import Account, connection_id
from data_lifecycle.vendors.connector import Connector, ErasureRequest, Identity, IdentityType, Sight
from data_lifecycle.vendors.connectors import NAMES, NoSuchConnector, ai, email, http, open_connector
from data_lifecycle.vendors.connectors.opendsr import OpenDsr, Refused

Serve = Callable[..., Vendor]
DOWN = (500, 503, 429, 403, 401, 302)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda answer, **more: stack.enter_context(serving(Vendor(answer, **more)))


def asking(*values: str, kind: IdentityType = "processor_reference") -> ErasureRequest:
    return ErasureRequest(
        subject_request_id=UUID(int=7),
        subject_identities=tuple(Identity(identity_type=kind, identity_value=v) for v in values),
        submitted_time=datetime(2026, 3, 1, tzinfo=UTC),
        idempotency_key="erasure-0000000000000007",
    )


def at(vendor: Vendor, **extra: Any) -> Account:
    return Account(vendor.url, "login", "secret", extra)


MADE: dict[str, Callable[[Vendor], Connector]] = {
    "sendgrid": lambda v: email.SendGrid(at(v)),
    "postmark": lambda v: email.Postmark(at(v, requested_by="privacy@studio.example")),
    "openai": lambda v: ai.OpenAI(at(v)),
    "replicate": lambda v: ai.Replicate(at(v)),
    "fal": lambda v: ai.Fal(at(v)),
    "opendsr": lambda v: OpenDsr(at(v, processor_domain=DOMAIN, processor_public_key=processor_key()[1])),
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("status", [*DOWN, 0])
def test_who_is_down_or_refuses_is_unknown_and_never_absent(name: str, status: int, serve: Serve) -> None:
    vendor = serve(lambda call: (status, {}))
    connector = MADE[name](vendor)
    request = asking("x@example.org", kind=connector.capabilities().identified_by)
    answer = connector.submit(request)
    assert answer.said == "unreachable"
    assert connector.verify(request, None).sight is Sight.UNKNOWABLE
    assert "example.org" not in repr((answer, request))


@pytest.mark.parametrize("name", MADE)
def test_an_answer_that_says_nothing_is_not_completed(name: str, serve: Serve) -> None:
    for content in (
        {},
        b"",
        b"[]",
        b"not json",
        {"deleted": "yes"},
        {"Status": "Done"},
        {"cdn_delete_results": [1]},
    ):
        vendor = serve(lambda call, content=content: (200, content))
        connector = MADE[name](vendor)
        request = asking("x@example.org", kind=connector.capabilities().identified_by)
        assert connector.submit(request).said != "completed"
        assert connector.poll(request, "7").said != "completed"
        assert connector.verify(request, "7").sight is not Sight.ABSENT


def test_a_slow_vendor_is_unreachable(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    wait = threading.Event()
    monkeypatch.setattr(http, "READ_TIMEOUT", 0.2)

    def late(call: Call) -> Reply:
        wait.wait(5)
        return 202, {}

    answer = email.SendGrid(at(serve(late))).submit(asking("x@example.org", kind="email"))
    wait.set()
    assert (answer.said, answer.code) == ("unreachable", "timeout")


def test_sendgrid_is_never_more_than_accepted(serve: Serve) -> None:
    vendor = serve(lambda call: (202, {"job_id": "j"}))
    connector, request = email.SendGrid(at(vendor)), asking("x@example.org", kind="email")
    for _ in range(2):
        assert connector.submit(request).said == "accepted"
    assert vendor.keys() == {request.idempotency_key}
    assert vendor.calls[0].body == {"email_addresses": ["x@example.org"]}
    assert vendor.calls[0].headers["authorization"] == "Bearer secret"
    assert connector.poll(request, "j").said == "accepted"
    assert connector.verify(request, "j").sight is Sight.UNKNOWABLE
    vendor.answer = lambda call: (400, {})
    assert connector.submit(request).said == "rejected"


def test_postmark_is_pending_until_done_and_about_this_removal(serve: Serve) -> None:
    vendor = serve(Removals(slow=2))
    connector, request = MADE["postmark"](vendor), asking("x@example.org", kind="email")
    assert (connector.submit(request).said, connector.submit(request).reference) == ("in_progress", "7")
    assert [connector.poll(request, "7").said for _ in range(3)] == ["in_progress", "completed", "completed"]
    vendor.answer = lambda call: (200, {"ID": 8, "Status": "Done"})
    assert connector.poll(request, "7").code == "answer-about-something-else"
    assert connector.poll(request, None).said == "rejected"


def test_openai_files_go_and_are_looked_for(serve: Serve) -> None:
    vendor = serve(Files("f/1", "f2"))
    vendor.answer = Files("f2")
    connector, request = ai.OpenAI(at(vendor)), asking("f2", "gone")
    assert connector.verify(request, None).sight is Sight.PRESENT
    assert connector.submit(request).said == "completed"
    assert connector.submit(request).said == "completed", "again is the same"
    assert connector.verify(request, None).sight is Sight.ABSENT
    liar = serve(Files("f2", keeps=True))
    connector = ai.OpenAI(at(liar))
    assert connector.submit(request).said == "completed"
    assert connector.verify(request, None).sight is Sight.PRESENT
    # A key of another project sees nothing at all: its 404s prove nothing.
    blind = serve(lambda call: (404, {}))
    assert ai.OpenAI(at(blind)).verify(request, None).sight is Sight.UNKNOWABLE
    assert ai.OpenAI(at(vendor)).submit(asking("../models")).said == "completed"
    assert vendor.calls[-1].path == "/v1/files/..%2Fmodels"


def test_replicate_waits_for_time_and_looks(serve: Serve) -> None:
    vendor = serve(Predictions(p1=False, p2=True))
    connector = ai.Replicate(at(vendor))
    assert connector.submit(asking("p1", "p2")).said == "in_progress"
    assert connector.verify(asking("p1", "p2"), None).sight is Sight.PRESENT
    assert connector.submit(asking("p2", "p3")).said == "completed"
    assert connector.verify(asking("p2", "p3"), None).sight is Sight.ABSENT
    half = {"id": "p2", "data_removed": True, "input": {"image": "x"}}
    vendor.answer = lambda call: (200, {"results": []} if call.path.endswith("s") else half)
    assert connector.verify(asking("p2"), None).sight is Sight.PRESENT
    assert connector.verify(asking("p9"), None).code == "answer-about-something-else"
    assert {c.method for c in vendor.calls} == {"GET"}


def test_fal_believes_no_200_with_an_exception_inside(serve: Serve) -> None:
    fine = {"cdn_delete_results": [{"link": "l", "exception": None}]}
    vendor = serve(lambda call: (200, fine))
    connector = ai.Fal(at(vendor))
    assert connector.submit(asking("r1", "r2")).said == "completed"
    assert vendor.calls[0].path == "/v1/models/requests/r1/payloads"
    assert len(vendor.keys("DELETE")) == 2, "a key a request, the same each time"
    connector.submit(asking("r1", "r2"))
    assert len(vendor.keys("DELETE")) == 2
    bad = {"cdn_delete_results": [{"link": "l", "exception": "denied"}]}
    vendor.answer = lambda call: (200, bad)
    assert connector.submit(asking("r1")).code == "an-output-was-not-deleted"
    assert connector.verify(asking("r1"), None).sight is Sight.UNKNOWABLE, "what was sent is listed nowhere"


def test_opendsr_speaks_its_names_and_believes_signatures_only(serve: Serve) -> None:
    key, public = processor_key()
    processor = Processor()
    vendor = serve(processor, sign=key)
    place = at(
        vendor, processor_domain=DOMAIN, processor_public_key=public, callback_url="https://studio.example/cb"
    )
    connector, request = OpenDsr(place), asking("ref-1")
    answer = connector.submit(request)
    assert (answer.said, answer.reference) == ("accepted", str(UUID(int=7)))
    assert vendor.calls[0].body == {
        "regulation": "gdpr",
        "subject_request_id": str(UUID(int=7)),
        "subject_request_type": "erasure",
        "subject_identities": [
            {"identity_type": "processor_reference", "identity_value": "ref-1", "identity_format": "raw"}
        ],
        "submitted_time": "2026-03-01T00:00:00Z",
        "status_callback_urls": ["https://studio.example/cb"],
        "api_version": "2.0",
    }
    for status, said in (
        ("in_progress", "in_progress"),
        ("completed", "completed"),
        ("cancelled", "rejected"),
    ):
        processor.status = status
        assert connector.poll(request, None).said == said
    processor.status = "done, trust us"
    assert connector.poll(request, None).code == "unknown-status"
    processor.status, processor.about = "completed", str(UUID(int=8))
    assert connector.poll(request, None).code == "about-another-request"
    assert connector.submit(request).code == "about-another-request"
    vendor.sign, processor.about = None, str(UUID(int=7))
    assert connector.poll(request, None).said == "unreachable"
    vendor.sign = processor_key()[0]
    assert connector.poll(request, None).code == "unsigned"
    assert connector.submit(request).code == "unsigned"


def test_a_callback_is_read_only_if_it_is_signed_and_whole() -> None:
    key, public = processor_key()
    place = Account(
        "https://v.example", None, "t", {"processor_domain": DOMAIN, "processor_public_key": public}
    )
    connector = OpenDsr(place)
    body = json.dumps({"subject_request_id": "a", "request_status": "completed"}).encode()
    signed = connector.read(signature(key, body), body)
    assert (signed.subject_request_id, signed.answer.said, len(signed.sha256)) == ("a", "completed", 64)
    for headers, content, about, why in (
        (
            {**signature(key, body), "X-OpenDSR-Processor-Domain": "evil.example"},
            body,
            None,
            "another-processor",
        ),
        ({"X-OpenDSR-Processor-Domain": DOMAIN, "X-OpenDSR-Signature": "&"}, body, None, "unreadable"),
        (signature(key, body), body + b" ", None, "unsigned"),
        (signature(key, b"[]"), b"[]", None, "unreadable"),
        (signature(key, b"{}"), b"{}", None, "about-another-request"),
        (signature(key, body), body, "b", "about-another-request"),
    ):
        with pytest.raises(Refused, match=why):
            connector.read(headers, content, about)


def test_what_an_account_lacks_is_said_and_nothing_goes_over_plain_http() -> None:
    for name in NAMES:
        if name != "manual":
            assert open_connector(name, None) is None
            with pytest.raises(ValueError, match="connection"):
                open_connector(name, Account("https://v.example", "login", None, {}))
    with pytest.raises(ValueError, match="https only"):
        open_connector("openai", Account("http://api.example", None, "key"))
    with pytest.raises(NoSuchConnector, match="fax"):
        open_connector("fax", None)
    manual = open_connector("manual", None)
    assert manual is not None
    assert manual.submit(asking("x")).said == manual.poll(asking("x"), None).said == "manual"
    assert manual.verify(asking("x"), None).sight is Sight.UNKNOWABLE
    assert connection_id("aws-s3") == "vendor_aws_s3"
    assert "secret" not in repr(Account("https://v.example", "login", "secret", {"k": "secret"}))


def test_a_request_is_strict_and_says_nothing_of_anybody() -> None:
    request = asking("x@example.org", kind="email")
    assert "x@example.org" not in f"{request} {request!r}"
    assert "idempotency_key" not in json.loads(request.model_dump_json())
    for change in (
        {"subject_identities": ()},
        {"subject_request_type": "access"},
        {"submitted_time": datetime(2026, 3, 1)},  # noqa: DTZ001 — what is refused
        {"idempotency_key": "x"},
        {"status_callback_urls": ("http://plain.example",)},
        {"surprise": 1},
    ):
        with pytest.raises(ValidationError) as found:
            ErasureRequest(**{**dict(request), **change})
        assert "x@example.org" not in str(found.value)
