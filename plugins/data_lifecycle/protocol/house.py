"""What every step needs to reach the world: settings, credentials, and one voice for the log."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from data_lifecycle.connections import AirflowConnections, Connections, FileConnections
from data_lifecycle.settings import REPOSITORY, Settings

log = logging.getLogger("lifecycle")


class PromiseBroken(Exception):
    """A promise of the policy could not be shown to be kept. The message has counts and names, never personal data."""


class Refused(Exception):
    """The run must not go on as asked; the message names the parameter and the fix."""


def listed(counts: Mapping[str, int]) -> str:
    """Counts for a log line: "2 inactivity, 35 terminal"; "none" when there are none."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


@dataclass(frozen=True, slots=True)
class House:
    """Settings and credentials, the same for Airflow tasks, the command line and tests."""

    settings: Settings
    connections: Connections

    @classmethod
    def of_airflow(cls) -> House:
        """The house as an Airflow task finds it."""
        return cls(Settings.from_env(), AirflowConnections())

    @classmethod
    def of_files(cls, settings: Settings | None = None) -> House:
        """The house as the command line finds it, through the access file of the set-up."""
        found = settings or Settings.from_env()
        return cls(found, FileConnections(found.access_file))


@cache
def code_version() -> str:
    """The commit this code runs from, with "-dirty" when files differ; ``LIFECYCLE_CODE_SHA`` where there is no git."""
    stated = os.environ.get("LIFECYCLE_CODE_SHA")
    if stated:
        return stated
    git = ["git", "-c", f"safe.directory={REPOSITORY}", "-C", str(REPOSITORY)]
    try:
        answer = subprocess.run(  # noqa: S603 — fixed words, no input
            [*git, "describe", "--always", "--dirty", "--abbrev=40", "--match="],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        log.warning("the code's commit is unknown: no git here, and LIFECYCLE_CODE_SHA is not set")
        return "unknown"
    return answer.stdout.strip()
