"""The pages' app: nobody gets in who is not signed in, and no process but the api-server builds it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIRoute

REPOSITORY = Path(__file__).resolve().parents[3]
PROBE = """
import json, sys
import lifecycle_plugin
plugin = lifecycle_plugin.LifecyclePlugin()
heavy = {"data_lifecycle", "fastapi", "psycopg2"}
print(json.dumps(sorted(m for m in sys.modules if m.split(".")[0] in heavy)))
"""


SIGNED_BY_VENDORS = "/callbacks/{vendor}"
"""The only route without sign-in: see tests/integration/test_vendor_callbacks.py."""


def app() -> FastAPI:
    from data_lifecycle.pages.app import build

    return build()


def pages() -> list[APIRoute]:
    """Every route but the one for vendors."""
    routes = [route for route in app().routes if isinstance(route, APIRoute)]
    (callbacks,) = (route for route in routes if route.path == SIGNED_BY_VENDORS)
    assert callbacks.methods == {"POST"}
    return [route for route in routes if route is not callbacks]


def test_every_page_asks_who_is_there_and_what_they_may() -> None:
    from airflow.api_fastapi.core_api.security import get_user

    assert {"/", "/inventory", "/runs/{dag_id}/{run_id:path}"} <= {route.path for route in pages()}
    for route in pages():
        asked = {d.call for d in route.dependant.dependencies}
        assert get_user in asked, route.path
        allowed = {getattr(call, "__qualname__", "") for call in asked}
        assert "requires_access_dag.<locals>.inner" in allowed, f"{route.path}: nobody says who may read it"


def test_there_is_nothing_beside_the_routes() -> None:
    # An app's dependencies cover neither documentation nor mounted files.
    assert all(isinstance(route, APIRoute) for route in app().routes)


def test_strangers_get_in_nowhere() -> None:
    from fastapi.testclient import TestClient

    client = TestClient(app())
    for route in pages():
        path = route.path.replace("{run_id:path}", "manual__1")
        for method in route.methods:
            assert client.request(method, path).status_code == 401, path


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={"PATH": "", "PYTHONPATH": str(REPOSITORY / "plugins"), "HOME": "/nonexistent"}
        | {"AIRFLOW_HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []
