"""SQL lives in include/sql, one statement a file, values bound."""

from __future__ import annotations

from functools import cache

from data_lifecycle.settings import Settings


@cache
def load(name: str) -> str:
    """The text of ``include/sql/<name>.sql``; FileNotFoundError names a file that is missing."""
    return (Settings.from_env().include / "sql" / f"{name}.sql").read_text("utf-8")
