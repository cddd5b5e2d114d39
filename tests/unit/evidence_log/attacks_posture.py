"""Pauses that are validly signed and logged, and do not take turns, or did not keep a run from acting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.unit.evidence_log.attacks_inside import logged
from tests.unit.evidence_log.attacks_opening import ATTACKS
from tests.unit.evidence_log.forge import Log, at, changed, item, story

from data_lifecycle.evidence.lifecycle_verify import POSTURE
from data_lifecycle.evidence.records import seal_all

__all__ = ["ATTACKS", "paused"]

NOTHING = {"outcome": "failed", "counts": {"eligible": 3, "acted": 0, "failed": 3}}
"""What a run comes to that was not released."""
SAID: Mapping[str, Any] = {
    "state": "PAUSED",
    "at": at(8, 3).isoformat(),
    "by": "engineer",
    "signed_at": at(8, 4).isoformat(),
}


def paused() -> Log:
    """The week, then a day's pause in which a run plans and does nothing; after it the next run acts."""
    log = story()
    log.switch(True, at(5, 3), at(6, 1))
    log.beat(6)
    log.run(at(6), [item(90, "PLANNED")], **NOTHING)
    log.switch(False, at(6, 8), at(7, 1))
    log.beat(7)
    log.run(at(7), [item(90), item(91)])
    return log


def told(check: str, name: str, write: Callable[[Log], object]) -> None:
    """Register what is told after that."""

    def whole(log: Log) -> None:
        log.beat(8)
        write(log)

    logged(check, name, whole, base=paused)


def said(name: str, **changes: Any) -> None:
    """Register a statement changed in place; None leaves a field out."""

    def write(log: Log) -> None:
        predicate = changed(SAID, changes)
        log.add(seal_all([log.attester], "ab" * 32, "posture", POSTURE, predicate).envelope)

    told("statements", name, write)


def _statements() -> None:
    for name in SAID:
        said(f"a pause without {name}", **{name: None})
    said("a pause with a field more", why="the store answers strangely")
    said("a posture that is neither", state="RESTING")
    said("a posture that is a number", state=1)
    said("a pause by nobody", by=" ")
    said("a pause by a list", by=["engineer"])
    said("a pause at a time without a zone", at="2026-01-09T03:00:00")
    said("a pause of tomorrow", at=at(9, 3).isoformat())

    def twice(log: Log) -> None:
        log.switch(True, at(8, 3))
        log.switch(True, at(8, 3), at(8, 3.5))

    told("statements", "the same facts: a pause", twice)


def _turns() -> None:
    def twice(paused: bool) -> Callable[[Log], None]:
        def write(log: Log) -> None:
            log.switch(True, at(8, 3))
            if not paused:
                log.switch(False, at(8, 4))
            log.switch(paused, at(8, 5))

        return write

    def backwards(log: Log) -> None:
        log.switch(True, at(6, 6.9), at(8, 3))

    def only_its_end(log: Log) -> None:
        log.switch(False, at(6, 3))

    told("runs", "two pauses without an end between", twice(True))
    told("runs", "two ends of one pause", twice(False))
    told("runs", "a pause of before the last one's end", backwards)
    logged("runs", "the end of a pause that never began", only_its_end)


def _acts() -> None:
    def acted(hours: float, **result: Any) -> Callable[[Log], None]:
        def write(log: Log) -> None:
            log.switch(True, at(8, 3))
            log.run(at(8, 3 + hours), [item(95)], **result)
            log.switch(False, at(8, 9))

        return write

    told("runs", "a run that acted in a pause", acted(3))
    told("runs", "a run that acted until an hour before the end of a pause", acted(5))
    told("runs", "a run that acted from an hour after the beginning of a pause", acted(1 + 2 / 60))
    some: dict[str, Any] = {"outcome": "failed", "counts": {"eligible": 3, "acted": 1, "failed": 2}}

    def partly(log: Log) -> None:
        log.switch(True, at(8, 3))
        log.run(at(8, 6), [item(95, "UNKNOWN")], **some)
        log.switch(False, at(8, 9))

    told("runs", "a failed run that acted a little in a pause", partly)


_statements()
_turns()
_acts()
