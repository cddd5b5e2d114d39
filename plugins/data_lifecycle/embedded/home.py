"""Where the embedded house keeps its state: one folder, ``$LIFECYCLE_HOME`` or ``<repository>/.lifecycle``."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` atomically with ``text``, readable by its owner alone (mode 0600)."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``; an empty one when there is no such file yet."""
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object; remove it and run ./lifecycle up again")
    return content


@dataclass(frozen=True)
class Home:
    """Paths below the state folder. Nothing else on the machine is written, see ``postgres.Placement`` for root."""

    root: Path

    @classmethod
    def from_env(cls) -> Home:
        """``$LIFECYCLE_HOME`` if it is set and not empty, else ``.lifecycle`` in the repository."""
        configured = os.environ.get("LIFECYCLE_HOME")
        return cls(Path(configured).expanduser().absolute() if configured else REPOSITORY / ".lifecycle")

    @property
    def access_file(self) -> Path:
        """URLs and keys for every role, mode 0600: what clients outside Airflow use."""
        return self.root / "access.json"

    @property
    def secrets_file(self) -> Path:
        """Generated secrets that outlive a restart, mode 0600."""
        return self.root / "secrets.json"

    @property
    def ports_file(self) -> Path:
        """The TCP port each part was given last."""
        return self.root / "ports.json"

    @property
    def users_file(self) -> Path:
        """User name → password of Airflow's UI, mode 0600."""
        return self.root / "users.json"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.root / "pg"

    @property
    def store(self) -> Path:
        """The object store's directory."""
        return self.root / "s3"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.root / "airflow"

    @property
    def keys(self) -> Path:
        """Keys that sign evidence."""
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        """One log file for each component."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """One pid file for each component."""
        return self.root / "run"

    @property
    def data_docs(self) -> Path:
        """Pages of assertion results."""
        return self.root / "data_docs"

    def create(self) -> None:
        """Make the folders. For root the top is mode 0711: PostgreSQL runs as another user and must pass through."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for folder in (self.store, self.airflow, self.keys, self.logs, self.run, self.data_docs):
            folder.mkdir(mode=0o700, exist_ok=True)

    def wipe(self) -> None:
        """Remove what ``up`` made, by name, and the folder itself if nothing foreign is left in it."""
        for folder in (
            self.postgres,
            self.store,
            self.airflow,
            self.keys,
            self.logs,
            self.run,
            self.data_docs,
            self.root / "inventory",
            self.root / "policy-impact",
        ):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.root / "home", ignore_errors=True)
        shutil.rmtree(self.postgres.with_name("pg.new"), ignore_errors=True)
        for file in (
            self.access_file,
            self.secrets_file,
            self.ports_file,
            self.users_file,
            self.root / "lock",
        ):
            file.unlink(missing_ok=True)
            file.with_name(file.name + ".new").unlink(missing_ok=True)
        if self.root.exists() and not any(self.root.iterdir()):
            self.root.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one ``up`` or ``down`` at a time; the kernel lets go when the holder dies.

        Raises:
            RuntimeError: another process holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RuntimeError(
                    f"another ./lifecycle up or down is at work in {self.root}; wait for it"
                ) from None
            yield
