"""One embedded house for all tests of pages, as a stranger starts it, and a browser in front of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REPOSITORY = Path(__file__).resolve().parents[2]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass(frozen=True)
class Manor:
    """A house at work: its folder, what ``status --json`` says of it, and what ``up`` said."""

    root: Path
    status: dict[str, Any]
    said: str

    @property
    def policy(self) -> Path:
        """The policy file that the house applies."""
        (found,) = (include_of(self.root) / "policy").glob("xmanart-*.yaml")
        return found

    @property
    def url(self) -> str:
        """The UI's address."""
        return str(json.loads((self.root / "access.json").read_text("utf-8"))["airflow"]["url"])

    @property
    def passwords(self) -> dict[str, str]:
        """User name → password."""
        found: dict[str, str] = json.loads((self.root / "users.json").read_text("utf-8"))
        return found


def include_of(root: Path) -> Path:
    """The house's own copy of include/: a test may change its policy."""
    return root.with_name(f"{root.name}-include")


def _command(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "LIFECYCLE_HOME": str(root),
        "LIFECYCLE_INCLUDE": str(include_of(root)),
        "PYTHONPATH": str(REPOSITORY / "plugins"),
    }
    return subprocess.run(
        [sys.executable, "-m", "data_lifecycle.command", *words],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


@pytest.fixture(scope="session")
def manor(scratch: Path) -> Iterator[Manor]:
    """The house after ``up``: a demo studio of 60 orders, purged."""
    root = scratch / "manor"
    shutil.copytree(REPOSITORY / "include", include_of(root))
    done = _command(root, "up", "--orders", "60")
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        status = json.loads(_command(root, "status", "--json").stdout)
        yield Manor(root, status, done.stdout)
    finally:
        _command(root, "down", "--wipe")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. In CI its absence is a failure: a page nobody looked at is not known to work."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("chromium is missing: apt-get install chromium, as .ci/run does where it may")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def sign_in(browser: Browser, manor: Manor) -> Iterator[Callable[[str], Page]]:
    """Open the UI as a user, through its form: ``sign_in("reviewer")``."""
    contexts = []

    def enter(user: str) -> Page:
        context = browser.new_context(viewport={"width": 1400, "height": 900}, base_url=manor.url)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto("/")
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", manor.passwords[user])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(manor.url + "/")
        return page

    yield enter
    for context in contexts:
        context.close()
