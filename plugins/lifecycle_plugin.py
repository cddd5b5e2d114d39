"""What Airflow loads of this project as a plugin: the compliance pages in its UI.

Every process of Airflow loads plugins; only the api-server asks for ``fastapi_apps`` and builds the pages.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin


class LifecyclePlugin(AirflowPlugin):
    """Pages below ``/compliance``, in the navigation and beside every run."""

    name = "lifecycle"
    external_views = [  # noqa: RUF012 — Airflow's own way to declare them
        {
            "name": "Compliance",
            "href": "/compliance/",
            "destination": "nav",
            "category": "browse",
            "url_route": "compliance",
        },
        {
            "name": "Vendor inventory",
            "href": "/compliance/inventory",
            "destination": "nav",
            "category": "browse",
            "url_route": "vendor-inventory",
        },
        {
            "name": "Posture",
            "href": "/compliance/posture",
            "destination": "dag",
            "url_route": "posture",
        },
        {
            "name": "Evidence",
            "href": "/compliance/runs/{DAG_ID}/{RUN_ID}",
            "destination": "dag_run",
            "url_route": "run-evidence",
        },
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The pages, built when the api-server asks for them."""
        from data_lifecycle.pages.app import build

        return [{"name": "compliance", "url_prefix": "/compliance", "app": build()}]
