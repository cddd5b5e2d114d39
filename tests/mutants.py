"""Guards, each with the change that takes it away and the tests that must then fail: `./lifecycle test --mutants`.

Each change is made in a copy of the repository. A mutant that its tests let live is an error, as is one that no longer
fits the code; the latter is noticed by every run of the suite (tests/unit/test_mutants.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = "plugins/data_lifecycle/"
SQL = "include/sql/"
LEFT_OUT = {
    ".git",
    ".venv",
    ".lifecycle",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
}


@dataclass(frozen=True)
class Mutant:
    """A guard, the words that make it (everywhere in the file), what replaces them, tests that must then fail."""

    guard: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "only what guard released is erased",
        PACKAGE + "photo_purge/acting.py",
        'if run["released_at"] is None:',
        "if False:",
        ("tests/faults/test_publishing.py",),
    ),
    Mutant(
        "a hold placed between plan and act wins",
        SQL + "photo_purge/select_stops.sql",
        "SELECT g.case_id, 'legal-hold' FROM lineage g JOIN studio.effective_hold h USING (upload_id)",
        "SELECT g.case_id, 'legal-hold' FROM lineage g WHERE false",
        ("tests/faults/test_changes_midway.py::test_between_plan_and_act",),
    ),
    Mutant(
        "a request that was taken back is not carried out",
        SQL + "photo_purge/select_stops.sql",
        "WHERE batch = %(batch)s AND lapsed",
        "WHERE false",
        ("tests/faults/test_changes_midway.py::test_a_request_that_is_taken_back",),
    ),
    Mutant(
        "holds count when a plan is made",
        SQL + "photo_purge/select_uploads.sql",
        "bool_or(h.upload_id IS NOT NULL) AS held",
        "false AS held",
        ("tests/sql/test_photo_purge_sql.py", "tests/integration/test_demo_outcomes.py"),
    ),
    Mutant(
        "a worker that wakes up late changes nothing",
        SQL + "photo_purge/record_outcomes.sql",
        "AND c.run_id = %(run_id)s AND c.epoch = i.epoch",
        "",
        ("tests/faults/test_concurrent.py",),
    ),
    Mutant(
        "what the store once accepted stays accepted",
        SQL + "photo_purge/record_outcomes.sql",
        "AND c.state = 'open' AND i.state <> 'accepted'",
        "AND c.state = 'open'",
        ("tests/faults/test_concurrent.py", "tests/sql/test_photo_purge_stops.py"),
    ),
    Mutant(
        "a case closes by what was observed, not by what the store said",
        SQL + "photo_purge/select_absent_cases.sql",
        "GROUP BY k.item_id HAVING bool_and(k.outcome = 'absent')",
        "GROUP BY k.item_id",
        ("tests/faults/test_lying_store.py::test_closing_rests_on_the_observation_alone",),
    ),
    Mutant(
        "an observation without its canaries is void",
        PACKAGE + "photo_purge/attesting.py",
        'if not balance["canaries"] or balance["canaries_missing"] or balance["touched_undue"]:',
        'if balance["touched_undue"]:',
        (
            "tests/faults/test_store_traps.py::test_no_canary_is_no_observation",
            "tests/faults/test_store_traps.py::test_a_missing_canary_voids_the_observation",
        ),
    ),
    Mutant(
        "nothing is judged as of the future",
        PACKAGE + "protocol/moments.py",
        "    if moment > database_now:\n",
        "    if False:\n",
        ("tests/unit/protocol/test_moments.py",),
    ),
    Mutant(
        "a mistyped parameter is refused",
        PACKAGE + "protocol/moments.py",
        "strangers = sorted(set(conf or {}) - set(known))",
        "strangers: list[str] = []",
        ("tests/unit/protocol/test_moments.py",),
    ),
    Mutant(
        "orders/12 is not orders/123",
        PACKAGE + "photo_purge/plan.py",
        'return f"orders/{order_id}/"',
        'return f"orders/{order_id}"',
        ("tests/unit/photo_purge/test_plan.py",),
    ),
    Mutant(
        "a request reaches a file that lived on with another order",
        SQL + "schema/0040_look_again_on_request.sql",
        "NEW.photo_state = 'present';",
        "NULL;",
        ("tests/faults/test_orders_change_their_mind.py::test_asked_back_after_the_purge",),
    ),
    Mutant(
        "a restored database signs no second history",
        PACKAGE + "evidence/sequencer.py",
        "        if checkpoint.size > size:\n            raise LogForked(",
        "        if checkpoint.size > size:\n            return None\n            raise LogForked(",
        ("tests/faults/test_sequencer.py",),
    ),
    Mutant(
        "a payment is removed only as it was archived",
        SQL + "payment_archive/remove_archived.sql",
        "  AND a.digest IS NOT DISTINCT FROM",
        "  AND a.digest IS NOT NULL OR a.digest =",
        ("tests/sql/test_payment_archive_removal.py",),
    ),
    Mutant(
        "a payment that changed since it was compared is not removed by its version",
        SQL + "payment_archive/remove_unchanged.sql",
        " AND age(p.xmin) > age(%(horizon)s::xid8::xid)",
        " AND %(horizon)s IS NOT NULL",
        ("tests/sql/test_payment_archive_removal.py",),
    ),
    Mutant(
        "only a scheduled run deletes unasked",
        PACKAGE + "protocol/steps.py",
        'dry = kind != "scheduled"',
        "dry = False",
        ("tests/unit/protocol/test_steps.py",),
    ),
    Mutant(
        "a pause stops what is under way",
        SQL + "photo_purge/select_stops.sql",
        "WHERE batch = %(batch)s AND lifecycle.is_paused()",
        "WHERE false",
        ("tests/faults/test_paused.py::test_between_two_requests",),
    ),
    Mutant(
        "a paused database releases nothing",
        SQL + "schema/0033_keep_posture.sql",
        "    IF lifecycle.is_paused() THEN\n        RAISE EXCEPTION 'paused: nothing is destroyed",
        "    IF false THEN\n        RAISE EXCEPTION 'paused: nothing is destroyed",
        ("tests/faults/test_paused.py", "tests/sql/test_posture_sql.py"),
    ),
    Mutant(
        "over the caps the database wants an approval",
        SQL + "schema/0044_ask_before_archiving.sql",
        "IF lifecycle.exceeds_caps(NEW.facts)\n       AND NOT EXISTS",
        "IF false\n       AND NOT EXISTS",
        ("tests/faults/test_approvals.py::test_a_bug_of_ours_cannot_let_it_go",),
    ),
    Mutant(
        "an approval is of one manifest",
        SQL + "schema/0044_ask_before_archiving.sql",
        "latest.answer = 'approved' AND latest.manifest_sha256 = NEW.manifest_sha256",
        "latest.answer = 'approved'",
        ("tests/faults/test_approvals.py::test_a_bug_of_ours_cannot_let_it_go",),
    ),
    Mutant(
        "the database wants an approval of the archive too",
        SQL + "schema/0044_ask_before_archiving.sql",
        "NEW.pipeline = 'payment_archive')",
        "NEW.pipeline = 'none')",
        ("tests/faults/test_payment_approvals.py::test_a_bug_of_ours_cannot_let_it_go",),
    ),
    Mutant(
        "caps judge what the plan says it would do",
        SQL + "schema/0044_ask_before_archiving.sql",
        "::numeric IS DISTINCT FROM planned",
        "::numeric IS NULL",
        ("tests/faults/test_payment_approvals.py::test_a_plan_that_was_not_judged_is_not_released",),
    ),
    Mutant(
        "who lost a case since is not let go",
        SQL + "schema/0044_ask_before_archiving.sql",
        "IS DISTINCT FROM (NEW.facts ->> 'cases')::bigint",
        "IS NULL",
        ("tests/faults/test_giving_way.py::test_who_answers_afterwards_cannot_let_it_go",),
    ),
    Mutant(
        "nobody approves what he started",
        PACKAGE + "protocol/asking.py",
        "    if answer.by == started_by:\n",
        "    if False:\n",
        ("tests/faults/test_approvals.py::test_a_word_that_does_not_count",),
    ),
    Mutant(
        "an approval is void once the plan has changed",
        PACKAGE + "protocol/asking.py",
        'petition.digest_now(house, run) != run["manifest_sha256"]',
        "False",
        ("tests/faults/test_approvals.py::test_a_plan_that_changed_since_is_asked_about_anew",),
    ),
    Mutant(
        "an approval is void once others would be archived",
        SQL + "payment_archive/select_due.sql",
        "bit_xor(hash_record_extended(ROW(charge_id, records, final_at), 0))",
        "0::bigint",
        ("tests/faults/test_payment_approvals.py::test_a_plan_that_changed_since_is_asked_about_anew",),
    ),
    Mutant(
        "an approval opens no vault that does not lock",
        PACKAGE + "payment_archive/planning.py",
        "    prove_lock(house)\n",
        "",
        ("tests/faults/test_payment_approvals.py::test_an_approval_opens_no_vault_that_does_not_lock",),
    ),
    Mutant(
        "an approval does not give the turn back",
        PACKAGE + "payment_archive/planning.py",
        'if not fetch(connection, "payment_archive/hold_turn", run_id=run_id):',
        "if False:",
        ("tests/faults/test_payment_approvals.py::test_a_run_that_lost_its_turn_is_not_released",),
    ),
    Mutant(
        "who was not let go has done nothing",
        PACKAGE + "payment_archive/attesting.py",
        'if run["released_at"] is None:',
        "if False:",
        ("tests/faults/test_payment_approvals.py::test_a_plan_that_changed_since_is_asked_about_anew",),
    ),
    Mutant(
        "a shortening cools off",
        PACKAGE + "policy/model.py",
        "return self.in_force_from + pause.period.elapsed",
        "return self.in_force_from",
        ("tests/unit/policy/test_cooling_off.py",),
    ),
    Mutant(
        "a version that shortens says how long it cools off",
        PACKAGE + "policy/loader.py",
        "        problems += _hasty(policy, path, before)\n",
        "",
        ("tests/unit/policy/test_cooling_off.py",),
    ),
    Mutant(
        "nobody approves a hold that he placed",
        SQL + "schema/0035_keep_four_eyes.sql",
        "IF lower(btrim($2)) = lower(btrim(h.placed_by)) THEN",
        "IF false THEN",
        ("tests/integration/test_hold_four_eyes.py",),
    ),
    Mutant(
        "the purge waits until the store lets go of what was held",
        SQL + "schema/0036_hold_in_store.sql",
        "FROM lifecycle.store_hold s WHERE s.upload_id IS NOT NULL;",
        "FROM lifecycle.store_hold s WHERE false;",
        (
            "tests/integration/test_legal_holds.py::test_what_is_released_waits_for_the_store_and_is_then_purged",
        ),
    ),
    Mutant(
        "a case waits for its vendors",
        SQL + "photo_purge/select_absent_cases.sql",
        "WHERE k.run_id = %(run_id)s AND NOT k.settled)",
        "WHERE false)",
        ("tests/sql/test_purge_waits_sql.py",),
    ),
)


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the repository's files that uses its environment."""
    with tempfile.TemporaryDirectory(prefix="lifecycle-mutants-") as folder:
        tree = Path(folder) / "repository"
        shutil.copytree(REPOSITORY, tree, ignore=lambda _, names: LEFT_OUT.intersection(names))
        (tree / ".venv").symlink_to(REPOSITORY / ".venv")
        Path(folder).chmod(0o755)
        yield tree


def survives(mutant: Mutant, tree: Path) -> bool:
    """Whether all of the mutant's tests pass without the guard; the file is put back afterwards."""
    path = tree / mutant.file
    text = path.read_text("utf-8")
    path.write_text(text.replace(mutant.old, mutant.new), "utf-8")
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree / "plugins")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    finally:
        path.write_text(text, "utf-8")
    if ran.returncode not in (0, 1):
        raise RuntimeError(f"the tests of “{mutant.guard}” could not be run:\n{ran.stdout[-3000:]}")
    return ran.returncode == 0


def main(words: list[str]) -> int:
    """Take away each guard whose name has all the words; the number of those that nobody missed."""
    chosen = [m for m in MUTANTS if all(word in m.guard for word in words)]
    missed = 0
    with copied() as tree:
        for mutant in chosen:
            alive = survives(mutant, tree)
            missed += alive
            print(f"{'NOT MISSED' if alive else 'missed    '}  {mutant.guard}", flush=True)
    print(f"{len(chosen)} guards taken away, {len(chosen) - missed} missed by a test")
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
