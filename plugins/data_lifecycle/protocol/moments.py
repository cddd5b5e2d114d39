"""As of when a run judges: a parameter, else the run's own moment, and never later than the database's clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from data_lifecycle.policy.clock import require_aware
from data_lifecycle.protocol.house import Refused


def refuse_unknown(conf: Mapping[str, Any] | None, known: Collection[str]) -> None:
    """Refused when a run was started with a key this pipeline does not have: a typing error must not pass silently."""
    strangers = sorted(set(conf or {}) - set(known))
    if strangers:
        raise Refused(f"conf key {strangers[0]!r} is unknown; this pipeline takes {', '.join(sorted(known))}")


def judge_as_of(stated: str | None, run_after: datetime, database_now: datetime) -> datetime:
    """The moment dues are judged at, UTC.

    A stated ``as_of`` needs a time zone and must not lie in the future (Refused otherwise). Without one the run's own
    moment counts, or the database's clock if that is behind.
    """
    if stated is None:
        return min(require_aware(run_after, "run_after"), database_now)
    try:
        moment = require_aware(datetime.fromisoformat(stated), "as_of")
    except ValueError as error:
        raise Refused(
            f"as_of {stated!r} is not an instant with a time zone; write it like 2026-03-01T02:00:00+00:00"
        ) from error
    if moment > database_now:
        raise Refused(
            f"as_of {moment.isoformat()} is later than the database's clock; nothing is due in the future yet"
        )
    return moment
