"""The servers in the wheels: on loopback only, back after kill -9, with other ports if theirs were taken."""

from __future__ import annotations

import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from data_lifecycle.embedded import postgres as embedded_postgres
from data_lifecycle.embedded.home import Home, write_private
from data_lifecycle.embedded.house import House
from data_lifecycle.embedded.objectstore import ObjectStore
from data_lifecycle.embedded.ports import LOOPBACK, choose, is_free
from data_lifecycle.embedded.postgres import PostgresServer
from data_lifecycle.embedded.processes import stop


@pytest.fixture
def own_postgres(scratch: Path) -> Iterator[PostgresServer]:
    """A server that a test may kill; in a folder that its system user can reach."""
    folder = scratch / uuid.uuid4().hex
    folder.mkdir(mode=0o711)
    component = embedded_postgres.component(folder / "run", folder / "postgres.log")
    server = PostgresServer(folder / "pg", choose(), "0" * 32, component)
    yield server
    stop([component], grace_seconds=5)
    embedded_postgres.remove_data(server.wanted)


def query(server: PostgresServer, text: str) -> str:
    connection = psycopg2.connect(server.url())
    try:
        with connection.cursor() as cursor:
            cursor.execute(text)
            return str(cursor.fetchone()[0])
    finally:
        connection.close()


def listening_addresses(leader: psutil.Process | None) -> set[str]:
    assert leader is not None
    return {found.laddr.ip for found in leader.net_connections("tcp") if found.status == psutil.CONN_LISTEN}


def test_postgres_listens_on_loopback_only_and_asks_for_the_password(postgres: PostgresServer) -> None:
    assert listening_addresses(postgres.component.find()) == {LOOPBACK}
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(postgres.url(password="wrong"))


def test_store_listens_on_loopback_only(store: ObjectStore) -> None:
    assert listening_addresses(store.component.find()) == {LOOPBACK}


def test_postgres_comes_back_after_kill_with_its_rows(own_postgres: PostgresServer) -> None:
    own_postgres.start()
    connection = psycopg2.connect(own_postgres.url())
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    connection.close()
    leader = own_postgres.component.find()
    assert leader is not None
    leader.kill()
    own_postgres.start()
    assert query(own_postgres, "SELECT answer FROM kept") == "42"


def test_postgres_starts_over_a_lock_file_whose_pid_belongs_to_a_stranger(
    own_postgres: PostgresServer,
) -> None:
    own_postgres.start()
    stop([own_postgres.component], grace_seconds=10)
    # A stranger of PostgreSQL's own user is what its start-up check would take for a running server.
    user = embedded_postgres.system_user()
    stranger = subprocess.Popen(
        ["/bin/sleep", "600"],
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    try:
        data = embedded_postgres.Placement.of(own_postgres.wanted).data
        (data / "postmaster.pid").write_text(f"{stranger.pid}\n{data}\n0\n{own_postgres.port}\n\n\n")
        own_postgres.start()
        assert own_postgres.is_up()
    finally:
        stranger.send_signal(signal.SIGKILL)
        stranger.wait()


def test_an_interrupted_creation_is_redone(own_postgres: PostgresServer) -> None:
    half = own_postgres.wanted.with_name("pg.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    own_postgres.start()
    assert query(own_postgres, "SHOW server_encoding") == "UTF8"


def test_what_a_failing_statement_was_given_is_not_logged(postgres: PostgresServer) -> None:
    secret = "canary-person@example.org"
    connection = psycopg2.connect(postgres.url())
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE person (email text UNIQUE)")
        cursor.execute("INSERT INTO person VALUES (%(email)s)", {"email": secret})
        with pytest.raises(psycopg2.errors.UniqueViolation):
            cursor.execute("INSERT INTO person VALUES (%(email)s)", {"email": secret})
    connection.close()
    log = postgres.component.log_file.read_text()
    assert "duplicate key" in log
    assert secret not in log


def test_a_taken_port_is_replaced(tmp_path: Path) -> None:
    house = House.open(Home(tmp_path / "home"))
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind((LOOPBACK, house.postgres.port))
        thief.listen()
        assert not is_free(house.postgres.port)
        again = House.open(Home(tmp_path / "home"))
    assert again.postgres.port != house.postgres.port
    assert again.credentials == house.credentials
    assert f":{again.postgres.port}/" in again.access()["databases"]["studio_reader"]


def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    house = House.open(home)
    house.write_access()
    assert home.access_file.stat().st_mode & 0o777 == 0o600
    assert home.secrets_file.stat().st_mode & 0o777 == 0o600
    write_private(home.access_file, "{}")
    assert home.access_file.stat().st_mode & 0o777 == 0o600


def test_pipelines_get_no_connection_of_the_application_or_the_administrator(tmp_path: Path) -> None:
    connections = House.open(Home(tmp_path / "home")).connections()
    assert not {"studio_app", "object_app", "object_admin"} & connections.keys()
    assert {"studio_reader", "studio_eraser", "object_eraser", "object_observer", "evidence_vault"} <= set(
        connections
    )


def test_wiping_removes_what_was_made_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    House.open(home).write_access()
    (home.root / "letter.txt").write_text("not ours")
    home.wipe()
    assert [path.name for path in home.root.iterdir()] == ["letter.txt"]
