"""Authorities that fail, lie or are asked twice: the log goes on, and a head has one token, in bucket and database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Studio
from tests.unit.evidence_log.authority import FORGE, OpenSsl, serving

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, fetch
from data_lifecycle.evidence import keys, timestamp
from data_lifecycle.evidence.bundle import export, trust_file
from data_lifecycle.evidence.lifecycle_verify import Result, read_stamp, verify
from data_lifecycle.evidence.sequencer import Published
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House


@dataclass
class Office:
    """A house whose log may be seen by a real authority."""

    house: House
    studio: Studio
    real: OpenSsl

    @contextmanager
    def asking(self, answer: Callable[[bytes], Any] | None = None) -> Iterator[House]:
        """The house with the authority, or another in its place, configured."""
        with serving(answer or self.real.reply) as url:
            settings = replace(self.house.settings, timestamp_url=url, timestamp_trust=self.real.trust)
            yield replace(self.house, settings=settings)

    def kept(self, published: Published) -> bytes | None:
        """The bucket's token of the head."""
        assert published.head is not None
        found = ledger.bucket(self.house).timestamp(published.head.size)
        return found.data if found else None

    def noted(self) -> dict[int, bytes]:
        """The database's tokens."""
        with connect(DatabaseAccess(self.studio.urls["reviewer"]), "test") as connection:
            rows = fetch(connection, "evidence_log/select_timestamps", sizes=list(range(100)))
        return {row["tree_size"]: bytes(row["token"]) for row in rows}

    def judge(self) -> Result:
        """What the verifier says of an export by the reviewer."""
        settings = self.house.settings
        attester, log = (keys.load(key).public_key() for key in (settings.attester_key, settings.log_key))
        start = datetime.now(UTC) - timedelta(days=1)
        trust = trust_file(settings.log_origin, [attester], log, start, [self.real.root])
        return verify(export(DatabaseAccess(self.studio.urls["reviewer"]), None), trust)


@pytest.fixture
def office(house: House, studio: Studio, tmp_path: Path) -> Office:
    return Office(house, studio, OpenSsl.make(tmp_path / "tsa"))


def test_a_published_head_is_seen_from_outside_once(office: Office) -> None:
    with office.asking() as house:
        first = ledger.publish(house)
        assert ledger.publish(house) == replace(first, appended=0)
    assert len(office.real.asked) == 1
    assert first.head is not None
    assert first.note is not None
    token = office.kept(first)
    assert token is not None
    assert office.noted() == {first.head.size: token}
    assert read_stamp(token, first.note).signer == office.real.signer
    assert office.real.accepts(token, first.note)
    result = office.judge()
    assert result.refused is None
    assert "1 entries were there by" in dict(result.lines)["timestamp"]
    assert "1 of 1 seen from outside" in dict(result.lines)["time"]


def test_without_an_authority_nothing_is_asked_and_the_log_is_as_good(office: Office) -> None:
    published = ledger.publish(office.house)
    assert office.kept(published) is None
    result = office.judge()
    assert result.refused is None
    assert dict(result.lines)["timestamp"].startswith("logged, not timestamped")


BAD: dict[str, Callable[[bytes], Any]] = {
    "fails": lambda _: (503, b""),
    "answers nonsense": lambda _: b"<html>",
    "is another": lambda _: FORGE.token(b"x", datetime.now(UTC)),
}


@pytest.mark.parametrize("how", BAD)
def test_an_authority_that_fails_or_lies_is_logged_and_asked_again(
    office: Office, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "lifecycle"), office.asking(BAD[how]) as house:
        published = ledger.publish(house)
    assert published.head is not None
    assert published.head.size == 1
    assert "has no outside timestamp yet" in caplog.text
    assert office.kept(published) is None
    assert office.noted() == {}
    with office.asking() as house:
        ledger.publish(house)
    assert set(office.noted()) == {1}
    assert office.judge().refused is None


def test_an_authority_without_certificates_to_judge_it_by_is_not_asked(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with office.asking() as house:
        ledger.publish(replace(house, settings=replace(house.settings, timestamp_trust=None)))
    assert office.real.asked == []
    assert "not the certificates" in caplog.text


def test_a_token_that_was_put_but_not_noted_is_noted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> int:
        raise InterruptedError

    with office.asking() as house:
        with monkeypatch.context() as patch:
            patch.setattr(timestamp, "execute", die)
            with pytest.raises(InterruptedError):
                ledger.publish(house)
        assert office.noted() == {}
        published = ledger.publish(house)
    assert len(office.real.asked) == 1
    assert office.noted() == {1: office.kept(published)}


def test_two_who_ask_at_once_keep_one_token(office: Office) -> None:
    published = ledger.publish(office.house)
    assert published.head is not None
    assert published.note is not None
    together, lock, times = threading.Barrier(2), threading.Lock(), []

    def answer(query: bytes) -> bytes:
        together.wait(30)
        with lock:
            return office.real.reply(query)

    def ask(house: House) -> None:
        assert published.head is not None
        assert published.note is not None
        assert house.settings.timestamp_url is not None
        times.append(
            timestamp.stamp(
                house.connections.database("log_sequencer"), ledger.bucket(house), published.head.size,
                published.note, house.settings.timestamp_url, house.settings.timestamp_trust,
            )
        )  # fmt: skip

    with office.asking(answer) as house:
        threads = [threading.Thread(target=ask, args=(house,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(office.real.asked) == 2
    assert len(times) == 2
    assert times[0] == times[1] is not None
    assert office.noted() == {1: office.kept(published)}


def test_what_somebody_else_put_in_its_place_is_not_believed(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    published = ledger.publish(office.house)
    assert published.note is not None
    ledger.bucket(office.house).put_timestamp(1, FORGE.token(published.note, datetime.now(UTC)))
    with office.asking() as house:
        assert ledger.publish(house).note == published.note
    assert "not signed by the authority" in caplog.text
    assert office.noted() == {}
    assert office.judge().refused is None
