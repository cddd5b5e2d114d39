"""What a reviewer and the key keeper type, after a real purge on real servers."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.errors
import pytest
from tests import leaks

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, fetch_one
from data_lifecycle.evidence import keys
from data_lifecycle.evidence.records import record_heartbeats
from data_lifecycle.protocol import ledger

if TYPE_CHECKING:
    from tests.conftest import Studio
    from tests.purge_fixtures import Demo

    from data_lifecycle.protocol.house import House

PURPOSE = "review 17 of 2026"


@dataclass(frozen=True)
class Typed:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass
class Desk:
    """A purged studio, a folder of one's own, and the command line."""

    demo: Demo
    folder: Path
    type: Callable[..., Typed]

    @property
    def house(self) -> House:
        return self.demo.house

    @property
    def studio(self) -> Studio:
        return self.demo.studio

    def sql(self, text: str, *values: object, role: str | None = None) -> list[tuple[Any, ...]]:
        url = self.studio.admin_url if role is None else self.studio.urls[role]
        with connect(DatabaseAccess(url), "test") as connection, connection, connection.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else []

    def order(self, state: str = "absent") -> str:
        """An order whose one case is in this state."""
        rows = self.sql(
            "SELECT order_id FROM lifecycle.erasure_case GROUP BY 1 HAVING count(*) = 1 AND min(state) = %s ORDER BY 1",
            state,
        )
        assert rows, f"the demo has no order with a case that is {state}"
        return str(rows[0][0])

    def releases(self) -> list[tuple[Any, ...]]:
        return self.sql(
            "SELECT case_id::text, items, released_by, purpose FROM lifecycle.opening_released",
            role="reviewer",
        )

    def open(self, order: str, *more: str) -> Typed:
        return self.type("open", "--order", order, "--purpose", PURPOSE, "--out", "opening.json", *more)


@pytest.fixture
def keys_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that this test may replace."""
    for role in ("attester", "log"):
        monkeypatch.setenv(f"LIFECYCLE_{role.upper()}_KEY", str(tmp_path / "keys" / f"{role}.ed25519.pem"))


@pytest.fixture
def type_(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Typed]:
    """Type ``./lifecycle evidence …`` in a folder of one's own."""
    from data_lifecycle.command.__main__ import main

    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")

    def run(*arguments: str) -> Typed:
        monkeypatch.setattr(sys, "argv", ["lifecycle", "evidence", *arguments])
        capsys.readouterr()
        try:
            code = main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Typed(code, *capsys.readouterr())

    return run


@pytest.fixture
def desk(
    keys_of_its_own: None,
    load_demo: Callable[..., Demo],
    purge: Callable[..., int],
    type_: Callable[..., Typed],
    tmp_path: Path,
) -> Desk:
    """After one purge."""
    made = Desk(load_demo(orders=60), tmp_path / "desk", type_)
    purge(made.house)
    return made


def verify_away(desk: Desk, away: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The verifier carried away: a folder with nothing else in it, Python without the repository."""
    command = [sys.executable, "-I", "lifecycle_verify.py", "bundle.zip", "--trust", "trust.json", *arguments]
    return subprocess.run(
        command, cwd=away, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


def carry_away(desk: Desk, away: Path) -> Path:
    """Everything a reviewer is given, in an empty folder."""
    away.mkdir()
    for name in ("bundle.zip", "trust.json", "opening.json", "lifecycle_verify.py"):
        shutil.move(desk.folder / name, away)
    return away


def test_a_reviewer_goes_away_and_is_convinced(desk: Desk, tmp_path: Path) -> None:
    order = desk.order()
    said = [
        desk.type("export", "--out", "bundle.zip"),
        desk.type("trust", "--out", "trust.json"),
        desk.type("verifier", "--out", "lifecycle_verify.py"),
        desk.open(order),
        desk.type("verify", "bundle.zip", "--trust", "trust.json", "--opening", "opening.json"),
        desk.type("status"),
    ]
    assert [(one.code, one.err) for one in said] == [(0, "")] * 6
    away = carry_away(desk, tmp_path / "away")
    probe = [sys.executable, "-I", "-c", "import data_lifecycle"]
    assert subprocess.run(probe, cwd=away, capture_output=True, check=False).returncode != 0
    alone = verify_away(desk, away, "--opening", "opening.json")
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout == said[4].out
    opened = alone.stdout.splitlines()[-1]
    count = len(json.loads((away / "opening.json").read_text("utf-8"))["cases"][0]["items"])
    assert f"{count} items, all there are in 1 case of an order; all claimed absent: {count} " in opened
    assert "residue in " in opened
    told = [(f"answer {n}", one.out) for n, one in enumerate(said)]
    told += [*list(leaks.in_files(away / "bundle.zip")), ("bundle", _text_of(away / "bundle.zip"))]
    with connect(DatabaseAccess(desk.studio.admin_url), "test") as connection:
        assert leaks.search(leaks.people(connection), told) == []
        found = leaks.search({"order": [order]}, [("opening", (away / "opening.json").read_text("utf-8"))])
    assert found, "the search would find an order's id"


def _text_of(bundle: Path) -> str:
    import base64

    with zipfile.ZipFile(bundle) as archive:
        entries = [archive.read(name) for name in archive.namelist() if name.startswith("entries/")]
    return "\n".join(base64.b64decode(json.loads(entry)["payload"]).decode() for entry in entries)


def test_an_opening_is_for_its_holder_alone_and_its_release_is_kept(desk: Desk) -> None:
    order = desk.order()
    said = desk.open(order)
    assert said.code == 0
    assert stat.S_IMODE((desk.folder / "opening.json").stat().st_mode) == 0o600
    opening = json.loads((desk.folder / "opening.json").read_text("utf-8"))
    assert (opening["order"], opening["key"]) == (order, None)
    ((case, items, by, purpose),) = desk.releases()
    assert [c["case"] for c in opening["cases"]] == [case]
    assert items == len(opening["cases"][0]["items"]) == opening["cases"][0]["count"]
    assert (by, purpose) == (pwd.getpwuid(os.getuid()).pw_name, PURPOSE)
    assert f"case {case}: {items} of {items} items opened, release recorded" in said.out


def test_one_file_may_be_opened_alone(desk: Desk, tmp_path: Path) -> None:
    order = desk.order()
    desk.open(order)
    whole = json.loads((desk.folder / "opening.json").read_text("utf-8"))["cases"][0]
    key = whole["items"][0]["reference"]["key"]
    wanted = [item for item in whole["items"] if item["reference"]["key"] == key]
    assert 0 < len(wanted) < whole["count"]
    said = desk.open(order, "--file", key)
    assert said.code == 0
    assert json.loads((desk.folder / "opening.json").read_text("utf-8"))["cases"][0]["items"] == wanted
    assert [row[1] for row in desk.releases()] == [whole["count"], len(wanted)]
    for verb in (["export", "--out", "bundle.zip"], ["trust", "--out", "trust.json"]):
        assert desk.type(*verb).code == 0
    said = desk.type("verify", "bundle.zip", "--trust", "trust.json", "--opening", "opening.json")
    assert said.code == 0
    assert f"{len(wanted)} items, of one file; all claimed absent" in said.out


def destroy_salts(desk: Desk) -> None:
    """As the policy has it, a long time later."""
    with connect(desk.house.connections.database("evidence_writer"), "test") as connection:
        later = datetime.now(UTC) + timedelta(days=1)
        assert fetch_one(connection, "evidence/destroy_salts", closed_before=later)["destroyed"] > 0
        connection.commit()


def forge_items(desk: Desk) -> None:
    """The database says another file than was stated."""
    desk.sql("UPDATE lifecycle.item SET object_key = object_key || 'x'")


def test_what_cannot_be_opened_is_not(desk: Desk) -> None:
    cases: list[tuple[str, list[str], Callable[[Desk], None] | None, str]] = [
        ("ord_of_nobody", [], None, "there is no case of this order"),
        (desk.order("open"), [], None, "still open, nothing is claimed absent yet: case "),
        (desk.order(), ["--file", "orders/nobody/none.jpg"], None, "no item of this order is of that file"),
        (desk.order(), ["--out", "missing/opening.json"], None, "a place that cannot be written to"),
        (desk.order(), [], forge_items, "the database does not hold the items that were stated: case "),
        (desk.order(), [], destroy_salts, "the salts are destroyed, nobody can open this any more: case "),
    ]
    for order, more, before, says in cases:
        if before is not None:
            before(desk)
        said = desk.open(order, *more)
        assert (said.code, says in said.err) == (1, True), said.err
        assert order not in said.out + said.err
        assert not list(desk.folder.iterdir())
        assert desk.releases() == []
    said = desk.type("open", "--order", desk.order(), "--purpose", " ", "--out", "opening.json")
    assert said.code == 2
    assert desk.releases() == []


def test_what_can_still_be_opened_of_an_order_is(desk: Desk) -> None:
    order = desk.order()
    ((older,),) = desk.sql(
        "UPDATE lifecycle.erasure_case SET order_id = %s WHERE case_id = (SELECT case_id FROM lifecycle.erasure_case"
        " WHERE state = 'absent' AND order_id <> %s LIMIT 1) RETURNING case_id::text",
        order,
        order,
    )
    desk.sql("DELETE FROM lifecycle.case_salt WHERE case_id = %s::uuid", older)
    said = desk.open(order)
    assert said.code == 0
    assert "nobody can open any more, their salts are destroyed: 1\n" in said.out
    ((case, *_),) = desk.releases()
    assert case != older
    assert older not in (desk.folder / "opening.json").read_text("utf-8")


def test_salts_are_for_one_role_and_releases_for_good(desk: Desk) -> None:
    refused = psycopg2.errors.InsufficientPrivilege
    assert desk.open(desk.order()).code == 0
    for role in set(desk.studio.urls) - {"evidence_lookup"}:
        with pytest.raises(refused):
            desk.sql("SELECT salt FROM lifecycle.case_salt", role=role)
        with pytest.raises(refused):
            desk.sql(
                "INSERT INTO lifecycle.opening_released (case_id, items, released_by, purpose)"
                " SELECT case_id, 1, 'x', 'x' FROM lifecycle.erasure_case LIMIT 1",
                role=role,
            )
    for act in (
        "UPDATE lifecycle.opening_released SET purpose = 'x'",
        "DELETE FROM lifecycle.opening_released",
    ):
        with pytest.raises(refused):
            desk.sql(act, role="evidence_lookup")
        with pytest.raises(psycopg2.errors.RestrictViolation):
            desk.sql(act)


def test_the_next_bundle_grew_from_the_last(desk: Desk, purge: Callable[..., int]) -> None:
    assert desk.type("trust", "--out", "trust.json").code == 0
    assert desk.type("export", "--out", "old.zip").code == 0
    with zipfile.ZipFile("old.zip") as archive:
        Path("checkpoint").write_bytes(archive.read("checkpoint"))
    purge(desk.house, "again")
    today = datetime.now(UTC).date()
    span = ["--from", str(today), "--to", str(today + timedelta(days=1))]
    assert desk.type("export", *span, "--since", "checkpoint", "--out", "new.zip").code == 0
    said = desk.type("verify", "new.zip", "--trust", "trust.json", "--since", "checkpoint", "--json")
    assert said.code == 0
    checks = {check["check"]: check["says"] for check in json.loads(said.out)["checks"]}
    assert "grew from your checkpoint of " in checks["consistency"]
    said = desk.type("verify", "new.zip", "--trust", "trust.json", *span)
    assert said.code == 1
    assert "REFUSED time         complete only until " in said.out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["export", "--from", "2026-01-01", "--out", "b.zip"], 1, "--from and --to belong together"),
        (
            ["export", "--from", "2026-01-31", "--to", "2026-01-01", "--out", "b.zip"],
            1,
            "must end after it begins",
        ),
        (["export", "--from", "soon", "--to", "2026-01-01", "--out", "b.zip"], 2, "not a day like"),
        (["export", "--since", "other", "--out", "b.zip"], 1, "not a checkpoint"),
        (["export", "--since", "nowhere", "--out", "b.zip"], 1, "No such file"),
        (["export", "--out", "nowhere/b.zip"], 1, "No such file"),
        (["verify", "b.zip"], 2, "--trust"),
        (["rotate", "--role", "somebody"], 2, "invalid choice"),
    ],
)
def test_what_is_wrong_is_said(
    house: House, type_: Callable[..., Typed], arguments: list[str], code: int, says: str
) -> None:
    ledger.publish(house)
    Path("other").write_bytes(b"hello")
    said = type_(*arguments)
    assert said.code == code
    assert says in said.err
    assert "Traceback" not in said.err
    assert not Path("b.zip").exists()


def test_without_a_house_only_the_verifier_works(
    type_: Callable[..., Typed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "nothing"))
    for verb in (
        ["export", "--out", "x"],
        ["trust", "--out", "x"],
        ["status"],
        ["rotate", "--role", "log"],
        ["open", "--order", "x", "--purpose", "x", "--out", "x"],
    ):
        said = type_(*verb)
        assert said.code == 1
        assert "run ./lifecycle up first" in said.err
    said = type_("verifier", "--out", "lifecycle_verify.py")
    assert said.code == 0
    Path("bundle.zip").write_bytes(b"x")
    Path("trust.json").write_bytes(b"{}")
    assert type_("verify", "bundle.zip", "--trust", "trust.json").code == 1
    assert type_("verify", "--help").out.startswith("usage: lifecycle_verify.py ")


def test_a_database_that_is_away_is_said_to_be_so(house: House, type_: Callable[..., Typed]) -> None:
    access = json.loads(house.settings.access_file.read_text("utf-8"))
    access["databases"] = {r: u.rsplit("/", 1)[0] + "/gone" for r, u in access["databases"].items()}
    house.settings.access_file.write_text(json.dumps(access), "utf-8")
    said = type_("status")
    assert said.code == 1
    assert (
        said.err == "lifecycle: the database did not do it (OperationalError: is it up? ./lifecycle status)\n"
    )


def test_status_says_what_is_waiting(desk: Desk) -> None:
    said = desk.type("status")
    assert said.code == 0
    lines = dict(
        line.split(maxsplit=1) for line in said.out.splitlines() if line.startswith(("head", "entries"))
    )
    size = lines["head"].split()[0]
    assert lines["entries"] == f"{size}, and 0 statements not under a published head"
    assert "days without    0 not declared, 0 declared" in said.out
    desk.sql(
        "INSERT INTO lifecycle.evidence (evidence_id, predicate_type, outcome, facts_sha256, key_id, envelope,"
        " envelope_sha256, signed_at) VALUES ('old', 'x', 'recorded', 'f', 'k', '{}', 'e', now() - interval '2 days')"
    )
    said = desk.type("status")
    assert said.code == 1
    assert f"entries         {size}, and 1 statements not under a published head" in said.out
    assert "not stored      1 statements" in said.out
    assert "days without    2 not declared, 0 declared" in said.out
    with connect(desk.house.connections.database("evidence_writer"), "test") as connection:
        record_heartbeats(connection, keys.load(desk.house.settings.attester_key))
        connection.commit()
    assert "days without    0 not declared, 2 declared" in desk.type("status").out


def test_status_of_a_log_without_a_head(
    keys_of_its_own: None, house: House, type_: Callable[..., Typed]
) -> None:
    said = type_("status")
    assert said.code == 1
    assert "head            none yet" in said.out
    assert "last heartbeat  never" in said.out
    assert type_("export", "--out", "bundle.zip").err == "lifecycle: the log has no checkpoint yet\n"
    ledger.publish(house)
    assert type_("status").code == 0


def test_keys_are_replaced_and_old_trust_still_holds(desk: Desk, purge: Callable[..., int]) -> None:
    assert desk.type("trust", "--out", "old.json").code == 0
    for role in ("attester", "log", "attester"):
        said = desk.type("rotate", "--role", role)
        assert (said.code, said.err) == (0, "")
        assert [line.split()[0] for line in said.out.splitlines()[:2]] == [role, role]
    purge(desk.house, "with new keys")
    said = desk.type("trust", "--out", "new.json")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()[:5]] == ["attester"] * 3 + ["log"] * 2
    assert [("in force" in line) for line in said.out.splitlines()[:5]] == [False, False, True, False, True]
    assert desk.type("export", "--out", "bundle.zip").code == 0
    for trust in ("old.json", "new.json"):
        said = desk.type("verify", "bundle.zip", "--trust", trust)
        assert said.code == 0, said.out
        assert "3 changes of keys" in said.out
    assert desk.type("status").code == 0
    alone = json.loads(Path("new.json").read_text("utf-8"))
    alone["keys"] = [key for key in alone["keys"] if key["valid_to"] is None]
    Path("new.json").write_text(json.dumps(alone), "utf-8")
    assert desk.type("verify", "bundle.zip", "--trust", "new.json").code == 1


def test_a_key_that_was_lost_or_exchanged_is_noticed(desk: Desk, tmp_path: Path) -> None:
    assert desk.type("rotate", "--role", "log").code == 0
    (aside,) = (tmp_path / "keys").glob("log.ed25519.retired-*.pub.pem")
    kept = aside.read_bytes()
    aside.unlink()
    said = desk.type("trust", "--out", "trust.json")
    assert said.code == 1
    assert "the folder of keys and the log differ about the log keys" in said.err
    aside.write_bytes(kept)
    (tmp_path / "keys" / "log.ed25519.pem").unlink()
    keys.ensure(tmp_path / "keys", "log.ed25519.pem")
    assert desk.type("trust", "--out", "trust.json").code == 1
    said = desk.type("rotate", "--role", "log")
    assert said.code == 1
    assert "not published" in said.err or "not a checkpoint" in said.err
    assert not Path("trust.json").exists()
