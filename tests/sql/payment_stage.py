"""What tests of the payments' statements stand on: payments made by hand, the archiver, a run that has its turn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.payment_fixtures import Till

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, execute, fetch_one
from data_lifecycle.payment_archive.plan import EVER

if TYPE_CHECKING:
    from tests.conftest import Studio

P = "payment_archive/"
SPAN = {"years": 7, "time_zone": "Asia/Shanghai"}


class _NoStore:
    """The till's steps are not used here: no vault."""

    class settings:  # noqa: N801 - stands for an attribute
        bucket_vault = "-"
        vault_folder = "-"


@pytest.fixture
def shop(studio: Studio) -> Till:
    """A studio of payments made by hand."""
    return Till(_NoStore(), studio.admin_url, None)  # type: ignore[arg-type]


def as_role(studio: Studio, role: str) -> Any:
    """A connection of this role."""
    return connect(DatabaseAccess(studio.urls[role]), "test")


@pytest.fixture
def archiver(studio: Studio) -> Iterator[Connection]:
    """The archiver's connection."""
    with as_role(studio, "payment_archiver") as connection:
        yield connection


@pytest.fixture
def run_id(archiver: Connection) -> int:
    """A run that has its turn."""
    run = {
        "dag_run_id": "one", "attempt": 1, "as_of": datetime.now(UTC), "dry_run": False, "policy_id": "p",
        "policy_version": "1", "policy_sha256": "0", "code_sha": "0", "manifest_sha256": "0", "batches": 1,
        "facts": '{"erase_within_seconds": 2592000}',
    }  # fmt: skip
    assert (
        fetch_one(archiver, "run/next_attempt", pipeline="payment_archive", dag_run_id="one")["attempt"] == 1
    )
    made = int(fetch_one(archiver, "run/insert_run", pipeline="payment_archive", **run)["run_id"])
    assert execute(archiver, P + "take_turn", run_id=made) == 1
    archiver.commit()
    return made


def due(**more: object) -> dict[str, Any]:
    """What statements about due families bind."""
    return {
        **SPAN,
        "final_before": datetime.now(UTC) - timedelta(days=90),
        "final_from": EVER[0],
        "final_to": EVER[1],
        **more,
    }
