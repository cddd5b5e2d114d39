"""The reference lists: those that ship hold what is known publicly; a broken one is refused by line, field and fix."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from data_lifecycle.transfer_check.yardstick import ages
from data_lifecycle.vendors.reference import HEADER, Reference, ReferenceError, load_reference

SHIPPED = Path(__file__).resolve().parents[3] / "include" / "reference"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "reference"))


def said(folder: Path) -> str:
    with pytest.raises(ReferenceError) as error:
        load_reference(folder)
    assert all(problem.fix for problem in error.value.problems)
    return str(error.value)


def adequate(reference: Reference, regime: str, at: datetime) -> dict[str, str]:
    """Recognised countries with the scope at a moment."""
    return {
        e.code: e.scope
        for e in reference.entries("adequacy")
        if e.regime == regime
        and e.status == "in_force"
        and e.since <= at
        and (e.until is None or at < e.until)
    }


def test_the_shipped_lists_say_what_public_sources_say() -> None:
    reference = load_reference(SHIPPED)
    then = datetime(2026, 6, 1, tzinfo=UTC)
    eea = {e.code for e in reference.entries("eea") if e.in_force_to is None}
    assert len(eea) == 30
    found = adequate(reference, "EU", then)
    assert set(found) - eea == {
        "AD", "AR", "BR", "CA", "CH", "EPO", "FO", "GB", "GG", "IL", "IM", "JE", "JP", "KR", "NZ", "US", "UY",
    }  # fmt: skip
    assert (found["US"], found["CA"], found["EPO"], found["JP"]) == ("partial", "partial", "org", "full")
    british = set(adequate(reference, "UK", then))
    assert british - eea == {
        "AD",
        "AR",
        "CA",
        "CH",
        "GG",
        "GI",
        "IL",
        "IM",
        "JE",
        "JP",
        "KR",
        "NZ",
        "US",
        "UY",
    }
    assert "BR" not in british
    # Before its day there is nothing: Brazil, the framework, Korea for the United Kingdom.
    assert "BR" not in adequate(reference, "EU", datetime(2026, 1, 25, 23, 59, tzinfo=UTC))
    assert "US" not in adequate(reference, "EU", datetime(2023, 7, 9, tzinfo=UTC))
    assert "KR" not in adequate(reference, "UK", datetime(2022, 12, 18, tzinfo=UTC))
    assert "GB" in adequate(reference, "EU", datetime(2031, 12, 27, 23, 59, tzinfo=UTC))
    assert "GB" not in adequate(reference, "EU", datetime(2031, 12, 28, tzinfo=UTC))
    # There is no moment without a decision about the United Kingdom between the two.
    assert "GB" in adequate(reference, "EU", datetime(2025, 12, 18, 23, 59, tzinfo=UTC))
    assert "GB" in adequate(reference, "EU", datetime(2025, 12, 19, tzinfo=UTC))


def test_every_entry_has_a_source_a_date_and_somebody_who_read_it() -> None:
    for found in load_reference(SHIPPED).lists:
        for entry in found.entries:
            assert entry.source
            assert entry.reviewed_by
            assert entry.source_date > date(2026, 1, 1)


def test_the_version_is_the_digest_of_all_files(folder: Path) -> None:
    before = load_reference(folder).sha256
    assert before == load_reference(SHIPPED).sha256
    (folder / "lists.yaml").write_text((folder / "lists.yaml").read_text("utf-8") + "# a word\n", "utf-8")
    changed = load_reference(folder).sha256
    (folder / "dpf.csv").write_text(
        (folder / "dpf.csv").read_text("utf-8").replace("active", "Active"), "utf-8"
    )
    assert len({before, changed, load_reference(folder).sha256}) == 3


def test_a_list_is_stale_from_the_end_of_the_review_period_of_its_oldest_entry(folder: Path) -> None:
    eea = (folder / "eea.csv").read_text("utf-8").splitlines()
    eea[3] = eea[3].replace("2026-11-16", "2026-01-01")
    (folder / "eea.csv").write_text("\n".join(eea) + "\n", "utf-8")
    reference = load_reference(folder)
    over = datetime(2027, 1, 1, tzinfo=UTC)
    assert ages(reference, over - timedelta(seconds=1)) == {}
    assert list(ages(reference, over)) == ["eea"]
    assert ages(reference, over + timedelta(days=3)) == {"eea": timedelta(days=3)}


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("eea.csv", "EU,AT,full", "EU,AT,half", "line 2, scope: 'half'"),
        ("eea.csv", "EU,AT,full", "XX,AT,full", "line 2, regime: 'XX'"),
        ("eea.csv", "EU,AT,full", "EU,Austria,full", "'Austria' is no country"),
        ("eea.csv", "2018-05-25,,in_force", "25.5.2018,,in_force", "in_force_from '25.5.2018' is not a day"),
        (
            "eea.csv",
            "2018-05-25,,in_force",
            "2018-05-25,2017-01-01,in_force",
            "must not be before in_force_from",
        ),
        ("eea.csv", ",in_force,", ",expired,", "line 2, status: 'expired'"),
        ("eea.csv", "EU,AT,full,,", "EU,AT,full,", "has 10 fields; give 11"),
        ("eea.csv", "EU,BE,", "EU,AT,", "overlaps an earlier line"),
        ("eea.csv", "EU,AT,full,,", "EU,AT,partial,x,", "only adequacy can be partial"),
        ("eea.csv", "regime,code", "code,regime", "line 1"),
        ("adequacy.csv", "CA,partial,commercial", "CA,partial,", "needs the condition"),
        ("sensitive.csv", "user.financial,", "user.finance,", "unknown data category"),
        ("routes.csv", "sensitive.1,full,1,", "sensitive.9,full,1,", "a route is general or sensitive"),
        ("routes.csv", "sensitive.1,full,1,", "sensitive.1,full,some,", "a route is general or sensitive"),
        ("lists.yaml", "review: P365D", "review: yearly", "adequacy.review"),
        ("lists.yaml", "eea:", "efta:", "eea: (missing)"),
    ],
)
def test_what_is_wrong_is_named_by_line_field_and_fix(
    folder: Path, file: str, old: str, new: str, expected: str
) -> None:
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")
    assert expected in said(folder)


def test_a_list_may_be_neither_missing_nor_empty_nor_a_stranger(folder: Path) -> None:
    (folder / "dpf.csv").unlink()
    (folder / "eea.csv").write_text(",".join(HEADER) + "\n", "utf-8")
    (folder / "allies.csv").write_text("x\n", "utf-8")
    (folder / "routes.csv").write_bytes(b"\xff")
    text = said(folder)
    for words in ("dpf.csv", "no entry", "allies", "routes.csv"):
        assert words in text
