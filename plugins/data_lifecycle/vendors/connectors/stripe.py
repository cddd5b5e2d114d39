"""Stripe through its official client: customers are deleted at once, all else is redacted by a job."""

from __future__ import annotations

import logging
from typing import Any

from data_lifecycle.vendors.accounts import Account
from data_lifecycle.vendors.connector import Answer, Capabilities, ErasureRequest, Look, Sight, least, worst
from data_lifecycle.vendors.connectors.http import READ_TIMEOUT, secret, segment

_KINDS = {
    "ch_": "charges",
    "pi_": "payment_intents",
    "cs_": "checkout_sessions",
    "in_": "invoices",
    "si_": "setup_intents",
}
_CUSTOMER = "cus_"
_JOB = "/v1/privacy/redaction_jobs"


class Stripe:
    """References ``cus_…`` are deleted; ``ch_…``, ``pi_…``, ``cs_…``, ``in_…`` go into one redaction job.

    A job is validating → ready → redacting → succeeded; transactions are refused for 90 days. Only a deleted customer
    can be looked for.
    """

    def __init__(self, account: Account) -> None:
        """Password: a restricted key (customers, redaction jobs). Extra `preview`: the API version of the jobs."""
        import stripe

        self._stripe: Any = stripe
        # The client notes each request with its path, and the path names a customer.
        logging.getLogger("stripe").setLevel(logging.WARNING)
        key = secret(account, "a restricted API key")
        addresses: Any = {"api": account.url} if account.url else {}
        self._client: Any = stripe.StripeClient(
            key,
            base_addresses=addresses,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=READ_TIMEOUT),
        )
        self._options: dict[str, Any] = {}
        if account.extra.get("preview"):
            self._options["stripe_version"] = str(account.extra["preview"])

    def capabilities(self) -> Capabilities:
        """Customers can be looked for; redacted objects stay, without what was redacted."""
        return Capabilities("async", "verified")

    def submit(self, request: ErasureRequest) -> Answer:
        """Delete the customers, start a redaction job for all else; the idempotency key is Stripe's own."""
        names = request.values("processor_reference")
        customers = [name for name in names if name.startswith(_CUSTOMER)]
        others = [name for name in names if not name.startswith(_CUSTOMER)]
        answers = [self._delete(name) for name in customers]
        if others:
            answers.append(self._redact(others, request.idempotency_key))
        return worst(answers)

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """Ask the job, and run it once it is ready; without a job, delete again."""
        if not reference:
            return self.submit(request)
        job = self._call("get", f"{_JOB}/{segment(reference)}")
        if isinstance(job, Answer):
            return Answer("unreachable", reference, job.code)
        if job.get("id") != reference:
            return Answer("unreachable", reference, "answer-about-something-else")
        status = job.get("status")
        if status == "ready":
            run = self._call("post", f"{_JOB}/{segment(reference)}/run", key=f"{request.idempotency_key}-run")
            if isinstance(run, Answer):
                return Answer("unreachable", reference, run.code)
            return Answer("in_progress", reference)
        if status == "succeeded":
            return Answer("completed", reference)
        if status in ("failed", "canceled", "canceling"):
            return Answer("rejected", reference, f"job-{status}")
        if status in ("created", "validating", "redacting"):
            return Answer("in_progress", reference)
        return Answer("unreachable", reference, "unknown-status")

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """Look at each customer: deleted, or not there for a key that sees customers at all."""
        names = request.values("processor_reference")
        if any(not name.startswith(_CUSTOMER) for name in names):
            return Look(Sight.UNKNOWABLE, "redacted-objects-stay")
        control = self._call("get", "/v1/customers", {"limit": 1})
        if isinstance(control, Answer):
            return Look(Sight.UNKNOWABLE, control.code)
        return least(*(self._look(name) for name in names))

    def _delete(self, customer: str) -> Answer:
        found = self._call("delete", f"/v1/customers/{segment(customer)}")
        if isinstance(found, Answer):
            return Answer("completed") if found.code == "http-404" else found
        same = found.get("id") == customer and found.get("deleted") is True
        return Answer("completed") if same else Answer("accepted", None, "not-said-to-be-deleted")

    def _redact(self, names: list[str], key: str) -> Answer:
        objects: dict[str, list[str]] = {}
        for name in names:
            kind = _KINDS.get(name[:3])
            if kind is None:
                return Answer("rejected", None, "a-reference-that-stripe-does-not-redact")
            objects.setdefault(kind, []).append(name)
        job = self._call("post", _JOB, {"objects": objects, "validation_behavior": "fix"}, key=key)
        if isinstance(job, Answer):
            return job
        return Answer("accepted", str(job["id"])) if job.get("id") else Answer("unreachable", None, "no-job")

    def _look(self, customer: str) -> Look:
        found = self._call("get", f"/v1/customers/{segment(customer)}")
        if isinstance(found, Answer):
            return Look(Sight.ABSENT) if found.code == "http-404" else Look(Sight.UNKNOWABLE, found.code)
        if found.get("id") != customer:
            return Look(Sight.UNKNOWABLE, "answer-about-something-else")
        return Look(Sight.ABSENT) if found.get("deleted") is True else Look(Sight.PRESENT, "still-there")

    def _call(
        self, method: str, path: str, parameters: dict[str, Any] | None = None, key: str | None = None
    ) -> dict[str, Any] | Answer:
        """Call once: the object, or what its absence means. Texts of errors name what was asked: they stay here."""
        options = {**self._options, **({"idempotency_key": key} if key else {})}
        try:
            reply = self._client.raw_request(method, path, **(parameters or {}), **options)
            found = self._client.deserialize(reply, api_mode="V1").to_dict()
        except self._stripe.APIConnectionError:
            return Answer("unreachable", None, "connection")
        except self._stripe.StripeError as error:
            status = error.http_status or 0
            final = status in (400, 404, 409, 422)
            return Answer("rejected" if final else "unreachable", None, f"http-{status}")
        return dict(found)
