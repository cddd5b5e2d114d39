"""pseudonymise: a request for erasure meets the duty to keep payments. The person is cut off, the records stay.

In the hot table names are blanked; archived records name customers by a reference made with a key, which is destroyed.
What is noted is what the later answer to the person needs: that payments are kept, why, and until when at the latest.
"""

from __future__ import annotations

from data_lifecycle.database import connect, execute, fetch, fetch_one
from data_lifecycle.payment_archive.planning import ROLE, clock_of
from data_lifecycle.payment_archive.workplace import hold_turn, released_run
from data_lifecycle.protocol import posture
from data_lifecycle.protocol.house import House, PromiseBroken, log


def pseudonymise_run(house: House, run_id: int) -> None:
    """Cut off everybody who asked for it, or was found to be a minor, by the run's moment; a transaction a person.

    Repeating it does nothing twice. Raises PromiseBroken when the database swallows a change.
    """
    with connect(house.connections.database(ROLE), "payment_archive pseudonymise") as connection:
        run = released_run(connection, run_id)
        policy, clock = clock_of(house, run["as_of"])
        for person in fetch(connection, "payment_archive/select_requests", as_of=run["as_of"]):
            customer = {"customer_id": person["customer_id"]}
            posture.refuse_while_paused(connection, "nobody else is cut off")
            hold_turn(connection, run_id)
            kept = fetch_one(
                connection,
                "payment_archive/measure_kept",
                years=clock.years,
                time_zone=clock.timezone,
                **customer,
            )
            names = execute(connection, "payment_archive/blank_names", **customer)
            keys = execute(connection, "payment_archive/destroy_key", **customer)
            if (
                execute(
                    connection, "payment_archive/note_pseudonym", kept_until=kept["kept_until"], **customer
                )
                != 1
            ):
                raise PromiseBroken(
                    "the database did not note a pseudonymisation: something swallows the change"
                )
            case = fetch_one(
                connection,
                "payment_archive/insert_pseudonymised",
                run_id=run_id,
                hot_rows=kept["rows"],
                names=names,
                keys=keys,
                kept_until=kept["kept_until"],
                **customer,
            )["case_id"]
            if fetch_one(connection, "payment_archive/count_names", **customer)["names"]:
                raise PromiseBroken("the database did not blank a name: something swallows the change")
            connection.commit()
            until = kept["kept_until"]
            log.info("case %s: names blanked: %d; archive keys destroyed: %d", case, names, keys)
            log.info(
                "case %s: the payments are kept for %s (clause 3.2), %s, then erased within %s",
                case,
                clock.rule.period,
                f"until {until.isoformat()} at the latest"
                if until
                else "counted from when the last is final",
                policy.rule(clock.rule.id).boundary.erase_within,  # type: ignore[union-attr]
            )
