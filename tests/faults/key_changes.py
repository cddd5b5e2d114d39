"""A change of keys in a process of its own that ends itself with SIGKILL at a named point."""

from __future__ import annotations

from tests.faults.sequencing import kill_at

from data_lifecycle.connections import FileConnections
from data_lifecycle.evidence.rotating import rotate
from data_lifecycle.protocol.house import House
from data_lifecycle.settings import Settings


def run(settings: Settings, role: str, point: str) -> None:
    """Change the key of a role; the process does not survive ``point``."""
    kill_at(point)
    rotate(House(settings, FileConnections(settings.access_file)), role)
