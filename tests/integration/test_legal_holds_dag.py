"""The legal holds as Airflow runs them and as staff types them, on real servers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.dag_runs import Ran, run_dag
from tests.faults.workshop import Workshop
from tests.hold_desk import Desk

from data_lifecycle.command import __main__ as command_line
from data_lifecycle.command import holds as verb
from data_lifecycle.holds import steps

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

STEPS = ["plan", "guard", "flag", "observe", "purge", "assert", "attest"]
pytestmark = pytest.mark.slow


@pytest.fixture
def desk(house: House, studio: Studio, store: ObjectStore) -> Desk:
    return Desk(Workshop(house, studio.admin_url, store.store_access("object_admin")))


@pytest.fixture
def run(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    airflow_connections: None,
) -> Callable[..., Ran]:
    return lambda **conf: run_dag("legal_holds", conf, caplog, capfd)


def test_a_run_flags_states_and_says_what_it_did(desk: Desk, run: Callable[..., Ran]) -> None:
    order = desk.shop.order(files=0)
    hold = desk.hold(desk.shop.file(order, "a.jpg", versions=2))
    ran = run()
    assert ran.state == "success", ran.log[-3000:]
    assert ran.states == {step: ["success"] for step in STEPS}
    assert len(desk.flagged()) == 4
    for text in (
        "holds in force: 1, on 1 files",
        "the store enforces holds",
        f"hold {hold} (dispute)",
        "protected by the store",
        "held: hold_balance: bare = 0",
        "no file was let go of",
        "stored and read back",
    ):
        assert text in ran.log, text
    for name in (order, "a.jpg", "a dispute", "'ann'"):
        assert name not in ran.log
    dry = run(dry_run=True)
    assert dry.states == {step: ["success" if step in ("plan", "attest") else "skipped"] for step in STEPS}


def test_a_key_that_the_pipeline_does_not_have_is_refused(desk: Desk, run: Callable[..., Ran]) -> None:
    ran = run(dryrun=True)
    assert ran.states["plan"] == ["failed"]
    assert "conf key 'dryrun' is unknown" in ran.log


def test_what_is_let_go_starts_a_purge_that_acts_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import DagRunTriggerException

    monkeypatch.setattr(steps.House, "of_airflow", lambda: desk.house)
    hold = desk.hold(desk.shop.file(desk.shop.order(files=0)))
    steps.purge(desk.keep()["run_id"])
    desk.release(hold)
    run_id = desk.keep()["run_id"]
    for _ in range(2):
        with pytest.raises(DagRunTriggerException) as started:
            steps.purge(run_id)
        asked = started.value
        assert (asked.trigger_dag_id, asked.conf) == ("photo_purge", {"dry_run": False})
        assert asked.dag_run_id == f"released-holds-{run_id}"
        assert asked.skip_when_already_exists
        assert not asked.wait_for_completion


def test_a_hold_moves_the_deadline_of_what_it_alone_kept(desk: Desk) -> None:
    """Two files, one of them held when the deadline passed: a day from the hold's end, and not late."""
    shop = desk.shop
    order = shop.order(timedelta(days=8), files=0)
    held = shop.file(order, "held.jpg")
    shop.file(order, "other.jpg")
    hold = desk.hold(held)
    shop.sql("UPDATE studio.legal_holds SET placed_at = now() - interval '9 days'")
    shop.sql("UPDATE studio.legal_holds SET approved_at = placed_at")
    desk.keep()
    shop.purge("one")
    assert {key for _, key, _, _ in shop.everything()} == {held.key}
    (before,) = shop.sql("SELECT deadline_at FROM lifecycle.erasure_case")
    assert before["deadline_at"] < datetime.now(UTC), "the other file was late, whatever is held"
    desk.release(hold)
    desk.keep()
    shop.purge("two")
    shop.assert_closed_once([order])
    (after,) = shop.sql(
        "SELECT deadline_at, closed_at, released_at FROM lifecycle.erasure_case, studio.legal_holds"
    )
    assert after["deadline_at"] == after["released_at"] + timedelta(hours=24)
    assert after["closed_at"] < after["deadline_at"]


def test_a_hold_placed_after_the_deadline_excuses_nothing(desk: Desk) -> None:
    order = desk.shop.order(timedelta(days=8))
    hold = desk.hold(*desk.files(order))
    desk.keep()
    desk.release(hold)
    desk.keep()
    desk.shop.purge("one")
    desk.shop.assert_closed_once([order])
    (case,) = desk.shop.sql("SELECT deadline_at, closed_at FROM lifecycle.erasure_case")
    assert case["deadline_at"] < case["closed_at"], "late, and said so"


def type_in(*words: str) -> int:
    arguments = command_line.parser().parse_args(["holds", *words])
    return int(arguments.main(arguments))


def test_the_command_places_approves_extends_lists_and_releases(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(verb.House, "of_files", lambda: desk.house)
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))  # no Airflow to tell
    order = desk.shop.order(files=2)
    end = (datetime.now(UTC) + timedelta(days=9)).isoformat(timespec="seconds")
    later = (datetime.now(UTC) + timedelta(days=19)).isoformat(timespec="seconds")
    placed = ("place", "--basis", "a claim", "--class", "claim", "--order", order, "--expires", end)
    assert type_in(*placed, "--by", "ann") == 0
    said = capsys.readouterr().out
    hold = said.split()[1]
    assert "on 2 files" in said
    assert "holds nothing yet" in said
    assert order not in said
    assert type_in("list") == verb.FLAWED
    assert "waits for a second person" in capsys.readouterr().out
    assert type_in("approve", hold, "--by", "Ann") == verb.REFUSED
    assert "by the same person" in capsys.readouterr().err
    assert not desk.in_force(hold)
    assert type_in("approve", hold, "--by", "bob") == 0
    assert "within the hour" in capsys.readouterr().out
    assert desk.in_force(hold)
    assert type_in("extend", hold, "--until", later, "--by", "ann") == 0
    assert type_in("extend", hold, "--until", later, "--by", "cid") == verb.REFUSED
    assert "waits for approval already" in capsys.readouterr().err
    assert type_in("list") == 0
    assert "extension until" in capsys.readouterr().out
    assert type_in("approve", hold, "--by", "bob") == 0
    assert "extension of" in capsys.readouterr().out
    assert type_in("release", hold, "--by", "ann") == 0
    assert not desk.in_force(hold)
    assert type_in("release", hold, "--by", "ann") == verb.REFUSED
    assert type_in("approve", hold, "--by", "bob") == verb.REFUSED


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "a hold names files"),
        (["--order", "ord_unknown"], "no file that is still there"),
        (["--upload", "00000000-0000-0000-0000-000000000000"], "files that are there"),
    ],
)
def test_a_hold_on_nothing_is_refused(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    reason: str,
) -> None:
    monkeypatch.setattr(verb.House, "of_files", lambda: desk.house)
    place: list[Any] = ["place", "--basis", "b", "--expires", "2999-01-01T00:00:00Z", "--by", "ann", *words]
    assert type_in(*place) == verb.REFUSED
    assert reason in capsys.readouterr().err
