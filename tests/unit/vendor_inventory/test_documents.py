"""The record of processing and its documents: what is in them, what is coarsened, what a hostile name can do."""

from __future__ import annotations

import csv
import importlib.resources
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from open_data_contract_standard.model import OpenDataContractStandard

from data_lifecycle.policy.loader import load_all, policy_in_force
from data_lifecycle.settings import Settings
from data_lifecycle.vendor_inventory import contract, documents
from data_lifecycle.vendor_inventory.contract import COLUMNS
from data_lifecycle.vendor_inventory.record import Found, build, few
from data_lifecycle.vendors.register import Register, load_register

SETTINGS = Settings.from_env({})
AS_OF = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = policy_in_force(load_all(SETTINGS.policy_dir), AS_OF)
REGISTER = load_register(SETTINGS.policy_dir / "vendors.yaml", POLICY)
HOSTILE = (
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "  =1+1",
    "|calc",
    "\uff1d1+1",
    '"><script>alert(1)</script>',
    "</title><img src=x onerror=alert(1)>",
    "{{ 7*7 }}{% include 'x' %}",
    "a,b\r\nc;d\u2028e",
)
RUN = {"run_id": 12, "as_of": AS_OF, "policy_id": "p", "policy_version": "v", "policy_sha256": "0" * 64}


def vendor_row(vendor: str = "fal", people: int = 9, registered: bool = True) -> dict[str, Any]:
    return {"vendor": vendor, "registered": registered, "disclosures": 20, "people": people, "objects": 3}


def line_row(vendor: str = "fal", people: int = 9, **changed: Any) -> dict[str, Any]:
    return {
        "vendor": vendor, "data_category": "user.content.self_image", "country": "US",
        "purposes": ["essential.service"],
        "disclosures": 20, "people": people, "objects": 3, "first_at": AS_OF - 9 * DAY, "last_at": AS_OF - DAY,
    } | changed  # fmt: skip


def drift_row(
    kind: str = "new_country", vendor: str = "fal", people: int = 9, **changed: Any
) -> dict[str, Any]:
    return {
        "kind": kind, "clause": "8", "means": "differs", "vendor": vendor, "subject": "BR", "contract": "c",
        "forbidden": False,
        "disclosures": 20, "people": people, "since": AS_OF - 9 * DAY, "last_at": AS_OF - DAY,
    } | changed  # fmt: skip


def found(*lines: dict[str, Any], vendors: Any = None, drift: Any = (), **changed: Any) -> Found:
    whole = Found(RUN, vendors or [vendor_row()], lines or [line_row()], list(drift), None, [])
    return replace(whole, **changed)


def rendered(what: Found, register: Register = REGISTER) -> dict[str, bytes]:
    return documents.render(SETTINGS, build(what, register, POLICY))


def renamed(name: str) -> Register:
    """The register with a vendor, its contract and the controller under a hostile name."""
    fal = REGISTER.vendor("fal")
    assert fal is not None
    terms = fal.contracts[0].model_copy(update={"id": name})
    hostile = fal.model_copy(update={"name": name, "services": (name,), "contracts": (terms,)})
    return replace(
        REGISTER, vendors=(hostile,), controller=REGISTER.controller.model_copy(update={"name": name})
    )


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_every_letter_of_article_30_is_there() -> None:
    record = build(found(), REGISTER, POLICY)
    assert record["a_controller"]["name"] == "XMANART"
    (recipient,) = record["recipients"]
    for letter in "bcdefg":
        assert any(recipient[key] for key in recipient if key.startswith(f"{letter}_")), letter
    assert recipient["observed"][0]["studio_limit"].startswith(
        "P7D after order.terminal (latest; clause 3.2)"
    )
    assert {transfer["country"] for transfer in recipient["e_transfers"]} == {"US"}
    assert any("TIA-fal-scc: positive" in text for text in recipient["e_transfers"][0]["safeguards"])
    assert {evidence["measure"] for evidence in recipient["g_security"]} == {"tls", "encryption", "access"}
    page = rendered(found())[documents.PAGE].decode()
    for letter in "abcdefg":
        assert f"<dt>({letter}) " in page
    assert {column.name[0] for column in COLUMNS if column.name[1] == "_"} == set("abcdefg")


def test_the_same_record_gives_the_same_bytes() -> None:
    what = found(line_row(), line_row(country="DE"), drift=[drift_row()])
    assert rendered(what) == rendered(what)
    again = found(line_row(purposes=["essential.service", "a.b"]))
    mirrored = found(line_row(purposes=["a.b", "essential.service"]))
    assert rendered(again) == rendered(mirrored)


def test_a_country_without_safeguards_says_so() -> None:
    (row,) = table(rendered(found(line_row(country="BR")))[documents.CSV])
    assert row["e_safeguards"] == "none on file"
    (row,) = table(rendered(found(line_row(country="CN")))[documents.CSV])
    assert row["e_safeguards"] == "within the controller's country"


def test_an_unlisted_vendor_has_nothing_on_file() -> None:
    what = found(
        line_row("sketchfast"),
        vendors=[vendor_row("sketchfast", registered=False)],
        drift=[drift_row("unlisted_vendor", "sketchfast", subject="")],
    )
    (recipient,) = build(what, REGISTER, POLICY)["recipients"]
    assert (recipient["contract"], recipient["f_erasure"], recipient["g_security"]) == (None, None, [])
    page = rendered(what)[documents.PAGE].decode()
    assert "In no register." in page
    (row,) = table(rendered(what)[documents.CSV])
    assert (row["d_kind"], row["drift"]) == ("unknown", "unlisted_vendor")


def test_a_vendor_that_got_nothing_has_a_line() -> None:
    what = Found(RUN, [vendor_row(people=0) | {"disclosures": 0, "objects": 0}], [], [], None, [])
    (row,) = table(rendered(what)[documents.CSV])
    assert (row["people"], row["e_country"], row["first_sent"]) == ("0", "", "")
    assert "Nothing was ever sent to it." in rendered(what)[documents.PAGE].decode()


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (1, "<5"), (4, "<5"), (5, 5), (50, 50)])
def test_few_people_are_not_counted_out(count: int, shown: int | str) -> None:
    assert few(count, 5) == shown


def test_nothing_shown_lets_few_people_be_reckoned() -> None:
    small = line_row(people=2, objects=4, disclosures=4, country="DE")
    what = found(line_row(people=9), small, vendors=[vendor_row(people=11)], drift=[drift_row(people=2)])
    record = build(what, REGISTER, POLICY)
    (recipient,) = record["recipients"]
    exact, few_people = recipient["observed"]
    assert (exact["people"], exact["first"]) == (9, "2026-11-11")
    assert [few_people[k] for k in ("people", "objects", "disclosures")] == ["<5"] * 3
    assert (few_people["first"], few_people["last"]) == ("2026-11", "2026-11")
    assert recipient["people"] == "at least 9", "11 - 9 would tell"
    assert (record["drift"][0]["people"], record["drift"][0]["since"]) == ("<5", "2026-11")
    assert "&lt;5" in rendered(what)[documents.PAGE].decode()


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_is_a_formula(name: str) -> None:
    rows = table(rendered(found(), renamed(name))[documents.CSV])
    assert len(rows) == 1
    for cell in rows[0].values():
        assert not re.match(r"\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]", cell), "a spreadsheet would run it"
    assert rows[0]["d_recipient"].lstrip("'") == name, "it is defused, not lost"


@given(st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_whatever_is_in_a_cell_reads_back_and_runs_nowhere(text: str) -> None:
    shown = documents.defused(text)
    assert shown in (text, "'" + text)
    assert not shown.lstrip(" ").startswith(tuple("=+-@\t\r\n|%"))


class _Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_markup(name: str) -> None:
    plain = _Page(rendered(found(drift=[drift_row()]))[documents.PAGE].decode())
    page = _Page(rendered(found(drift=[drift_row(subject=name)]), renamed(name))[documents.PAGE].decode())
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags}
    assert not any(key.startswith("on") for _, found_ in page.tags for key in found_)
    assert any(" ".join(name.split()) in " ".join(text.split()) for text in page.texts), "shown as it is"


def test_the_page_loads_nothing_and_can_be_read_by_all() -> None:
    text = rendered(found(drift=[drift_row()]))[documents.PAGE].decode()
    page = _Page(text)
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    links = [a.get("href") or "" for tag, a in page.tags if tag == "a"]
    assert links
    assert all(link.startswith("#") for link in links)
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links} <= set(ids)
    assert not re.search(r"url\(|@import|https?:", text)
    (policy,) = (a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert ("html", {"lang": "en"}) in page.tags
    assert {"main", "header", "footer", "nav", "h1", "caption"} <= {tag for tag, _ in page.tags}
    assert all(a.get("scope") in ("col", "row") for tag, a in page.tags if tag == "th")


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_all_text_has_enough_contrast() -> None:
    """WCAG 2.2, 1.4.3 (AA), in the light and in the dark."""
    style = (SETTINGS.include / "templates" / "vendor_inventory.html").read_text("utf-8")
    schemes = re.findall(r":root \{([^}]*--paper: #[0-9a-f]{6}[^}]*)\}", style)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", scheme))
        for text in ("ink", "soft", "bad", "warn", "good", "link"):
            for ground in ("paper", "panel"):
                assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def test_the_data_contract_is_one_of_the_standards() -> None:
    made = rendered(found())
    text = made[documents.CONTRACT].decode()
    schema = json.loads(
        importlib.resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    )
    described = yaml.safe_load(text)
    jsonschema.validate(described, schema)
    read = OpenDataContractStandard.from_string(text)
    assert read.apiVersion == contract.API_VERSION == "v3.2.0"
    assert read.schema_ is not None
    names = [column.name for column in read.schema_[0].properties or ()]
    assert names == made[documents.CSV].decode().split("\r\n", 1)[0].split(",")
    extra = {entry["property"]: entry["value"] for entry in described["customProperties"]}
    assert extra["csvSha256"] == documents.digest(made[documents.CSV])


def test_the_table_keeps_its_contract() -> None:
    what = found(
        line_row(), line_row(country="DE", people=2), line_row("sketchfast", country="unknown"),
        vendors=[vendor_row(), vendor_row("sketchfast", registered=False), vendor_row("openai", people=0)],
    )  # fmt: skip
    rows = table(rendered(what)[documents.CSV])
    for column in COLUMNS:
        for row in rows:
            assert not column.required or row[column.name] != "", column.name
            assert not column.pattern or re.search(column.pattern, row[column.name]), (
                column.name,
                row[column.name],
            )
    keys = sorted((c for c in COLUMNS if c.key), key=lambda c: c.key)
    assert len({tuple(row[c.name] for c in keys) for row in rows}) == len(rows) == 4


def test_a_change_is_told() -> None:
    change = {
        "change": "began",
        "what": "unlisted_vendor",
        "vendor": "sketchfast",
        "subject": "",
        "country": "",
    }
    previous = {"run_id": 11, "register_sha256": "another"}
    what = found(previous=previous, changes=[change])
    record = json.loads(rendered(what)[documents.JSON])
    assert (record["previous_run"], record["register_changed"], record["changes"]) == (11, True, [change])
    assert "unlisted vendor sketchfast" in rendered(what)[documents.PAGE].decode()
