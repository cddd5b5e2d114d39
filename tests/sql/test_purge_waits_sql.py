"""A case is not absent while a vendor's copy of its files is not settled: every state, every reason, role by role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from tests.sql.purge_stage import AS_OF, DAY, HOUR, Stage
from tests.sql.test_photo_purge_closing import Case

if TYPE_CHECKING:
    from tests.conftest import Studio

WRITER, AUDITOR = "evidence_writer", "studio_auditor"


@pytest.fixture(scope="module")
def stage(make_studio: Callable[[], Studio]) -> Iterator[Stage]:
    with Stage(make_studio()) as made:
        yield made


def sent(case: Case, upload: UUID, vendor: str = "v", order: str | None = None) -> UUID:
    """The file went to a vendor, for the case's order or for another."""
    name = uuid4()
    case.stage.put(
        "INSERT INTO studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose,"
        " destination_country, upload_id, sent_at) VALUES (%s, %s, %s, 'c', 'p', 'DE', %s, %s)",
        name, order or case.order, vendor, upload, AS_OF - 2 * DAY,
    )  # fmt: skip
    return name


def erasure(case: Case, disclosure: UUID, state: str, sight: str | None = None, mode: str = "sync") -> None:
    """How far the vendor's erasure of it is."""
    name = uuid4()
    moments = {
        "accepted_at": AS_OF,
        "completed_at": AS_OF if state in ("completed", "verified") else None,
        "verified_at": AS_OF if state == "verified" else None,
        "residual_until": AS_OF + DAY if state == "residual_until" else None,
    }
    case.stage.put(
        "INSERT INTO lifecycle.vendor_erasure (erasure_id, case_id, vendor, part, connector, mode, confirms,"
        " max_residual, register_sha256, idempotency_key, run_id, state, sight, accepted_at, completed_at, verified_at,"
        " residual_until)"
        " VALUES (%s, %s, 'v', 1, 'openai', %s, 'verified', '0', 'r', %s, %s, %s, %s, %s, %s, %s, %s)",
        name, case.case[0], mode, f"erasure-{name}", case.run, state, sight, *moments.values(),
    )  # fmt: skip
    case.stage.put("INSERT INTO lifecycle.vendor_erasure_item VALUES (%s, %s)", disclosure, name)


def waiting(case: Case) -> tuple[int, int]:
    """Cases of the run that wait for vendors, and those past their deadline; the same for every role that asks."""
    found = set()
    for role in (WRITER, AUDITOR):
        case.stage.run(role, "run/set_run", run_id=case.run)
        (row,) = case.stage.run(role, "read_vendors")
        found.add((row["vendors_waiting"], row["vendors_overdue"]))
        rows = case.stage.run(role, "select_waiting", run_id=case.run)
        assert len({r["case_id"] for r in rows}) == row["vendors_waiting"]
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(
    ("state", "sight", "proven"),
    [
        (None, None, False),
        ("planned", None, False),
        ("submitted", None, False),
        ("accepted", None, False),
        ("in_progress", "present", False),
        ("completed", "unknowable", False),
        ("unreachable", None, False),
        ("rejected", None, False),
        ("manual", None, False),
        ("verified", "absent", True),
        ("residual_until", None, True),
    ],
)
def test_a_copy_at_a_vendor_keeps_the_case_open_until_it_is_settled(
    stage: Stage, state: str | None, sight: str | None, proven: bool
) -> None:
    case = Case(stage)
    photo = stage.upload(case.order)
    case.file(photo)
    case.look()
    disclosure = sent(case, photo)
    if state:
        erasure(case, disclosure, state, sight)
    assert case.absent is proven
    assert waiting(case) == ((0, 0) if proven else (1, 0))


@pytest.mark.parametrize(("sight", "proven"), [(None, True), ("unknowable", True), ("present", False)])
def test_a_clock_that_the_plan_sealed_settles_unless_it_was_seen_to_be_wrong(
    stage: Stage, sight: str | None, proven: bool
) -> None:
    case = Case(stage, stage.new_run(facts='{"gone_after_seconds": {"v": 3600}}'))
    photo = stage.upload(case.order)
    case.file(photo)
    case.look()
    disclosure = sent(case, photo)
    assert case.absent, "it need not be asked"
    erasure(case, disclosure, "unreachable", sight, "ttl_only")
    assert case.absent is proven
    (rest,) = stage.run(WRITER, "vendor_erasure/select_residue", case_ids=[case.case[0]])
    assert rest["residual_until"] == (AS_OF - 2 * DAY + HOUR if proven else None)


def test_past_its_deadline_a_waiting_case_is_overdue(stage: Stage) -> None:
    case = Case(stage, ended=AS_OF - 8 * DAY)
    stage.put("UPDATE lifecycle.erasure_case SET deadline_at = %s WHERE case_id = %s", AS_OF, case.case[0])
    photo = stage.upload(case.order)
    case.file(photo)
    case.look()
    sent(case, photo)
    assert waiting(case) == (1, 1)
    stage.put(
        "UPDATE lifecycle.erasure_case SET deadline_at = %s WHERE case_id = %s",
        AS_OF + timedelta(seconds=1), case.case[0],
    )  # fmt: skip
    assert waiting(case) == (1, 0)


def test_copies_follow_the_file_whatever_order_they_were_sent_for(stage: Stage) -> None:
    other = stage.order()
    case = Case(stage)
    photo, kept = stage.upload(case.order, other), stage.upload(case.order, other)
    case.file(photo)
    case.file(kept, disposition="keep")
    case.look()
    sent(case, kept)
    assert case.absent, "what another order keeps is not waited for"
    sent(case, photo, order=other)
    assert not case.absent


@pytest.mark.parametrize(
    "entry", [{"disposition": "hold"}, {"state": "stopped", "outcome": "present"}], ids=str
)
def test_a_case_that_waits_for_something_else_is_not_said_to_wait_for_vendors(
    stage: Stage, entry: dict[str, Any]
) -> None:
    case = Case(stage)
    photo = stage.upload(case.order)
    case.file(photo)
    case.file(**entry)
    case.look()
    sent(case, photo)
    assert not case.absent
    assert waiting(case) == (0, 0)
