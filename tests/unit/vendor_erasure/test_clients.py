"""Connectors on vendors' own clients: Stripe against localstripe and a contract server, SES against moto."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tests.vendor_servers import Call, Reply, Vendor, local_stripe, serving

from data_lifecycle.vendors.accounts import Account
from data_lifecycle.vendors.connector import ErasureRequest, Identity, IdentityType, Sight
from data_lifecycle.vendors.connectors.ses import Ses
from data_lifecycle.vendors.connectors.stripe import Stripe

KEY = "sk_test_12345"
Serve = Callable[..., Vendor]


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


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    with local_stripe() as url:
        yield url


def test_customers_are_deleted_and_looked_for(localstripe: str) -> None:
    import stripe

    client = stripe.StripeClient(KEY, base_addresses={"api": localstripe})
    names = [client.v1.customers.create().id for _ in range(2)]
    connector, request = Stripe(Account(localstripe, None, KEY)), asking(*names)
    assert connector.verify(request, None).sight is Sight.PRESENT
    assert connector.submit(request).said == "completed"
    assert connector.verify(request, None).sight is Sight.ABSENT
    assert connector.submit(request).said == "completed", "again is the same"
    assert connector.verify(asking("cus_never"), None).sight is Sight.ABSENT


class Jobs:
    """Stripe's redaction jobs: created once a key, ready, run, succeeded."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.jobs: dict[str, str] = {}

    def __call__(self, call: Call) -> Reply:
        if call.method == "POST" and call.path.endswith("/redaction_jobs"):
            name = self.jobs.setdefault(call.headers["idempotency-key"], f"prj_{len(self.jobs) + 1}")
            return 200, {"id": name, "object": "privacy.redaction_job", "status": "validating"}
        name = call.path.split("/")[4]
        status = "redacting" if call.method == "POST" else self.statuses.pop(0)
        return 200, {"id": name, "object": "privacy.redaction_job", "status": status}


def test_transactions_go_through_a_job_that_is_run_when_ready(serve: Serve) -> None:
    jobs = Jobs("validating", "ready", "redacting", "succeeded")
    vendor = serve(jobs)
    connector = Stripe(Account(vendor.url, None, KEY, {"preview": "2026-06-24.preview"}))
    request = asking("ch_1", "pi_2")
    for _ in range(2):
        assert (connector.submit(request).said, connector.submit(request).reference) == ("accepted", "prj_1")
    assert len(jobs.jobs) == 1
    found = [connector.poll(request, "prj_1").said for _ in range(4)]
    assert found == ["in_progress", "in_progress", "in_progress", "completed"]
    assert [c.path for c in vendor.calls if c.path.endswith("/run")] == [
        "/v1/privacy/redaction_jobs/prj_1/run"
    ]
    assert vendor.calls[0].headers["stripe-version"] == "2026-06-24.preview"
    assert connector.verify(request, "prj_1").sight is Sight.UNKNOWABLE, "redacted objects stay"
    assert connector.submit(asking("zz_1")).said == "rejected"
    jobs.statuses = ["failed"]
    assert connector.poll(request, "prj_1").said == "rejected"


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_stripe_down_or_refusing_is_unknown(status: int, serve: Serve) -> None:
    vendor = serve(lambda call: (status, {"error": {"message": "No such customer: cus_secret"}}))
    connector, request = Stripe(Account(vendor.url, None, KEY)), asking("cus_secret")
    answer = connector.submit(request)
    assert (answer.said, answer.code) == ("unreachable", f"http-{status}")
    assert connector.poll(request, "prj_1").said == "unreachable"
    assert connector.verify(request, None).sight is Sight.UNKNOWABLE


def test_stripe_about_another_person_is_not_believed(serve: Serve) -> None:
    vendor = serve(lambda call: (200, {"id": "cus_other", "object": "customer", "deleted": True, "data": []}))
    connector, request = Stripe(Account(vendor.url, None, KEY)), asking("cus_mine")
    assert connector.submit(request).said == "accepted"
    assert connector.verify(request, None).sight is Sight.UNKNOWABLE
    assert connector.poll(request, "prj_1").code == "answer-about-something-else"
    vendor.down = 404
    assert connector.submit(request).said == "completed"
    assert connector.verify(request, None).sight is Sight.UNKNOWABLE, "a key that sees nothing proves nothing"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def ses(moto: str) -> Any:
    from boto3.session import Session

    session: Any = Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    return session.client("sesv2", endpoint_url=moto)


def test_ses_contacts_go_and_answer_404(moto: str, ses: Any, serve: Serve) -> None:
    ses.create_contact_list(ContactListName="news")
    ses.create_contact(ContactListName="news", EmailAddress="x@example.org")
    request = asking("x@example.org", kind="email")
    connector = Contacts(Account(moto, "a", "b", {"contact_lists": ["news"]}))
    assert connector.verify(request, None).sight is Sight.PRESENT
    assert connector.submit(request).said == "completed"
    assert connector.submit(request).said == "completed"
    assert connector.verify(request, None).sight is Sight.ABSENT
    # A list that cannot be read shows nothing.
    other = Contacts(Account(moto, "a", "b", {"contact_lists": ["not a list"]}))
    assert other.verify(request, None).sight is Sight.UNKNOWABLE


class Contacts(Ses):
    """Without the suppression list, which moto does not have."""

    def _places(self, verb: str, address: str) -> list[Any]:
        return super()._places(verb, address)[1:]

    def _controls(self) -> list[Any]:
        return super()._controls()[1:]


@pytest.mark.parametrize(
    ("status", "body", "said", "sight"),
    [
        (200, {}, "completed", Sight.PRESENT),
        (403, {"__type": "AccessDeniedException"}, "unreachable", Sight.UNKNOWABLE),
        (503, {}, "unreachable", Sight.UNKNOWABLE),
    ],
)
def test_ses_suppressed_addresses(status: int, body: Any, said: str, sight: Sight, serve: Serve) -> None:
    vendor = serve(lambda call: (status, body))
    connector, request = Ses(Account(vendor.url, "a", "b")), asking("x@example.org", kind="email")
    assert connector.submit(request).said == said
    assert connector.verify(request, None).sight is sight
    assert vendor.calls[0].path.startswith("/v2/email/suppression/addresses/")


def test_ses_says_absent_only_after_its_list_could_be_read(serve: Serve) -> None:
    missing: Reply = (404, {"__type": "NotFoundException", "message": "x@example.org is not there"})
    vendor = serve(lambda call: (200, {}) if call.path.split("?")[0].endswith("addresses") else missing)
    connector, request = Ses(Account(vendor.url, "a", "b")), asking("x@example.org", kind="email")
    assert connector.submit(request).said == "completed"
    assert connector.verify(request, None).sight is Sight.ABSENT
