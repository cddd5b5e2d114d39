"""``./lifecycle bench NAME``: a measurement beside its peers; each is a module of ``data_lifecycle.bench``."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from data_lifecycle.embedded.home import REPOSITORY

_FOLDER = REPOSITORY / "plugins" / "data_lifecycle" / "bench"


def add_to(verbs: Any) -> None:
    """Declare the verb, with the benchmarks there are."""
    verb = verbs.add_parser("bench", help="measure; further arguments are the benchmark's")
    names = sorted(file.stem for file in _FOLDER.glob("*.py") if not file.stem.startswith("_"))
    verb.add_argument("name", choices=names)
    verb.set_defaults(main=main, passes_on=True)


def main(arguments: argparse.Namespace) -> int:
    """The benchmark's exit status."""
    module = importlib.import_module(f"data_lifecycle.bench.{arguments.name}")
    return int(module.main(arguments.rest) or 0)
