"""``/compliance/callbacks/{vendor}``: what OpenDSR vendors tell us of an erasure (policy 4.3), without being asked.

The only address without sign-in: the vendor's signature is what lets it in, and nothing is read of the body before that
is checked. Answers have no content; a stranger learns from them neither which vendors nor which erasures there are.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

import psycopg2
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from data_lifecycle.pages.access import OurAccounts, OurHouse
from data_lifecycle.protocol.house import House, PromiseBroken, Refused, log
from data_lifecycle.vendor_erasure.noting import TakenBefore, take_callback
from data_lifecycle.vendor_erasure.planning import ROLE
from data_lifecycle.vendors.accounts import Accounts

LARGEST = 64 << 10
"""Bytes of a callback; a status needs a few hundred."""
PATIENCE = 10.0
"""Seconds in which a body must have arrived."""
RETRY_SECONDS = 300
_VENDOR = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
router = APIRouter()


class _Unfit(Exception):
    """A request that is not even looked at; the argument is the status that says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def _body(request: Request) -> bytes | _Unfit:
    """The body as sent, or why it is not taken: no JSON, too large (however it is announced), too slow."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return _Unfit(415)
    taken = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                taken += part
                if len(taken) > LARGEST:
                    return _Unfit(413)
    except TimeoutError:
        return _Unfit(408)
    except ClientDisconnect:
        return _Unfit(400)  # which nobody hears
    return bytes(taken)


@router.post("/callbacks/{vendor}")
async def callback(
    vendor: str,
    request: Request,
    house: OurHouse,
    accounts: OurAccounts,
    body: Annotated[bytes | _Unfit, Depends(_body)],
) -> Response:
    """204 when it was taken, now or before; 403 when it does not count; 503 when the vendor is to send it again.

    413, 415 and 408 for what is too large, not JSON, or too slow: whoever sent it, none of it was read.
    """
    if isinstance(body, _Unfit):
        # The rest of the body is still on its way: this connection carries no other request.
        return _answer(body.status, {"Connection": "close"})
    return await run_in_threadpool(_take, house, accounts, vendor, dict(request.headers), body)


def _take(house: House, accounts: Accounts, vendor: str, headers: dict[str, str], body: bytes) -> Response:
    if not _VENDOR.fullmatch(vendor):
        log.warning("a callback was refused: no vendor has such a name")
        return _answer(403)
    try:
        # Airflow says of a connection that it could not look up that there is none. Ours is there, or nothing is.
        house.connections.database(ROLE)
        take_callback(house, accounts, vendor, headers, body)
    except TakenBefore:
        log.info("vendor %s: a callback came again; it changes nothing", vendor)
    except Refused as why:
        log.warning("vendor %s: refused: %s", vendor, why)
        return _answer(403)
    except PromiseBroken:
        log.info("vendor %s: a callback came while a run was at work; it is to come again", vendor)
        return _answer(503, {"Retry-After": str(RETRY_SECONDS)})
    except Exception as error:  # noqa: BLE001 — whatever it is, it is ours: the vendor keeps what it has to say
        # The text is not logged: it may quote values.
        away = isinstance(error, psycopg2.OperationalError)
        log.error(
            "a callback could not be kept: %s", "the database is away" if away else type(error).__name__
        )
        return _answer(503, {"Retry-After": str(RETRY_SECONDS)})
    return _answer(204)


def _answer(status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(status_code=status, headers={"Cache-Control": "no-store", **(headers or {})})
