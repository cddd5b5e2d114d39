"""A pause and its end are in the log, each once, whatever was away or died when the switch was thrown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.audits import Auditor
from tests.faults.test_publishing import NOWHERE, stated
from tests.faults.workshop import Through

from data_lifecycle.evidence import keys
from data_lifecycle.evidence.lifecycle_verify import POSTURE
from data_lifecycle.protocol import ledger, posture
from data_lifecycle.protocol.house import House
from data_lifecycle.protocol.posture import Paused

if TYPE_CHECKING:
    from tests.faults.workshop import Workshop


def throw(house: House, paused: bool) -> None:
    assert posture.throw(house, paused=paused, by="engineer", why="the store answers strangely")


def published(shop: Workshop) -> list[str]:
    """Pauses and their ends that the signed head covers, in their places."""
    rows = shop.sql(
        "SELECT e.evidence_id FROM lifecycle.log_leaf l JOIN lifecycle.evidence e USING (evidence_id)"
        " WHERE e.predicate_type = %s AND e.stored_at IS NOT NULL"
        " AND l.log_index < (SELECT max(tree_size) FROM lifecycle.log_checkpoint) ORDER BY l.log_index",
        POSTURE,
    )
    return [row["evidence_id"].split("-")[1].upper() for row in rows]


def away(shop: Workshop, tmp_path: Path) -> House:
    """The house while neither store nor keys are there."""
    identities = ("evidence_vault", "log_vault", "object_eraser", "object_observer")
    settings = replace(
        shop.house.settings, attester_key=tmp_path / "gone.pem", log_key=tmp_path / "gone too.pem"
    )
    connections = Through(shop.house.connections, dict.fromkeys(identities, NOWHERE))
    return replace(shop.house, settings=settings, connections=connections)


def test_the_switch_needs_neither_store_nor_keys_and_whoever_publishes_next_makes_up_for_it(
    shop: Workshop, tmp_path: Path
) -> None:
    throw(away(shop, tmp_path), paused=True)
    assert stated(shop, POSTURE) == []
    ledger.publish(shop.house)
    (said,) = stated(shop, POSTURE)
    (row,) = shop.sql("SELECT at FROM lifecycle.posture")
    assert (said["state"], said["by"]) == ("PAUSED", "engineer")
    assert (
        datetime.fromisoformat(said["at"])
        == row["at"].astimezone(UTC)
        < datetime.fromisoformat(said["signed_at"])
    )
    assert published(shop) == ["PAUSED"]
    ledger.publish(shop.house)
    throw(shop.house, paused=False)
    throw(shop.house, paused=True)
    throw(shop.house, paused=False)
    ledger.publish(shop.house)
    assert published(shop) == ["PAUSED", "RESUMED", "PAUSED", "RESUMED"]
    result = shop.verify()
    assert result.refused is None
    assert "; 2 pauses" in dict(result.lines)["runs"]
    assert Auditor(shop).run(everything=True) == "verified", "the audit knows the statement, too"


def test_the_reason_does_not_leave_the_database(shop: Workshop) -> None:
    assert posture.throw(shop.house, paused=True, by="engineer", why="Nobody has called")
    ledger.publish(shop.house)
    assert "Nobody" not in str(stated(shop, POSTURE))


def test_who_dies_after_stating_adds_nothing_when_trying_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    throw(shop.house, paused=True)
    with monkeypatch.context() as dying:
        dying.setattr(ledger, "keep", died)
        with pytest.raises(KeyboardInterrupt):
            ledger.publish(shop.house)
    assert (len(stated(shop, POSTURE)), published(shop)) == (1, [])
    ledger.publish(shop.house)
    assert published(shop) == ["PAUSED"]


def test_who_dies_before_the_commit_has_stated_nothing(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    throw(shop.house, paused=True)
    record = ledger.record_postures
    with monkeypatch.context() as dying:
        dying.setattr(ledger, "record_postures", lambda *given: died(record(*given)))
        with pytest.raises(KeyboardInterrupt):
            ledger.publish(shop.house)
    assert stated(shop, POSTURE) == []
    ledger.publish(shop.house)
    assert published(shop) == ["PAUSED"]


def died(*_: object) -> Any:
    """Neither an error that somebody catches nor an end that somebody tidies."""
    raise KeyboardInterrupt


def test_a_house_restored_to_before_its_pause_stays_paused(shop: Workshop) -> None:
    shop.order()
    throw(shop.house, paused=True)
    ledger.publish(shop.house)
    shop.sql("SET session_replication_role = replica; DELETE FROM lifecycle.posture")
    assert posture.read(shop.house) is None
    ledger.publish(shop.house)
    with pytest.raises(Paused, match=r"paused since .* by evidence_writer"):
        shop.act(shop.plan())
    throw(shop.house, paused=False)
    assert shop.purge("two") == "verified"
    ledger.publish(shop.house)
    assert published(shop) == ["PAUSED", "RESUMED"]
    assert shop.verify().refused is None


def test_two_houses_that_state_the_same_state_it_once(shop: Workshop) -> None:
    """The same row is the same leaf, whoever states it, with whatever key."""
    throw(shop.house, paused=True)
    ledger.publish(shop.house)
    folder = shop.house.settings.home / "other"
    other = replace(shop.house.settings, attester_key=keys.ensure(folder, "attester.pem"))
    ledger.publish(replace(shop.house, settings=other))
    assert published(shop) == ["PAUSED"]
    assert len(stated(shop, POSTURE)) == 1
