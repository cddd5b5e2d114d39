"""Canary persons go through runs that succeed and runs that fail in every way: afterwards they are nowhere.

Names, e-mails, words of theirs, order ids, keys, file and version ids count: each leads to a person.
"""

from __future__ import annotations

import base64
import html
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg2
import psycopg2.errors
import pytest
from tests import leaks
from tests.dag_runs import Ran, run_dag
from tests.faults.proxy import Answer, Call, Forward, Lie, lying, objects_of
from tests.faults.workshop import DUE, LATE, Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist, with texts that occur nowhere else."""

    name: str
    email: str
    order: str
    file: str
    words: str


PEOPLE = (
    Person(
        "Þórdís Kanarífugl", "thordis.kanarifugl@example.org", "ord_kanari_1", "Þórdís mynd.jpg", "bláa úlpan"
    ),
    Person(
        "Zoë O'Canary-Nuñez",
        "zoe+ocanary@example.com",
        "ord_kanari_2",
        "zoë+front 100%.jpg",
        "freckles, please",
    ),
    Person("金丝雀欧阳静怡", "jinsique@example.net", "ord_kanari_3", "静怡\n正面.jpg", "左脸有一颗痣"),
    Person(
        'كناري "ليلى" <الحسن>', "layla.canary@example.org", "ord_kanari_4", "ليلى & عمر.jpg", "رداء أحمر طويل"
    ),
)


@pytest.fixture
def shop(house: House, studio: Studio, store: ObjectStore, airflow_connections: None) -> Workshop:
    """A studio whose only customers are the canary persons."""
    made = Workshop(house, studio.admin_url, store.store_access("object_admin"))
    for person, ended in zip(PEOPLE, (DUE, LATE, DUE, None), strict=True):
        (row,) = made.sql(
            "INSERT INTO studio.customers VALUES (gen_random_uuid(), %s, %s, 'IS', 'Atlantic/Reykjavik', false, now())"
            " RETURNING customer_id",
            person.name,
            person.email,
        )
        made.order(ended, order_id=person.order, files=0)
        made.sql(
            "UPDATE studio.orders SET customer_id = %s, description = %s WHERE order_id = %s",
            row["customer_id"],
            person.words,
            person.order,
        )
        file = made.file(person.order, person.file, versions=2, marker=True, unfinished=True)
        made.file(person.order, f"thumb {person.file}", derived_from=file)
    made.s3.put_object(Bucket=made.uploads, Key=f"orders/{PEOPLE[0].order}/stray of Þórdís.jpg", Body=b"1")
    return made


@pytest.fixture
def run(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the purge."""
    return lambda **conf: run_dag("photo_purge", {"dry_run": False, **conf}, caplog, capfd)


def refuses_and_quotes(call: Call, forward: Forward) -> Answer:
    """A store that refuses every deletion, and says in so many words what it does not delete."""
    if call.method == "POST":
        body = b"".join(
            b"<Error><Key>%s</Key><VersionId>%s</VersionId><Code>AccessDenied</Code>"
            b"<Message>no right to delete %s</Message></Error>" % (key, version, key)
            for key, version in objects_of(call.body)
        )
        return Answer(200, b"<DeleteResult>%s</DeleteResult>" % body, {"Content-Type": "application/xml"})
    return forward(call) if call.method == "GET" else quotes(call, forward)


def quotes(call: Call, forward: Forward) -> Answer:
    """A store that answers nothing about orders but an error with the address in it."""
    if "orders/" not in call.target:
        return forward(call)
    text = html.escape(call.target)
    body = f"<Error><Code>AccessDenied</Code><Message>{text}</Message><Resource>{text}</Resource></Error>"
    return Answer(403, body.encode(), {"Content-Type": "application/xml"})


def go_to(patch: pytest.MonkeyPatch, identity: str, endpoint_url: str) -> None:
    """Give the Airflow connection of ``identity`` another address."""
    connection = json.loads(os.environ[f"AIRFLOW_CONN_{identity.upper()}"])
    connection["extra"]["endpoint_url"] = endpoint_url
    patch.setenv(f"AIRFLOW_CONN_{identity.upper()}", json.dumps(connection))


def needles(shop: Workshop) -> dict[str, list[str]]:
    """All that leads to the canary persons, the store's version ids included."""
    with psycopg2.connect(shop.admin_url) as connection:
        found = leaks.people(connection)
    found["file name"] = [person.file for person in PEOPLE] + ["stray of Þórdís"]
    found["version"] += [version for _, _, _, version in shop.everything()]
    found["key"] += [key for _, key, _, _ in shop.everything()]
    for person in PEOPLE:
        assert person.name in found["name"]
        assert person.words in found["words"]
        assert any(person.file in key for key in found["key"])
    return found


def everything_kept(shop: Workshop, logs: dict[str, str]) -> Iterator[tuple[str, str]]:
    """All that outlives a run, other than the purge's own working tables."""
    yield from ((f"log of {name}", text) for name, text in logs.items())
    yield from leaks.in_files(shop.house.settings.data_docs)
    metadata = sqlite3.connect(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].removeprefix("sqlite:///"))
    tables = [row[0] for row in metadata.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert {"xcom", "rendered_task_instance_fields", "log", "dag_run"} <= set(tables)
    yield from leaks.in_database(metadata, tables)
    metadata.close()
    with psycopg2.connect(shop.admin_url) as connection:
        yield from leaks.in_database(connection, leaks.KEPT)
    for name, envelopes in shop.kept_evidence().items():
        yield from leaks.in_rows("evidence bucket", [[name], envelopes])


def test_nobody_is_named_anywhere(
    shop: Workshop,
    run: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from data_lifecycle.embedded import ports
    from data_lifecycle.photo_purge import planning

    logs: dict[str, str] = {}
    sought = needles(shop)

    def expect(name: str, state: str, **conf: Any) -> None:
        ran = run(**conf)
        assert ran.state == state, "\n".join(line for line in ran.log.splitlines() if " lifecycle:" in line)
        logs[name] = ran.log

    expect("a future as_of", "failed", as_of=(datetime.now(UTC) + timedelta(days=2)).isoformat())
    expect("a dry run", "success", dry_run=True)

    # A row that the database refuses is quoted in the exception, with all its values.
    shop.sql("ALTER TABLE lifecycle.item ADD CONSTRAINT nobody CHECK (object_key !~ 'kanari')")
    with pytest.raises(psycopg2.errors.CheckViolation, match="kanari"):
        shop.plan("bare")
    expect("a refused row", "failed")
    assert "CheckViolation" in logs["a refused row"]
    shop.sql("ALTER TABLE lifecycle.item DROP CONSTRAINT nobody")

    # A KeyError is nothing but the key.
    with monkeypatch.context() as patch:

        def lookup(*_: object) -> None:
            raise KeyError(f"orders/{PEOPLE[1].order}/{PEOPLE[1].file}")

        patch.setattr(planning, "make_plan", lookup)
        expect("a failed lookup", "failed")
        assert "KeyError" in logs["a failed lookup"]

    def elsewhere(name: str, identity: str, lie: Lie | None) -> None:
        """A run for which one identity's store is a lying one, or none at all."""
        shop.file(PEOPLE[0].order, f"Þórdís {name}.jpg")
        for what, texts in needles(shop).items():
            sought[what] += texts
        with monkeypatch.context() as patch, ExitStack() as stack:
            if lie is None:
                go_to(patch, identity, f"http://127.0.0.1:{ports.choose()}")
            else:
                access = stack.enter_context(lying(shop.house.connections.store(identity), lie))
                go_to(patch, identity, access.endpoint_url or "")
            expect(name, "failed")

    # Clients log the addresses of what they cannot reach, and raise what the store said.
    elsewhere("nothing listed", "object_eraser", quotes)
    elsewhere("nothing erased", "object_eraser", refuses_and_quotes)
    elsewhere("nothing seen", "object_observer", quotes)
    elsewhere("no store to erase in", "object_eraser", None)
    elsewhere("no store to look at", "object_observer", None)
    elsewhere("no store for evidence", "evidence_vault", None)
    assert "AccessDenied" in logs["nothing erased"]
    expect("a clean end", "success")

    for what, texts in needles(shop).items():
        sought[what] += texts
    sought = {what: sorted(set(texts)) for what, texts in sought.items()}
    assert leaks.search(sought, everything_kept(shop, logs)) == []

    # The search sees all of these places: what is meant to be there is found in each.
    seen = leaks.search({"seal": ["photo_purge"]}, everything_kept(shop, logs))
    places = {line.rsplit(":", 1)[0] for line in seen}
    assert {"lifecycle.run", "lifecycle.evidence", "lifecycle.evidence, payload", "evidence bucket"} <= places
    assert {"xcom", "dag_run", "task_instance", "log of a clean end", "file name"} <= places


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.order)
def test_the_search_finds_a_person_however_written(person: Person, tmp_path: Path) -> None:
    log = tmp_path / "attempt=1.log"
    for text in (person.name, person.email, person.file, person.words):
        for written in (
            text,
            quote(text, safe=""),
            json.dumps({"event": text}),
            repr({"key": text}),
            repr(text.encode()),
            html.escape(f"<td>{text}</td>"),
            *(base64.b64encode(b"." * offset + text.encode() + b"...").decode() for offset in range(3)),
            text.encode().hex(),
        ):
            log.write_text(f"before {written} after", "utf-8")
            assert leaks.search({"it": [text]}, leaks.in_files(tmp_path)) == ["attempt=1.log: it"], written
    log.write_text("before and after", "utf-8")
    assert leaks.search({"it": [person.name, person.email, person.file]}, leaks.in_files(tmp_path)) == []


def test_the_search_finds_a_person_in_a_metadata_table(airflow_database: str) -> None:
    with sqlite3.connect(airflow_database.removeprefix("sqlite:///")) as metadata:
        metadata.execute("CREATE TEMP TABLE planted (id int, value text, blob blob)")
        metadata.execute("INSERT INTO planted VALUES (1, ?, NULL)", [json.dumps(PEOPLE[2].name)])
        assert leaks.search({"it": [PEOPLE[2].name]}, leaks.in_database(metadata, ["planted"])) == [
            "planted: it"
        ]
