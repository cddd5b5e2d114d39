"""The app that Airflow mounts at ``/compliance``: one router a page, and one for vendors, who sign what they send."""

from __future__ import annotations

from fastapi import FastAPI

from data_lifecycle.pages import answers, callbacks, inventory, overview, posture, run
from data_lifecycle.pages.access import SIGNED_IN

# A page is a module of this package with a ``router``; it is listed here and, if it belongs in the navigation, as an
# external view in lifecycle_plugin.py. Each route also says who may read it: ``access.may_read_runs``.
ROUTERS = (overview.router, inventory.router, answers.router, posture.router, run.router)


def build() -> FastAPI:
    """The app: nobody sees a page who is not signed in. No documentation, no static files: nothing would guard them."""
    app = FastAPI(title="Compliance", docs_url=None, redoc_url=None, openapi_url=None)
    for router in ROUTERS:
        app.include_router(router, dependencies=[SIGNED_IN])
    app.include_router(callbacks.router)
    return app
