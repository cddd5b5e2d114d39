"""Server processes: found by mark, never by pid alone, and ended with everything they left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_lifecycle.embedded.processes import Component, NotReady, members, stop, wait_until

# A leader with a child in a session of its own, as a scheduler has workers; both ignore SIGTERM if told so.
LEADER = """
import signal, subprocess, sys, time
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
time.sleep(600)
"""


@pytest.fixture
def component(tmp_path: Path) -> Iterator[Component]:
    made = Component("sample", tmp_path / "run", tmp_path / "sample.log")
    yield made
    stop([made], grace_seconds=0)


def start(component: Component, temper: str = "mild") -> None:
    component.start([sys.executable, "-c", LEADER, temper], environment=dict(os.environ), folder=Path("/"))
    wait_until(lambda: len(members([component])) == 2, seconds=10, what="leader and child")


@pytest.mark.parametrize("temper", ["mild", "stubborn"])
def test_stop_ends_leader_and_child(component: Component, temper: str) -> None:
    start(component, temper)
    stop([component], grace_seconds=0.5)
    assert members([component]) == []
    assert not component.pid_file.exists()


def test_children_of_a_killed_leader_are_found_and_ended(component: Component) -> None:
    start(component)
    leader = component.find()
    assert leader is not None
    leader.kill()
    wait_until(component.ended, seconds=5, what="end of the leader")
    assert len(members([component])) == 1
    stop([component], grace_seconds=0)
    assert members([component]) == []


def test_a_stranger_with_a_reused_pid_is_not_ours_and_stays_alive(component: Component) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        component.run_dir.mkdir()
        component.pid_file.write_text(f"{stranger.pid}\n")
        assert component.find() is None
        stop([component], grace_seconds=0)
        assert stranger.poll() is None
    finally:
        stranger.send_signal(signal.SIGKILL)
        stranger.wait()


def test_waiting_in_vain_names_what_was_waited_for() -> None:
    with pytest.raises(NotReady, match="the moon: not within"):
        wait_until(lambda: None, seconds=0.05, what="the moon", pause=0.01)
