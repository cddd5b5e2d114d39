"""The README's section for reviewers is true: its commands are typed after a real purge, its lines are the answers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect

if TYPE_CHECKING:
    from tests.purge_fixtures import Demo

REPOSITORY = Path(__file__).resolve().parents[2]
LIFECYCLE = '#!/bin/sh\nexec "{python}" -m data_lifecycle.command "$@"\n'


@dataclass(frozen=True)
class Step:
    """A command of the transcript and the lines that must follow; … stands for anything on a line."""

    command: str
    lines: tuple[str, ...]

    def matches(self, output: str) -> bool:
        """Whether the output is these lines, one for one."""
        wanted = "".join(".*".join(re.escape(part) for part in line.split("…")) + "\n" for line in self.lines)
        return re.fullmatch(wanted, output) is not None


def transcript(text: str) -> list[Step]:
    """Commands and lines of all console blocks of the section."""
    section = text.split("\n## If you review\n", 1)[1].split("\n## ", 1)[0]
    lines = [
        line
        for block in re.findall(r"```console\n(.*?)```", section, re.DOTALL)
        for line in block.splitlines()
    ]
    steps: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("$ "):
            steps.append((line[2:], []))
        else:
            steps[-1][1].append(line)
    return [Step(command, tuple(said)) for command, said in steps]


STEPS = transcript((REPOSITORY / "README.md").read_text("utf-8"))
ONE_GONE = """
SELECT order_id FROM lifecycle.erasure_case GROUP BY 1 HAVING count(*) = 1 AND min(state) = 'absent' ORDER BY 1 LIMIT 1
"""


@pytest.fixture(autouse=True)
def keys_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that were never replaced."""
    for role in ("attester", "log"):
        monkeypatch.setenv(f"LIFECYCLE_{role.upper()}_KEY", str(tmp_path / "keys" / f"{role}.ed25519.pem"))


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the command in it, and nothing else."""
    folder = tmp_path / "desk"
    folder.mkdir()
    command = folder / "lifecycle"
    command.write_text(LIFECYCLE.format(python=sys.executable), "utf-8")
    command.chmod(0o755)
    return folder


def test_every_command_answers_as_the_readme_says(
    load_demo: Callable[..., Demo], purge: Callable[..., int], desk: Path
) -> None:
    demo = load_demo(orders=60)
    purge(demo.house)
    with (
        connect(DatabaseAccess(demo.studio.admin_url), "test") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(ONE_GONE)
        (order,) = cursor.fetchone()
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(REPOSITORY / "plugins"),
        "PYTHONIOENCODING": "utf-8",
    }
    wrong = []
    for step in STEPS:
        command = step.command.replace("ord_…", order)
        done = subprocess.run(
            ["bash", "-c", command], cwd=desk, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode or done.stderr or not step.matches(done.stdout):
            wrong.append(f"$ {step.command}\n{done.stdout}{done.stderr}[exit code {done.returncode}]")
    assert not wrong, "\n".join(wrong)


def test_the_transcript_shows_every_act_of_a_review() -> None:
    typed = [step.command for step in STEPS]
    for act in ("status", "export", "trust", "open", "verifier"):
        assert any(command.startswith(f"./lifecycle evidence {act}") for command in typed), act
    assert any("python -I lifecycle_verify.py" in command and "--opening" in command for command in typed)
    assert any("python -I lifecycle_verify.py" in command and "--since" in command for command in typed)
    assert all(step.lines or "zipfile" in step.command for step in STEPS)


def test_a_transcript_that_is_not_true_is_noticed() -> None:
    (one, two) = transcript(
        "\n## If you review\n```console\n$ a b\n3 …, x\n$ c\n```\n## Next\n```console\n$ d\n```\n"
    )
    assert (one.command, two.command) == ("a b", "c")
    assert one.matches("3 apples, x\n")
    for other in ("", "3 apples, x", "3 apples, x\nmore\n", "3 apples\n, x\n", "4 apples, x\n"):
        assert not one.matches(other)
    assert two.matches("")
    assert not two.matches("something\n")
