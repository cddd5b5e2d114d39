"""``./lifecycle logs``: the servers' own log files. What the pipelines did is in the task logs: see ``run``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_lifecycle.embedded.home import Home
from data_lifecycle.embedded.house import House

_LINES = 40
_PAUSE_SECONDS = 0.5


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("logs", help="show the servers' log files")
    verb.add_argument("component", nargs="?", help="one of them, as `status` names it; all by default")
    verb.add_argument("-f", "--follow", action="store_true", help="go on until interrupted")
    verb.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Print the last lines of each file, then what is added if asked. 2 for an unknown component."""
    house = House.existing(Home.from_env())
    files = {component.name: component.log_file for component in house.components}
    if arguments.component and arguments.component not in files:
        print(f"unknown component {arguments.component}: one of {', '.join(files)}")
        return 2
    chosen = {arguments.component: files[arguments.component]} if arguments.component else files
    positions = {name: _show_end(name, file) for name, file in chosen.items() if file.exists()}
    while arguments.follow:
        for name, line in _added(chosen, positions):
            print(f"{name} | {line}", flush=True)
        time.sleep(_PAUSE_SECONDS)
    return 0


def _show_end(name: str, file: Path) -> int:
    content = file.read_bytes()
    for line in content.decode(errors="replace").splitlines()[-_LINES:]:
        print(f"{name} | {line}")
    return len(content)


def _added(files: dict[str, Path], positions: dict[str, int]) -> Iterator[tuple[str, str]]:
    for name, file in files.items():
        size = file.stat().st_size if file.exists() else 0
        start = positions.get(name, 0)
        # A file that shrank was rotated: read the new one from its beginning.
        start = 0 if size < start else start
        if size > start:
            with file.open("rb") as source:
                source.seek(start)
                block = source.read(size - start)
            whole, newline, _ = block.rpartition(b"\n")
            positions[name] = start + len(whole) + len(newline)
            for line in whole.decode(errors="replace").splitlines():
                yield name, line
        else:
            positions[name] = start
