"""A provider's statement beside the records: what agrees, what is missing on either side, what differs (policy 3.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from data_lifecycle.payment_archive.provider_statement import Line, StatementError, compare, read

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
HEADER = (
    "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,description\n"
)


def written(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "statement.csv"
    path.write_text(header + "".join(line + "\n" for line in lines), "utf-8")
    return path


def record(ref: str, **changes: Any) -> dict[str, Any]:
    return {
        "provider_ref": ref,
        "kind": "charge",
        "amount": Decimal("10.0000"),
        "fee": Decimal("0.5900"),
        "currency": "EUR",
        "occurred_at": AT,
        **changes,
    }


def line(ref: str, **changes: Any) -> Line:
    found: dict[str, Any] = {
        "ref": ref,
        "kind": "charge",
        "amount": Decimal("10.00"),
        "fee": Decimal("0.59"),
        "currency": "EUR",
        "at": AT,
    }
    return Line(**found | changes)


def test_a_report_is_read_as_money_in_decimals_and_utc(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "txn_1,2026-03-01 10:00:00,eur,10.00,0.59,9.41,charge,ch_1,",
        "txn_2,2026-03-02 10:00:00,eur,-4.10,0.00,-4.10,refund,re_1,",
        "txn_3,2026-03-03 10:00:00,jpy,-1500,15,-1515,dispute,dp_1,",
        "txn_4,2026-03-04 10:00:00,eur,-5.31,0.00,-5.31,payout,po_1,",
    )
    lines, digest = read(path)
    assert [(one.kind, one.amount, one.currency) for one in lines] == [
        ("charge", Decimal("10.00"), "EUR"),
        ("refund", Decimal("4.10"), "EUR"),
        ("dispute", Decimal("1500"), "JPY"),
        (None, Decimal("5.31"), "EUR"),
    ]
    assert lines[0].at == AT
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ("t,2026-03-01 10:00:00,eur,ten,0,0,charge,ch_1,", "line 2: gross"),
        ("t,2026-03-01 10:00:00,eur,NaN,0,0,charge,ch_1,", "line 2: gross"),
        ("t,2026-03-01 10:00:00,eur,-1.00,0,0,charge,ch_1,", "wrong sign for a charge"),
        ("t,2026-03-01 10:00:00,eur,1.00,0,0,refund,re_1,", "wrong sign for a refund"),
        ("t,soon,eur,1.00,0,0,charge,ch_1,", "line 2: created_utc"),
        ("t,2026-03-01 10:00:00,,1.00,0,0,charge,ch_1,", "line 2: currency is empty"),
        ("t,2026-03-01 10:00:00,eur,1.00,0,0,charge,,", "line 2: source_id is empty"),
        ("t,2026-03-01 10:00:00,eur,1.00", "line 2: "),
    ],
)
def test_what_cannot_be_read_is_named_by_line_and_column(tmp_path: Path, bad: str, named: str) -> None:
    with pytest.raises(StatementError, match=named) as caught:
        read(written(tmp_path, bad))
    assert "ch_1" not in str(caught.value)


def test_a_statement_without_lines_or_columns_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StatementError, match="no lines"):
        read(written(tmp_path))
    with pytest.raises(StatementError, match="column source_id is missing"):
        read(written(tmp_path, "a", header="created_utc,currency,gross,fee,reporting_category\n"))
    path = tmp_path / "statement.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StatementError, match="UTF-8"):
        read(path)


def test_lines_and_records_that_agree() -> None:
    result = compare([line("a"), line("b"), line("", kind=None)], [record("a"), record("b", fee=None)])
    assert (result.lines, result.matched, result.other) == (3, 2, 1)
    assert result.agrees


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("10.0001")},
        {"fee": Decimal("0.5901")},
        {"currency": "USD"},
        {"kind": "refund"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_one_unit_more_or_another_currency_differs(changes: dict[str, Any]) -> None:
    result = compare([line("a")], [record("a", **changes)])
    assert (result.matched, list(result.differing)) == (0, ["a"])
    assert not result.agrees


def test_a_line_given_twice_is_not_paid_twice() -> None:
    assert list(compare([line("a"), line("a")], [record("a")]).differing) == ["a"]


def test_missing_on_either_side() -> None:
    result = compare([line("a"), line("x", at=AT + timedelta(hours=2))], [record("a"), record("b")])
    assert (list(result.missing_here), list(result.missing_there)) == (["x"], ["b"])


@pytest.mark.parametrize(("minutes", "missing"), [(-1, []), (0, ["b"]), (60, ["b"]), (61, [])])
def test_only_records_of_the_statements_own_time_are_missed(minutes: int, missing: list[str]) -> None:
    ours = [record("a"), record("b", occurred_at=AT + timedelta(minutes=minutes)), record("c")]
    result = compare([line("a"), line("c", at=AT + timedelta(hours=1))], ours)
    assert list(result.missing_there) == missing
