"""``payments find`` and ``payments export`` as an accountant types them, on the real database and the real vault."""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg2.errors
import pyarrow.parquet as pq
import pytest
import rfc8785
from tests.faults.proxy import Answer, Call, Forward, lying
from tests.payment_fixtures import CARD, DUE, Till

from data_lifecycle.command import payments
from data_lifecycle.connections import Connections, DatabaseAccess, StoreAccess
from data_lifecycle.payment_archive import parquet_file, vaultfile
from data_lifecycle.payment_archive.finding import FindError, Question, find


def command(*words: str) -> int:
    """The verb, as the command line calls it."""
    parser = argparse.ArgumentParser()
    payments.add_to(parser.add_subparsers())
    arguments = parser.parse_args(["payments", *words])
    return int(arguments.main(arguments))


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, str]]:
    """The records that ``payments find`` prints as JSON; it says 1 for none."""
    capsys.readouterr()
    status = command("find", *words, "--purpose", "a test", "--json")
    records: list[dict[str, str]] = json.loads(capsys.readouterr().out)["records"]
    assert status == (0 if records else 1)
    return records


def places(records: list[dict[str, str]]) -> dict[str, str]:
    return {record["payment_id"]: record["place"] for record in records}


def month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"


def test_hot_and_archived_are_one_answer(till: Till, capsys: pytest.CaptureFixture[str]) -> None:
    order = till.order()
    at = datetime.now(UTC) - DUE
    old = till.pay(at, order_id=order, ref="ch_old", amount="19.9900")
    young = till.pay(at + timedelta(seconds=1), order_id=order, ref="ch_young", settled=None)
    till.pay()
    assert till.run() == "verified"
    found = asked(capsys, "--order", order)
    assert places(found) == {old.payment_id: "archive", young.payment_id: "hot"}
    by_id = {record["payment_id"]: record for record in found}
    (file,) = till.files("current")
    assert by_id[old.payment_id]["amount"] == "19.9900"
    assert by_id[old.payment_id]["kept_until"] == file["last_end"].isoformat()
    assert by_id[young.payment_id]["kept_until"] is None
    assert places(asked(capsys, "--provider-ref", "ch_old")) == {old.payment_id: "archive"}
    assert places(asked(capsys, "--provider-ref", "ch_young")) == {young.payment_id: "hot"}
    assert asked(capsys, "--provider-ref", "ch_none") == []
    assert asked(capsys, "--order", "no-order") == []
    assert len(asked(capsys, "--period", month(at))) >= 2
    assert asked(capsys, "--period", "1999-12") == []
    # The same as a table: places in words, sums below.
    assert command("find", "--order", order, "--purpose", "a test") == 0
    shown = capsys.readouterr().out
    assert "archive" in shown
    assert "charge   EUR              30.4900 in 2 records" in shown


def test_a_period_is_whole_and_ends_where_the_next_begins(
    till: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    year = datetime.now(UTC).year - 1
    edges = [
        datetime(year, 3, 1, tzinfo=UTC) - timedelta(microseconds=1),
        datetime(year, 3, 1, tzinfo=UTC),
        datetime(year, 4, 1, tzinfo=UTC) - timedelta(microseconds=1),
        datetime(year, 4, 1, tzinfo=UTC),
    ]
    ids = [till.pay(at).payment_id for at in edges]
    hot = till.pay(edges[1] + timedelta(days=3), settled=None).payment_id
    assert till.run() == "verified"
    assert places(asked(capsys, "--period", f"{year}-03")) == {
        ids[1]: "archive",
        ids[2]: "archive",
        hot: "hot",
    }
    assert set(places(asked(capsys, "--period", f"{year}"))) == {*ids, hot}


def test_a_corrected_payment_is_shown_once_as_it_is_now(
    till: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    charge = till.pay(timedelta(days=200), amount="20.0000")
    assert till.run() == "verified"
    refund = till.pay(timedelta(days=100), of=charge, amount="5.0000")
    assert places(asked(capsys, "--order", charge.order_id)) == {
        charge.payment_id: "archive",
        refund.payment_id: "hot",
    }
    assert till.run("two") == "verified"
    found = asked(capsys, "--order", charge.order_id)
    assert [record["kind"] for record in found] == ["charge", "refund"]
    (late,) = [file for file in till.files("current") if file["kind"] == "correction"]
    assert {record["kept_until"] for record in found} == {late["last_end"].isoformat()}, (
        "the later end, for both"
    )
    assert {record["place"] for record in found} == {"archive"}
    year = datetime.now(UTC).year
    periods = [asked(capsys, "--period", str(one)) for one in (year - 1, year)]
    assert sorted(record["payment_id"] for records in periods for record in records) == sorted(
        [charge.payment_id, refund.payment_id]
    )


def test_what_is_expired_is_not_found_any_more(till: Till, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.faults.workshop import wait_until

    end = datetime.now(UTC) + timedelta(seconds=20)
    gone = till.pay(end.replace(year=end.year - 7), ref="ch_gone")
    stays = till.pay(ref="ch_stays")
    assert till.run() == "verified"
    assert places(asked(capsys, "--provider-ref", "ch_gone")) == {gone.payment_id: "archive"}
    (doomed, _) = till.files("current")
    wait_until(lambda: datetime.now(UTC) > doomed["locked_until"] + timedelta(seconds=1), 60)
    assert till.run("two") == "verified"
    assert asked(capsys, "--order", gone.order_id) == []
    assert asked(capsys, "--provider-ref", "ch_gone") == []
    assert asked(capsys, "--period", str(end.year - 7)) == []
    assert places(asked(capsys, "--provider-ref", "ch_stays")) == {stays.payment_id: "archive"}


# How much is read --------------------------------------------------------------------------------

ROWS, GROUP = 6_000, 500


@contextmanager
def counting(till: Till) -> Iterator[list[Call]]:
    """The vault behind a proxy that notes what the accountant asks it for."""
    calls: list[Call] = []

    def note(call: Call, forward: Forward) -> Answer:
        calls.append(call)
        return forward(call)

    with lying(till.house.connections.store("payment_reader"), note) as access:
        straight, till.house = till.house, till.through(payment_reader=access)
        try:
            yield calls
        finally:
            till.house = straight


def many(till: Till) -> None:
    """Payments of many orders in one file, whose rows are ordered by order, as all files are."""
    at = datetime(datetime.now(UTC).year - 1, 3, 3, tzinfo=UTC)
    till.sql("SELECT studio.add_payment_months(%s, %s)", at.date(), at.date())
    till.sql(
        "INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at)"
        " SELECT 'ord_' || lpad(n::text, 6, '0'), %s, 'portrait', %s, %s FROM generate_series(1, %s) AS n",
        till.customer(), at, at, ROWS,
    )  # fmt: skip
    till.sql(
        "INSERT INTO studio.payments (payment_id, charge_id, order_id, kind, provider, provider_ref, amount, currency,"
        " occurred_at, settled_at) SELECT md5(n::text)::uuid, md5(n::text)::uuid, 'ord_' || lpad(n::text, 6, '0'),"
        " 'charge', 'stripe', 'ch_' || md5('ref' || n), 1 + n %% 97, 'EUR', %s + n * interval '1 second', %s"
        " FROM generate_series(1, %s) AS n",
        at, at + timedelta(days=1), ROWS,
    )  # fmt: skip


def touched(groups: list[tuple[int, int]], calls: list[Call]) -> int:
    """How many row groups, given by where each begins and ends, the ranges asked for reach into."""
    ranges = []
    for call in calls:
        first, last = call.headers["Range"].removeprefix("bytes=").split("-")
        ranges.append((int(first), int(last)))
    return sum(any(first < end and last >= start for first, last in ranges) for start, end in groups)


def test_few_row_groups_are_read(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file like a large one, in small: what the statistics rule out is not asked for."""
    monkeypatch.setattr(parquet_file, "GROUP_ROWS", GROUP)
    monkeypatch.setattr(vaultfile, "BLOCK", 4_096)
    many(till)
    assert till.run() == "verified"
    (file,) = till.files("current")
    body = till.s3.get_object(Bucket=till.bucket, Key=file["object_key"], VersionId=file["version_id"])
    metadata = pq.read_metadata(io.BytesIO(body["Body"].read()))
    groups = []
    for number in range(metadata.num_row_groups):
        columns = [metadata.row_group(number).column(n) for n in range(metadata.num_columns)]
        starts = [c.dictionary_page_offset or c.data_page_offset for c in columns]
        end = starts[-1] + columns[-1].total_compressed_size
        groups.append((min(starts), end))
    assert len(groups) == ROWS // GROUP
    first, last = file["min_occurred_at"], file["max_occurred_at"]
    asked_for = {
        "order": (Question(order_id="ord_003210"), 1),
        "reference": (Question(provider_ref="ch_" + hashlib.md5(b"ref3210").hexdigest()), 1),  # noqa: S324
        "minute": (Question(None, None, first + timedelta(seconds=60), first + timedelta(seconds=120)), 60),
        "all": (Question(None, None, first, last + timedelta(seconds=1)), ROWS),
        "other time": (Question("ord_003210", None, None, first), 0),
    }
    gets, read, fetched = {}, {}, {}
    with counting(till) as calls:
        for name, (question, rows) in asked_for.items():
            calls.clear()
            found = find(till.house, question, "a test")
            assert len(found.records) == rows, name
            assert all(call.method == "GET" and call.headers.get("Range") for call in calls), (
                "never read whole"
            )
            gets[name], read[name], fetched[name] = len(calls), touched(groups, calls), found.fetched
    assert read["all"] == len(groups)
    # The group, and perhaps the one that shares a block with the footer or with it.
    assert read["order"] <= 3, read
    assert read["minute"] <= 3, read
    for name in ("order", "minute"):
        assert fetched[name] * 4 < fetched["all"], fetched
        assert gets[name] <= 20, gets
    # References are random, so their column is read in every group, and the others in one.
    assert fetched["reference"] * 3 < fetched["all"] * 2, fetched
    assert (gets["other time"], fetched["other time"]) == (0, 0), "the books rule the whole file out"


# A year for the auditor --------------------------------------------------------------------------------


def test_a_year_is_exported_with_totals_and_evidence(
    till: Till, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    year = datetime.now(UTC).year - 1
    at = datetime(year, 5, 5, 5, 5, 5, 123456, tzinfo=UTC)
    charge = till.pay(at, amount="19.9900", ref="ch_exported")
    till.pay(at + timedelta(days=1), of=charge, amount="9.9900", fee=None)
    till.pay(at, currency="JPY", amount="1200.0000")
    hot = till.pay(at, settled=None)
    till.pay(datetime(year - 1, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert till.run() == "verified"
    out = tmp_path / "year.csv"
    assert command("export", str(year), "--out", str(out), "--purpose", "tax audit") == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    sums: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        key = (row["currency"], row["kind"])
        sums[key] = sums.get(key, Decimal(0)) + Decimal(row["amount"])
    totals = json.loads((tmp_path / "year.totals.json").read_text())
    stated = {(line["currency"], line["kind"]): Decimal(line["amount"]) for line in totals["totals"]}
    assert sums == stated == {
        ("EUR", "charge"): Decimal("30.4900"),
        ("EUR", "refund"): Decimal("9.9900"),
        ("JPY", "charge"): Decimal("1200.0000"),
    }  # fmt: skip
    by_id = {row["payment_id"]: row for row in rows}
    assert by_id[charge.payment_id]["occurred_at"] == at.isoformat()
    assert by_id[hot.payment_id]["place"] == "hot"
    (evidence,) = till.sql(
        "SELECT evidence_id, envelope_sha256 FROM lifecycle.evidence WHERE outcome = 'verified'"
        " AND predicate_type LIKE '%%/result/v1'"
    )
    assert (totals["evidence"], totals["evidence_sha256"]) == (
        evidence["evidence_id"],
        evidence["envelope_sha256"],
    )
    assert totals["agrees_with_control_ledger"] is True
    assert {path.stat().st_mode & 0o777 for path in (out, tmp_path / "year.totals.json")} == {0o600}
    assert "Ångström" not in out.read_text()
    with pytest.raises(RuntimeError, match="exists already"):
        command("export", str(year), "--out", str(out), "--purpose", "again")
    capsys.readouterr()


def test_what_does_not_come_to_the_books_is_not_exported(till: Till, tmp_path: Path) -> None:
    at = datetime(datetime.now(UTC).year - 1, 5, 5, tzinfo=UTC)
    till.pay(at)
    assert till.run() == "verified"
    till.sql(
        "INSERT INTO lifecycle.payment_arrival (month, currency, kind, rows, amount)"
        " SELECT month, currency, kind, 1, 0.0001 FROM lifecycle.payment_arrival LIMIT 1"
    )
    out = tmp_path / "year.csv"
    with pytest.raises(FindError, match="control ledger differ in EUR charge"):
        command("export", str(at.year), "--out", str(out), "--purpose", "tax audit")
    assert list(tmp_path.iterdir()) == []


# Who looked, and who may --------------------------------------------------------------------------------


def test_every_look_leaves_a_line_and_not_the_question(
    till: Till, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    year = datetime.now(UTC).year - 1
    paid = till.pay(datetime(year, 5, 5, tzinfo=UTC), ref="ch_asked")
    assert till.run() == "verified"
    asked(capsys, "--order", paid.order_id)
    asked(capsys, "--order", "nobody-has-it")
    asked(capsys, "--provider-ref", "ch_asked")
    asked(capsys, "--period", f"{year}-05")
    command("export", str(year), "--out", str(tmp_path / "year.csv"), "--purpose", "tax audit")
    lines = till.sql("SELECT * FROM lifecycle.payment_access ORDER BY access_id")
    assert [(line["asked"], line["rows"], line["files"]) for line in lines] == [
        ("order", 1, 1),
        ("order", 0, 0),
        ("provider-ref", 1, 1),
        ("period", 1, 1),
        ("export", 1, 1),
    ]
    assert {line["who"] for line in lines} == {"payment_reader"}
    assert [line["purpose"] for line in lines] == ["a test"] * 4 + ["tax audit"]
    assert all(line["person"] for line in lines)
    # Who knows what was asked finds the line; who does not, does not learn it.
    spoken = {"order_id": paid.order_id, "provider_ref": None, "occurred_from": None, "occurred_to": None}
    assert lines[0]["asked_sha256"] == hashlib.sha256(rfc8785.dumps(spoken)).hexdigest()
    for secret in (paid.order_id, "ch_asked"):
        assert not any(secret in str(line) for line in lines)
    capsys.readouterr()


def test_a_look_that_cannot_be_recorded_shows_nothing(till: Till, capsys: pytest.CaptureFixture[str]) -> None:
    paid = till.pay(ref="ch_unseen")
    till.sql("REVOKE INSERT ON lifecycle.payment_access FROM payment_reader")
    till.sql(
        "REVOKE INSERT (person, purpose, asked, asked_sha256, rows, files) ON lifecycle.payment_access"
        " FROM payment_reader"
    )
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        command("find", "--order", paid.order_id, "--purpose", "a test")
    assert "ch_unseen" not in capsys.readouterr().out


def test_without_a_reason_nothing_is_shown(till: Till, capsys: pytest.CaptureFixture[str]) -> None:
    paid = till.pay()
    with pytest.raises(FindError, match="say why"):
        command("find", "--order", paid.order_id, "--purpose", "  ")
    with pytest.raises(SystemExit):
        command("find", "--order", paid.order_id)
    assert till.count("lifecycle.payment_access") == 0
    assert capsys.readouterr().out == ""


@dataclass(frozen=True)
class Instead:
    """Connections in which the accountant's way in is somebody else's."""

    inner: Connections
    role: str
    identity: str

    def database(self, role: str) -> DatabaseAccess:
        return self.inner.database(self.role if role == "payment_reader" else role)

    def store(self, identity: str) -> StoreAccess:
        return self.inner.store(self.identity if identity == "payment_reader" else identity)


@pytest.mark.parametrize(
    "role", ["studio_reader", "studio_eraser", "studio_observer", "studio_auditor", "reviewer"]
)
def test_another_role_is_refused_by_the_database(till: Till, role: str) -> None:
    paid = till.pay()
    other = replace(till.house, connections=Instead(till.house.connections, role, "payment_reader"))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        find(other, Question(order_id=paid.order_id), "curious")
    assert till.count("lifecycle.payment_access") == 0


@pytest.mark.parametrize("identity", ["object_app", "object_observer", "object_eraser", "payment_eraser"])
def test_another_identity_is_refused_by_the_vault(till: Till, identity: str) -> None:
    from botocore.exceptions import ClientError

    paid = till.pay()
    assert till.run() == "verified"
    other = replace(till.house, connections=Instead(till.house.connections, "payment_reader", identity))
    with pytest.raises(ClientError, match="AccessDenied"):
        find(other, Question(order_id=paid.order_id), "curious")
    assert till.count("lifecycle.payment_access") == 0


# Card numbers --------------------------------------------------------------------------------


def test_a_card_number_is_not_printed(
    till: Till, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither before the daily run finds it, nor after; the record itself still counts."""
    year = datetime.now(UTC).year - 1
    at = datetime(year, 5, 5, tzinfo=UTC)
    hit = till.pay(at, ref=f"card {CARD}", amount="7.0000")
    inside = till.pay(at, payload={"number": CARD})
    fine = till.pay(at, ref="ch_fine")
    for name in (None, "one"):
        if name:
            assert till.run(name) == "verified"
        found = asked(capsys, "--order", hit.order_id)
        assert [(r["place"], r["provider_ref"], r["amount"]) for r in found] == [
            ("quarantine", None, "7.0000")
        ]
        assert command("find", "--provider-ref", f"card {CARD}", "--purpose", "a test") == 0
        shown = capsys.readouterr()
        assert CARD not in shown.out + shown.err
        assert "1 records in quarantine" in shown.out
    out = tmp_path / "year.csv"
    assert command("export", str(year), "--out", str(out), "--purpose", "tax audit") == 0
    with out.open(newline="") as file:
        kept = {row["payment_id"]: row["place"] for row in csv.DictReader(file)}
    assert kept == {
        hit.payment_id: "quarantine",
        inside.payment_id: "quarantine",
        fine.payment_id: "archive",
    }
    shown = capsys.readouterr()
    for text in (shown.out, shown.err, caplog.text, *(p.read_text() for p in tmp_path.iterdir())):
        assert CARD not in text


def test_what_a_person_has_cleared_is_shown(till: Till, capsys: pytest.CaptureFixture[str]) -> None:
    ref = f"ref {CARD}"  # passes the check by chance, as one reference in ten of sixteen digits does
    paid = till.pay(ref=ref)
    assert till.run() == "verified"
    till.sql("UPDATE lifecycle.payment_quarantine SET cleared_at = now()")
    (record,) = asked(capsys, "--order", paid.order_id)
    assert (record["place"], record["provider_ref"]) == ("hot", ref)


def test_a_file_that_is_not_the_one_in_the_books(till: Till) -> None:
    paid = till.pay()
    assert till.run() == "verified"
    till.sql("UPDATE lifecycle.archive_file SET rows = rows + 1")
    with pytest.raises(FindError, match="does not have the rows"):
        find(till.house, Question(order_id=paid.order_id), "a test")


def test_a_question_restricts_something(till: Till) -> None:
    with pytest.raises(FindError, match="name an order"):
        find(till.house, Question(), "a test")
