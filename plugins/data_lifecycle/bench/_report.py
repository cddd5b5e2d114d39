"""Medians, ratios and the table that shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each measure over the rounds."""
    return {name: median(values[name] for values in rounds) for name in rounds[0]}


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios round by round: both took their turns within the same minute."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A text table, first column to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([text[0], "  ".join("─" * width for width in widths), *text[1:]])
