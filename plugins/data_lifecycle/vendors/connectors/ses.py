"""Amazon SES v2: suppressed addresses and contacts are deleted at once; asking for them again answers 404."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from data_lifecycle.objects.store import is_loopback
from data_lifecycle.vendors.accounts import Account
from data_lifecycle.vendors.connector import Answer, Capabilities, ErasureRequest, Look, Sight, least, worst
from data_lifecycle.vendors.connectors.http import CONNECT_TIMEOUT, READ_TIMEOUT, secret

_GONE = "NotFoundException"
_Call = tuple[Callable[..., Any], dict[str, Any]]


class Ses:
    """Deletes addresses from the suppression list and from the contact lists named in extra `contact_lists`."""

    def __init__(self, account: Account) -> None:
        """Login and password: access key and secret key; extra `region_name`, `contact_lists`."""
        from boto3.session import Session
        from botocore.config import Config

        self._lists = tuple(str(name) for name in account.extra.get("contact_lists", ()))
        session: Any = Session()
        self._ses: Any = session.client(
            "sesv2",
            region_name=str(account.extra.get("region_name") or "us-east-1"),
            endpoint_url=account.url,
            aws_access_key_id=account.login,
            aws_secret_access_key=secret(account, "a secret key"),
            config=Config(
                connect_timeout=CONNECT_TIMEOUT,
                read_timeout=READ_TIMEOUT,
                retries={"total_max_attempts": 1},
                proxies={} if is_loopback(account.url) else None,
            ),
        )

    def capabilities(self) -> Capabilities:
        """Both can be looked for."""
        return Capabilities("sync", "verified", "email")

    def submit(self, request: ErasureRequest) -> Answer:
        """Delete each address everywhere; one that is not there is done."""
        answers = []
        for address in request.values("email"):
            for call, parameters in self._places("delete", address):
                code = _code(call, parameters)
                answers.append(
                    Answer("completed") if code in (None, _GONE) else Answer("unreachable", None, code)
                )
        return worst(answers)

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """Deleting again is the way to ask."""
        return self.submit(request)

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """Look for each address, after showing that the lists can be read."""
        for call, parameters in self._controls():
            code = _code(call, parameters)
            if code is not None:
                return Look(Sight.UNKNOWABLE, code)
        looks = []
        for address in request.values("email"):
            for call, parameters in self._places("get", address):
                code = _code(call, parameters)
                if code == _GONE:
                    looks.append(Look(Sight.ABSENT))
                else:
                    looks.append(
                        Look(Sight.PRESENT, "still-there") if code is None else Look(Sight.UNKNOWABLE, code)
                    )
        return least(*looks)

    def _controls(self) -> list[_Call]:
        lists: list[_Call] = [(self._ses.get_contact_list, {"ContactListName": name}) for name in self._lists]
        return [(self._ses.list_suppressed_destinations, {"PageSize": 1}), *lists]

    def _places(self, verb: str, address: str) -> list[_Call]:
        suppressed = getattr(self._ses, f"{verb}_suppressed_destination")
        contact = getattr(self._ses, f"{verb}_contact")
        lists = [{"ContactListName": name, "EmailAddress": address} for name in self._lists]
        return [(suppressed, {"EmailAddress": address}), *((contact, place) for place in lists)]


def _code(call: Callable[..., Any], parameters: dict[str, Any]) -> str | None:
    """None when the call succeeded, else a code that names nobody."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response.get("Error", {}).get("Code") or "no-code")
    except BotoCoreError as error:
        return type(error).__name__
    return None
