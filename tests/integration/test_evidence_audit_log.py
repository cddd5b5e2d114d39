"""The audit of the log on the real servers: what was changed in the database or is missing in the bucket is named."""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.audits import DAY, Auditor
from tests.faults.workshop import DUE, Workshop

from data_lifecycle.evidence_audit import logbook, planning
from data_lifecycle.protocol.house import PromiseBroken

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(house: House, studio: Studio, store: ObjectStore) -> Workshop:
    """A studio with one purge behind it: a log of some entries."""
    made = Workshop(house, studio.admin_url, store.store_access("object_admin"))
    made.order(DUE)
    assert made.purge() == "verified"
    return made


@pytest.fixture
def audit(shop: Workshop) -> Auditor:
    """The audit's steps."""
    return Auditor(shop)


def entry(shop: Workshop, index: int) -> dict[str, Any]:
    """An entry of the log with its statement."""
    return shop.sql(
        "SELECT * FROM lifecycle.log_leaf JOIN lifecycle.evidence USING (evidence_id) WHERE log_index = %s",
        index,
    )[0]


def change(shop: Workshop, statement: str, *values: object) -> None:
    """What only a superuser can do: past all triggers."""
    shop.sql(f"SET session_replication_role = replica; {statement}", *values)


def check(audit: Auditor, *, everything: bool = True) -> list[tuple[str, str]]:
    """The differences that the step of the log names, in a run of its own."""
    run_id = audit.plan(everything=everything)
    with contextlib.suppress(PromiseBroken):  # a forked log is not published, and yet looked at
        planning.guard_run(audit.house, run_id)
    logbook.check_log(audit.house, run_id)
    return audit.findings()


def test_an_untouched_log_has_no_differences(shop: Workshop, audit: Auditor) -> None:
    size = shop.sql("SELECT tree_size FROM lifecycle.log_head")[0]["tree_size"]
    assert audit.run() == "verified"
    (first,) = shop.sql("SELECT * FROM lifecycle.audit_log")
    assert (first["first_index"], first["findings"], first["own_plan_found"]) == (0, 0, True)
    assert first["entries"] == first["tree_size"] > size
    assert first["locks"] >= 2 * first["entries"] + first["checkpoints"]
    assert first["checkpoints"] > 1
    # From there on only what was added, and some of the rest by chance.
    assert audit.run() == "verified"
    second = shop.sql("SELECT * FROM lifecycle.audit_log ORDER BY checked_at")[-1]
    assert second["first_index"] == first["tree_size"]
    assert second["entries"] == second["tree_size"] - first["tree_size"]
    assert second["sampled"] == first["tree_size"]
    # After a month, or when asked to, the whole of it.
    shop.sql("ALTER TABLE lifecycle.audit_log DISABLE TRIGGER ALL")
    shop.sql("UPDATE lifecycle.audit_log SET checked_at = checked_at - interval '30 days'")
    assert audit.run() == "verified"
    assert shop.sql("SELECT * FROM lifecycle.audit_log ORDER BY checked_at")[-1]["first_index"] == 0


def test_a_changed_envelope_is_named(shop: Workshop, audit: Auditor) -> None:
    found = entry(shop, 1)
    forged = bytes(found["envelope"]).replace(b'"sig":"', b'"sig":"AAAA')
    digest = hashlib.sha256(forged).hexdigest()
    change(
        shop,
        "UPDATE lifecycle.evidence SET envelope = %s, envelope_sha256 = %s WHERE evidence_id = %s",
        forged, digest, found["evidence_id"],
    )  # fmt: skip
    subject = f"entry 1, {found['evidence_id']}"
    findings = check(audit)
    assert ("envelope-changed", subject) in findings
    assert ("statement-differs", subject) in findings
    assert ("signature-wrong", subject) in findings
    assert {what for what, _ in findings} >= {"root-differs", "head-differs"}
    assert not {s for what, s in findings if s.startswith("entry") and s != subject}, "no other is blamed"


def test_a_changed_leaf_is_named(shop: Workshop, audit: Auditor) -> None:
    found = entry(shop, 0)
    change(shop, "UPDATE lifecycle.log_leaf SET leaf_hash = %s WHERE log_index = 0", bytes(32))
    subject = f"entry 0, {found['evidence_id']}"
    findings = check(audit)
    assert ("leaf-changed", subject) in findings, "the bucket shows which of the two was changed"
    assert ("bucket-leaf-differs", subject) in findings
    assert ("node-changed", "node 0 of level 1") in findings


def test_a_history_rewritten_as_a_whole_is_not_the_buckets(shop: Workshop, audit: Auditor) -> None:
    """Envelope, digest, leaf and every node above it are changed together: the database agrees with itself."""
    from data_lifecycle.evidence import merkle

    found = entry(shop, 0)
    forged = bytes(found["envelope"]).replace(b'"sig":"', b'"sig":"AAAA')
    rows = shop.sql("SELECT log_index, leaf_hash FROM lifecycle.log_leaf ORDER BY log_index")
    tree = merkle.Tree()
    nodes = {}
    for row in rows:
        leaf = merkle.leaf_hash(forged) if row["log_index"] == 0 else bytes(row["leaf_hash"])
        nodes |= dict(tree.append(leaf))
    change(
        shop,
        "UPDATE lifecycle.evidence SET envelope = %s, envelope_sha256 = %s WHERE evidence_id = %s",
        forged, hashlib.sha256(forged).hexdigest(), found["evidence_id"],
    )  # fmt: skip
    change(shop, "UPDATE lifecycle.log_leaf SET leaf_hash = %s WHERE log_index = 0", nodes[(0, 0)])
    for (level, position), value in nodes.items():
        if level:
            change(
                shop,
                "UPDATE lifecycle.log_node SET hash = %s WHERE (level, position) = (%s, %s)",
                value,
                level,
                position,
            )
    change(shop, "UPDATE lifecycle.log_head SET root = %s", tree.root())
    findings = check(audit)
    subject = f"entry 0, {found['evidence_id']}"
    assert {("bucket-leaf-differs", subject), ("statement-differs", subject)} <= set(findings)
    assert "root-differs" in {what for what, _ in findings}


def test_a_change_before_what_was_audited_is_found_without_reading_it_all(
    shop: Workshop, audit: Auditor
) -> None:
    assert audit.run() == "verified"
    change(shop, "UPDATE lifecycle.log_node SET hash = %s WHERE level = 1 AND position = 0", bytes(32))
    change(shop, "UPDATE lifecycle.log_node SET hash = %s WHERE level > 1", bytes(32))
    findings = check(audit, everything=False)
    assert any(what == "history-changed" for what, _ in findings)
    assert ("node-changed", "node 0 of level 1") in findings, "then all of it is read, to name what it was"


def test_a_rolled_back_database_is_named(shop: Workshop, audit: Auditor) -> None:
    assert audit.run() == "verified"
    size = shop.sql("SELECT tree_size FROM lifecycle.log_head")[0]["tree_size"]
    cut = size - 2
    change(shop, "DELETE FROM lifecycle.log_checkpoint WHERE tree_size > %s", cut)
    change(shop, "DELETE FROM lifecycle.log_leaf WHERE log_index >= %s", cut)
    change(shop, "DELETE FROM lifecycle.log_node WHERE (position + 1) << level > %s", cut)
    leaves = shop.sql("SELECT leaf_hash FROM lifecycle.log_leaf ORDER BY log_index")
    from data_lifecycle.evidence import merkle

    root = merkle.root_of(bytes(row["leaf_hash"]) for row in leaves)
    change(shop, "UPDATE lifecycle.log_head SET tree_size = %s, root = %s", cut, root)
    run_id = audit.plan()
    with pytest.raises(PromiseBroken, match="restored from an older copy"):
        planning.guard_run(shop.house, run_id)
    logbook.check_log(shop.house, run_id)
    findings = audit.findings()
    assert len([name for what, name in findings if what == "rolled-back" and "/leaf/" in name]) == 2
    assert any(what == "rolled-back" and "/checkpoint/" in name for what, name in findings)


def test_a_missing_entry_is_named(shop: Workshop, audit: Auditor) -> None:
    change(shop, "DELETE FROM lifecycle.log_leaf WHERE log_index = 1")
    assert ("entry-missing", "entry 1") in check(audit)


def test_an_empty_folder_in_the_bucket_is_not_a_copy(shop: Workshop, audit: Auditor) -> None:
    assert audit.run() == "verified"
    size = shop.sql("SELECT tree_size FROM lifecycle.log_head")[0]["tree_size"]
    elsewhere = replace(
        shop.house, settings=replace(shop.house.settings, log_folder=f"log/{uuid.uuid4().hex}")
    )
    run_id = Auditor(shop, elsewhere).plan(everything=True)
    with pytest.raises(PromiseBroken, match="lacks the checkpoint"):
        planning.guard_run(elsewhere, run_id)
    logbook.check_log(elsewhere, run_id)
    findings = audit.findings()
    assert len([1 for what, _ in findings if what == "bucket-leaf-missing"]) >= size
    # Checkpoints are read by version: an object of that version exists, but not under this name.
    assert any(what == "checkpoint-missing" for what, _ in findings)


def test_a_statement_that_the_bucket_lacks_is_named(shop: Workshop, audit: Auditor) -> None:
    name = entry(shop, 1)["evidence_id"]
    change(shop, "UPDATE lifecycle.evidence SET store_version_id = 'gone' WHERE evidence_id = %s", name)
    assert check(audit) == [("statement-missing", f"entry 1, {name}")]


def test_a_statement_hidden_below_another_version_is_named(shop: Workshop, audit: Auditor) -> None:
    name = entry(shop, 1)["evidence_id"]
    bucket = shop.house.settings.bucket_evidence
    shop.s3.put_object(Bucket=bucket, Key=name, Body=b"{}", ChecksumAlgorithm="SHA256")
    assert check(audit) == [("statement-overlaid", f"entry 1, {name}")]


def test_an_object_of_the_log_written_twice_is_named(shop: Workshop, audit: Auditor) -> None:
    settings = shop.house.settings
    leaf = f"{settings.log_folder}/leaf/{0:020d}.json"
    shop.s3.put_object(
        Bucket=settings.bucket_evidence,
        Key=leaf,
        Body=json.dumps({"evidence": "x", "index": 0, "leaf_hash": "00"}).encode(),
        ChecksumAlgorithm="SHA256",
    )
    findings = check(audit)
    assert ("written-twice", leaf) in findings
    assert any(what == "bucket-leaf-differs" for what, _ in findings)


def test_a_statement_by_a_stranger_is_named(shop: Workshop, audit: Auditor, tmp_path: Any) -> None:
    from data_lifecycle.evidence import keys

    stranger = replace(shop.house.settings, attester_key=keys.ensure(tmp_path))
    Auditor(shop, replace(shop.house, settings=stranger)).run()
    findings = check(audit)
    assert {what for what, _ in findings} == {"signer-unknown"}


def test_locks_are_what_the_rule_says(
    shop: Workshop, audit: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody can shorten a lock: so the rule is made longer than what the objects have.
    monkeypatch.setattr(logbook.Vault, "rule", lambda _: timedelta(days=400))
    findings = check(audit)
    assert {what for what, _ in findings} == {"lock-short"}
    assert len(findings) >= 2 * shop.sql("SELECT tree_size FROM lifecycle.log_head")[0]["tree_size"]
    monkeypatch.setattr(logbook.Vault, "rule", lambda _: None)
    assert {what for what, _ in check(audit)} == {"no-lock-rule"}


def test_what_is_found_is_found_until_it_is_mended(shop: Workshop, audit: Auditor) -> None:
    name = entry(shop, 1)["evidence_id"]
    version = entry(shop, 1)["store_version_id"]
    change(shop, "UPDATE lifecycle.evidence SET store_version_id = 'gone' WHERE evidence_id = %s", name)
    for _ in range(2):
        assert audit.run() == "failed"
        assert audit.broken == {"findings = 0"}
        assert audit.result()["findings"] == {"statement-missing": 1}
    change(shop, "UPDATE lifecycle.evidence SET store_version_id = %s WHERE evidence_id = %s", version, name)
    assert audit.run() == "verified"
    assert audit.verify().refused is None


def test_days_without_a_sign_of_life_become_gaps(
    shop: Workshop, audit: Auditor, caplog: pytest.LogCaptureFixture
) -> None:
    assert audit.run() == "verified"
    # The first statement is four days old, and nobody was there since.
    change(
        shop,
        "UPDATE lifecycle.evidence SET signed_at = signed_at - interval '4 days' WHERE evidence_id = %s",
        entry(shop, 0)["evidence_id"],
    )
    run_id = audit.plan()
    planning.guard_run(shop.house, run_id)
    caplog.clear()
    logbook.check_log(shop.house, run_id)
    (row,) = shop.sql("SELECT * FROM lifecycle.audit_log WHERE run_id = %s", run_id)
    assert (row["gaps"], row["days_missing"]) == (4, 0)
    assert caplog.text.count("declared a gap since the last audit, never back-dated") == 4
    assert audit.verify().refused is None
    # Days that nobody even declared are worse: the database lost them, or its clock was wrong.
    change(
        shop,
        "DELETE FROM lifecycle.log_leaf WHERE evidence_id IN (SELECT evidence_id FROM lifecycle.evidence"
        " WHERE predicate_type LIKE '%%heartbeat%%' ORDER BY evidence_id LIMIT 1)",
    )
    change(
        shop,
        "DELETE FROM lifecycle.evidence WHERE evidence_id IN (SELECT evidence_id FROM lifecycle.evidence"
        " WHERE predicate_type LIKE '%%heartbeat%%' ORDER BY evidence_id LIMIT 1)",
    )
    logbook.check_log(shop.house, run_id)
    (row,) = shop.sql("SELECT * FROM lifecycle.audit_log WHERE run_id = %s AND round = 2", run_id)
    assert (row["gaps"], row["days_missing"]) == (3, 1)
    assert {what for what, _ in audit.findings()} >= {"entry-missing"}


def test_task_logs_that_did_not_come_are_reported(shop: Workshop, audit: Auditor) -> None:
    from data_lifecycle.protocol import tasklogs

    assert audit.run() == "verified"
    assert shop.sql("SELECT runs_without_logs FROM lifecycle.audit_log")[0]["runs_without_logs"] == 1
    shop.order(DUE)
    name = uuid.uuid4().hex
    shop.s3.put_object(
        Bucket=shop.house.settings.bucket_evidence,
        Key=f"{tasklogs.prefix('photo_purge', name)}attempt=1.log",
        Body=b"x",
        ChecksumAlgorithm="SHA256",
    )
    assert shop.purge(name) == "verified"
    audit.age(DAY)
    audit.run()
    latest = shop.sql("SELECT runs_without_logs FROM lifecycle.audit_log ORDER BY checked_at")[-1]
    assert latest["runs_without_logs"] == 1, "that of the audit before; the purge's is there"
