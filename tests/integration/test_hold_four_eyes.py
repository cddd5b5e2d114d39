"""Two persons stand for a hold and for its extension; the database sees to it, whoever asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.errors
import pytest
from tests.faults.workshop import Workshop
from tests.hold_desk import Desk

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(house: House, studio: Studio, store: ObjectStore) -> Desk:
    return Desk(Workshop(house, studio.admin_url, store.store_access("object_admin")))


def test_nobody_approves_what_he_placed_or_extends_it_alone(desk: Desk) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    hold = desk.place(file, days=3, by="ann")
    for same in ("ann", " Ann "):
        with pytest.raises(psycopg2.errors.RestrictViolation, match="by the same person"):
            desk.approve(hold, by=same)
    assert not desk.in_force(hold)
    assert desk.approve(hold, by="bob") == "hold"
    assert desk.in_force(hold)
    later = datetime.now(UTC) + timedelta(days=60)
    desk.call("extend_hold", hold_id=hold, who="bob", until=later)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        desk.call("extend_hold", hold_id=hold, who="cid", until=later)
    (row,) = desk.shop.sql("SELECT expires_at FROM studio.legal_holds")
    assert row["expires_at"] < later, "asked for is not given"
    with pytest.raises(psycopg2.errors.RestrictViolation, match="by the same person"):
        desk.approve(hold, by="BOB")
    assert desk.approve(hold, by="ann") == "extension"
    (row,) = desk.shop.sql("SELECT expires_at FROM studio.legal_holds")
    assert row["expires_at"] == later
    with pytest.raises(psycopg2.errors.RestrictViolation, match="nothing about hold"):
        desk.approve(hold, by="cid")


def test_an_extension_keeps_what_would_have_expired(desk: Desk) -> None:
    order = desk.shop.order()
    hold = desk.hold(*desk.files(order), days=1)
    desk.keep()
    desk.call("extend_hold", hold_id=hold, who="ann", until=datetime.now(UTC) + timedelta(days=9))
    desk.approve(hold, by="bob")
    desk.shop.sql("UPDATE studio.legal_holds SET placed_at = placed_at - interval '2 days'")
    assert desk.keep()["let_go"] == 0
    assert desk.shop.purge("one") == "verified"
    assert desk.shop.everything(order)


def test_an_expired_hold_is_neither_approved_nor_extended(desk: Desk) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    waiting, held = desk.place(file), desk.hold(file)
    desk.expire(waiting)
    desk.expire(held)
    with pytest.raises(psycopg2.errors.RestrictViolation, match="has ended"):
        desk.approve(waiting)
    with pytest.raises(psycopg2.errors.RestrictViolation, match="not in force"):
        desk.call("extend_hold", hold_id=held, who="ann", until=datetime.now(UTC) + timedelta(days=9))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE studio.legal_holds SET approved_by = 'x'",
        "UPDATE studio.legal_holds SET expires_at = 'infinity'",
        "UPDATE studio.legal_holds SET released_at = now()",
        "UPDATE studio.legal_hold_extensions SET approved_by = 'x', approved_at = now()",
        "INSERT INTO studio.legal_hold_extensions (hold_id, asked_by, expires_at) SELECT hold_id, 'x', 'infinity'"
        " FROM studio.legal_holds",
        "DELETE FROM studio.legal_hold_uploads",
    ],
)
def test_the_application_changes_no_hold_past_the_four_eyes(desk: Desk, statement: str) -> None:
    desk.hold(desk.shop.file(desk.shop.order(files=0)))
    connection = psycopg2.connect(desk.house.connections.database("studio_app").url)
    with (
        connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        cursor.execute(statement)
    connection.close()


def test_no_file_joins_an_approved_hold(desk: Desk) -> None:
    order = desk.shop.order(files=0)
    hold = desk.hold(desk.shop.file(order, "a.jpg"))
    other = desk.shop.file(order, "b.jpg")
    with pytest.raises(psycopg2.errors.RestrictViolation, match="is approved"):
        desk.shop.sql("INSERT INTO studio.legal_hold_uploads VALUES (%s, %s)", hold, other.upload_id)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"basis": "  "}, "a basis"),
        ({"placed_by": ""}, "the name"),
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, "in the future"),
        ({"uploads": []}, "names files"),
        ({"uploads": ["00000000-0000-0000-0000-000000000000"]}, "names files"),
    ],
)
def test_a_hold_that_lacks_something_is_not_placed(desk: Desk, change: dict[str, Any], reason: str) -> None:
    file = desk.shop.file(desk.shop.order(files=0))
    values: dict[str, Any] = {
        "basis": "a dispute",
        "basis_class": "dispute",
        "placed_by": "ann",
        "expires_at": datetime.now(UTC) + timedelta(days=1),
        "uploads": [file.upload_id],
    }
    with pytest.raises(psycopg2.errors.CheckViolation, match=reason):
        desk.call("place_hold", **{**values, **change})
    assert desk.shop.sql("SELECT 1 FROM studio.legal_holds") == []
