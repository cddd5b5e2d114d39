"""A studio with exactly what a test puts into it, on the real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Studio
    from tests.faults.workshop import Workshop

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House


@pytest.fixture
def shop(house: House, studio: Studio, store: ObjectStore) -> Workshop:
    """An empty studio, the tools to fill it, and the purge's steps one at a time."""
    from tests.faults.workshop import Workshop

    return Workshop(house, studio.admin_url, store.store_access("object_admin"))
