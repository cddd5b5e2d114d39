"""The app that Airflow mounts at ``/compliance``: one router a page, nobody gets in who is not signed in."""

from __future__ import annotations

from fastapi import FastAPI

from data_lifecycle.pages import answers, inventory, overview, posture, run
from data_lifecycle.pages.access import SIGNED_IN

# A page is a module of this package with a ``router``; it is listed here and, if it belongs in the navigation, as an
# external view in lifecycle_plugin.py. Each route also says who may read it: ``access.may_read_runs``.
ROUTERS = (overview.router, inventory.router, answers.router, posture.router, run.router)


def build() -> FastAPI:
    """The app. No documentation routes and no static files: an app's dependencies would not cover them."""
    app = FastAPI(
        title="Compliance", dependencies=[SIGNED_IN], docs_url=None, redoc_url=None, openapi_url=None
    )
    for router in ROUTERS:
        app.include_router(router)
    return app
