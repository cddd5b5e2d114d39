"""Accounts at vendors: Airflow connections named ``vendor_<id>``, for example ``vendor_aws_s3`` for aws-s3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Account:
    """What is needed to call a vendor. `url` is the API's address, None for the vendor's usual one."""

    url: str | None
    login: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Accounts(Protocol):
    """Where accounts come from."""

    def find(self, vendor: str) -> Account | None:
        """The account at a vendor; None when nobody gave credentials."""
        ...


def connection_id(vendor: str) -> str:
    """The id of the Airflow connection of a vendor."""
    return f"vendor_{vendor.replace('-', '_')}"


class AirflowAccounts:
    """Accounts as Airflow connections: host (or a whole URL), login, password, extra."""

    def find(self, vendor: str) -> Account | None:
        """The account of ``vendor_<id>``, None if there is no such connection."""
        from airflow.sdk import Connection
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            found = Connection.get(connection_id(vendor))
        except AirflowNotFoundException:
            return None
        return account_of(found)


def account_of(found: Any) -> Account:
    """The account that an Airflow connection describes."""
    host = found.host or None
    if host and "://" not in host:
        port = f":{found.port}" if found.port else ""
        host = f"{found.schema or 'https'}://{host}{port}"
    return Account(host, found.login or None, found.password or None, found.extra_dejson)


@dataclass(frozen=True)
class GivenAccounts:
    """Accounts by vendor, as a mapping; an empty one is a house without credentials."""

    by_vendor: Mapping[str, Account]

    def find(self, vendor: str) -> Account | None:
        """The account given for a vendor."""
        return self.by_vendor.get(vendor)
