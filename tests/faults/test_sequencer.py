"""The sequencer killed anywhere, doubled, restored from a copy, facing another bucket: there is one history."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import sequencing
from tests.faults.sequencing import ORIGIN, sequencer
from tests.unit.evidence_log.forge import ATTESTER, LOG, STRANGER, THIRD, trust

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, execute
from data_lifecycle.evidence import merkle, vault
from data_lifecycle.evidence.bundle import export, trust_file
from data_lifecycle.evidence.checkpoint import Checkpoint, sign
from data_lifecycle.evidence.lifecycle_verify import HEARTBEAT, ROTATION, extends, verify
from data_lifecycle.evidence.logbucket import LogBucket, LogForked
from data_lifecycle.evidence.records import heartbeat, record_rotation, rotation
from data_lifecycle.evidence.sequencer import NotStored, Sequencer, WrongKey
from data_lifecycle.evidence.statement import Sealed
from data_lifecycle.objects.store import client

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.embedded.postgres import PostgresServer

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.faults.sequencing", "boto3"])
POINTS = {
    "nothing done": "evidence.sequencer:Sequencer._append::before:1",
    "compared, nothing placed": "evidence.sequencer:Sequencer._check_stored::before:1",
    "one place given, not committed": "evidence.sequencer:execute:evidence_log/insert_leaf:after:1",
    "all places given, head not moved": "evidence.sequencer:execute:evidence_log/advance_head:before:1",
    "head moved, not committed": "evidence.sequencer:execute:evidence_log/advance_head:after:1",
    "places committed, nothing told": "evidence.sequencer:Sequencer._publish::before:1",
    "one entry told": "evidence.logbucket:LogBucket.put_leaf::after:1",
    "some entries told": "evidence.logbucket:LogBucket.put_leaf::after:3",
    "all entries told, nothing signed": "evidence.sequencer:sign::before:1",
    "signed, not published": "evidence.logbucket:LogBucket.put_checkpoint::before:1",
    "published, not noted": "evidence.logbucket:LogBucket.put_checkpoint::after:1",
    "noted, not committed": "evidence.sequencer:execute:evidence_log/insert_checkpoint:after:1",
    "everything done": "evidence.sequencer:Sequencer._publish::after:1",
}


@dataclass
class Office:
    """A database, a folder of the bucket that no other test writes to, and statements to put in order."""

    studio: Studio
    store: ObjectStore
    folder: str
    days: int = 0

    @property
    def bucket(self) -> LogBucket:
        return LogBucket(
            self.store.store_access("log_vault"), self.store.settings.bucket_evidence, self.folder
        )

    @property
    def sequencer(self) -> Sequencer:
        return sequencer(
            self.studio.urls["log_sequencer"], asdict(self.bucket.access), self.bucket.bucket, self.folder
        )

    def writer(self) -> Any:
        return connect(DatabaseAccess(self.studio.urls["evidence_writer"]), "test")

    def state(self, count: int = 1, *, stored: bool = True) -> list[str]:
        """Sign, record and (unless told otherwise) store statements; their names."""
        names = []
        with self.writer() as connection:
            for _ in range(count):
                moment = datetime(2026, 1, 1, 1, tzinfo=UTC) + timedelta(days=self.days)
                self.days += 1
                names.append(self.write(connection, heartbeat(ATTESTER, moment.date(), moment)))
            connection.commit()
        if stored:
            self.keep()
        return names

    def write(self, connection: Connection, sealed: Sealed, kind: str = HEARTBEAT) -> str:
        """Record a statement."""
        name = f"{self.folder.replace('log/', 'test/')}/{uuid.uuid4().hex}.dsse.json"
        execute(
            connection,
            "evidence_log/insert_record",
            evidence_id=name,
            predicate_type=kind,
            facts_sha256=sealed.sha256,
            key_id=sealed.key_id,
            envelope=sealed.envelope,
            envelope_sha256=sealed.sha256,
        )
        return name

    def keep(self) -> None:
        """Store what is not stored, as the attester does."""
        with self.writer() as connection:
            for name, envelope in self.sql(
                "SELECT evidence_id, envelope FROM lifecycle.evidence WHERE stored_at IS NULL"
            ):
                access = self.store.store_access("evidence_vault")
                kept = vault.keep(access, self.bucket.bucket, name, bytes(envelope))
                execute(connection, "evidence/mark_stored", evidence_id=name, version_id=kept.version_id)
            connection.commit()

    def sql(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        with (
            connect(DatabaseAccess(self.studio.admin_url), "test") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(text, values)
            rows = cursor.fetchall() if cursor.description else []
            connection.commit()
            return rows

    def leaves(self) -> list[bytes]:
        """Hashes of the database's leaves in order."""
        return [
            bytes(row[0]) for row in self.sql("SELECT leaf_hash FROM lifecycle.log_leaf ORDER BY log_index")
        ]

    def heads(self) -> dict[int, bytes]:
        """Every version of every checkpoint in the bucket."""
        s3 = client(self.bucket.access)
        listed = s3.list_object_versions(Bucket=self.bucket.bucket, Prefix=f"{self.folder}/checkpoint/")
        found: dict[int, bytes] = {}
        for version in listed.get("Versions", []):
            size = int(version["Key"][-20:])
            assert size not in found, "a checkpoint was written twice"
            found[size] = self.bucket.read(version["Key"], version["VersionId"]).data
        return found

    def assert_one_history(self, entries: int) -> None:
        """Every statement has one place; every checkpoint is of a prefix of the log; the bucket rebuilds it."""
        leaves = self.leaves()
        assert len(leaves) == entries == self.sql("SELECT count(*) FROM lifecycle.evidence")[0][0]
        assert [leaf for _, _, leaf in self.bucket.leaves()] == leaves
        heads = self.heads()
        assert max(heads) == entries
        for size, note in heads.items():
            assert note == sign(Checkpoint(ORIGIN, size, merkle.root_of(leaves[:size])), LOG)
        noted = self.sql("SELECT tree_size, note FROM lifecycle.log_checkpoint ORDER BY 1")
        assert {size: bytes(note) for size, note in noted} == heads
        order = self.sql(
            "SELECT evidence_id FROM lifecycle.evidence JOIN lifecycle.log_leaf USING (evidence_id) ORDER BY signed_at"
        )
        assert [name for _, name, _ in self.bucket.leaves()] == [name for (name,) in order]


@pytest.fixture
def office(studio: Studio, store: ObjectStore) -> Office:
    """An empty log."""
    return Office(studio, store, f"log/{uuid.uuid4().hex}")


@pytest.fixture
def copied(office: Office, postgres: PostgresServer) -> Iterator[Callable[[], Office]]:
    """Copy the database as it is now: what a backup is, or a machine that is started twice."""
    made: list[str] = []

    def copy() -> Office:
        name = f"studio_{uuid.uuid4().hex[:12]}"
        postgres.ensure_database(name, template=office.studio.name)
        made.append(name)
        urls = {role: url.replace(office.studio.name, name) for role, url in office.studio.urls.items()}
        return replace(
            office, studio=replace(office.studio, name=name, admin_url=postgres.url(name), urls=urls)
        )

    yield copy
    for name in made:
        postgres.drop_database(name)


def test_statements_get_their_places_once(office: Office) -> None:
    assert office.sequencer.run().head is None
    office.state(3)
    first = office.sequencer.run()
    assert (first.appended, first.head and first.head.size) == (3, 3)
    again = office.sequencer.run()
    assert (again.appended, again.note) == (0, first.note)
    office.state(4)
    assert office.sequencer.run().appended == 4
    office.assert_one_history(7)
    assert set(office.heads()) == {3, 7}


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_it_converges(office: Office, point: str) -> None:
    office.state(2)
    office.sequencer.run()
    office.state(4)
    arguments = (
        office.studio.urls["log_sequencer"], asdict(office.bucket.access), office.bucket.bucket, office.folder,
        POINTS[point],
    )  # fmt: skip
    process = PROCESSES.Process(target=sequencing.run, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    office.state(1)
    office.sequencer.run()
    office.assert_one_history(7)
    result = verify(export(DatabaseAccess(office.studio.urls["reviewer"]), None), trust())
    assert result.refused is None or result.refused[0] == "heartbeats"


def test_many_at_once_never_fork(office: Office) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                office.sequencer.run()
        except BaseException as error:  # noqa: BLE001 — whatever it is, the test must see it
            errors.append(error)

    office.state(1)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(6):
        office.state(2)
    for thread in threads:
        thread.join(120)
    assert [error for error in errors if not isinstance(error, NotStored)] == []
    office.sequencer.run()
    office.assert_one_history(13)


def test_a_restored_database_signs_no_second_history(office: Office, copied: Callable[[], Office]) -> None:
    office.state(3)
    office.sequencer.run()
    old = copied()
    office.state(2)
    office.sequencer.run()
    before = office.heads()
    old.days = 90
    old.state(2)
    with pytest.raises(LogForked, match=r"5 entries, this database 3: it was restored"):
        old.sequencer.run()
    assert old.leaves() == office.leaves()[:3], "nothing was even placed"
    assert office.heads() == before
    office.assert_one_history(5)


@pytest.mark.parametrize("more", [2, 5])
def test_a_restored_database_that_went_on_signs_nothing(
    office: Office, copied: Callable[[], Office], more: int
) -> None:
    office.state(3)
    office.sequencer.run()
    old = copied()
    office.state(2)
    office.sequencer.run()
    old.days = 90
    old.state(more)
    # Somebody places its statements by hand, as if the bucket had not been asked.
    with connect(old.sequencer.database, "test") as connection:
        object.__setattr__(blind := old.sequencer, "bucket", Blind(**vars_of(old.bucket)))
        blind._append(connection)
    with pytest.raises(LogForked, match="not those that the bucket's head signs"):
        old.sequencer.run()
    office.assert_one_history(5)


def test_two_databases_cannot_both_tell_the_next_entry(office: Office, copied: Callable[[], Office]) -> None:
    """Both are compared with the same head before either goes on: the entries themselves are put once only."""
    office.state(3)
    office.sequencer.run()
    twin = copied()
    twin.days = 90
    office.state(1)
    twin.state(2)
    for one in (office, twin):
        with connect(one.sequencer.database, "test") as connection:
            one.sequencer._append(connection)
    office.sequencer.run()
    with pytest.raises(LogForked):
        twin.sequencer.run()
    stale = twin.sequencer
    object.__setattr__(stale, "bucket", Stale(**vars_of(twin.bucket)))
    with pytest.raises(LogForked, match="another history"):
        stale.run()
    assert set(office.heads()) == {3, 4}
    office.assert_one_history(4)


def test_an_empty_bucket_is_no_fresh_start(office: Office) -> None:
    office.state(2)
    office.sequencer.run()
    other = replace(office, folder=f"log/{uuid.uuid4().hex}")
    with pytest.raises(LogForked, match="lacks the checkpoint of 2 entries"):
        other.sequencer.run()
    assert other.heads() == {}


def test_a_changed_statement_or_tree_is_noticed(office: Office, copied: Callable[[], Office]) -> None:
    office.state(2)
    forged = copied()
    forged.sql("UPDATE lifecycle.evidence SET envelope = envelope || '\\x20'::bytea")
    with pytest.raises(LogForked, match="different bytes"):
        forged.sequencer.run()
    office.sequencer.run()
    bent = copied()
    bent.sql("ALTER TABLE lifecycle.log_leaf DISABLE TRIGGER ALL")
    bent.sql("UPDATE lifecycle.log_leaf SET leaf_hash = sha256('x') WHERE log_index = 1")
    bent.sql("ALTER TABLE lifecycle.log_node DISABLE TRIGGER ALL")
    bent.sql("UPDATE lifecycle.log_node SET hash = sha256('x')")
    with pytest.raises(LogForked):
        bent.sequencer.run()


def test_a_statement_that_is_not_stored_holds_up_those_after_it(office: Office) -> None:
    office.state(2)
    waiting = office.state(1, stored=False)
    office.sql(
        "UPDATE lifecycle.evidence SET signed_at = signed_at - interval '1 hour' WHERE stored_at IS NULL"
    )
    with pytest.raises(NotStored, match=waiting[0]):
        office.sequencer.run()
    assert office.leaves() == []
    office.keep()
    office.sequencer.run()
    office.assert_one_history(3)


def test_what_comes_before_it_is_published(office: Office) -> None:
    office.state(2)
    office.state(1, stored=False)
    with pytest.raises(NotStored):
        office.sequencer.run()
    assert set(office.heads()) == {2}


def test_a_foreign_head_in_the_bucket_is_refused(office: Office) -> None:
    office.state(2)
    office.bucket.put_checkpoint(1, sign(Checkpoint(ORIGIN, 1, bytes(32)), STRANGER))
    with pytest.raises(LogForked, match="not a checkpoint of this log"):
        office.sequencer.run()


def test_a_head_under_another_size_is_refused(office: Office) -> None:
    office.state(2)
    office.sequencer.run()
    note = office.heads()[2]
    office.bucket.put_checkpoint(9, note)
    with pytest.raises(LogForked, match="another size"):
        office.sequencer.run()


def test_a_head_put_over_another_is_noticed(office: Office) -> None:
    office.state(1)
    office.sequencer.run()
    client(office.bucket.access).put_object(
        Bucket=office.bucket.bucket,
        Key=office.bucket.checkpoint_name(1),
        Body=b"x",
        ChecksumAlgorithm="SHA256",
    )
    with pytest.raises(LogForked, match="written twice"):
        office.sequencer.run()


def test_only_the_key_of_the_log_signs(office: Office) -> None:
    office.state(1)
    office.sequencer.run()
    office.state(1)
    other = replace(office.sequencer, key=THIRD, retired=(LOG.public_key(),))
    with pytest.raises(WrongKey):
        other.run()
    with office.writer() as connection:
        moment = datetime(2026, 1, 1, 1, tzinfo=UTC) + timedelta(days=office.days - 1, hours=1)
        sealed = rotation(LOG, THIRD, "log", ORIGIN, moment)
        record_rotation(connection, sealed, "log", "old", "new")
        connection.commit()
    office.keep()
    with pytest.raises(WrongKey):
        office.sequencer.run()
    assert other.run().head is not None
    office.state(1)
    assert other.run().appended == 1
    with pytest.raises(LogForked):
        office.sequencer.run()
    result = verify(export(DatabaseAccess(office.studio.urls["reviewer"]), None), trust(), office.heads()[1])
    assert result.refused is None
    assert office.sql("SELECT count(*) FROM lifecycle.evidence WHERE predicate_type = %s", ROTATION) == [(1,)]


@pytest.mark.parametrize("identity", ["evidence_vault", "object_eraser", "object_observer", "object_app"])
def test_nobody_else_writes_to_the_log(office: Office, identity: str) -> None:
    from botocore.exceptions import ClientError

    bucket = replace(office.bucket, access=office.store.store_access(identity))
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.put_checkpoint(1, b"x")


def test_the_sequencer_writes_nothing_but_the_log_and_takes_nothing_back(office: Office) -> None:
    from botocore.exceptions import ClientError

    office.state(1)
    office.sequencer.run()
    s3 = client(office.bucket.access)
    name = office.bucket.checkpoint_name(1)
    version = s3.list_object_versions(Bucket=office.bucket.bucket, Prefix=name)["Versions"][0]["VersionId"]
    acts: list[Callable[[], object]] = [
        lambda: s3.put_object(
            Bucket=office.bucket.bucket, Key="photo_purge/x", Body=b"x", ChecksumAlgorithm="SHA256"
        ),
        lambda: s3.delete_object(Bucket=office.bucket.bucket, Key=name),
        lambda: s3.delete_object(Bucket=office.bucket.bucket, Key=name, VersionId=version),
        lambda: s3.list_objects_v2(Bucket=office.store.settings.bucket_uploads),
    ]
    for act in acts:
        with pytest.raises(ClientError, match="AccessDenied"):
            act()


def test_a_bundle_from_the_database_convinces(office: Office) -> None:
    office.state(5)
    office.sequencer.run()
    kept = office.heads()[5]
    office.state(20)
    office.sequencer.run()
    office.sql(
        "UPDATE lifecycle.evidence SET signed_at = (convert_from(decode((convert_from(envelope, 'UTF8')::jsonb) "
        "->> 'payload', 'base64'), 'UTF8')::jsonb #>> '{predicate,signed_at}')::timestamptz"
    )
    reviewer = DatabaseAccess(office.studio.urls["reviewer"])
    period = (datetime(2026, 1, 8, tzinfo=UTC), datetime(2026, 1, 15, tzinfo=UTC))
    bundle = export(reviewer, period, since=[5])
    assert bundle == export(reviewer, period, since=[5])
    result = verify(bundle, trust(), kept, asked=period)
    assert result.refused is None
    lines = dict(result.lines)
    assert lines["manifest"] == "entries 6 to 15 of 25"
    assert "grew from your checkpoint of 5 entries" in lines["consistency"]
    other = trust_file(ORIGIN, [STRANGER.public_key()], LOG.public_key(), datetime(2025, 1, 1, tzinfo=UTC))
    assert verify(bundle, other).refused is not None
    assert extends(
        5, merkle.root_of(office.leaves()[:5]), 25, merkle.root_of(office.leaves()), consistency(office)
    )


def consistency(office: Office) -> tuple[bytes, ...]:
    """A proof from 5 to 25 made of nothing but the bucket."""
    tree, nodes = merkle.Tree(), {}
    for _, _, leaf in office.bucket.leaves():
        nodes.update(tree.append(leaf))
    return merkle.hashes_of(merkle.consistency_spans(5, 25), nodes)


def vars_of(bucket: LogBucket) -> dict[str, Any]:
    """Arguments of a bucket."""
    return {"access": bucket.access, "bucket": bucket.bucket, "folder": bucket.folder}


class Blind(LogBucket):
    """A bucket in which no head can be seen."""

    def latest_checkpoint(self, known: int = 0) -> Any:
        return super().latest_checkpoint(known) if known == 0 else self.read_known(known)

    def read_known(self, known: int) -> Any:
        """The head that the database knows of."""
        version = client(self.access).head_object(Bucket=self.bucket, Key=self.checkpoint_name(known))[
            "VersionId"
        ]
        return self.read(self.checkpoint_name(known), version)


class Stale(Blind):
    """A bucket whose listing is older than its objects."""
