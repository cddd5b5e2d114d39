"""What an archive run tells the person it asks, as the archiver reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.payment_fixtures import Till
from tests.sql.payment_stage import P, archiver, run_id, shop

from data_lifecycle.database import Connection, execute, fetch, fetch_one

__all__ = ["archiver", "run_id", "shop"]
NOW = datetime.now(UTC)


def a_run(shop: Till, name: str, state: str, rows: int, dry: bool = False) -> int:
    """An earlier run of the archive that came to this, and archived so many rows; its number."""
    (made,) = shop.sql(
        "INSERT INTO lifecycle.run (pipeline, dag_run_id, attempt, as_of, dry_run, policy_id, policy_version,"
        " policy_sha256, code_sha, manifest_sha256, batches, state, facts)"
        " VALUES ('payment_archive', %s, 1, now(), %s, 'p', '1', '0', '0', '0', 1, %s,"
        " jsonb_build_object('rows', %s::int, 'expiring_rows', 1, 'ended_hot_rows', 2)) RETURNING run_id",
        name, dry, state, rows,
    )  # fmt: skip
    return int(made["run_id"])


def test_a_sample_shows_what_would_be_erased_before_what_would_be_made(
    shop: Till, archiver: Connection, run_id: int
) -> None:
    made = [NOW, NOW + timedelta(days=10)]
    execute(
        archiver,
        P + "insert_files",
        run_id=run_id,
        batches=[0, 1],
        kinds=["regular", "correction"],
        starts=made,
        ends=[end + timedelta(days=10) for end in made],
        final_froms=made,
        final_tos=made,
        order_ids=[None, None],
    )
    archiver.commit()
    earlier = a_run(shop, "earlier", "verified", 1)
    (old,) = shop.sql(
        "INSERT INTO lifecycle.archive_file"
        " (run_id, batch, kind, window_start, window_end, state, object_key, version_id, rows, last_end)"
        " VALUES (%s, 0, 'regular', now(), now() + interval '1 day', 'current', 'a/v1/b/c', 'v', 7, %s)"
        " RETURNING file_id",
        earlier, NOW,
    )  # fmt: skip
    execute(archiver, P + "insert_expiries", run_id=run_id, file_ids=[old["file_id"]])
    archiver.commit()
    shown = fetch(archiver, P + "select_sample", run_id=run_id, files=5)
    assert (shown[0]["file_id"], shown[0]["kind"], shown[0]["ends"]) == (old["file_id"], "regular", NOW)
    assert [(row["erased"], row["rows"]) for row in shown] == [(True, 7), (False, None), (False, None)]
    assert {row["ends"] for row in shown[1:]} == {end + timedelta(days=10) for end in made}
    assert len(fetch(archiver, P + "select_sample", run_id=run_id, files=1)) == 1
    assert fetch(archiver, P + "select_sample", run_id=0, files=5) == []


def test_what_is_usual_is_the_median_of_verified_runs(shop: Till, archiver: Connection, run_id: int) -> None:
    none = {"archived": None, "erased": None, "runs": 0}
    assert fetch_one(archiver, P + "read_usual", pipeline="payment_archive") == none
    archiver.commit()
    for number, (state, rows, dry) in enumerate(
        [("verified", 3, False), ("verified", 9, False), ("verified", 5, False), ("failed", 99, False),
         ("verified", 99, True)]
    ):  # fmt: skip
        a_run(shop, f"earlier-{number}", state, rows, dry)
    found = fetch_one(archiver, P + "read_usual", pipeline="payment_archive")
    assert found == {"archived": 5, "erased": 3, "runs": 3}


def test_the_archiver_reads_what_was_answered_and_writes_none(
    shop: Till, archiver: Connection, run_id: int
) -> None:
    shop.sql(
        "INSERT INTO lifecycle.approval (run_id, manifest_sha256, asked_at, answer, answered_by)"
        " VALUES (%s, %s, now(), 'rejected', 'reviewer')",
        run_id, "0" * 64,
    )  # fmt: skip
    (said,) = fetch(archiver, "approval/select_answers", run_id=run_id)
    assert (said["answer"], said["answered_by"]) == ("rejected", "reviewer")
    may = shop.sql("SELECT has_table_privilege('payment_archiver', 'lifecycle.approval', 'INSERT') AS yes")
    assert may == [{"yes": False}]
