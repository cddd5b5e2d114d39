"""Pages from templates in ``include/templates/pages``: every value escaped, nothing loaded from anywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from secrets import token_urlsafe

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from data_lifecycle.settings import Settings


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Settings.from_env().include / "templates" / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = moment
    return environment


def moment(value: datetime | None) -> str:
    """A moment for people, in UTC to the minute; "none" for none."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if value else "none"


def headers(nonce: str | None = None) -> dict[str, str]:
    """Headers of every page: framed by Airflow alone, kept by no cache, running no script but ours."""
    script = f"'nonce-{nonce}'" if nonce else "'none'"
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'unsafe-inline'; script-src {script}; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'self'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    """The page of ``template``, which extends ``base.html``."""
    nonce = token_urlsafe(16)
    text = _templates().get_template(template).render(nonce=nonce, **values)
    return HTMLResponse(text, status_code=status, headers=headers(nonce))
