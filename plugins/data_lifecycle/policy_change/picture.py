"""A picture of the days: how many files become due, by the versions there are and with the proposed one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from xml.sax.saxutils import escape

NAME = "impact.svg"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 900, 360, 56, 56, 64
MAX_DAYS = 60
# Shades that are told apart on white and on black, by people who see no red or green too; the text takes its ground's.
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1b1f24}.muted{fill:#57606a}.grid{stroke:#8c959f;stroke-opacity:.35}"
    ".old{fill:#8c959f}.new{fill:#0969da}.ground{fill:#ffffff}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.muted{fill:#9ea7b3}.new{fill:#58a6ff}.ground{fill:#0d1117}}"
)


def draw(series: Sequence[tuple[str, int, int]], title: str) -> str:
    """An SVG with two bars a day, old beside new; days past the sixtieth are left out and said to be."""
    days = _every_day(series)
    shown, rest = days[:MAX_DAYS], days[MAX_DAYS:]
    top = max((count for _, *counts in shown for count in counts), default=0) or 1
    plot_width, plot_height = WIDTH - LEFT - 16, HEIGHT - TOP - BOTTOM
    step = plot_width / max(len(shown), 1)
    bar = min(step * 0.4, 18)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text x="{LEFT}" y="22" font-weight="600">{escape(title)}</text>',
        f'<rect class="old" x="{LEFT}" y="32" width="12" height="12"/><text x="{LEFT + 18}" y="43">as it is</text>',
        f'<rect class="new" x="{LEFT + 96}" y="32" width="12" height="12"/>'
        f'<text x="{LEFT + 114}" y="43">with the new version</text>',
    ]
    for share in (0.0, 0.5, 1.0):
        y = TOP + plot_height * (1 - share)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 16}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="muted" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{round(top * share)}</text>'
        )
    every = max(1, -(-len(shown) // 10))
    for number, (day, old, new) in enumerate(shown):
        middle = LEFT + step * (number + 0.5)
        for kind, count, x in (("old", old, middle - bar), ("new", new, middle)):
            height = plot_height * count / top
            if count:
                parts.append(
                    f'<rect class="{kind}" x="{x:.1f}" y="{TOP + plot_height - height:.1f}" width="{bar:.1f}" '
                    f'height="{height:.1f}"><title>{day}: {count}</title></rect>'
                )
        if number % every == 0:
            y = HEIGHT - BOTTOM + 18
            parts.append(
                f'<text class="muted" x="{middle:.1f}" y="{y}" text-anchor="middle">{day[5:]}</text>'
            )
    foot = "files that become due per day (UTC); today has all that is due already"
    if rest:
        foot += f"; {sum(o for _, o, _ in rest)} and {sum(n for _, _, n in rest)} later than shown"
    parts.append(f'<text class="muted" x="{LEFT}" y="{HEIGHT - 14}">{escape(foot)}</text></svg>')
    return "\n".join(parts) + "\n"


def _every_day(series: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """The series with its empty days, a gap being a gap; those far away one after the other."""
    if not series:
        return []
    known = {day: (old, new) for day, old, new in series}
    first = date.fromisoformat(series[0][0])
    near = [(first + timedelta(days=n)).isoformat() for n in range(MAX_DAYS)]
    last = max((n for n, day in enumerate(near) if day in known), default=0)
    far = [day for day in known if day > near[-1]]
    return [(day, *known.get(day, (0, 0))) for day in [*near[: (MAX_DAYS if far else last + 1)], *far]]
