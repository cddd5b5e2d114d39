"""Whoever may look may answer when asked, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

from data_lifecycle.auth_manager import HouseAuthManager

MANAGER = HouseAuthManager()
DETAILS = DagDetails(id="photo_purge")


def may(role: str | None, method: Any, entity: DagAccessEntity | None) -> bool:
    user = SimpleAuthManagerUser(username="someone", role=role)
    return MANAGER.is_authorized_dag(method=method, user=user, access_entity=entity, details=DETAILS)


@pytest.mark.parametrize("entity", [None, *DagAccessEntity])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_viewer_changes_nothing_but_answers(entity: DagAccessEntity | None, method: str) -> None:
    assert may("viewer", method, entity) is (entity is DagAccessEntity.HITL_DETAIL and method == "PUT")
    assert may("viewer", "GET", entity)


@pytest.mark.parametrize("entity", [None, *DagAccessEntity])
def test_others_may_what_they_may_in_airflow(entity: DagAccessEntity | None) -> None:
    assert may("op", "PUT", entity)
    assert not may(None, "PUT", entity)
    assert not may(None, "GET", entity)


def test_only_who_is_asked_may_answer() -> None:
    for name, role in (("engineer", "op"), ("admin", "admin"), ("other", "viewer")):
        user = SimpleAuthManagerUser(username=name, role=role)
        assert not MANAGER.is_authorized_hitl_task(assigned_users={"reviewer"}, user=user)
    reviewer = SimpleAuthManagerUser(username="reviewer", role="viewer")
    assert MANAGER.is_authorized_hitl_task(assigned_users={"reviewer"}, user=reviewer)


def test_a_viewer_gets_no_other_right() -> None:
    user = SimpleAuthManagerUser(username="reviewer", role="viewer")
    for right in ("connection", "variable"):
        assert not getattr(MANAGER, f"is_authorized_{right}")(method="GET", user=user)
    for right in ("asset", "pool", "configuration"):
        assert not getattr(MANAGER, f"is_authorized_{right}")(method="PUT", user=user)
