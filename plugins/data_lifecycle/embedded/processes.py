"""Server processes that outlive the command that starts them.

Every process carries its component's mark in its environment and hands it on to its children. A process is ours if
it carries the mark: that holds when a pid was reused, when a pid file is lost, and when a leader was killed and its
children were left behind.
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

_MARK = "LIFECYCLE_COMPONENT"
_LOG_LIMIT_BYTES = 20 * 1024 * 1024
# What is in an uninterruptible system call dies a little later.
_KILL_SECONDS = 10.0
Found = TypeVar("Found")


class NotReady(RuntimeError):
    """A part did not become ready, or ended while it should have been starting."""


def wait_until(
    check: Callable[[], Found | None],
    *,
    seconds: float,
    what: str,
    pause: float = 0.1,
    tick: Callable[[], None] = lambda: None,
) -> Found:
    """Ask ``check`` every ``pause`` seconds until it returns something true.

    Raises:
        NotReady: ``seconds`` have passed; the message names ``what``.
    """
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise NotReady(f"{what}: not within {seconds:.0f} s")
        tick()
        time.sleep(pause)


@dataclass(frozen=True)
class Component:
    """A server by name: its pid file, its log file, and the mark that its processes carry."""

    name: str
    run_dir: Path
    log_file: Path
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def pid_file(self) -> Path:
        """Holds the leader's process id, for people and their tools."""
        return self.run_dir / f"{self.name}.pid"

    @property
    def mark(self) -> str:
        """Unique for this component of this state folder."""
        return f"{self.run_dir}/{self.name}"

    def find(self) -> psutil.Process | None:
        """The live leader, or None."""
        pid = self._noted_pid()
        try:
            leader = None if pid is None else psutil.Process(pid)
        except psutil.NoSuchProcess:
            return None
        return leader if leader is not None and _carries(leader, {self.mark}) else None

    def _noted_pid(self) -> int | None:
        """What the pid file says, which may be out of date; None if there is none or it is broken."""
        try:
            return int(self.pid_file.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None

    def start(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folder: Path,
        user: pwd.struct_passwd | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start ``command`` in a session of its own, output added to the log file; write the pid file."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > _LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as log:
            # SPT_NOENV: a new process title must not overwrite the environment, which holds the mark.
            child = subprocess.Popen(
                [str(word) for word in command],
                env={**environment, _MARK: self.mark, "SPT_NOENV": "1"},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
            )
        self.pid_file.write_text(f"{child.pid}\n", encoding="ascii")
        _children.append(child)
        return child

    def ended(self) -> bool:
        """Whether the leader is gone. A child of this very process is reaped; of others, init does that."""
        running = {child.pid for child in _children if child.poll() is None}
        # A child that was started this instant may not show its environment, and with it its mark, yet.
        return self.find() is None and self._noted_pid() not in running

    def last_words(self, lines: int = 15) -> str:
        """The end of the log file, for an error message."""
        if not self.log_file.exists():
            return ""
        return "\n".join(self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


_children: list[subprocess.Popen[bytes]] = []


def _carries(process: psutil.Process, marks: set[str]) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) in marks
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return False


def members(components: Iterable[Component]) -> list[psutil.Process]:
    """Every live process of these components, leaders and descendants, found by mark."""
    marks = {component.mark for component in components}
    return [p for p in psutil.process_iter() if p.pid != os.getpid() and _carries(p, marks)]


def stop(components: Sequence[Component], *, grace_seconds: float) -> None:
    """End components together: their own stop signal to the leaders, then SIGKILL to all that is left."""
    leaders = [(component, leader) for component in components if (leader := component.find())]
    for component, leader in leaders:
        with suppress(psutil.NoSuchProcess):
            leader.send_signal(component.stop_signal)
    end = time.monotonic() + grace_seconds
    while time.monotonic() < end and not all(component.ended() for component, _ in leaders):
        time.sleep(0.05)
    # Asked again after each round: a process may have been forked between listing and killing.
    end = time.monotonic() + _KILL_SECONDS
    while (rest := members(components)) and time.monotonic() < end:
        for process in rest:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.02)
    for component in components:
        component.ended()
        component.pid_file.unlink(missing_ok=True)
