"""Time from outside: real authorities are believed, by three verifiers alike; what is not quite a token never is."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc3161_client
from cryptography import x509
from tests.unit.evidence_log.attacks import GOOD, HOUSE
from tests.unit.evidence_log.attacks_time import (
    BAD_TOKENS,
    NOTE,
    SIZE,
    STAMPED,
    TIMED,
    authority,
    with_stamps,
)
from tests.unit.evidence_log.authority import FORGE, NOW, ROOT, TSA, OpenSsl, der, num, seq, serving
from tests.unit.evidence_log.forge import judge, trust

from data_lifecycle.evidence import timestamp
from data_lifecycle.evidence.lifecycle_verify import Refused, read_stamp, unpack, vouched
from data_lifecycle.evidence.timestamp import Authority, NotStamped

REAL = [("ec", True, "sha384"), ("ec", False, "sha256"), ("rsa", True, "sha512"), ("rsa", False, "sha256")]
MUTATIONS = 2_000


def library_accepts(answer: bytes, data: bytes, root: x509.Certificate, *between: x509.Certificate) -> bool:
    """Whether rfc3161-client takes the answer."""
    builder = rfc3161_client.VerifierBuilder().add_root_certificate(root)
    for one in between:
        builder = builder.add_intermediate_certificate(one)
    try:
        decoded = rfc3161_client.decode_timestamp_response(answer)
        return builder.build().verify_message(decoded, data)
    except (rfc3161_client.VerificationError, ValueError):
        return False


@pytest.mark.parametrize(("kind", "between", "digest"), REAL)
def test_a_real_authority_is_believed_by_everybody(
    tmp_path: Path, kind: str, between: bool, digest: str
) -> None:
    real = OpenSsl.make(tmp_path / "tsa", kind, between=between, digest=digest)
    begun = datetime.now(UTC).replace(microsecond=0)
    answer = real.stamp(NOTE)
    found = read_stamp(answer, NOTE)
    assert begun <= found.at <= datetime.now(UTC)
    assert found.accuracy == timedelta(seconds=1.5)
    assert vouched(found, {real.root: "root"}) == "root"
    assert vouched(found, {real.signer: "itself"}) == "itself"
    assert vouched(found, {ROOT: "another"}) is None
    assert real.accepts(answer, NOTE)
    assert library_accepts(answer, NOTE, real.root, *real.above)
    decoded = rfc3161_client.decode_timestamp_response(answer).tst_info
    assert (decoded.gen_time, decoded.nonce) == (found.at, found.nonce)


def test_a_real_token_of_something_else_is_believed_by_nobody(tmp_path: Path) -> None:
    real, stranger = OpenSsl.make(tmp_path / "tsa"), OpenSsl.make(tmp_path / "stranger", between=False)
    answer = real.stamp(NOTE)
    with pytest.raises(Refused):
        read_stamp(answer, NOTE + b"x")
    assert not real.accepts(answer, NOTE + b"x")
    assert not stranger.accepts(answer, NOTE)
    assert not library_accepts(answer, NOTE + b"x", real.root, *real.above)
    assert not library_accepts(answer, NOTE, stranger.root)


def test_tokens_made_by_hand_are_good_before_they_are_made_bad() -> None:
    found = read_stamp(FORGE.token(NOTE), NOTE)
    assert (found.at, found.accuracy, found.nonce) == (NOW, timedelta(seconds=1.5), 123456)
    assert vouched(found, {ROOT: "root"}) == "root"
    assert library_accepts(FORGE.token(NOTE), NOTE, ROOT)


@pytest.mark.parametrize(
    "info",
    [
        {"time": der(0x18, b"20260107030000.123Z")},
        {"time": der(0x18, b"20260107030000.123456789Z")},
        {"accuracy": b"", "nonce": b""},
        {"accuracy": seq(num(1, 0x81))},
        {"ordering": der(1, b"\xff"), "tsa": der(0xA0, der(0xA4, TSA.subject.public_bytes()))},
        {"extensions": der(0xA1, seq(bytes.fromhex("06022a03"), der(4, b"x")))},
    ],
    ids=["milliseconds", "nanoseconds", "nothing optional", "microseconds", "all optional", "an extension"],
)
def test_what_may_be_there_may_be_there(info: dict[str, bytes]) -> None:
    found = read_stamp(FORGE.token(NOTE, info=info), NOTE)
    assert abs(found.at - NOW) < timedelta(seconds=1)


# What nobody accepts --------------------------------------------------------------------------------------------------

STRICTER = {
    # A checkpoint is stamped by its SHA-256, with a number, within the hour, on no condition.
    "with another digest", "with the number zero", "accurate to a day", "with a condition", "of version 2",
    # RFC 5652 and 5816: the signature says what it is over and by which certificate, in digests that are strong.
    "signing no content type", "signing another content type", "signing no certificate",
    "signing another certificate", "signing a certificate's weak digest", "with another kind of signature",
    "with two digests", "of another version", "with a short key", "granted, but failed",
}  # fmt: skip
"""What rfc3161-client lets pass and the reviewer's verifier does not."""


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_token_is_refused(name: str) -> None:
    token = BAD_TOKENS[name]()
    try:
        accepted = vouched(read_stamp(token, NOTE), {ROOT: "root"}) is not None
    except Refused:
        accepted = False
    assert not accepted
    assert library_accepts(token, NOTE, ROOT) == (name in STRICTER)


def test_there_are_bad_tokens_enough() -> None:
    print(f"{len(BAD_TOKENS)} named bad tokens")
    assert len(BAD_TOKENS) >= 80
    assert set(BAD_TOKENS) >= STRICTER


@pytest.mark.parametrize("kind", ["forged", "real"])
def test_no_mutation_makes_a_token_say_something_else(kind: str, tmp_path: Path) -> None:
    token, root = FORGE.token(NOTE), ROOT
    if kind == "real":
        real = OpenSsl.make(tmp_path / "tsa")
        token, root = real.stamp(NOTE), real.root
    honest = read_stamp(token, NOTE)
    chance, tried, passed = random.Random(3161), 0, 0
    while tried < MUTATIONS:
        at_, bad = chance.randrange(len(token)), bytearray(token)
        if chance.random() < 0.5:
            bad[at_] ^= 1 << chance.randrange(8)
        else:
            bad[at_ : at_ + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        if bytes(bad) == token:
            continue
        tried += 1
        try:
            found = read_stamp(bytes(bad), NOTE)
        except Refused:
            continue
        # Certificates that are not needed, and the text beside the status, are under no signature.
        if vouched(found, {root: "root"}) is not None:
            passed += 1
            assert (found.at, found.nonce, found.signer) == (honest.at, honest.nonce, honest.signer)
    print(
        f"{tried} mutations of a {kind} token: {passed} changed nothing that is said, the others were refused"
    )
    assert passed < tried // 2


# In a bundle ----------------------------------------------------------------------------------------------------------


def test_without_a_token_the_verifier_says_so() -> None:
    for given in (trust(), TIMED):
        lines = dict(judge(GOOD, given).lines)
        assert lines["timestamp"] == "logged, not timestamped: when is what the signers say"
        assert "outside" not in lines["time"]


def test_with_tokens_it_says_when_and_by_whom() -> None:
    result = judge(STAMPED, TIMED)
    assert result.refused is None
    lines = dict(result.lines)
    assert lines["timestamp"] == "24 entries were there by 2026-01-07 03:00:00 UTC, says Time Inc.; 2 in all"
    assert "24 of 24 seen from outside, at most" in lines["time"]


def test_tokens_of_nobody_the_reviewer_trusts_count_for_nothing() -> None:
    result = judge(STAMPED, trust())
    assert result.refused is None
    assert dict(result.lines)["timestamp"] == (
        "logged, not timestamped: when is what the signers say; 2 tokens, of no authority you trust"
    )
    assert "outside" not in dict(result.lines)["time"]


def test_a_later_head_that_was_seen_earlier_counts_for_those_before_it() -> None:
    late = with_stamps({7: FORGE.token(HOUSE.note(7), NOW + timedelta(days=90)), SIZE: FORGE.token(NOTE)})
    assert "at most 146 h 0 min" in dict(judge(late, TIMED).lines)["time"]


def test_what_came_after_the_last_token_is_not_seen() -> None:
    part = with_stamps({7: FORGE.token(HOUSE.note(7), NOW)})
    lines = dict(judge(part, TIMED).lines)
    assert lines["timestamp"].startswith("7 entries were there by")
    assert "7 of 24 seen from outside" in lines["time"]


def test_a_part_of_the_log_takes_its_tokens_along() -> None:
    part = with_stamps({7: FORGE.token(HOUSE.note(7)), SIZE: FORGE.token(NOTE)}, first=4, end=17)
    assert judge(part, TIMED).refused is None
    assert {name for name in unpack(part) if name.startswith("timestamps/")} == {
        "timestamps/00000000000000000007", f"timestamps/{SIZE:020d}"
    }  # fmt: skip


def test_the_authority_itself_may_be_listed_instead_of_its_root() -> None:
    assert judge(STAMPED, trust(timestamp_authorities=[authority(TSA)])).refused is None


# Asking ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def real(tmp_path: Path) -> OpenSsl:
    return OpenSsl.make(tmp_path / "tsa")


def test_an_answer_is_asked_for_and_judged(real: OpenSsl) -> None:
    with serving(real.reply) as url:
        answer = Authority.of(url, real.trust).ask(NOTE)
    assert vouched(read_stamp(answer, NOTE), {real.root: "r"}) == "r"
    assert real.accepts(answer, NOTE)


def test_the_authority_learns_a_digest_and_nothing_else(real: OpenSsl) -> None:
    with serving(real.reply) as url:
        Authority.of(url, real.trust).ask(NOTE)
    (query,) = real.asked
    assert len(query) < 80
    assert NOTE[:20] not in query


BAD_AUTHORITIES: dict[str, Callable[[OpenSsl], Callable[[bytes], Any]]] = {
    "answers an earlier question": lambda real: lambda _: real.stamp(NOTE),
    "answers about something else": lambda real: lambda _: real.stamp(b"else"),
    "answers with an error": lambda real: lambda _: (500, b""),
    "answers elsewhere": lambda real: lambda _: (302, b""),
    "answers with a page": lambda real: lambda _: b"<html>",
    "answers with nothing": lambda real: lambda _: b"",
    "answers too much": lambda real: lambda query: real.reply(query) + bytes(1 << 16),
    "answers without a token": lambda real: lambda _: seq(seq(num(2))),
    "lets another sign": lambda real: lambda _: FORGE.token(NOTE, datetime.now(UTC)),
    "flips a bit": lambda real: lambda query: real.reply(query)[:-1] + b"?",
}


@pytest.mark.parametrize("how", BAD_AUTHORITIES)
def test_an_authority_that_fails_or_lies_gives_no_timestamp(real: OpenSsl, how: str) -> None:
    with serving(BAD_AUTHORITIES[how](real)) as url, pytest.raises(NotStamped):
        Authority.of(url, real.trust).ask(NOTE)


def test_an_authority_whose_clock_is_wrong_gives_no_timestamp(
    real: OpenSsl, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=2)

    monkeypatch.setattr(timestamp, "datetime", Later)
    with serving(real.reply) as url, pytest.raises(NotStamped, match="which it is not"):
        Authority.of(url, real.trust).ask(NOTE)


def test_an_authority_that_is_not_there_gives_no_timestamp(real: OpenSsl) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", "http://[", "ftp://127.0.0.1/"):
        with pytest.raises(NotStamped, match="cannot be reached"):
            Authority.of(url, real.trust).ask(NOTE)


def test_nobody_waits_for_an_authority_that_never_ends(
    real: OpenSsl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timestamp, "_PATIENCE", 0.3)
    over = threading.Event()

    def answer(query: bytes) -> bytes:
        over.wait(10)
        return real.reply(query)

    with serving(answer) as url:
        with pytest.raises(NotStamped, match="longer than"):
            Authority.of(url, real.trust).ask(NOTE)
        over.set()


def test_without_certificates_nobody_is_asked(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for file in (None, tmp_path / "missing.pem", tmp_path / "empty.pem"):
        with pytest.raises(NotStamped):
            Authority.of("http://127.0.0.1:1/", file)


def test_the_same_export_with_its_tokens_is_the_same_archive() -> None:
    content = HOUSE.content()
    token = FORGE.token(NOTE)
    first, second = (replace(content, stamps={SIZE: token}).to_zip() for _ in range(2))
    assert first == second
