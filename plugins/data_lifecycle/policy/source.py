"""The published text of a policy: its numbered sections, and whether a quotation really stands in one of them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_HEADING = re.compile(r"^(?P<number>\d{1,2}(?:\.\d{1,2})?)\.? \S")
PREAMBLE = "preamble"
"""Section name of everything that stands before the first numbered heading."""


def normalise(text: str) -> str:
    """Collapse every run of white space to one space; nothing else is forgiven in a quotation."""
    return " ".join(text.split())


@dataclass(frozen=True)
class PolicyText:
    """A policy as published: the sha256 of its bytes and its sections, white space normalised."""

    sha256: str
    sections: dict[str, str]

    def find(self, quote: str) -> tuple[str, ...]:
        """Sections in which the quotation stands as whole words ("7 days" is not found in "17 days")."""
        pattern = re.compile(rf"(?<!\w){re.escape(normalise(quote))}(?!\w)")
        return tuple(number for number, body in self.sections.items() if pattern.search(body))


def read_text(path: Path) -> PolicyText:
    """Read and divide a policy text (UTF-8). OSError or UnicodeDecodeError when it cannot be read."""
    content = path.read_bytes()
    lines: dict[str, list[str]] = {PREAMBLE: []}
    current = PREAMBLE
    for line in content.decode("utf-8").splitlines():
        heading = _HEADING.match(line)
        if heading and _follows(current, heading["number"]):
            current = heading["number"]
            lines[current] = []
        lines[current].append(line)
    sections = {number: normalise("\n".join(body)) for number, body in lines.items()}
    return PolicyText(hashlib.sha256(content).hexdigest(), sections)


def _follows(current: str, number: str) -> bool:
    """Whether a heading continues the numbering: a table row such as "7 years" starts no section."""
    here = [0, 0] if current == PREAMBLE else [int(part) for part in (current + ".0").split(".")[:2]]
    there = [int(part) for part in (number + ".0").split(".")[:2]]
    return there in ([here[0] + 1, 0], [here[0], here[1] + 1])
