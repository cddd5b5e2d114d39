"""What a plan would do beside what it may do unasked: pairs of numbers, sealed with the plan's facts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

Judged = Mapping[str, Mapping[str, str]]
"""Cap → {found, allowed}, each a decimal as text, so that a reviewer can judge again."""


def pair(found: object, allowed: object) -> dict[str, str]:
    """One cap, judged."""
    return {"found": str(found), "allowed": str(allowed)}


def exceeded(judged: Judged) -> list[str]:
    """Names of the caps that a plan exceeds, in order."""
    return sorted(name for name, cap in judged.items() if Decimal(cap["found"]) > Decimal(cap["allowed"]))
