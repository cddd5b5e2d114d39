"""`up`, as a stranger types it: from nothing, again, after kill -9, and down without a trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from data_lifecycle.embedded.ports import LOOPBACK

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Command:
    """The command with a state folder of its own and neither HOME nor XDG_RUNTIME_DIR."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._environment = {
            "PATH": os.environ["PATH"],
            "LIFECYCLE_HOME": str(home),
            "PYTHONPATH": str(REPOSITORY / "plugins"),
        }

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "data_lifecycle.command", *words]
        return subprocess.run(
            command, env=self._environment, cwd="/", capture_output=True, text=True, check=False, timeout=500
        )

    def state(self) -> dict[str, Any]:
        """What ``status`` says, once all is healthy: a busy machine's parts report themselves late."""
        end = time.monotonic() + 120
        while (done := self("status", "--json")).returncode != 0:
            assert time.monotonic() < end, done.stdout + done.stderr
        loaded: dict[str, Any] = json.loads(done.stdout)
        return loaded


@pytest.fixture(scope="module")
def command(scratch: Path) -> Iterator[Command]:
    made = Command(scratch / "house")
    done = made("up", "--orders", "40")
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield made
    finally:
        made("down", "--wipe")


def test_everything_listens_on_loopback_only(command: Command) -> None:
    processes = command.state()["processes"]
    assert set(processes) == {
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
        "objectstore",
        "postgres",
    }
    addresses = set[str]()
    for entry in processes.values():
        leader = psutil.Process(entry["pid"])
        for process in [leader, *leader.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # a task's process ends when its task does
                addresses |= {
                    connection.laddr.ip
                    for connection in process.net_connections("tcp")
                    if connection.status == psutil.CONN_LISTEN
                }
    assert addresses == {LOOPBACK}


def test_a_second_up_is_fast_and_changes_nothing(command: Command) -> None:
    before = command.state()
    started = time.monotonic()
    done = command("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started < 10
    assert "triggered" not in done.stdout
    assert command.state() == before


def test_up_repairs_what_was_killed(command: Command) -> None:
    processes = command.state()["processes"]
    for name in ("scheduler", "objectstore", "postgres"):
        psutil.Process(processes[name]["pid"]).kill()
    done = command("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert command.state()["healthy"]


def test_passwords_are_in_files_of_mode_0600(command: Command) -> None:
    files = command.state()["files"]
    for name in ("passwords", "access", "secrets"):
        assert Path(files[name]).stat().st_mode & 0o777 == 0o600


def test_down_and_wipe_leave_nothing(command: Command) -> None:
    pids = [entry["pid"] for entry in command.state()["processes"].values()]
    done = command("down", "--wipe")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]
    assert not command.home.exists()
    assert command("status").returncode == 1
