"""The data contract of the exported table, in the Open Data Contract Standard, version 3.2.0 (released 2026-09-08)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from data_lifecycle.settings import Settings
from data_lifecycle.vendor_inventory.record import Part

API_VERSION = "v3.2.0"
VERSION = "1.0.0"
"""Of the table's shape; a change of a column is a new one."""
FOLDER = "vendor_inventory"
COUNT = r"^(\d+|<\d+)$"
DATE = r"^(\d{4}-\d{2}(-\d{2})?)?$"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: what it holds, and the pattern of its values if there is one."""

    name: str
    means: str
    pattern: str = ""
    key: int = 0
    required: bool = False


COLUMNS = (
    Column("run", "Number of the run that observed it.", r"^\d+$", required=True),
    Column("as_of", "Moment observed at, UTC.", required=True),
    Column("a_controller", "Art. 30(1)(a): the controller and its country.", required=True),
    Column("a_contact", "Art. 30(1)(a): the controller's contact.", required=True),
    Column("a_representative", "Art. 30(1)(a): the controller's representative.", required=True),
    Column("a_data_protection_officer", "Art. 30(1)(a): the data protection officer.", required=True),
    Column("b_purposes", "Art. 30(1)(b): purposes, fideslang data uses."),
    Column("c_data_subjects", "Art. 30(1)(c): categories of data subjects, fideslang keys."),
    Column(
        "c_data_category", "Art. 30(1)(c): category of personal data, a fideslang key.", key=2, required=True
    ),
    Column("d_recipient", "Art. 30(1)(d): the recipient's name.", required=True),
    Column("d_recipient_id", "Identifier of the recipient in the register.", key=1, required=True),
    Column(
        "d_kind",
        "Art. 30(1)(d): category of the recipient.",
        "^(payment|email|cloud|ai|unknown)$",
        required=True,
    ),
    Column(
        "d_role",
        "processor, or controller in its own right.",
        "^(processor|controller|unknown)$",
        required=True,
    ),
    Column("d_sub_processors", "Art. 30(1)(d): to whom the recipient may pass it on."),
    Column(
        "e_country", "Art. 30(1)(e): where it was sent, ISO 3166-1 alpha-2.", "^([A-Z]{2}|unknown)?$", key=3
    ),
    Column("e_safeguards", "Art. 30(1)(e): safeguards on file for that country."),
    Column("f_studio_limit", "Art. 30(1)(f): the controller's own time limit for erasure."),
    Column(
        "f_recipient_limit", "Art. 30(1)(f): the recipient's time limit and what may remain after erasure."
    ),
    Column("g_security", "Art. 30(1)(g): security measures, with current evidence."),
    Column("contract", "Contract with the recipient and whether it is in force."),
    Column("people", "Different people; small counts coarsened.", COUNT, required=True),
    Column("objects", "Different files; small counts coarsened.", COUNT, required=True),
    Column("disclosures", "Acts of sending; small counts coarsened.", COUNT, required=True),
    Column("first_sent", "First sending; a day, or a month for few people.", DATE),
    Column("last_sent", "Last sending; a day, or a month for few people.", DATE),
    Column("drift", "In what it differs from register and policy."),
)


def describe(record: Part, settings: Settings, csv_sha256: str) -> dict[str, Any]:
    """The contract of one export: shape, quality, where it lies, how fresh it is, who may read it."""
    controller = record["a_controller"]
    place = object_name(record["as_of"], record["run"], "record-of-processing.csv", csv_sha256)
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": str(uuid5(NAMESPACE_URL, "https://xmanart.com/lifecycle/record-of-processing")),
        "name": "record_of_processing",
        "version": VERSION,
        "status": "active",
        "domain": "privacy",
        "tenant": controller["name"],
        "tags": ["gdpr-art-30", "vendors"],
        "description": {
            "purpose": "Who holds what about how many people, where, under which contract (GDPR Art. 30(1)).",
            "limitations": f"Aggregates only: counts of fewer than {record['small_count']} are coarsened.",
            "usage": "Shown to supervisory authorities and reviewers; compared with the previous export every day.",
        },
        "servers": [
            {
                "server": "evidence",
                "type": "s3",
                "location": f"s3://{settings.bucket_evidence}/{place}",
                "format": "csv",
                "delimiter": ",",
            }
        ],
        "schema": [_table()],
        "support": [{"channel": "privacy office", "tool": "email", "url": _mail(controller["contact"])}],
        "team": {"name": "privacy", "description": controller["data_protection_officer"]},
        "roles": [
            {
                "role": "reviewer",
                "access": "read",
                "description": "Reads every export and no count behind it.",
            }
        ],
        "slaProperties": [
            {
                "property": "frequency",
                "value": 1,
                "unit": "d",
                "element": "record_of_processing",
                "driver": "regulatory",
            },
            {"property": "latency", "value": 1, "unit": "d", "element": "record_of_processing.as_of"},
        ],
        "customProperties": [
            {"property": "run", "value": record["run"]},
            {"property": "asOf", "value": record["as_of"]},
            {"property": "csvSha256", "value": csv_sha256},
            {"property": "registerSha256", "value": record["register_sha256"]},
            {"property": "policySha256", "value": record["policy"]["sha256"]},
        ],
    }


def object_name(as_of: str, run: int, name: str, sha256: str) -> str:
    """Where a document lies in the evidence bucket: after a restore numbers of runs come again, digests do not."""
    return f"{FOLDER}/{as_of[:10].replace('-', '/')}/run-{run:08d}-{sha256[:16]}/{name}"


def _table() -> dict[str, Any]:
    return {
        "name": "record_of_processing",
        "physicalName": "record-of-processing.csv",
        "physicalType": "file",
        "logicalType": "object",
        "description": "A line per recipient, data category and country; one for a recipient that got nothing.",
        "dataGranularityDescription": "recipient, data category and country",
        "quality": [
            {"type": "library", "metric": "rowCount", "mustBeGreaterThan": 0, "dimension": "completeness"},
            {
                "type": "library",
                "metric": "duplicateValues",
                "arguments": {"properties": ["d_recipient_id", "c_data_category", "e_country"]},
                "mustBe": 0,
                "dimension": "uniqueness",
            },
        ],
        "properties": [_property(column) for column in COLUMNS],
    }


def _property(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": column.name,
        "description": column.means,
        "logicalType": "string",
        "physicalType": "text",
        "required": column.required,
        "classification": "internal",
    }
    if column.key:
        found |= {"primaryKey": True, "primaryKeyPosition": column.key}
    if column.pattern:
        found["logicalTypeOptions"] = {"pattern": column.pattern}
    return found


def _mail(contact: str) -> str:
    return f"mailto:{contact}" if re.fullmatch(r"[\w.+-]+@[\w.-]+", contact) else "https://xmanart.com"
