"""Who may see a page, and with whose eyes it looks.

Users are Airflow's: its own dependencies authenticate, and a page about a pipeline is for those who may read the runs
of its DAG. The pages themselves see what the database roles of Airflow's connections see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import Depends

from data_lifecycle.connections import DatabaseAccess, StoreAccess
from data_lifecycle.database import Connection, connect
from data_lifecycle.protocol.house import House
from data_lifecycle.settings import Settings
from data_lifecycle.vendors.accounts import Account, Accounts, account_of, connection_id

ROLE = "reviewer"


class ServerConnections:
    """Credentials from Airflow connections, as the api-server reads them: from the metadata database."""

    def database(self, role: str) -> DatabaseAccess:
        """The login of connection ``role`` (type postgres)."""
        from airflow.models.connection import Connection as Stored

        url = Stored.get_connection_from_secrets(role).get_uri().split("?", 1)[0]
        return DatabaseAccess("postgresql://" + url.split("://", 1)[1])

    def store(self, identity: str) -> StoreAccess:
        """Refused: pages show what the database keeps, and hold no keys of any store."""
        raise LookupError(f"pages have no access to a store, not as {identity}")


class ServerAccounts:
    """Accounts at vendors from Airflow connections, as the api-server reads them."""

    def find(self, vendor: str) -> Account | None:
        """The account of ``vendor_<id>``, None if there is no such connection."""
        from airflow.models.connection import Connection as Stored
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            return account_of(Stored.get_connection_from_secrets(connection_id(vendor)))
        except AirflowNotFoundException:
            return None


def accounts() -> Accounts:
    """Credentials of vendors as the api-server finds them."""
    return ServerAccounts()


def house() -> House:
    """The house as the api-server finds it."""
    return House(Settings.from_env(), ServerConnections())


OurHouse = Annotated[House, Depends(house)]
"""A route's argument of this type is the house."""

OurAccounts = Annotated[Accounts, Depends(accounts)]
"""A route's argument of this type finds the credentials of vendors."""


def _reading(found: OurHouse) -> Iterator[Connection]:
    with connect(found.connections.database(ROLE), "compliance pages") as connection:
        connection.set_session(readonly=True)
        yield connection


Reading = Annotated[Connection, Depends(_reading)]
"""A route's argument of this type is a read-only connection with the reviewer's role, closed after the answer."""


def may_read_runs(dag_id: str | None = None) -> Any:
    """A route's dependency: 401 for strangers, 403 for users who may not read the runs of ``dag_id``.

    Without ``dag_id``, the DAG that the path names as ``{dag_id}``, or DAGs at all.
    """
    return Depends(requires_access_dag("GET", DagAccessEntity.RUN, dag_id))


SIGNED_IN = Depends(get_user)
"""Every page's dependency: 401 for whoever is not signed in to Airflow."""
