"""Keys are changed by a process that is killed anywhere, while others sign: nothing is signed with the wrong key."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2.errors
import pytest
from tests.faults import key_changes

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, execute, fetch_one
from data_lifecycle.evidence import keys
from data_lifecycle.evidence.bundle import export
from data_lifecycle.evidence.lifecycle_verify import HEARTBEAT, verify
from data_lifecycle.evidence.records import heartbeat, record_rotation, rotation
from data_lifecycle.evidence.rotating import RotationError, key_file, next_file, read_changes, rotate
from data_lifecycle.evidence.trusting import list_keys, trust_file
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken

if TYPE_CHECKING:
    from tests.conftest import Studio

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.faults.key_changes", "boto3"])
ROLES = ("attester", "log")
POINTS = {
    "nothing done": "protocol.ledger:publish::before:1",
    "everything said so far is published": "protocol.ledger:publish::after:1",
    "the new key is there": "evidence.keys:ensure::after:1",
    "nobody signs, the change is not stated": "evidence.rotating:record_rotation::before:1",
    "the change is stated, not committed": "evidence.rotating:record_rotation::after:1",
    "the change is committed": "evidence.rotating:_state::after:1",
    "the old public key is put aside": "evidence.rotating:_write::after:1",
    "the new public key is in its place": "evidence.rotating:_write::after:2",
    "the keys are exchanged, nothing is published": "evidence.rotating:_exchange::after:1",
    "the change is stored, not sequenced": "protocol.ledger:keep::after:2",
    "the new head is signed, not published": "evidence.logbucket:LogBucket.put_checkpoint::before:1",
    "the new head is published, not noted": "evidence.logbucket:LogBucket.put_checkpoint::after:1",
}
FIRST = list(POINTS).index("the new key is there")


@pytest.fixture(autouse=True)
def keys_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that this test may replace."""
    for role in ROLES:
        monkeypatch.setenv(f"LIFECYCLE_{role.upper()}_KEY", str(tmp_path / "keys" / f"{role}.ed25519.pem"))


@pytest.fixture
def trust(house: House) -> bytes:
    """The trust file as it was handed out before any change; the log has a head."""
    ledger.publish(house)
    return hand_out(house)


def hand_out(house: House) -> bytes:
    return trust_file(house.settings, list_keys(house.settings, house.connections.database("reviewer")))


def changes(house: House, role: str) -> list[tuple[str, str]]:
    with connect(house.connections.database("reviewer"), "test") as connection:
        return [(change.old, change.new) for change in read_changes(connection, role)]


def own(house: House, role: str) -> str:
    return keys.key_id(keys.load(key_file(house.settings, role)).public_key())


def assert_convincing(house: House, *trusts: bytes) -> dict[str, str]:
    """The whole log, with every head that was ever signed, under each of these trust files."""
    bundle = export(house.connections.database("reviewer"), None)
    for given in (*trusts, hand_out(house)):
        result = verify(bundle, given)
        assert result.refused is None
    return dict(result.lines)


def killed(house: House, role: str, point: str) -> None:
    """Begin to change a key, and do not survive the point."""
    process = PROCESSES.Process(target=key_changes.run, args=(house.settings, role, POINTS[point]))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_the_next_call_goes_on(house: House, trust: bytes, role: str, point: str) -> None:
    before = own(house, role)
    killed(house, role, point)
    stated = changes(house, role)
    done = rotate(house, role)
    assert (done.old, done.resumed) == (before, list(POINTS).index(point) >= FIRST)
    assert changes(house, role) == [(before, own(house, role))] == [(done.old, done.new)]
    assert stated in ([], changes(house, role)), "no second change was begun"
    file = key_file(house.settings, role)
    assert [keys.key_id(key) for key in keys.retired(file)] == [before]
    assert not list(file.parent.glob("*.next.*"))
    assert assert_convincing(house, trust)["rotations"] == "1 changes of keys"
    again = rotate(house, role)
    assert (again.old, again.resumed) == (done.new, False)
    assert assert_convincing(house, trust)["rotations"] == "2 changes of keys"


@pytest.mark.parametrize("point", [point for point in POINTS if list(POINTS).index(point) >= FIRST][3:7])
@pytest.mark.parametrize("role", ROLES)
def test_pipelines_meanwhile_sign_nothing_wrong(house: House, trust: bytes, role: str, point: str) -> None:
    killed(house, role, point)
    refusal = ""
    for _ in range(2):
        try:
            ledger.publish(house)
        except PromiseBroken as refused:
            refusal = str(refused)
    exchanged = not next_file(key_file(house.settings, role)).exists()
    expected = "this key must not sign the log's head" if role == "log" and not exchanged else ""
    assert expected in refusal
    assert bool(expected) == bool(refusal)
    rotate(house, role)
    number = 2 if exchanged else 1  # others have published the first one, so that this call began another
    assert assert_convincing(house, trust)["rotations"] == f"{number} changes of keys"


def test_both_keys_again_and_again(house: House, trust: bytes) -> None:
    for role in (*ROLES, *ROLES, "log"):
        rotate(house, role)
    assert assert_convincing(house, trust)["rotations"] == "5 changes of keys"


def state(connection: Connection, signer: Any, name: str) -> None:
    """Write a statement, signed with this key; the caller commits."""
    now = fetch_one(connection, "run/read_clock")["now"]
    sealed = heartbeat(signer, now.date(), now)
    execute(
        connection, "evidence_log/insert_record", evidence_id=name, predicate_type=HEARTBEAT, facts_sha256=name,
        key_id=sealed.key_id, envelope=sealed.envelope, envelope_sha256=sealed.sha256,
    )  # fmt: skip


@pytest.fixture
def signing(house: House) -> Callable[[], Any]:
    """A connection of somebody who signs statements."""
    return lambda: connect(house.connections.database(ledger.WRITER), "test")


def test_a_change_waits_for_whoever_is_signing(
    house: House, trust: bytes, signing: Callable[[], Any]
) -> None:
    old = keys.load(house.settings.attester_key)
    ended: list[object] = []
    with signing() as busy:
        state(busy, old, "test/before")
        worker = threading.Thread(target=lambda: ended.append(rotate(house, "attester")))
        worker.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not _count(house, waiting):
            assert worker.is_alive(), "it did not wait"
        assert changes(house, "attester") == []
        busy.commit()
        worker.join(60)
    assert len(ended) == 1
    with connect(house.connections.database("reviewer"), "test") as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT evidence_id LIKE 'test/%' FROM lifecycle.evidence JOIN lifecycle.log_leaf USING (evidence_id)"
            " ORDER BY log_index DESC LIMIT 2"
        )
        assert cursor.fetchall() == [(False,), (True,)], "what was signed before comes before the change"


def _count(house: House, statement: str) -> int:
    with connect(house.connections.database("reviewer"), "test") as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        found: tuple[int] = cursor.fetchone()
        return found[0]


def test_whoever_comes_late_with_the_old_key_is_refused(
    house: House, trust: bytes, signing: Callable[[], Any]
) -> None:
    old = keys.load(house.settings.attester_key)
    rotate(house, "attester")
    with signing() as late:
        with pytest.raises(psycopg2.errors.RestrictViolation, match="signed with a key that was replaced"):
            state(late, old, "test/late")
        late.rollback()
        state(late, keys.load(house.settings.attester_key), "test/with the new key")
        late.commit()


def test_a_key_is_replaced_once(house: House, trust: bytes, signing: Callable[[], Any]) -> None:
    old = keys.load(house.settings.attester_key)
    done = rotate(house, "attester")
    other = keys.load(house.settings.log_key)
    with signing() as connection:
        now = fetch_one(connection, "evidence_log/stop_signing")["now"]
        sealed = rotation(old, other, "attester", "attester", now)
        with pytest.raises(psycopg2.errors.RestrictViolation):
            record_rotation(connection, sealed, "attester", done.old, keys.key_id(other.public_key()))


def test_a_clock_that_was_set_back_stops_a_change(house: House, studio: Studio, trust: bytes) -> None:
    with connect(DatabaseAccess(studio.admin_url), "test") as admin, admin, admin.cursor() as cursor:
        cursor.execute("UPDATE lifecycle.evidence SET signed_at = signed_at + interval '1 hour'")
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="has the clock been set back"):
        rotate(house, "attester")
    assert changes(house, "attester") == []


def test_two_at_once_change_a_key_once(house: House, trust: bytes, signing: Callable[[], Any]) -> None:
    with signing() as busy:
        state(busy, keys.load(house.settings.attester_key), "test/busy")
        worker = threading.Thread(target=rotate, args=(house, "attester"))
        worker.start()
        while not next_file(house.settings.attester_key).exists():
            assert worker.is_alive()
        with pytest.raises(RotationError, match="somebody else"):
            rotate(house, "attester")
        busy.commit()
        worker.join(60)
    assert len(changes(house, "attester")) == 1


def test_a_change_that_is_unfinished_is_not_handed_out(house: House, trust: bytes) -> None:
    killed(house, "log", "the change is committed")
    with pytest.raises(RotationError, match="evidence rotate --role log"):
        hand_out(house)
    rotate(house, "log")
    assert_convincing(house, trust)


def test_the_key_that_replaced_it_must_be_here(house: House, trust: bytes) -> None:
    killed(house, "log", "the change is committed")
    upcoming = next_file(house.settings.log_key)
    kept = upcoming.read_bytes()
    upcoming.unlink()
    with pytest.raises(RotationError, match="is not here"):
        rotate(house, "log")
    keys.ensure(upcoming.parent, upcoming.name)
    with pytest.raises(RotationError, match="was replaced by another key"):
        rotate(house, "log")
    upcoming.write_bytes(kept)
    rotate(house, "log")
    assert_convincing(house, trust)
