"""The record of processing as files: CSV, JSON, a page, and a data contract. The same record, the same bytes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from data_lifecycle.settings import Settings
from data_lifecycle.vendor_inventory import contract
from data_lifecycle.vendor_inventory.contract import COLUMNS
from data_lifecycle.vendor_inventory.record import Part

CSV, JSON, PAGE, CONTRACT = (f"record-of-processing.{kind}" for kind in ("csv", "json", "html", "odcs.yaml"))
TYPES = {
    CSV: "text/csv; charset=utf-8",
    JSON: "application/json",
    PAGE: "text/html; charset=utf-8",
    CONTRACT: "application/yaml",
}
"""The documents of an inventory, each with its media type."""
_FORMULA = tuple("=+-@\t\r\n|%＝＋－＠")  # noqa: RUF001 — spreadsheets read the wide ones as formulas too


def render(settings: Settings, record: Part) -> dict[str, bytes]:
    """Every document by name."""
    table = as_csv(record)
    return {
        CSV: table,
        JSON: (json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode(),
        PAGE: as_page(settings, record),
        CONTRACT: yaml.safe_dump(
            contract.describe(record, settings, digest(table)), sort_keys=False, allow_unicode=True, width=100
        ).encode(),
    }


def digest(content: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(content).hexdigest()


def as_csv(record: Part) -> bytes:
    """A line per recipient, category and country; one for a recipient that got nothing. RFC 4180, UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.name for column in COLUMNS])
    for row in _rows(record):
        writer.writerow([defused(row[column.name]) for column in COLUMNS])
    return text.getvalue().encode()


def defused(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: a quotation mark before what might be one."""
    text = "; ".join(str(part) for part in value) if isinstance(value, list) else str(value)
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text


def as_page(settings: Settings, record: Part) -> bytes:
    """The page: one file, nothing loaded from anywhere, every value escaped."""
    environment = Environment(
        loader=FileSystemLoader(settings.include / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("vendor_inventory.html").render(record=record).encode()


def _rows(record: Part) -> Iterator[dict[str, Any]]:
    controller = record["a_controller"]
    for recipient in record["recipients"]:
        described = recipient["d_recipient"]
        erasure, terms = recipient["f_erasure"], recipient["contract"]
        shared = {
            "run": record["run"],
            "as_of": record["as_of"],
            "a_controller": f"{controller['name']}, {controller['country']}",
            "a_contact": controller["contact"],
            "a_representative": controller["representative"],
            "a_data_protection_officer": controller["data_protection_officer"],
            "b_purposes": recipient["b_purposes"],
            "c_data_subjects": recipient["c_data_subjects"],
            "c_data_category": recipient["c_data_categories"],
            "d_recipient": recipient["name"],
            "d_recipient_id": recipient["id"],
            "d_kind": described["kind"],
            "d_role": described["role"],
            "d_sub_processors": [sub["name"] for sub in described["sub_processors"]],
            "e_country": "",
            "e_safeguards": [],
            "f_studio_limit": "",
            "f_recipient_limit": f"{erasure['retention']}, residual {erasure['max_residual']}"
            if erasure
            else "",
            "g_security": [f"{found['measure']}: {found['evidence']}" for found in recipient["g_security"]],
            "contract": f"{terms['id']}, {terms['state']}" if terms else "",
            "drift": [f"{d['kind']} {d['subject']}".strip() for d in recipient["drift"]],
            "people": 0,
            "objects": 0,
            "disclosures": 0,
            "first_sent": "",
            "last_sent": "",
        }
        for line in recipient["observed"]:
            yield shared | {
                "b_purposes": line["purposes"],
                "c_data_category": line["data_category"],
                "e_country": line["country"],
                "e_safeguards": line["safeguards"],
                "f_studio_limit": line["studio_limit"],
                "people": line["people"],
                "objects": line["objects"],
                "disclosures": line["disclosures"],
                "first_sent": line["first"],
                "last_sent": line["last"],
            }
        if not recipient["observed"]:
            yield shared
