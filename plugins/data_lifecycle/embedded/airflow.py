"""Airflow's four processes on one machine: api-server, scheduler with LocalExecutor, dag-processor, triggerer.

Not ``airflow standalone``: that one survives a dead api-server and leaves orphans behind. Everything listens on
loopback; the log servers of worker and triggerer, which would listen everywhere, are off: logs are read from disk while
a task runs, and from the locked bucket when it has ended.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data_lifecycle.embedded.api import AirflowApi, ApiError, quoted
from data_lifecycle.embedded.credentials import USERS, Credentials
from data_lifecycle.embedded.home import REPOSITORY, Home, write_private
from data_lifecycle.embedded.ports import LOOPBACK
from data_lifecycle.embedded.processes import Component, NotReady, stop, wait_until
from data_lifecycle.protocol import tasklogs

_COMMANDS: Mapping[str, list[str]] = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
_HEALTHY = ("metadatabase", "scheduler", "triggerer", "dag_processor")
# Whatever the caller has in the environment for another Airflow, another Python or a proxy is not for ours.
_FOREIGN = ("AIRFLOW_", "PYTHON", "VIRTUAL_ENV", "AWS_", "PG")


def inherited() -> dict[str, str]:
    """The caller's environment without what configures other programs of the same kind."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}


@dataclass(frozen=True)
class Airflow:
    """Airflow of one state folder."""

    home: Home
    port: int
    database_url: str = field(repr=False)
    credentials: Credentials = field(repr=False)
    remote_logs: str

    @property
    def url(self) -> str:
        """The UI's address, and the API's."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def log_folder(self) -> Path:
        """Where tasks write their logs, and where those stay that the store did not take."""
        return self.home.airflow / "logs"

    @property
    def components(self) -> list[Component]:
        """The four processes."""
        return [Component(name, self.home.run, self.home.logs / f"{name}.log") for name in _COMMANDS]

    @property
    def migration(self) -> Component:
        """The process that creates the metadata tables, once."""
        return Component("migrate", self.home.run, self.home.logs / "migrate.log")

    def api(self, user: str = "admin") -> AirflowApi:
        """A session of ``user``."""
        return AirflowApi(self.url, user, self.credentials.users[user])

    def environment(self) -> dict[str, str]:
        """What every Airflow process is started with."""
        secrets = self.credentials
        options = {
            "CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "6",
            "CORE__DEFAULT_TIMEZONE": "utc",
            "CORE__FERNET_KEY": secrets.fernet_key,
            "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__AUTH_MANAGER": "data_lifecycle.auth_manager.HouseAuthManager",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home.users_file),
            "DATABASE__SQL_ALCHEMY_CONN": self.database_url.replace(
                "postgresql://", "postgresql+psycopg2://", 1
            ),
            "API__HOST": LOOPBACK,
            "API__PORT": str(self.port),
            "API__BASE_URL": self.url,
            "API__WORKERS": "1",
            "API__SECRET_KEY": secrets.api_secret,
            "API_AUTH__JWT_SECRET": secrets.jwt_secret,
            "LOGGING__BASE_LOG_FOLDER": str(self.log_folder),
            "LOGGING__REMOTE_LOGGING": "True",
            "LOGGING__REMOTE_BASE_LOG_FOLDER": self.remote_logs,
            "LOGGING__REMOTE_LOG_CONN_ID": tasklogs.CONNECTION,
            "LOGGING__DELETE_LOCAL_LOGS": "False",
            "DAG_PROCESSOR__REFRESH_INTERVAL": "60",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        environment = inherited()
        environment.update({f"AIRFLOW__{name}": value for name, value in options.items()})
        environment.update(
            AIRFLOW_HOME=str(self.home.airflow),
            LIFECYCLE_HOME=str(self.home.root),
            PYTHONPATH=str(REPOSITORY / "plugins"),
            PYTHONUNBUFFERED="1",
            # Task logs are evidence: a dependency's remark about its own future is not.
            PYTHONWARNINGS="ignore::DeprecationWarning",
            PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH") or os.defpath]),
            GX_ANALYTICS_ENABLED="false",
            NO_COLOR="1",
            NO_PROXY=f"{LOOPBACK},localhost",
            no_proxy=f"{LOOPBACK},localhost",
            TZ="UTC",
        )
        return environment

    def start_migration(self) -> Callable[[], None] | None:
        """Start ``airflow db migrate`` if this Airflow has not done it yet; the result waits for its end.

        The waiting function raises NotReady with the end of its log if it failed.
        """
        stamp = self.home.airflow / "migrated"
        version = importlib.metadata.version("apache-airflow")
        if stamp.exists() and stamp.read_text(encoding="utf-8") == version:
            return None
        # One that a killed set-up left behind would hold locks against this one.
        stop([self.migration], grace_seconds=0)
        child = self.migration.start(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            environment=self.environment(),
            folder=self.home.airflow,
        )

        def finish() -> None:
            status = child.wait(timeout=300)
            self.migration.pid_file.unlink(missing_ok=True)
            if status != 0:
                raise NotReady(f"airflow db migrate failed:\n{self.migration.last_words()}")
            stamp.write_text(version, encoding="utf-8")

        return finish

    def start(self) -> list[str]:
        """Start what does not run; the names of what was started. ``wait`` waits for them."""
        if (
            not self.home.users_file.exists()
            or json.loads(self.home.users_file.read_text()) != self.credentials.users
        ):
            write_private(self.home.users_file, json.dumps(self.credentials.users))
        if any(self._differs(component) for component in self.components):
            stop(self.components, grace_seconds=20)
        started = []
        for component in self.components:
            if component.find() is None:
                # A leader that was killed may have left tasks behind, which would work on beside their successors.
                stop([component], grace_seconds=0)
                component.start(
                    [sys.executable, "-m", "airflow", *_COMMANDS[component.name]],
                    environment=self.environment(),
                    folder=self.home.airflow,
                )
                started.append(component.name)
        return started

    def _differs(self, component: Component) -> bool:
        """Whether it runs with other settings than it should, for example with a database's old port."""
        process = component.find()
        if process is None:
            return False
        current = process.environ()
        return any(
            current.get(name) != value
            for name, value in self.environment().items()
            if name.startswith(("AIRFLOW_", "LIFECYCLE_", "PYTHONPATH"))
        )

    def unhealthy(self) -> list[str]:
        """Names of parts that do not report themselves healthy."""
        health = self.api().health()
        return [name for name in _HEALTHY if health.get(name) != "healthy"]

    def wait(self, *, seconds: float, tick: Callable[[], None]) -> None:
        """Until all parts are healthy. NotReady names a process that ended, with the end of its log."""

        def check() -> bool:
            for component in self.components:
                if component.ended():
                    raise NotReady(f"{component.name} ended:\n{component.last_words()}")
            return not self.unhealthy()

        try:
            wait_until(check, seconds=seconds, what="Airflow", pause=0.5, tick=tick)
        except NotReady as error:
            raise NotReady(
                f"{error}; unhealthy: {', '.join(self.unhealthy()) or 'none'}; see {self.home.logs}"
            ) from None

    def put_connections(self, connections: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Create or correct connections by id; the ids that were new."""
        api = self.api()
        created = []
        for name, content in connections.items():
            body = {"connection_id": name, **content}
            try:
                api.call("PATCH", f"/connections/{quoted(name)}", body)
            except ApiError as error:
                if error.status != 404:
                    raise
                api.call("POST", "/connections", body)
                created.append(name)
        return created


def postgres_connection(url: str, description: str) -> dict[str, Any]:
    """An Airflow connection of type postgres for a libpq ``url``."""
    parts = urlsplit(url)
    return {
        "conn_type": "postgres",
        "description": description,
        "host": parts.hostname,
        "port": parts.port,
        "login": parts.username,
        "password": parts.password,
        "schema": parts.path.lstrip("/"),
    }


def store_connection(access: Mapping[str, str], description: str) -> dict[str, Any]:
    """An Airflow connection of type aws for an S3 identity of the embedded store."""
    extra = {
        "endpoint_url": access["endpoint_url"],
        "region_name": access["region"],
        # For Airflow's own hook, which puts the task logs: a store that is away must not hold a task up for long.
        "config_kwargs": {
            "s3": {"addressing_style": "path"},
            "connect_timeout": 5,
            "retries": {"mode": "standard", "total_max_attempts": 2},
        },
    }
    return {
        "conn_type": "aws",
        "description": description,
        "login": access["access_key"],
        "password": access["secret_key"],
        "extra": json.dumps(extra),
    }


def component_names() -> list[str]:
    """Every process of Airflow that there may be, the one-time migration included."""
    return [*_COMMANDS, "migrate"]
