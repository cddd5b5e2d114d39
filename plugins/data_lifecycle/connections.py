"""Credentials, one per duty: who may do what is decided by the database and the store, not by this code."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DatabaseAccess:
    """A PostgreSQL login: a libpq URL, kept out of every ``repr``."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """An S3 identity. ``endpoint_url`` is None for AWS itself."""

    endpoint_url: str | None
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"


class Connections(Protocol):
    """Where credentials come from."""

    def database(self, role: str) -> DatabaseAccess:
        """The login of a database role, for example ``studio_reader``."""
        ...

    def store(self, identity: str) -> StoreAccess:
        """The keys of a store identity, for example ``object_observer``."""
        ...


class FileConnections:
    """Credentials of the embedded servers, from the access file that the set-up writes."""

    def __init__(self, access_file: Path) -> None:
        """Read ``access_file``; FileNotFoundError if the set-up has not run."""
        self._access = json.loads(access_file.read_text("utf-8"))

    def database(self, role: str) -> DatabaseAccess:
        """The login of ``role``; KeyError names a role the set-up does not know."""
        return DatabaseAccess(self._access["databases"][role])

    def store(self, identity: str) -> StoreAccess:
        """The keys of ``identity``; KeyError names an identity the set-up does not know."""
        entry = self._access["stores"][identity]
        return StoreAccess(entry["endpoint_url"], entry["access_key"], entry["secret_key"], entry["region"])


class AirflowConnections:
    """Credentials from Airflow connections whose ids are the roles' names."""

    def database(self, role: str) -> DatabaseAccess:
        """The login of connection ``role`` (type postgres)."""
        from airflow.sdk import Connection

        found = Connection.get(role)
        url = found.get_uri().split("?", 1)[0]
        return DatabaseAccess("postgresql://" + url.split("://", 1)[1])

    def store(self, identity: str) -> StoreAccess:
        """The keys of connection ``identity`` (type aws; ``endpoint_url`` and ``region_name`` in extra)."""
        from airflow.sdk import Connection

        found = Connection.get(identity)
        extra = found.extra_dejson
        if not found.login or not found.password:
            raise ValueError(
                f"connection {identity}: login and password (access key and secret key) must be set"
            )
        return StoreAccess(
            extra.get("endpoint_url"), found.login, found.password, extra.get("region_name", "us-east-1")
        )
