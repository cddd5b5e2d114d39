"""Evidence names the code it came from: the commit, marked when files differ, or what the deployment states."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_lifecycle.protocol import house


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LIFECYCLE_CODE_SHA", raising=False)
    house.code_version.cache_clear()
    yield
    house.code_version.cache_clear()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(house, "REPOSITORY", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def git(repository: Path, *arguments: str) -> str:
    names = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *names, "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_and_whether_files_differ(repository: Path) -> None:
    git(repository, "init", "-q")
    (repository / "a").write_text("1")
    git(repository, "add", "a")
    git(repository, "commit", "-qm", "a")
    git(repository, "tag", "v1")
    commit = git(repository, "rev-parse", "HEAD")
    assert house.code_version() == commit, "a tag can be moved, a commit cannot"
    (repository / "a").write_text("2")
    assert house.code_version() == commit, "asked once a process"
    house.code_version.cache_clear()
    assert house.code_version() == f"{commit}-dirty"


def test_where_there_is_no_git_the_deployment_says_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "lifecycle"):
        assert house.code_version() == "unknown"
    assert "LIFECYCLE_CODE_SHA" in caplog.text
    house.code_version.cache_clear()
    monkeypatch.setenv("PATH", str(repository))
    assert house.code_version() == "unknown"
    house.code_version.cache_clear()
    monkeypatch.setenv("LIFECYCLE_CODE_SHA", "abc")
    assert house.code_version() == "abc"


def test_counts_for_people() -> None:
    assert house.listed({"terminal": 35, "request": 2}) == "35 terminal, 2 request"
    assert house.listed({}) == "none"
