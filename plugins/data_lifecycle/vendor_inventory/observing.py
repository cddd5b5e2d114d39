"""observe: one pass over everything sent; what was found and its documents are kept together, or not at all."""

from __future__ import annotations

from typing import Any

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.policy.model import Policy
from data_lifecycle.protocol.house import House, PromiseBroken, log
from data_lifecycle.transfer_check import yardstick
from data_lifecycle.vendor_inventory import documents
from data_lifecycle.vendor_inventory.planning import ROLE
from data_lifecycle.vendor_inventory.record import Found, Part, build


def observe_run(house: House, run_id: int) -> None:
    """Count and compare what run ``run_id`` planned, in one transaction. Repeated, it does nothing.

    The register is that of the plan. PromiseBroken when the plan is not released, or when the register's file is
    another one by now: the record would say what the plan did not.
    """
    with connect(house.connections.database(ROLE), "vendor_inventory observe") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        if run["released_at"] is None:
            raise PromiseBroken(f"run {run_id} is not released: guard comes first")
        rule = yardstick.load(house, run["as_of"])
        if (rule.register.sha256, rule.policy.sha256) != (
            run["facts"]["register_sha256"],
            run["policy_sha256"],
        ):
            raise PromiseBroken(
                f"register or policy changed since run {run_id} was planned: start a new run, nothing is lost"
            )
        found = _observe(connection, run, rule)
        if found is None:
            log.info("run %d is observed already", run_id)
            return
        record = build(found, rule.register, rule.policy)
        for name, content in documents.render(house.settings, record).items():
            execute(
                connection,
                "vendor_inventory/insert_document",
                run_id=run_id,
                document=name,
                sha256=documents.digest(content),
                content=content,
            )
        connection.commit()
    _tell(record)


def _observe(connection: Connection, run: Row, rule: yardstick.Yardstick) -> Found | None:
    run_id = run["run_id"]
    earlier = fetch(connection, "vendor_inventory/find_previous", as_of=run["as_of"], run_id=run_id)
    previous = earlier[0] if earlier else None
    quiet_after = rule.policy.vendor_inventory.quiet_after.elapsed
    begun = execute(
        connection,
        "vendor_inventory/insert_inventory",
        run_id=run_id,
        register=rule.register.sha256,
        previous=previous["run_id"] if previous else None,
        quiet_after=quiet_after,
    )
    if not begun:
        return None
    execute(
        connection,
        "vendor_inventory/observe_sent",
        run_id=run_id,
        as_of=run["as_of"],
        register=rule.register.sha256,
        quiet_after=quiet_after,
        **_allowed(rule.policy),
    )
    changes = (
        fetch(connection, "vendor_inventory/select_changes", run_id=run_id, previous=previous["run_id"])
        if previous
        else []
    )
    return Found(
        run,
        fetch(connection, "vendor_inventory/select_vendors", run_id=run_id),
        fetch(connection, "vendor_inventory/select_lines", run_id=run_id),
        fetch(connection, "vendor_inventory/select_drift", run_id=run_id),
        previous,
        changes,
    )


def _allowed(policy: Policy) -> dict[str, Any]:
    """What the policy gives to which kind of vendor, as `observe_sent` takes it: two columns each."""
    kinds = policy.sharing.vendor_kinds
    categories = [(kind.kind, category) for kind in kinds for category in kind.data_categories]
    uses = [(kind.kind, use) for kind in kinds for use in kind.data_uses]
    return {
        "category_kinds": [kind for kind, _ in categories],
        "categories": [category for _, category in categories],
        "use_kinds": [kind for kind, _ in uses],
        "uses": [use for _, use in uses],
    }


def _tell(record: Part) -> None:
    """Coarsened like the documents: logs are kept in the locked bucket too."""
    for vendor in record["recipients"]:
        places = len({line["country"] for line in vendor["observed"]})
        known = "" if vendor["registered"] else "; in no register"
        log.info("%s: %s people, %d countries%s", vendor["id"], vendor["people"], places, known)
    for row in record["drift"]:
        tell = log.warning if row["kind"] in ("no_traffic", "review_overdue") else log.error
        tell(
            "drift %s, vendor %s%s: %s; %s disclosures, since %s (clause %s)%s",
            row["kind"],
            row["vendor"],
            f", {row['subject']}" if row["subject"] else "",
            row["means"],
            row["disclosures"],
            row["since"],
            row["clause"],
            "; the policy allows it to no vendor of this kind" if row["forbidden"] else "",
        )
    if record["previous_run"] is None:
        log.info("the first inventory: nothing to compare it with")
        return
    log.info(
        "compared with the inventory of run %d: %d changes", record["previous_run"], len(record["changes"])
    )
    for change in record["changes"]:
        about = " ".join(
            filter(None, (change["what"], change["vendor"], change["subject"], change["country"]))
        )
        log.info("%s: %s", change["change"], about)
