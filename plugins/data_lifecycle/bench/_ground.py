"""The ground a benchmark stands on: a PostgreSQL and an object store of its own, thrown away at the end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from data_lifecycle.connections import FileConnections, StoreAccess
from data_lifecycle.embedded import ports
from data_lifecycle.embedded.home import write_private
from data_lifecycle.embedded.objectstore import IDENTITIES, ObjectStore
from data_lifecycle.embedded.objectstore import component as store_component
from data_lifecycle.embedded.postgres import PostgresServer
from data_lifecycle.embedded.postgres import component as postgres_component
from data_lifecycle.embedded.processes import stop
from data_lifecycle.evidence import keys
from data_lifecycle.protocol.house import House
from data_lifecycle.settings import Settings
from data_lifecycle.studio import migrate

_GRACE_SECONDS = 2.0
"""Volumes and the file index are closed within tenths of a second; connections that linger are not waited for."""


class Ground:
    """Both servers and a house on top of them; a context manager that stops and removes all of it.

    The store's content can be kept with `keep_store` and put back, byte for byte, with `put_store_back`; a database
    can be copied from a filled one with `house_with`.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lifecycle-bench-"))
        self.folder.chmod(0o711)  # for root, PostgreSQL runs as another user and must pass through
        # Neither the state folder nor the bucket names of a house on this machine are ours to touch.
        self.settings = replace(
            Settings.from_env({"LIFECYCLE_HOME": str(self.folder)}), include=Settings.from_env().include
        )
        self.postgres = PostgresServer(
            self.folder / "pg",
            ports.choose(),
            uuid.uuid4().hex,
            postgres_component(self.folder / "run", self.folder / "postgres.log"),
        )
        self.store = ObjectStore(
            self.folder / "s3",
            ports.choose(),
            {identity: (identity, uuid.uuid4().hex) for identity in IDENTITIES},
            uuid.uuid4().hex * 2,
            store_component(self.folder / "run", self.folder / "objectstore.log"),
            self.settings,
        )
        self._roles = {role: uuid.uuid4().hex for role in migrate.LOGIN_ROLES}

    def __enter__(self) -> Self:
        try:
            self.postgres.start()
            self.store.start()
            self.store.create_buckets()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the servers by their process ids and remove everything."""
        stop([self.store.component, self.postgres.component], grace_seconds=2)
        self.postgres.wipe()
        shutil.rmtree(self.folder, ignore_errors=True)

    def access(self, identity: str) -> StoreAccess:
        """Keys of a store identity."""
        return self.store.store_access(identity)

    def make_database(self, name: str) -> str:
        """Create and migrate an empty database; the superuser's URL."""
        self.postgres.ensure_database(name)
        migrate.apply(self.postgres.url(name))
        migrate.set_passwords(self.postgres.url(name), self._roles)
        return self.postgres.url(name)

    def house_with(self, name: str, template: str) -> House:
        """A house on a new database `name`, a copy of `template` that nobody uses; it has a log of its own."""
        self.postgres.ensure_database(name, template=template)
        content = {
            "databases": {
                role: self.postgres.url(name, role=role, password=word) for role, word in self._roles.items()
            },
            "stores": {identity: asdict(self.access(identity)) for identity in IDENTITIES},
        }
        file = self.folder / f"{name}.json"
        write_private(file, json.dumps(content))
        for key in (self.settings.attester_key, self.settings.log_key):
            keys.ensure(key.parent, key.name)
        return House(replace(self.settings, log_folder=f"log/{name}"), FileConnections(file))

    def keep_store(self) -> None:
        """Keep what the store holds now. It is stopped for that, so that everything is on disk, and started again."""
        stop([self.store.component], grace_seconds=_GRACE_SECONDS)
        shutil.copytree(self.store.folder / "data", self.folder / "kept")
        self.store.start()

    def put_store_back(self) -> None:
        """Bring the store back to what was kept, with freshly started processes."""
        stop([self.store.component], grace_seconds=0)
        shutil.rmtree(self.store.folder / "data")
        shutil.copytree(self.folder / "kept", self.store.folder / "data")
        self.store.start()


def tool(name: str) -> str:
    """The path of a peer's program, beside this Python or else on PATH; RuntimeError if there is none."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise RuntimeError(
            f"{name} is not installed: ./lifecycle bench installs it from requirements-dev.txt"
        )
    return found


def run_tool(command: Sequence[str], access: StoreAccess, folder: Path) -> None:
    """Run a peer with these keys and none of the caller's settings; RuntimeError with its last words if it fails."""
    environment = {
        "AWS_ACCESS_KEY_ID": access.access_key,
        "AWS_SECRET_ACCESS_KEY": access.secret_key,
        "AWS_REGION": access.region,
        "HOME": str(folder),
        "TZ": "UTC",
    }
    done = subprocess.run(  # noqa: S603 - peers from our own requirements, no shell
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout)[-2000:]}")
