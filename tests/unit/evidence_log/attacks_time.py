"""What somebody can try with timestamps: tokens of others, of nobody, of another time, or not quite tokens."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.unit.evidence_log.attacks import HOUSE, attack, put
from tests.unit.evidence_log.attacks_opening import ATTACKS
from tests.unit.evidence_log.authority import (
    CONTENT_TYPE,
    ECDSA_SHA384,
    FORGE,
    MESSAGE_DIGEST,
    NOW,
    OTHER,
    ROOT,
    ROOT_KEY,
    SHA1,
    SHA512,
    SIGNING_CERTIFICATE_V2,
    TSA,
    TSA_KEY,
    Forge,
    certificate,
    der,
    num,
    oid,
    seq,
    whole,
)
from tests.unit.evidence_log.forge import Log, edit, swap, trust

from data_lifecycle.evidence.lifecycle_verify import unpack

__all__ = ["ATTACKS", "BAD_TOKENS", "NOTE", "STAMPED", "TIMED", "with_stamps"]

NOTE = HOUSE.note()
"""The head that is stamped."""
SIZE = len(HOUSE.entries)
BAD_TOKENS: dict[str, Callable[[], bytes]] = {}
"""Tokens on the head, each bad in one way."""


def authority(found: x509.Certificate, name: str = "Time Inc.") -> dict[str, str]:
    """An authority of a trust file."""
    return {"name": name, "certificate": b64encode(whole(found)).decode()}


TIMED = trust(timestamp_authorities=[authority(ROOT)])
"""A trust file of somebody who believes the root."""


def with_stamps(stamps: Mapping[int, bytes], log: Log = HOUSE, **part: Any) -> bytes:
    """An honest export with these tokens."""
    notes = {size: log.note(size) for size in stamps if size != len(log.entries)}
    return replace(log.content(notes=notes, **part), stamps=stamps).to_zip()


STAMPED = with_stamps({7: FORGE.token(HOUSE.note(7), NOW - timedelta(days=1)), SIZE: FORGE.token(NOTE)})


def sha1(data: bytes) -> bytes:
    """The digest that nobody should rely on any more."""
    return hashlib.new("sha1", data, usedforsecurity=False).digest()


def bad(name: str, make: Callable[[], bytes], check: str = "timestamp") -> None:
    """Register a bad token on the head."""
    BAD_TOKENS[name] = make
    attack(check, name, lambda: with_stamps({SIZE: make()}), trust=TIMED)


def other(name: str, **changes: Any) -> None:
    """Register a token of the honest key whose parts are changed."""
    at: datetime = changes.pop("at", NOW)
    bad(name, lambda: FORGE.token(NOTE, at, **changes))


def reworded(name: str, **parts: bytes) -> None:
    """Register a token in which parts outside the signature are replaced."""
    other(name, change=lambda found: found.update(parts))


def made(name: str, **how: Any) -> None:
    """Register a token of a signer whose certificate, properly issued, is another than it should be."""
    issuer = how.pop("by", (ROOT, ROOT_KEY))
    key = how.pop("key", TSA_KEY)
    bad(name, lambda: Forge(key, (certificate("Time", key, issuer, **how), ROOT)).token(NOTE))


def below(name: str, **how: Any) -> None:
    """Register a token of a signer below an authority in between that must not issue its certificate."""

    def make() -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        middle = certificate("Middle", key, (ROOT, ROOT_KEY), **({"authority": True} | how))
        return Forge(TSA_KEY, (certificate("Time", TSA_KEY, (middle, key)), middle, ROOT)).token(NOTE)

    bad(name, make)


def flipped(at: int) -> Callable[[], bytes]:
    """The honest token with one bit changed at an offset."""

    def make() -> bytes:
        token = bytearray(FORGE.token(NOTE))
        token[at] ^= 1
        return bytes(token)

    return make


def indefinite(token: bytes) -> bytes:
    """The same with a length that is told by its end, as BER allows."""
    assert token[1] == 0x82
    return token[:1] + b"\x80" + token[4:] + b"\0\0"


def longer(token: bytes) -> bytes:
    """The same with a length that takes more bytes than it needs."""
    assert token[1] == 0x82
    return token[:1] + b"\x83\0" + token[2:]


def _of_what() -> None:
    bad("of another checkpoint", lambda: FORGE.token(HOUSE.note(7)))
    bad("of the text without its signature", lambda: FORGE.token(NOTE.split(b"\n\n")[0] + b"\n"))
    bad("of the root", lambda: FORGE.token(HOUSE.tree().root()))
    imprint = hashlib.sha512(NOTE).digest()
    other("with another digest", info={"imprint": seq(seq(oid(SHA512)), der(4, imprint))})
    other("with a weak digest", info={"imprint": seq(seq(oid(SHA1)), der(4, sha1(NOTE)))})
    other("with half a digest", info={"imprint": seq(seq(oid(SHA512)), der(4, imprint[:32]))})


def _by_whom() -> None:
    bad("by another authority", lambda: OTHER.token(NOTE))
    bad("by another authority that shows the right one", lambda: Forge(OTHER.key, FORGE.chain).token(NOTE))
    namesake = certificate("Time Root", OTHER.key, authority=True)
    made("by a namesake", by=(namesake, OTHER.key))
    made("with an expired certificate", end=NOW - timedelta(seconds=1))
    made("with a certificate of tomorrow", start=NOW + timedelta(days=1))
    made("for servers", purposes=(ExtendedKeyUsageOID.SERVER_AUTH,))
    made("for servers too", purposes=(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH))
    made("for any purpose", purposes=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,))
    made("for no purpose", purposes=None)
    made("for a purpose that may be overlooked", critical=False)
    made(
        "with a condition that nobody knows",
        more=x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"),
    )
    made("with a short key", key=rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505
    bad("by the root itself", lambda: Forge(ROOT_KEY, (ROOT,)).token(NOTE))
    below("below one that is no authority", authority=False)
    below("below one that had expired", end=NOW - timedelta(days=1))
    below("below one that was not valid yet", start=NOW + timedelta(days=1))
    limited = certificate("Short Root", ROOT_KEY, authority=True, depth=0)

    def deeper() -> bytes:
        middle = certificate("Middle", OTHER.key, (limited, ROOT_KEY), authority=True)
        signer = certificate("Time", TSA_KEY, (middle, OTHER.key))
        return Forge(TSA_KEY, (signer, middle, limited)).token(NOTE)

    BAD_TOKENS["below too many"] = deeper
    attack("timestamp", "below too many", lambda: with_stamps({SIZE: deeper()}),
           trust=trust(timestamp_authorities=[authority(limited)]))  # fmt: skip
    reworded("without certificates", certificates=b"")
    reworded("without the signer's certificate", certificates=der(0xA0, whole(ROOT)))
    reworded("with the signer named otherwise", sid=seq(ROOT.subject.public_bytes(), num(5)))
    reworded("with nine certificates", certificates=der(0xA0, *[whole(ROOT)] * 9))
    reworded("with a certificate that is none", certificates=der(0xA0, whole(TSA), seq(num(1))))
    reworded("with a certificate of another kind", certificates=der(0xA0, whole(TSA), der(0xA1, num(1))))


def _signature() -> None:
    honest = FORGE.token(NOTE)
    for part, data in {
        "status": honest[:12],
        "middle": honest[: len(honest) // 2],
        "end": honest[:-1],
    }.items():
        bad(f"cut off in the {part}", lambda data=data: data)  # type: ignore[misc]
    bad("nothing", lambda: b"")
    bad("a bit of the signature flipped", flipped(-1))
    told = FORGE.info(NOTE)
    at = honest.index(b"20260107030000Z")
    bad("a later time", lambda: honest[:at] + b"20260108030000Z" + honest[at + 15 :])
    bad("twice", lambda: honest + honest)
    bad("a byte more", lambda: honest + b"\0")
    bad("a length without end", lambda: indefinite(honest))
    bad("a length spelled longer", lambda: longer(honest))
    reworded("of another time inside", info=der(4, FORGE.info(NOTE, NOW + timedelta(days=1))))
    reworded("in pieces", info=der(0x24, der(4, told[:40]), der(4, told[40:])))
    reworded("with a signature of nothing", seal=der(4))
    reworded("with another kind of signature", kind=seq(oid("1.2.840.113549.1.1.11")))
    reworded("with two digests", kind=seq(oid(ECDSA_SHA384)))
    reworded("with a weak digest of the signer", digest=seq(oid(SHA1)), digests=der(0x31, seq(oid(SHA1))))
    reworded("with a digest not announced", digests=der(0x31))
    reworded("with parameters", digest=seq(oid("2.16.840.1.101.3.4.2.1"), num(1)))
    reworded("signed by nobody", signed=b"", seal=b"", kind=b"", digest=b"", sid=b"", signer_version=b"")
    reworded("signed twice", second=seq(num(1)))
    reworded("without signed attributes", signed=b"")
    reworded("of another version", version=num(1))
    reworded("of another kind", type=oid("1.2.840.113549.1.7.1"))
    reworded("of other content", inner_type=oid("1.2.840.113549.1.7.1"))
    for name, parts in {
        "no content type": {"content_type": b""},
        "another content type": {
            "content_type": seq(oid(CONTENT_TYPE), der(0x31, oid("1.2.840.113549.1.7.1")))
        },
        "no digest": {"message_digest": b""},
        "another digest": {"message_digest": seq(oid(MESSAGE_DIGEST), der(0x31, der(4, bytes(32))))},
        "two digests": {"message_digest": seq(oid(MESSAGE_DIGEST), der(0x31, der(4, bytes(32)), der(4)))},
        "a digest twice": {"more": seq(oid(MESSAGE_DIGEST), der(0x31, der(4, bytes(32))))},
        "no certificate": {"certificate": b""},
        "another certificate": {
            "certificate": seq(oid(SIGNING_CERTIFICATE_V2), der(0x31, seq(seq(seq(der(4, bytes(32)))))))
        },
        "a certificate's weak digest": {
            "certificate": seq(
                oid(SIGNING_CERTIFICATE_V2),
                der(0x31, seq(seq(seq(seq(oid(SHA1)), der(4, sha1(whole(TSA))))))),
            )
        },
    }.items():
        other(f"signing {name}", attributes=parts)


def _told() -> None:
    reworded("refused", status=seq(num(2)))
    reworded("refused, with a token", status=seq(num(2), der(3, b"\5\x20")))
    reworded("granted with changes", status=seq(num(1)))
    reworded("granted, but failed", status=seq(num(0), der(3, b"\5\x20")))
    bad("refused, without a token", lambda: seq(seq(num(2), der(3, b"\5\x20"))))
    bad("granted, without a token", lambda: seq(seq(num(0))))
    other("of version 2", info={"version": num(2)})
    other("without a number", info={"serial": b""})
    other("with the number zero", info={"serial": num(0)})
    other("with a number spelled longer", info={"serial": der(2, b"\0\7")})
    other("with an empty number", info={"serial": der(2)})
    for name, text in {
        "a local time": b"20260107030000",
        "a time with a zone": b"20260107030000+0100",
        "a time without seconds": b"202601070300Z",
        "a fraction that ends in zero": b"20260107030000.50Z",
        "a fraction of nothing": b"20260107030000.Z",
        "a time that is none": b"20260231030000Z",
        "words": b"yesterday",
    }.items():
        other(f"with {name}", info={"time": der(0x18, text)})
    other("with a short time", info={"time": der(0x17, b"260107030000Z")})
    other("accurate to a day", info={"accuracy": seq(num(86400))})
    other("accurate to less than nothing", info={"accuracy": seq(num(-1))})
    other("accurate to too many milliseconds", info={"accuracy": seq(num(1), num(1000, 0x80))})
    other("with an order that is false", info={"ordering": der(1, b"\0")})
    other("with a condition", info={"extensions": der(0xA1, seq(oid("1.2.3"), der(1, b"\xff"), der(4)))})
    other("with something more", info={"more": num(5)})
    other("with its parts in another order", info={"nonce": b"", "accuracy": num(5) + seq(num(1))})


def _archive() -> None:
    own, key = {"sha256": hashlib.sha256(FORGE.token(NOTE)).hexdigest(), "size": SIZE}, "timestamps"
    for name, listed in {
        "that is not listed": [],
        "listed, but not there": [{**own, "size": 5}, *[own] * 2][:2],
        "listed twice": [own, own],
        "listed without a digest": [{"size": SIZE}],
        "listed as a text": [{**own, "size": str(SIZE)}],
        "listed in another order": [own, {**own, "size": 7}],
        "listed nowhere": None,
    }.items():
        attack("manifest", f"a timestamp {name}", lambda value=listed: edit(STAMPED, "manifest.json", put(value, key)),
               trust=TIMED)  # type: ignore[misc]  # fmt: skip
    attack("manifest", "a timestamp of a checkpoint that is not there", lambda: (
        replace(HOUSE.content(), stamps={7: FORGE.token(HOUSE.note(7))}).to_zip()
    ), trust=TIMED)  # fmt: skip
    files = unpack(STAMPED)
    names = [name for name in files if name.startswith("timestamps/")]
    attack("manifest", "a timestamp taken out", lambda: swap(STAMPED, **{names[0]: None}), trust=TIMED)
    attack("timestamp", "exchanged tokens", lambda: swap(
        STAMPED, **{names[0]: files[names[1]], names[1]: files[names[0]]}
    ), trust=TIMED)  # fmt: skip
    attack(
        "timestamp",
        "a token that came later",
        lambda: swap(STAMPED, **{names[1]: FORGE.token(NOTE, NOW + timedelta(hours=1))}),
        trust=TIMED,
    )
    attack(
        "timestamp", "a bad one that nobody is asked to believe", lambda: with_stamps({SIZE: flipped(-1)()})
    )
    attack("consistency", "a timestamp of a fork", lambda: (
        replace(HOUSE.content(notes={7: HOUSE.note(8)}), stamps={7: FORGE.token(HOUSE.note(8))}).to_zip()
    ), trust=TIMED)  # fmt: skip
    early = NOW - timedelta(days=4)
    attack(
        "time",
        "seen before it was signed",
        lambda: with_stamps({SIZE: FORGE.token(NOTE, early)}),
        trust=TIMED,
    )
    attack("time", "an earlier head seen before it was signed", lambda: with_stamps(
        {7: FORGE.token(HOUSE.note(7), NOW - timedelta(days=30)), SIZE: FORGE.token(NOTE)}
    ), trust=TIMED)  # fmt: skip
    for name, listed in {
        "authorities that are no list": {},
        "an authority without a name": [{"certificate": authority(ROOT)["certificate"]}],
        "an authority that is listed twice": [authority(ROOT), authority(ROOT, "again")],
        "an authority that is no certificate": [{"name": "x", "certificate": "aGVsbG8="}],
        "an authority that is no base64": [{"name": "x", "certificate": "?"}],
        "an authority whose name is a number": [authority(ROOT) | {"name": 1}],
    }.items():
        attack("trust", name, lambda: STAMPED, trust=trust(timestamp_authorities=listed))


_of_what()
_by_whom()
_signature()
_told()
_archive()
