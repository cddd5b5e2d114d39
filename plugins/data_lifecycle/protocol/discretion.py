"""No exception of a step carries a value into the log: databases, stores and lookups quote what they stumble over."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from data_lifecycle.evidence.sequencer import NotStored
from data_lifecycle.evidence.vault import VaultError
from data_lifecycle.objects.model import StoreUnknown
from data_lifecycle.policy.loader import PolicyError
from data_lifecycle.protocol.house import PromiseBroken, Refused, log

P = ParamSpec("P")
T = TypeVar("T")
# Their texts are ours and are written to be read by anybody.
_SPEAKABLE = (PromiseBroken, Refused, StoreUnknown, VaultError, NotStored, PolicyError)


class StepFailed(Exception):
    """What went wrong and where, without the values it went wrong with."""


def discreet(step: Callable[P, T]) -> Callable[P, T]:
    """Let out of ``step`` only exceptions whose text is ours or Airflow's; any other becomes a StepFailed.

    PostgreSQL quotes the row it refuses, a KeyError is the key itself, and no log masks either of them.
    """

    @wraps(step)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        from airflow.sdk.exceptions import AirflowException

        try:
            return step(*args, **kwargs)
        except (*_SPEAKABLE, AirflowException):
            raise
        except Exception as error:  # noqa: BLE001 — any text may name a person; what is raised instead says it all
            log.error("went wrong: %s", " → ".join(_places(error)))
            raise StepFailed(_described(error)) from None

    return guarded


def _described(error: Exception) -> str:
    parts = [f"{type(error).__module__}.{type(error).__qualname__}"]
    # psycopg2: the class of the error and the constraint name the cause; message, detail and context name the row.
    if code := getattr(error, "pgcode", None):
        parts.append(f"SQLSTATE {code}")
    if constraint := getattr(getattr(error, "diag", None), "constraint_name", None):
        parts.append(f"constraint {constraint}")
    # botocore: a code like AccessDenied; the message may name the object.
    answer = getattr(error, "response", None)
    if isinstance(answer, dict) and (code := answer.get("Error", {}).get("Code")):
        parts.append(f"code {code}")
    return ", ".join(parts) + "; the text is withheld, it may name a person"


def _places(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return [f"{frame.name} ({Path(frame.filename).name}:{frame.lineno})" for frame in frames[-8:]]
