"""Real servers for every test: one throw-away PostgreSQL, one throw-away S3 store, Airflow's settings in a temp folder.

Public fixtures: `postgres`, `studio`, `make_studio`, `store`, `empty_store`, `buckets`, `access_file`, `access`,
`settings`, `airflow_database`, `airflow_connections`, `scratch`.
"""

from __future__ import annotations

import atexit
import dataclasses
import json
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest_plugins = ["tests.purge_fixtures", "tests.payment_fixtures", "tests.inventory_fixtures"]

REPOSITORY = Path(__file__).resolve().parents[1]
# Before anything imports Airflow, which reads its settings once: nothing of this machine's Airflow may be seen.
_SCRATCH = Path(tempfile.mkdtemp(prefix="lifecycle-tests-"))
_SCRATCH.chmod(0o711)  # PostgreSQL runs as another user when the tests run as root
(_SCRATCH / "session.pid").write_text(str(os.getpid()))
atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith(("AIRFLOW_", "LIFECYCLE_", "AWS_"))]:
    del os.environ[_name]
os.environ.update(
    AIRFLOW_HOME=str(_SCRATCH / "airflow"),
    AIRFLOW__CORE__DAGS_FOLDER=str(REPOSITORY / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(REPOSITORY / "plugins"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_SCRATCH}/airflow.db",
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(_SCRATCH / "airflow" / "logs"),
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED="False",
    LIFECYCLE_HOME=str(_SCRATCH / "home"),
    GX_ANALYTICS_ENABLED="false",
    TZ="UTC",
)
if not os.access(os.environ.get("HOME") or "", os.W_OK):
    (_SCRATCH / "user").mkdir()
    os.environ["HOME"] = str(_SCRATCH / "user")

if TYPE_CHECKING:
    from data_lifecycle.connections import FileConnections
    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.embedded.postgres import PostgresServer
    from data_lifecycle.settings import Settings


def _stop_what_a_killed_session_left() -> None:
    """End the servers of a session that got SIGKILL, which no fixture outlives, and remove its folder."""
    import psutil

    from data_lifecycle.embedded import objectstore, postgres
    from data_lifecycle.embedded.processes import stop

    for folder in _SCRATCH.parent.glob("lifecycle-tests-*"):
        owner = folder / "session.pid"
        if folder.stat().st_uid != os.geteuid() or not owner.exists():
            continue
        if not psutil.pid_exists(int(owner.read_text())):
            servers = [
                postgres.component(folder / "run", folder / "postgres.log"),
                objectstore.component(folder / "run", folder / "objectstore.log"),
            ]
            stop(servers, grace_seconds=0)
            postgres.remove_data(folder / "pg")
            shutil.rmtree(folder, ignore_errors=True)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Clean up after a killed session; turn SIGTERM into an ordinary end: fixtures then stop their servers."""
    _stop_what_a_killed_session_left()

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


# These start whole houses, which prefer the same ports: one process runs them one after the other.
_HOUSES = ("tests/ui/", "tests/integration/test_embedded_up.py", "tests/integration/test_task_logs.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each file's tests in one process of a parallel run: they share that process's servers and databases."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "houses" if nodeid.startswith(_HOUSES) else str(super()._split_scope(nodeid))

    return ByFile(config, log)


@dataclasses.dataclass(frozen=True)
class Studio:
    """A migrated database of its own. `urls` maps role to libpq URL; `admin_url` is the superuser's."""

    name: str
    admin_url: str
    urls: dict[str, str]


@pytest.fixture(scope="session")
def scratch() -> Path:
    """A folder that is removed with the session and that PostgreSQL's system user can pass through."""
    return _SCRATCH


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Iterator[PostgresServer]:
    """A running server without fsync; `postgres.url(database)` is the superuser's URL."""
    from data_lifecycle.embedded import ports
    from data_lifecycle.embedded.postgres import PostgresServer, component, remove_data
    from data_lifecycle.embedded.processes import stop

    server = PostgresServer(
        scratch / "pg",
        ports.choose(),
        uuid.uuid4().hex,
        component(scratch / "run", scratch / "postgres.log"),
        durable=False,
    )
    try:
        server.start()
        yield server
    finally:
        stop([server.component], grace_seconds=10)
        remove_data(server.wanted)


@pytest.fixture(scope="session")
def role_passwords() -> dict[str, str]:
    """Password of every login role; roles belong to the whole server."""
    from data_lifecycle.studio.migrate import LOGIN_ROLES

    return {role: uuid.uuid4().hex for role in LOGIN_ROLES}


@pytest.fixture(scope="session")
def studio_template(postgres: PostgresServer, role_passwords: dict[str, str]) -> str:
    """Name of a migrated, empty database that is only ever copied."""
    from data_lifecycle.studio import migrate

    postgres.ensure_database("studio_template")
    migrate.apply(postgres.url("studio_template"))
    migrate.set_passwords(postgres.url("studio_template"), role_passwords)
    return "studio_template"


@pytest.fixture(scope="session")
def make_studio(
    postgres: PostgresServer, studio_template: str, role_passwords: dict[str, str]
) -> Callable[[], Studio]:
    """Make a further migrated, empty database; a copy takes some hundredths of a second."""

    def make() -> Studio:
        name = f"studio_{uuid.uuid4().hex[:12]}"
        postgres.ensure_database(name, template=studio_template)
        urls = {role: postgres.url(name, role=role, password=word) for role, word in role_passwords.items()}
        return Studio(name, postgres.url(name), urls)

    return make


@pytest.fixture
def studio(make_studio: Callable[[], Studio], postgres: PostgresServer) -> Iterator[Studio]:
    """A migrated, empty database for this test alone."""
    made = make_studio()
    yield made
    postgres.drop_database(made.name)


@pytest.fixture(scope="session")
def store(scratch: Path) -> Iterator[ObjectStore]:
    """A running store with the three default buckets and every identity; `store.store_access(identity)`."""
    from data_lifecycle.embedded import ports
    from data_lifecycle.embedded.objectstore import IDENTITIES, ObjectStore, component
    from data_lifecycle.embedded.processes import stop
    from data_lifecycle.settings import Settings

    server = ObjectStore(
        scratch / "s3",
        ports.choose(),
        {identity: (identity, uuid.uuid4().hex) for identity in IDENTITIES},
        uuid.uuid4().hex * 2,
        component(scratch / "run", scratch / "objectstore.log"),
        Settings.from_env(),
    )
    try:
        server.start()
        server.create_buckets()
        yield server
    finally:
        # Nothing of it is kept, so nothing has to be written out before it ends.
        stop([server.component], grace_seconds=0)
        shutil.rmtree(server.folder, ignore_errors=True)


def empty_buckets(store: ObjectStore) -> None:
    """Leave nothing in the two photo buckets. Evidence stays: nobody can delete it."""
    from data_lifecycle.objects.store import client

    admin = client(store.store_access("object_admin"))
    for bucket in store.settings.photo_buckets:
        for page in admin.get_paginator("list_object_versions").paginate(Bucket=bucket):
            entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            doomed = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
            if doomed:
                answer = admin.delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
                for held in answer.get("Errors", []):
                    one = {"Bucket": bucket, "Key": held["Key"], "VersionId": held["VersionId"]}
                    admin.put_object_legal_hold(**one, LegalHold={"Status": "OFF"})
                    admin.delete_object(**one)
        for page in admin.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                admin.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


@pytest.fixture
def empty_store(store: ObjectStore) -> ObjectStore:
    """The store with nothing in the two photo buckets."""
    empty_buckets(store)
    return store


@pytest.fixture
def settings(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of the tests: state in a temp folder, default bucket names, and a log of the test's own.

    The bucket outlives each test's database: one log in it would belong to another database's.
    """
    return own_settings(monkeypatch)


def own_settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a log that nobody else writes."""
    from data_lifecycle.settings import Settings

    monkeypatch.setenv("LIFECYCLE_LOG_FOLDER", f"log/{uuid.uuid4().hex}")
    made = Settings.from_env()
    made.home.mkdir(exist_ok=True)
    return made


@pytest.fixture
def buckets(store: ObjectStore) -> dict[str, str]:
    """Bucket names by duty: uploads, backup, evidence."""
    return {
        "uploads": store.settings.bucket_uploads,
        "backup": store.settings.bucket_backup,
        "evidence": store.settings.bucket_evidence,
        "vault": store.settings.bucket_vault,
    }


@pytest.fixture
def access_file(studio: Studio, store: ObjectStore, buckets: dict[str, str], settings: Settings) -> Path:
    """The access file, as the set-up writes it, for this test's database and the store."""
    write_access(settings.access_file, studio, store, buckets)
    return settings.access_file


def write_access(file: Path, studio: Studio, store: ObjectStore, buckets: dict[str, str]) -> None:
    """Write credentials of every role and identity where `FileConnections` reads them."""
    from data_lifecycle.embedded.home import write_private

    content = {
        "databases": studio.urls,
        "stores": {name: dataclasses.asdict(store.store_access(name)) for name in store.keys},
        "buckets": buckets,
    }
    write_private(file, json.dumps(content))


@pytest.fixture
def access(access_file: Path) -> FileConnections:
    """Credentials of every role and identity for this test's database and the store."""
    from data_lifecycle.connections import FileConnections

    return FileConnections(access_file)


@pytest.fixture(scope="session")
def airflow_database() -> str:
    """Airflow's own metadata tables, created in the temp folder, for `dag.test()`; the SQLAlchemy URL."""
    from airflow.utils.db import initdb

    initdb()
    return os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]


@pytest.fixture
def airflow_connections(
    studio: Studio,
    store: ObjectStore,
    settings: Settings,
    airflow_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Airflow connections of this test, one for each duty, as environment variables."""
    from data_lifecycle.embedded.airflow import postgres_connection, store_connection

    made = {role: postgres_connection(url, role) for role, url in studio.urls.items()}
    made |= {
        name: store_connection(dataclasses.asdict(store.store_access(name)), name) for name in store.keys
    }
    for name, content in made.items():
        if "extra" in content:
            content["extra"] = json.loads(content["extra"])
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(content))
