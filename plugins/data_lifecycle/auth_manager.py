"""Who may do what in Airflow: its simple auth manager, in which whoever may look may also answer when asked.

Only the api-server imports it. A task that asks names who may answer (``LIFECYCLE_APPROVERS``), without whoever started
the run; everybody else, whatever the role, gets 403.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser


class HouseAuthManager(SimpleAuthManager):
    """The role viewer reads everything and answers approvals; it starts, changes and sees nothing else."""

    def is_authorized_dag(
        self,
        *,
        method: Any,
        user: SimpleAuthManagerUser,
        access_entity: DagAccessEntity | None = None,
        details: DagDetails | None = None,
    ) -> bool:
        """As Airflow's, but that an answer to a question takes no more than the right to read it."""
        if access_entity is DagAccessEntity.HITL_DETAIL and method == "PUT":
            method = "GET"
        return bool(
            super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
        )
