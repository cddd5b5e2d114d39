"""What lies twice, alone or under a wrong lock in the vault, and what a provider says otherwise, fails the run."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.payment_fixtures import STEPS, Till

VAULT = "vault_balance: "
STATEMENT = "statement_balance: "


def look(till: Till, name: str) -> int:
    """Another run up to and with its look into the vault; its number."""
    run_id = till.plan(name)
    for step in STEPS[1 : STEPS.index("assert")]:
        till.step(step, run_id)
    return run_id


def plant(till: Till, table: Any) -> None:
    """A file with these records that the books take for a current one; the archive's own steps had no part in it."""
    (known, *_) = till.files("current")
    body, key = io.BytesIO(), f"{till.house.settings.vault_folder}/v1/planted/{uuid.uuid4().hex}.parquet"
    pq.write_table(table, body)
    put = till.s3.put_object(
        Bucket=till.bucket,
        Key=key,
        Body=body.getvalue(),
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=known["locked_until"],
    )
    till.sql(
        "INSERT INTO lifecycle.archive_file (run_id, batch, kind, window_start, window_end, state, object_key,"
        " version_id, rows, families, bytes, sha256, content_digest, first_end, last_end, locked_until, min_order_id,"
        " max_order_id, min_occurred_at, max_occurred_at, current_at)"
        " SELECT run_id, 99, kind, window_start, window_end, 'current', %s, %s, %s, 1, %s, 'x', md5(%s), first_end,"
        " last_end, locked_until, min_order_id, max_order_id, min_occurred_at, max_occurred_at, clock_timestamp()"
        " FROM lifecycle.archive_file WHERE file_id = %s",
        *(key, put["VersionId"], table.num_rows, len(body.getvalue()), key, str(known["file_id"])),
    )


def stored(till: Till) -> Any:
    """The records of the only file that is current, as a table."""
    (file,) = till.files("current")
    got = till.s3.get_object(Bucket=till.bucket, Key=file["object_key"], VersionId=file["version_id"])
    return pq.read_table(io.BytesIO(got["Body"].read()))


def broken(till: Till, name: str = "two") -> set[str]:
    """What does not hold about the vault in another run."""
    return {found.removeprefix(VAULT) for found in till.judge(look(till, name)) if found.startswith(VAULT)}


def test_every_current_file_is_read_and_nothing_is_found(till: Till) -> None:
    first = till.pay()
    assert till.run() == "verified"
    till.pay(timedelta(days=100), of=first)
    till.pay()
    assert till.run("two") == "verified", "a restated record is in two files, as the books say"
    assert till.run("three") == "verified"
    rows = till.sql(
        "SELECT run_id, sum(records) AS n, sum(doubled) AS doubled FROM lifecycle.archive_examined"
        " WHERE readable GROUP BY 1 ORDER BY 1"
    )
    # The charge once, then a third file with the whole payment beside it, and another charge.
    assert [(int(row["n"]), int(row["doubled"])) for row in rows] == [(1, 0), (4, 0), (4, 0)]


def test_a_record_in_two_files(till: Till) -> None:
    till.pay()
    assert till.run() == "verified"
    plant(till, stored(till))
    assert "doubled = 0" in broken(till)
    assert till.attest(till.sql("SELECT max(run_id) AS n FROM lifecycle.run")[0]["n"]) == "failed"


def test_a_record_twice_in_one_file(till: Till) -> None:
    till.pay()
    assert till.run() == "verified"
    table = stored(till)
    plant(till, pa.concat_tables([table, table]))
    run_id = look(till, "two")
    assert VAULT + "doubled = 0" in till.judge(run_id)
    # Twice in the planted one, and once more for the one it shares with the first.
    assert till.sql("SELECT sum(doubled) AS n FROM lifecycle.archive_examined WHERE run_id = %s", run_id) == [
        {"n": 2}
    ]


def test_a_restatement_in_the_books_that_the_vault_does_not_have(till: Till) -> None:
    first = till.pay()
    assert till.run() == "verified"
    till.pay(timedelta(days=100), of=first)
    assert till.run("two") == "verified"
    till.sql("UPDATE lifecycle.archive_superseded SET rows = rows + 1")
    assert broken(till, "three") == {"doubled = 0"}


def test_a_record_that_is_archived_and_hot(till: Till) -> None:
    """A restored backup, with something that was never archived beside it: the control ledger counts both arrivals."""
    paid = till.pay()
    till.sql("CREATE TABLE saved AS SELECT * FROM studio.payments")
    assert till.run() == "verified"
    till.sql("UPDATE saved SET settled_at = NULL")  # not final, so that no plan takes it
    till.sql("SELECT studio.add_payment_months(min(occurred_at)::date, max(occurred_at)::date) FROM saved")
    till.sql("INSERT INTO studio.payments SELECT * FROM saved")
    assert till.hot() == {paid.payment_id}
    run_id = look(till, "two")
    assert till.judge(run_id) == [VAULT + "hot_and_archived = 0"], "nothing else sees it: the books balance"


def test_a_refund_in_the_vault_without_its_charge(till: Till) -> None:
    first = till.pay()
    till.pay(timedelta(days=110), of=first)
    assert till.run() == "verified"
    table = stored(till)
    kept = table.filter(pc.equal(table.column("kind"), "refund"))
    till.sql("UPDATE lifecycle.archive_file SET current_at = NULL")
    plant(till, kept)
    assert "archived_orphans = 0" in broken(till)


def test_a_lock_that_is_too_long_to_be_kept(till: Till) -> None:
    """The observer's other check only asks whether a lock is too short."""
    till.pay()
    assert till.run() == "verified"
    (file,) = till.files("current")
    later = file["first_end"] + timedelta(days=31)
    till.s3.put_object_retention(
        Bucket=till.bucket,
        Key=file["object_key"],
        VersionId=file["version_id"],
        Retention={"Mode": "COMPLIANCE", "RetainUntilDate": later},
    )
    assert till.judge(look(till, "two")) == [VAULT + "wrong_locks = 0"]


def test_a_lock_that_fits_the_books_but_not_the_records(till: Till) -> None:
    """Books that say an earlier end than the records, so that the lock seems long enough."""
    till.pay()
    assert till.run() == "verified"
    table = stored(till)
    moved = table.set_column(
        table.schema.get_field_index("settled_at"),
        "settled_at",
        pc.add(table.column("settled_at"), pa.scalar(timedelta(days=20))),
    )
    moved = moved.set_column(
        0, "payment_id", pa.array([uuid.uuid4().bytes], pa.binary(16)).cast(pa.binary(16))
    )
    moved = moved.set_column(1, "charge_id", moved.column("payment_id"))
    plant(till, moved)
    assert {"wrong_locks = 0"} == broken(till)


def test_a_file_with_fewer_records_than_the_books_say(till: Till) -> None:
    till.pay()
    assert till.run() == "verified"
    till.sql("UPDATE lifecycle.archive_file SET rows = 2")
    assert broken(till) == {"miscounted = 0"}


def test_a_file_that_is_none(till: Till) -> None:
    till.pay()
    assert till.run() == "verified"
    (file,) = till.files("current")
    body = b"x" * file["bytes"]
    key = f"{till.house.settings.vault_folder}/v1/planted/none.parquet"
    put = till.s3.put_object(
        Bucket=till.bucket, Key=key, Body=body, ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=file["locked_until"],
    )  # fmt: skip
    till.sql("UPDATE lifecycle.archive_file SET object_key = %s, version_id = %s", key, put["VersionId"])
    assert broken(till) == {"unexamined = 0"}


def test_what_was_not_read_is_not_right(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    from data_lifecycle.payment_archive import observing

    till.pay()
    monkeypatch.setattr(observing, "examine", lambda *_: None)
    assert till.run() == "failed"
    (stated,) = till.statements()
    held = {entry["name"]: entry["success"] for entry in stated["assertions"]}
    assert not held[VAULT + "unexamined = 0"]


# Providers' statements ------------------------------------------------------------------------------------------------


def statement(path: Path, lines: list[tuple[datetime, str, str, str, str]]) -> Path:
    """A provider's report of (moment, category, reference, gross, fee)."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["created_utc", "currency", "gross", "fee", "reporting_category", "source_id"])
        for at, category, ref, gross, fee in lines:
            writer.writerow([f"{at:%Y-%m-%d %H:%M:%S}", "eur", gross, fee, category, ref])
    return path


def compare(till: Till, path: Path) -> bool:
    from data_lifecycle.payment_archive.provider_statement import reconcile

    return reconcile(till.house, "stripe", path, "a test").agrees


def two_months(till: Till) -> list[tuple[datetime, str, str, str, str]]:
    """A payment in each of two months; what the provider says of them."""
    lines = []
    for month in (1, 2):
        at = datetime(datetime.now(UTC).year - 1, month, 10, 12, tzinfo=UTC)
        ref = f"ch_{uuid.uuid4().hex}"
        till.pay(at, ref=ref)
        lines.append((at, "charge", ref, "10.50", "0.30"))
    return lines


def verdict(till: Till, run_id: int) -> str:
    (row,) = till.sql(
        "SELECT observed FROM lifecycle.assertion WHERE run_id = %s AND name = 'statement_balance: verdict'",
        run_id,
    )
    return str(row["observed"])


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO")
    return caplog


def prove(till: Till, run_id: int) -> list[str]:
    """The real suite; what did not hold about the statements."""
    from data_lifecycle.payment_archive.attesting import assert_archive
    from data_lifecycle.protocol.house import PromiseBroken

    try:
        assert_archive(till.house, run_id)
    except PromiseBroken as error:
        return sorted(part.strip() for part in str(error).split(":", 2)[2].split(";"))
    return []


def test_no_statement_is_said_and_claims_nothing(till: Till, told: pytest.LogCaptureFixture) -> None:
    two_months(till)
    run_id = look(till, "one")
    assert prove(till, run_id) == []
    assert verdict(till, run_id) == "['not given']"
    assert "statements: given for 0 of the 2 months" in told.text
    assert "provider statements: not given" in told.text
    assert till.attest(run_id) == "verified"
    (stated,) = till.statements()
    (claim,) = [a for a in stated["assertions"] if a["name"] == STATEMENT + "verdict"]
    assert claim["observed"] == "['not given']"


def test_a_statement_that_agrees_for_some_months_and_for_all(
    till: Till, told: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    lines = two_months(till)
    assert compare(till, statement(tmp_path / "january.csv", lines[:1]))
    run_id = look(till, "one")
    assert prove(till, run_id) == []
    assert verdict(till, run_id) == "['agrees where given']"
    assert "statements: given for 1 of the 2 months" in told.text
    told.clear()
    assert compare(till, statement(tmp_path / "february.csv", lines[1:]))
    run_id = look(till, "two")
    assert prove(till, run_id) == []
    assert verdict(till, run_id) == "['agrees']"
    assert "the others are compared with nobody" not in told.text


@pytest.mark.parametrize("fault", ["missing_here", "missing_there", "differing"])
def test_a_statement_that_differs_fails_the_run_until_a_better_one_covers_its_time(
    till: Till, told: pytest.LogCaptureFixture, tmp_path: Path, fault: str
) -> None:
    lines = two_months(till)
    at = lines[0][0]
    extra = (at + timedelta(hours=1), "charge", f"ch_{uuid.uuid4().hex}", "10.50", "0.30")
    till.pay(extra[0], ref=extra[2])
    right = [lines[0], extra, lines[1]]
    wrong = {
        "missing_here": [*right, (at, "charge", "ch_unknown", "1.00", "0.00")],
        "missing_there": lines,
        "differing": [lines[0], (*extra[:3], "10.51", extra[4]), lines[1]],
    }[fault]
    assert not compare(till, statement(tmp_path / "wrong.csv", wrong))
    run_id = look(till, "one")
    assert prove(till, run_id) == sorted([f"{STATEMENT}{fault} = 0", f"{STATEMENT}verdict"])
    assert "ch_unknown" not in told.text, "counts only"
    assert till.attest(run_id) == "failed"
    # For a longer time, as an export of the whole quarter would be: it takes the place of the other.
    later = till.pay(at + timedelta(days=60), ref="ch_later")
    right.append((at + timedelta(days=60), "charge", "ch_later", str(later.amount), "0.30"))
    assert compare(till, statement(tmp_path / "right.csv", right))
    run_id = look(till, "two")
    assert prove(till, run_id) == []
    assert till.attest(run_id) == "verified"


def test_a_statement_of_another_time_does_not_make_good_a_wrong_one(till: Till, tmp_path: Path) -> None:
    lines = two_months(till)
    wrong = [lines[0], (lines[0][0] + timedelta(hours=1), "charge", "ch_unknown", "1.00", "0.00")]
    assert not compare(till, statement(tmp_path / "wrong.csv", wrong))
    assert compare(till, statement(tmp_path / "february.csv", lines[1:]))
    assert STATEMENT + "verdict" in till.judge(look(till, "one"))
