"""A whole database restored from an older copy refuses to sign, learns its history from the bucket, and signs on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data_lifecycle.command.__main__ import parser
from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect
from data_lifecycle.drill import copies, steps
from data_lifecycle.drill.copies import Place, traces
from data_lifecycle.evidence import keys
from data_lifecycle.evidence.bundle import export
from data_lifecycle.evidence.history import RUN_NAME
from data_lifecycle.evidence.lifecycle_verify import Result, verify
from data_lifecycle.evidence.logbucket import LogForked
from data_lifecycle.evidence.recovery import Recovered, recover
from data_lifecycle.evidence.trusting import list_keys, trust_file
from data_lifecycle.objects.store import client
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken

if TYPE_CHECKING:
    from tests.conftest import Studio
    from tests.purge_fixtures import Demo

    from data_lifecycle.embedded.postgres import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass
class Lost:
    """A house, the administrator's way into its database, and what was kept from before the restore."""

    house: House
    admin: DatabaseAccess
    note: bytes = b""
    told: tuple[tuple[Any, ...], ...] = ()
    back: Place = ("", "")

    def sql(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        with connect(self.admin, "test") as connection, connection, connection.cursor() as cursor:
            cursor.execute(text, values or None)
            return cursor.fetchall() if cursor.description else []

    def tamper(self, text: str, *values: object) -> None:
        """Run a statement as somebody who can switch every guard off."""
        self.sql("SET LOCAL session_replication_role = replica; " + text, *values)

    def recover(self) -> Recovered:
        return recover(self.house, self.admin)

    def verify(self, since: bytes | None = None) -> Result:
        reviewer, settings = self.house.connections.database("reviewer"), self.house.settings
        bundle = export(reviewer, None, (int(since.split(b"\n")[1]),) if since else ())
        return verify(bundle, trust_file(settings, list_keys(settings, reviewer)), since)

    def log(self) -> tuple[tuple[Any, ...], ...]:
        """Every entry with its statement. When a row was written is not in the bucket; when it was signed is."""
        return tuple(
            self.sql(
                "SELECT l.log_index, l.evidence_id, l.leaf_hash, e.envelope, e.envelope_sha256, e.predicate_type,"
                " e.key_id, e.facts_sha256 FROM lifecycle.log_leaf l JOIN lifecycle.evidence e USING (evidence_id)"
                " ORDER BY 1"
            )
        )

    def cases(self, state: str) -> int:
        return int(self.sql("SELECT count(*) FROM lifecycle.erasure_case WHERE state = %s", state)[0][0])

    def waiting(self) -> int:
        """Cases of which nothing is left but copies at vendors."""
        return int(self.sql("SELECT count(DISTINCT case_id) FROM lifecycle.vendor_waiting")[0][0])

    def there(self) -> bool:
        """Whether the file that came back is there, in any version."""
        return self.back in traces(self.house.connections.store("object_app"), [self.back[0]])


def live_on(lost: Lost) -> None:
    """All that the copy does not know: a case closed that was held, cases of requests, a file that came back."""
    house = lost.house
    waiting = lost.waiting()
    assert lost.cases("open") == waiting + 1
    lost.sql("UPDATE studio.legal_holds SET released_at = now() WHERE released_at IS NULL")
    lost.sql(
        "UPDATE studio.orders SET erase_requested_at = now() WHERE photo_state = 'present' AND terminal_at IS NULL"
    )
    closed = lost.cases("absent")
    steps.purge(house, "after the copy")
    assert lost.cases("open") == lost.waiting() >= waiting
    assert lost.cases("absent") > closed
    ((bucket, key),) = lost.sql(
        "SELECT i.bucket, i.object_key FROM lifecycle.closed_item JOIN lifecycle.item i USING (item_id)"
        " WHERE i.kind = 'version' ORDER BY i.item_id LIMIT 1"
    )
    lost.back = (bucket, key)
    client(house.connections.store("object_app")).put_object(Bucket=bucket, Key=key, Body=b"back")
    assert steps.outcome(house, steps.audit(house, "after the copy")) == "failed"
    published = ledger.publish(house)
    assert published.note is not None
    lost.note, lost.told = published.note, lost.log()
    assert lost.verify().refused is None


@pytest.fixture
def lost(
    load_demo: Callable[..., Demo], postgres: PostgresServer, studio: Studio, tmp_path: Path
) -> Iterator[Lost]:
    """Purged and dumped; then things went on; then the whole database was restored from the dump."""
    made = Lost(load_demo(orders=40).house, DatabaseAccess(studio.admin_url))
    steps.purge(made.house, "before the copy")
    dump = tmp_path / "whole.dump"
    copies.dump(postgres, studio.name, None, dump)
    live_on(made)
    name, file = f"{studio.name}_restored", made.house.settings.access_file
    postgres.ensure_database(name)
    copies.restore_whole(postgres, name, dump)
    access = json.loads(file.read_text("utf-8"))
    access["databases"] = {
        role: url.removesuffix(studio.name) + name for role, url in access["databases"].items()
    }
    file.write_text(json.dumps(access), "utf-8")
    yield replace(made, house=House.of_files(made.house.settings), admin=DatabaseAccess(postgres.url(name)))
    postgres.drop_database(name)


def refused(lost: Lost, name: str) -> None:
    with pytest.raises(PromiseBroken, match="restored from an older copy and must not sign a second history"):
        steps.purge(lost.house, name)


def test_it_refuses_then_learns_its_history_and_signs_on(lost: Lost) -> None:
    behind = lost.log()
    assert lost.told[: len(behind)] == behind
    assert len(behind) < len(lost.told)
    refused(lost, "does not know yet")

    done = lost.recover()
    assert done.entries == len(lost.told)
    assert done.statements == len(lost.told) - len(behind)
    assert done.withdrawn, "the plan that was refused, under a number that another run had"
    assert (done.closed, done.reopened) == (1, 1), "the case that was held, and the one that is back"
    assert done.unopenable > 0, "cases of requests that the copy never saw"
    numbers = [int(match["number"]) for row in lost.told if (match := RUN_NAME.fullmatch(row[1]))]
    assert len(numbers) > len(lost.told) / 2
    assert done.next_run > max(numbers), "no run may have a number that the log knows"
    assert lost.log() == lost.told, "byte for byte what it was"
    assert ledger.publish(lost.house).note == lost.note, "nothing to add yet: the head is the old one"
    assert lost.verify(lost.note).refused is None
    again = lost.recover()
    assert (again.statements, again.withdrawn, again.closed, again.reopened) == (0, (), 0, 0)

    assert lost.there()
    ran = steps.purge(lost.house, "recovered")
    assert ran >= done.next_run
    assert steps.outcome(lost.house, ran) == "verified"
    assert not lost.there()
    assert steps.outcome(lost.house, steps.audit(lost.house, "recovered")) == "verified"
    result = lost.verify(lost.note)
    assert result.refused is None, result.refused
    assert any("grew from your checkpoint" in line for _, line in result.lines)


def test_two_logs_are_not_made_one_and_what_was_changed_is_mended(
    lost: Lost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state, settings = lost.log(), lost.house.settings
    elsewhere = House(replace(settings, log_folder="log/nowhere"), lost.house.connections)
    with pytest.raises(LogForked, match="no signed head"):
        recover(elsewhere, lost.admin)
    stranger = keys.ensure(tmp_path / "keys", keys.LOG_PRIVATE_NAME)
    with pytest.raises(LogForked, match="not signed by a key of this log"):
        recover(House(replace(settings, log_key=stranger), lost.house.connections), lost.admin)
    lost.sql(
        "INSERT INTO lifecycle.log_checkpoint (tree_size, root, note, store_version_id)"
        " VALUES (1000000, %s, 'x', 'x')",
        bytes(32),
    )
    with pytest.raises(LogForked, match="a head of 1000000 entries that the bucket does not have"):
        lost.recover()
    assert lost.log() == state
    lost.tamper("DELETE FROM lifecycle.log_checkpoint WHERE tree_size = 1000000")

    done = lost.recover()
    assert (done.withdrawn, done.replaced) == ((), 0), "nothing ran after the restore"
    assert lost.log() == lost.told

    # A statement that was changed, and one that was written down but neither stored nor given its place.
    lost.tamper("UPDATE lifecycle.evidence SET envelope = 'forged' WHERE evidence_id = %s", lost.told[1][1])
    last = lost.told[-1][1]
    lost.tamper("DELETE FROM lifecycle.log_leaf WHERE evidence_id = %s", last)
    lost.tamper("DELETE FROM lifecycle.log_checkpoint WHERE tree_size = %s", len(lost.told))
    lost.tamper(
        "UPDATE lifecycle.evidence SET stored_at = NULL, store_version_id = NULL WHERE evidence_id = %s", last
    )
    done = lost.recover()
    assert (done.statements, done.checkpoints) == (1, 1)
    assert lost.log() == lost.told
    assert ledger.publish(lost.house).note == lost.note
    assert lost.verify(lost.note).refused is None

    # The same from the command line, which signs on.
    lost.tamper("DELETE FROM lifecycle.log_leaf WHERE log_index > 1")
    monkeypatch.setenv("LIFECYCLE_ADMIN_DATABASE_URL", lost.admin.url)
    arguments = parser().parse_args(["evidence", "recover"])
    assert arguments.main(arguments) == 0
    said = capsys.readouterr().out
    assert "brought back    0 statements, 0 heads" in said
    assert f"signed on       {len(lost.told)} entries" in said
    assert lost.log() == lost.told
