"""AI vendors: files of OpenAI, predictions of Replicate, payloads of fal."""

from __future__ import annotations

from data_lifecycle.vendors.accounts import Account
from data_lifecycle.vendors.connector import Answer, Capabilities, ErasureRequest, Look, Sight, least, worst
from data_lifecycle.vendors.connectors.http import Http, secret, segment

REFERENCE = "processor_reference"


class OpenAI:
    """Files are deleted at once and answer 404 afterwards. Logs against abuse stay up to 30 days: see the register."""

    def __init__(self, account: Account) -> None:
        """Password: an API key of the project whose files they are."""
        key = secret(account, "an API key")
        self._http = Http(account, "https://api.openai.com", {"Authorization": f"Bearer {key}"})

    def capabilities(self) -> Capabilities:
        """A file can be looked for; what else was kept of it cannot."""
        return Capabilities("sync", "completed")

    def submit(self, request: ErasureRequest) -> Answer:
        """Delete each file; one that is not there any more is done."""
        answers = []
        for file in request.values(REFERENCE):
            reply = self._http.call("DELETE", f"/v1/files/{segment(file)}")
            if reply.status == 404 or (reply.ok and reply.json().get("deleted") is True):
                answers.append(Answer("completed"))
            else:
                answers.append(
                    Answer("accepted", None, "not-said-to-be-deleted") if reply.ok else reply.refusal()
                )
        return worst(answers)

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """Deleting again is the way to ask."""
        return self.submit(request)

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """Look for each file, after showing that this key can see files at all."""
        control = self._http.call("GET", "/v1/files?limit=1")
        if not control.ok or not isinstance(control.json().get("data"), list):
            return control.blind()
        return least(*(_seen(self._http, f"/v1/files/{segment(f)}") for f in request.values(REFERENCE)))


class Replicate:
    """Input and output of a prediction go by themselves after an hour; asking for it shows whether they did."""

    def __init__(self, account: Account) -> None:
        """Password: an API token."""
        token = secret(account, "an API token")
        self._http = Http(account, "https://api.replicate.com", {"Authorization": f"Bearer {token}"})

    def capabilities(self) -> Capabilities:
        """Time does it; looking proves it."""
        return Capabilities("ttl_only", "verified")

    def submit(self, request: ErasureRequest) -> Answer:
        """Nothing is to be sent: it is asked how far time has got."""
        return self.poll(request, None)

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """Completed once no prediction has data any more."""
        look = self.verify(request, reference)
        if look.sight is Sight.UNKNOWABLE:
            return Answer("unreachable", None, look.code)
        return Answer("completed") if look.sight is Sight.ABSENT else Answer("in_progress", None, look.code)

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """Look at each prediction, after showing that this token can see predictions at all."""
        control = self._http.call("GET", "/v1/predictions")
        if not control.ok or not isinstance(control.json().get("results"), list):
            return control.blind()
        return least(*(self._look(name) for name in request.values(REFERENCE)))

    def _look(self, prediction: str) -> Look:
        reply = self._http.call("GET", f"/v1/predictions/{segment(prediction)}")
        if reply.status == 404:
            return Look(Sight.ABSENT)
        found = reply.json()
        if not reply.ok or found.get("id") != prediction:
            return reply.blind() if not reply.ok else Look(Sight.UNKNOWABLE, "answer-about-something-else")
        gone = found.get("data_removed") is True and not found.get("input") and not found.get("output")
        return Look(Sight.ABSENT) if gone else Look(Sight.PRESENT, "data-not-removed-yet")


class Fal:
    """Deletes a request's payloads and outputs, not the files that were sent: those have to expire. A gap."""

    def __init__(self, account: Account) -> None:
        """Password: an API key with the scope ADMIN."""
        key = secret(account, "an API key with the scope ADMIN")
        self._http = Http(account, "https://api.fal.ai", {"Authorization": f"Key {key}"})

    def capabilities(self) -> Capabilities:
        """Its word for outputs, nothing for inputs."""
        return Capabilities("sync", "completed")

    def submit(self, request: ErasureRequest) -> Answer:
        """Delete the payloads of each request; errors inside an answer of 200 count."""
        answers = []
        for number, name in enumerate(request.values(REFERENCE)):
            reply = self._http.call(
                "DELETE",
                f"/v1/models/requests/{segment(name)}/payloads",
                headers={"Idempotency-Key": f"{request.idempotency_key}-{number}"},
            )
            if not reply.ok:
                answers.append(Answer("completed") if reply.status == 404 else reply.refusal())
                continue
            results = reply.json().get("cdn_delete_results")
            if not isinstance(results, list):
                answers.append(Answer("accepted", None, "no-results-in-the-answer"))
            elif any(not isinstance(r, dict) or r.get("exception") for r in results):
                answers.append(Answer("accepted", None, "an-output-was-not-deleted"))
            else:
                answers.append(Answer("completed"))
        return worst(answers)

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """Deleting again is the way to ask."""
        return self.submit(request)

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """Files that were sent are not listed anywhere."""
        return Look(Sight.UNKNOWABLE, "files-that-were-sent-cannot-be-looked-for")


def _seen(http: Http, path: str) -> Look:
    reply = http.call("GET", path)
    if reply.status == 404:
        return Look(Sight.ABSENT)
    return Look(Sight.PRESENT, "still-there") if reply.ok else reply.blind()
