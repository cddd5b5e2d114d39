"""The runbook for changing the policy is true: typed on a running house, from the change to the proof."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from tests.policies import write_version
from tests.ui.conftest import include_of
from tests.ui.test_a_reviewer_approves import DAG, PATIENCE, api, refused, sql

from data_lifecycle.connections import FileConnections
from data_lifecycle.embedded.api import quoted
from data_lifecycle.embedded.processes import wait_until
from data_lifecycle.objects.store import client

if TYPE_CHECKING:
    from tests.ui.conftest import Manor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
REPOSITORY = Path(__file__).resolve().parents[2]
RUNBOOK = (REPOSITORY / "docs" / "runbooks" / "policy-change.md").read_text("utf-8")
DAY = timedelta(days=1)
LIFECYCLE = '#!/bin/sh\nexec "{python}" -m data_lifecycle.command "$@"\n'


def steps() -> list[tuple[str, list[str]]]:
    """Each command of the runbook's console blocks, and the lines that follow it; … alone stands for any lines."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", RUNBOOK, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def matches(lines: list[str], output: str) -> bool:
    wanted = "".join(
        r"(?:.*\n)*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n" for line in lines
    )
    return re.fullmatch(wanted, output) is not None


class Desk:
    """A folder with the command, the house's state and its policy in the places of the runbook, days moved to now."""

    def __init__(self, manor: Manor, folder: Path, shorter: datetime, longer: datetime) -> None:
        self.manor, self.folder = manor, folder
        script = folder / "lifecycle"
        script.write_text(LIFECYCLE.format(python=sys.executable), "utf-8")
        script.chmod(0o755)
        (folder / ".lifecycle").symlink_to(manor.root)
        (folder / "include").symlink_to(include_of(manor.root))
        self.days = {
            "2026-11-30": shorter - DAY,
            "2026-12-01": shorter,
            "2026-12-02": longer,
            "2026-12-03": longer + DAY,
        }

    def moved(self, text: str) -> str:
        return re.sub("|".join(self.days), lambda found: f"{self.days[found[0]]:%Y-%m-%d}", text)

    def start(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", "-ec", self.moved(command)],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "LIFECYCLE_HOME": str(self.manor.root),
                "LIFECYCLE_INCLUDE": str(include_of(self.manor.root)),
                "PYTHONPATH": str(REPOSITORY / "plugins"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def answers(self, command: str, lines: list[str], running: subprocess.Popen[str]) -> None:
        output = running.communicate(timeout=600)[0]
        assert running.returncode == 0, f"{command}\n{output}"
        assert matches([self.moved(line) for line in lines], output), f"{command}\n{output}"


@pytest.fixture
def desk(manor: Manor, tmp_path: Path) -> Iterator[Desk]:
    today = datetime.now(ZoneInfo("Asia/Shanghai")).replace(hour=0, minute=0, second=0, microsecond=0)
    versions = include_of(manor.root) / "policy"
    before = set(versions.iterdir())
    yield Desk(manor, tmp_path, today - DAY, today)
    for added in set(versions.iterdir()) - before:
        added.unlink()


def recently_ended(manor: Manor) -> list[str]:
    """Two orders with a photo each, ended four days ago: due under five days, not yet under seven."""
    store = FileConnections(manor.root / "access.json").store("object_app")
    bucket = manor.status["buckets"]["uploads"]
    orders = [f"ord_{uuid4().hex[:12]}" for _ in range(2)]
    for order_id in orders:
        key = f"orders/{order_id}/front.jpg"
        client(store).put_object(Bucket=bucket, Key=key, Body=b"a face")
        sql(
            manor,
            "studio_app",
            "WITH ordered AS (INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at)"
            "  SELECT %s, customer_id, 'portrait', now() - interval '9 days', now() - interval '9 days'"
            "  FROM studio.customers LIMIT 1),"
            " given AS (INSERT INTO studio.uploads (upload_id, category, role, bucket, object_key, sha256, bytes,"
            "  media_type, uploaded_at) VALUES (%s, 'personal_photo', 'front', %s, %s, sha256('a face'), 6,"
            "  'image/jpeg', now() - interval '9 days'))"
            " SELECT 1",
            *(order_id, upload_id := str(uuid4()), bucket, key),
        )
        sql(manor, "studio_app", "INSERT INTO studio.order_uploads VALUES (%s, %s)", order_id, upload_id)
        sql(
            manor,
            "studio_app",
            "INSERT INTO studio.order_events (order_id, kind, occurred_at)"
            " VALUES (%s, 'completed', now() - interval '4 days')",
            order_id,
        )
    return orders


def left(manor: Manor, orders: list[str]) -> int:
    """How many of the orders still have files."""
    ((count,),) = sql(
        manor,
        "studio_app",
        "SELECT count(*) FROM studio.orders WHERE order_id = ANY (%s) AND photo_state = 'present'",
        orders,
    )
    return int(count)


def approve(manor: Manor) -> str:
    """Wait for the question of the newest purge; refused to the engineer, answered by the reviewer; the manifest."""
    engineer, reviewer = api(manor, "engineer"), api(manor, "reviewer")
    waiting: list[str] = []

    def asked() -> bool:
        for run in engineer.call("GET", f"{DAG}/dagRuns?state=running&limit=5")["dag_runs"]:
            path = f"{DAG}/dagRuns/{quoted(run['dag_run_id'])}/taskInstances/approve"
            if engineer.call("GET", path)["state"] == "awaiting_input":
                waiting.append(f"{path}/-1/hitlDetails")
        return len(waiting) > PATIENCE

    wait_until(asked, seconds=300, what="the question", pause=1)
    ((manifest,),) = sql(
        manor,
        "reviewer",
        "SELECT manifest_sha256 FROM lifecycle.run WHERE pipeline = 'photo_purge' ORDER BY run_id DESC LIMIT 1",
    )
    yes = {"chosen_options": ["Approve"], "params_input": {"manifest_sha256": manifest}}
    assert refused(engineer, "PATCH", waiting[0], yes) == 403
    reviewer.call("PATCH", waiting[0], yes)
    return str(manifest)


def test_from_the_change_of_the_file_to_the_last_evidence(manor: Manor, desk: Desk) -> None:
    proposals = manor.root / "proposals"
    proposals.mkdir(exist_ok=True)
    shorter, longer = desk.days["2026-12-01"].date(), desk.days["2026-12-02"].date()
    written = write_version(proposals, shorter, 5, pause="P3D", waived_by="ann")
    # So small a cap that somebody has to be asked.
    strict = written.read_text("utf-8").replace("max_objects: 50000", "max_objects: 1")
    written.write_text(strict, "utf-8")
    write_version(proposals, longer, 14, pause="P3D")
    orders = recently_ended(manor)
    manifests = []
    for command, lines in steps():
        acts = command.endswith("--act")
        before = left(manor, orders)
        running = desk.start(command)
        if acts and not manifests:
            assert before == 2
            manifests.append(approve(manor))
        desk.answers(command, lines, running)
        assert left(manor, orders) == (0 if manifests else 2), command
    assert (desk.folder / "impact" / "impact.svg").read_text("utf-8").startswith("<svg")
    ((facts, answer, who),) = sql(
        manor,
        "reviewer",
        "SELECT r.facts, a.answer, a.answered_by FROM lifecycle.run r JOIN lifecycle.approval a USING (run_id)"
        " WHERE r.manifest_sha256 = %s",
        manifests[0],
    )
    assert (answer, who) == ("approved", "reviewer")
    assert facts["erase_by_version"][f"{shorter}"] >= 2


def test_every_command_of_the_runbook_is_typed() -> None:
    assert len(steps()) >= 15
    assert [command for command, _ in steps() if command.endswith("--act")]
