"""E-mail vendors with an HTTP interface: one that accepts and never reports, one that reports and never shows."""

from __future__ import annotations

from data_lifecycle.vendors.accounts import Account
from data_lifecycle.vendors.connector import Answer, Capabilities, ErasureRequest, Look, Sight, worst
from data_lifecycle.vendors.connectors.http import Http, Reply, secret, segment


class SendGrid:
    """An erase job for addresses: 202, and nothing can be asked afterwards. Never more than *accepted*."""

    def __init__(self, account: Account) -> None:
        """Password: an API key that may erase recipients' data."""
        key = secret(account, "an API key")
        self._http = Http(account, "https://api.sendgrid.com", {"Authorization": f"Bearer {key}"})

    def capabilities(self) -> Capabilities:
        """Accepted, never reported on."""
        return Capabilities("async", "accepted", "email")

    def submit(self, request: ErasureRequest) -> Answer:
        """Ask for an erase job; asked twice, the second finds nothing left."""
        addresses = request.values("email")
        if not addresses:
            return Answer("rejected", None, "no-address-to-erase")
        reply = self._http.call(
            "POST",
            "/v3/recipients/erasejob",
            {"email_addresses": list(addresses)},
            {"Idempotency-Key": request.idempotency_key},
        )
        return (
            Answer("accepted", str(reply.json().get("job_id") or "") or None) if reply.ok else reply.refusal()
        )

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """There is no call that would tell."""
        return Answer("accepted", reference, "no-status-call")

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """There is no call that would show."""
        return Look(Sight.UNKNOWABLE, "no-status-call")


class Postmark:
    """A data removal for each address, Pending until Done."""

    def __init__(self, account: Account) -> None:
        """Password: the account's token. Extra `requested_by`: the studio's own address, which Postmark asks for."""
        token = secret(account, "the account token")
        self._requested_by = str(account.extra.get("requested_by") or "")
        if not self._requested_by:
            raise ValueError("the connection's extra needs requested_by: the studio's own address")
        self._http = Http(account, "https://api.postmarkapp.com", {"X-Postmark-Account-Token": token})

    def capabilities(self) -> Capabilities:
        """Done is the vendor's word; nothing can be looked at."""
        return Capabilities("async", "completed", "email")

    def submit(self, request: ErasureRequest) -> Answer:
        """Ask for a removal of each address."""
        answers = []
        for number, address in enumerate(request.values("email")):
            body = {
                "RequestedBy": self._requested_by,
                "RequestedFor": address,
                "NotifyWhenCompleted": False,
            }
            reply = self._http.call(
                "POST", "/data-removals", body, {"Idempotency-Key": f"{request.idempotency_key}-{number}"}
            )
            answers.append(self._read(reply) if reply.ok else reply.refusal())
        return worst(answers)

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """Ask each removal how far it is."""
        answers = []
        for name in (reference or "").split():
            reply = self._http.call("GET", f"/data-removals/{segment(name)}")
            answers.append(
                self._read(reply, name) if reply.ok else Answer("unreachable", name, f"http-{reply.status}")
            )
        return worst(answers)

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """Nothing can be looked at."""
        return Look(Sight.UNKNOWABLE, "nothing-to-look-at")

    @staticmethod
    def _read(reply: Reply, asked: str | None = None) -> Answer:
        found = reply.json()
        name = str(found.get("ID") or "")
        if not name.isdigit() or (asked is not None and name != asked):
            return Answer("unreachable", asked, "answer-about-something-else")
        status = found.get("Status")
        if status == "Done":
            return Answer("completed", name)
        return (
            Answer("in_progress", name)
            if status == "Pending"
            else Answer("unreachable", name, "unknown-status")
        )
