"""``./lifecycle test``: the whole suite, or what pytest's arguments choose, against throw-away servers.

Files of tests are spread over as many processes as there are processors, up to four, each with its own servers; ``-n0``
runs them in one. ``--mutants`` takes away one guard after another in a copy and says whether a test misses it; words
after it choose guards by name.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from data_lifecycle.embedded.airflow import inherited
from data_lifecycle.embedded.home import REPOSITORY

_MOST_PROCESSES = 4


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser("test", help="run the tests; arguments are pytest's", add_help=False)
    verb.set_defaults(main=main, passes_on=True)


def main(arguments: argparse.Namespace) -> int:
    """pytest's exit status. The house of ``up`` is neither needed nor touched: tests start servers of their own."""
    environment = {name: value for name, value in inherited().items() if not name.startswith("LIFECYCLE_")}
    environment["PYTHONPATH"] = str(REPOSITORY / "plugins")
    environment["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH") or os.defpath]
    )
    words = [word for word in arguments.rest if word != "--mutants"]
    mutants = len(words) < len(arguments.rest)
    command = [sys.executable, "-m", *(["tests.mutants"] if mutants else ["pytest", *_spread()]), *words]
    child = subprocess.Popen(command, cwd=REPOSITORY, env=environment)  # noqa: S603 - pytest, with the caller's arguments
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            # pytest got the same signal and is stopping its servers: wait for that.
            continue


def _spread() -> list[str]:
    """pytest-xdist's options; the caller's come after them and win. In the order of collection: long files go first."""
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    return [f"-n{processes}", "--dist=loadfile", "--no-loadscope-reorder"]
