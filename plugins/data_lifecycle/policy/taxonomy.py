"""Data categories and data uses of the installed fideslang taxonomy.

fideslang itself silently accepts keys that it doesn't know, so the keys are checked here.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache


@cache
def _keys() -> tuple[frozenset[str], frozenset[str]]:
    from fideslang.default_taxonomy import DEFAULT_TAXONOMY  # a third of a second to import

    return (
        frozenset(item.fides_key for item in DEFAULT_TAXONOMY.data_category if not item.version_deprecated),
        frozenset(item.fides_key for item in DEFAULT_TAXONOMY.data_use if not item.version_deprecated),
    )


def require_category(key: str) -> str:
    """Return a known data category; a ValueError with the nearest known keys otherwise."""
    return _require(key, _keys()[0], "data category")


def require_use(key: str) -> str:
    """Return a known data use; a ValueError with the nearest known keys otherwise."""
    return _require(key, _keys()[1], "data use")


def _require(key: str, known: frozenset[str], kind: str) -> str:
    if key in known:
        return key
    near = ", ".join(get_close_matches(key, sorted(known), n=3)) or "see fideslang.default_taxonomy"
    raise ValueError(f"unknown {kind}; use a fideslang key ({near})")


def lineage(key: str) -> tuple[str, ...]:
    """The key and its ancestors, most specific first: user.device.cookie, user.device, user."""
    parts = key.split(".")
    return tuple(".".join(parts[:count]) for count in range(len(parts), 0, -1))
