"""What somebody can try who holds keys: statements that are validly signed and logged, and still must be refused."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tests.unit.evidence_log.attacks import ATTACKS, attack, cut, put
from tests.unit.evidence_log.forge import (
    ATTESTER,
    DAYS,
    LOG,
    ORIGIN,
    SECOND,
    STRANGER,
    THIRD,
    Log,
    at,
    dumps,
    edit,
    entry_name,
    envelope_of,
    head,
    item,
    run_predicate,
    story,
    trust,
    trusted,
    turned,
)

from data_lifecycle.evidence.checkpoint import raw
from data_lifecycle.evidence.keys import key_id
from data_lifecycle.evidence.lifecycle_verify import FOLLOWS, HEARTBEAT, PAYLOAD_TYPE, RESULT, ROTATION
from data_lifecycle.evidence.records import rotation, seal_all

__all__ = ["ATTACKS"]

Write = Callable[[Log], object]


def logged(check: str, name: str, write: Write, base: Callable[[], Log] = story, **more: Any) -> None:
    """Register a log to which ``write`` adds, exported as the house would."""

    def make() -> bytes:
        log = base()
        write(log)
        return log.bundle()

    attack(check, name, make, **more)


def stated(check: str, name: str, change: Callable[[Any], object]) -> None:
    """Register a run's statement changed in place, then signed and logged."""

    def write(log: Log) -> None:
        statement = log.payload()
        change(statement)
        log.raw(dumps(statement))

    logged(check, name, write)


def signed(name: str, envelope: Callable[[bytes], bytes]) -> None:
    """Register an envelope made from a good payload by hand."""
    logged("signatures", name, lambda log: log.add(envelope(dumps(log.payload()))))


def _signatures() -> None:
    def reshaped(change: Callable[[Any], object]) -> Callable[[bytes], bytes]:
        def make(payload: bytes) -> bytes:
            outer = json.loads(envelope_of(payload, PAYLOAD_TYPE, [ATTESTER]))
            change(outer)
            return dumps(outer)

        return make

    def good(payload: bytes) -> bytes:
        return envelope_of(payload, PAYLOAD_TYPE, [ATTESTER])

    def unpadded(outer: Any) -> None:
        outer["payload"] = outer["payload"].rstrip("=") + "="

    signed("a stranger's key", lambda payload: envelope_of(payload, PAYLOAD_TYPE, [STRANGER]))
    signed("the log's key", lambda payload: envelope_of(payload, PAYLOAD_TYPE, [LOG]))
    signed("two keys", lambda payload: envelope_of(payload, PAYLOAD_TYPE, [ATTESTER, STRANGER]))
    signed("three keys", lambda payload: envelope_of(payload, PAYLOAD_TYPE, [ATTESTER, STRANGER, LOG]))
    signed("no key", lambda payload: envelope_of(payload, PAYLOAD_TYPE, []))
    signed("another payload type", lambda payload: envelope_of(payload, "application/json", [ATTESTER]))
    signed("replayed from another payload type", lambda payload: envelope_of(
        payload, PAYLOAD_TYPE, [ATTESTER], signed="application/vnd.other+json"
    ))  # fmt: skip
    signed("the signature of another payload", lambda payload: dumps(
        json.loads(good(payload)) | {"signatures": json.loads(good(payload + b" "))["signatures"]}
    ))  # fmt: skip
    signed("a stranger's key under the attester's name", lambda payload: dumps(
        json.loads(envelope_of(payload, PAYLOAD_TYPE, [STRANGER]))
        | {"signatures": [{"keyid": key_id(ATTESTER.public_key()), "sig": b64encode(bytes(64)).decode()}]}
    ))  # fmt: skip
    signed("an envelope with a space", lambda payload: good(payload).replace(b":", b": ", 1))
    signed("an envelope with a key twice", lambda payload: good(payload).replace(b"{", b'{"payload":"",', 1))
    signed("an envelope with a field more", reshaped(put("x", "extra")))
    signed("an envelope without payload", reshaped(cut("payload")))
    signed("a signature with a field more", reshaped(put("x", "signatures", 0, "cert")))
    signed("a signature that is short", reshaped(put("AAAA", "signatures", 0, "sig")))
    signed("a key id in capitals", reshaped(put("AB" * 32, "signatures", 0, "keyid")))
    signed("a payload that is no base64", reshaped(put("*", "payload")))
    signed("a payload that is a number", reshaped(put(1, "payload")))
    signed("base64 with bits to spare", reshaped(spare))
    signed("base64 with a line end", reshaped(lambda outer: put(outer["payload"] + "\n", "payload")(outer)))
    signed("a list", lambda _: b"[]")
    signed("not JSON", lambda _: b"{")
    signed("nested without end", lambda _: b"[" * 100_000)


def spare(outer: Any) -> None:
    """Another spelling of the same base64: bits that decode to nothing."""
    payload = b64decode(outer["payload"])
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = b64encode(payload[: len(payload) // 3 * 3 - 1]).decode()
    outer["payload"] = text[:-2] + alphabet[alphabet.index(text[-2]) + 1] + "="


def _statements() -> None:
    def bytes_of(name: str, change: Callable[[bytes], bytes]) -> None:
        logged("statements", name, lambda log: log.raw(change(dumps(log.payload()))))

    bytes_of("a key twice", lambda p: p.replace(b'"outcome"', b'"outcome":"failed","outcome"', 1))
    bytes_of("a key twice, deep inside", lambda p: p.replace(b'"acted"', b'"acted":0,"acted"', 1))
    bytes_of("NaN", lambda p: p.replace(b'"acted":3', b'"acted":NaN'))
    bytes_of("infinity", lambda p: p.replace(b'"acted":3', b'"acted":Infinity'))
    bytes_of("a fraction", lambda p: p.replace(b'"acted":3', b'"acted":3.0'))
    bytes_of("an exponent", lambda p: p.replace(b'"acted":3', b'"acted":3e0'))
    bytes_of("a number too large", lambda p: p.replace(b'"acted":3', b'"acted":9007199254740993'))
    bytes_of("minus zero", lambda p: p.replace(b'"failed":0', b'"failed":-0'))
    bytes_of("a space", lambda p: p.replace(b":", b": ", 1))
    bytes_of("a byte order mark", lambda p: b"\xef\xbb\xbf" + p)
    bytes_of("UTF-16", lambda p: p.decode().encode("utf-16"))
    bytes_of("half a character", lambda p: p.replace(b'"listing"', b'"\\ud800"'))
    bytes_of("an escape nobody needs", lambda p: p.replace(b"listing", b"\\u006cisting"))
    bytes_of("a key that is not ASCII", lambda p: p.replace(b'"method"', '"méthod"'.encode()))
    bytes_of("something behind it", lambda p: p + b"{}")
    bytes_of("nested without end", lambda _: b"[" * 100_000)
    bytes_of("a list", lambda _: b"[]")
    bytes_of("nothing", lambda _: b"")
    for part in ("_type", "subject", "predicateType", "predicate"):
        stated("statements", f"no {part}", cut(part))
    stated("statements", "a field more", put("x", "extra"))
    stated("statements", "another statement type", put("https://in-toto.io/Statement/v0.1", "_type"))
    stated(
        "statements", "a predicate type nobody knows", put("https://xmanart.com/other/v1", "predicateType")
    )
    stated("statements", "the next version of the predicate type", put(RESULT[:-1] + "2", "predicateType"))
    stated("statements", "a predicate type that is a list", put([RESULT], "predicateType"))
    stated("statements", "a run as a heartbeat", put(HEARTBEAT, "predicateType"))
    stated("statements", "a lone rotation", put(ROTATION, "predicateType"))
    stated("statements", "two subjects", lambda s: s["subject"].append(s["subject"][0]))
    stated("statements", "no digest", put({}, "subject", 0, "digest"))
    stated("statements", "a short digest", put("ab", "subject", 0, "digest", "sha256"))
    stated("statements", "a predicate that is a list", put([], "predicate"))
    for part in (
        "outcome",
        "counts",
        "items",
        "set_root",
        "claims",
        "assertions",
        "unfinished_steps",
        "signed_at",
    ):
        stated("statements", f"no {part}", cut("predicate", part))
    for part in ("items", "counts", "assertions", "set_root"):
        stated("statements", f"{part} that are a text", put("x", "predicate", part))
    stated("statements", "an outcome nobody knows", put("fine", "predicate", "outcome"))
    for name, value in {
        "without zone": "2026-01-07T02:00:00",
        "in another zone": "2026-01-07T10:00:00+08:00",
        "with a Z": "2026-01-07T02:00:00Z",
        "on no day": "2026-02-30T02:00:00+00:00",
        "before the calendar": "0001-01-01T00:00:00+00:00",
        "as a number": 1767751200,
    }.items():
        stated("statements", f"a time {name}", put(value, "predicate", "signed_at"))
    for name, bad in {
        "of an unknown state": [item(90, "GONE")],
        "of a state that is a list": [item(90) | {"state": []}],
        "without a case": [{"state": "HELD", "commitments_root": "00" * 32}],
        "of a case that is no UUID": [item(90) | {"case": "order-17"}],
        "with a short root": [item(90) | {"commitments_root": "00"}],
        "with a field more": [item(90) | {"order": "A17"}],
        "out of order": [item(91), item(90)],
        "twice": [item(90), item(90)],
        "that are numbers": [1],
        "absent with residue nowhere": [item(90, residue=[])],
        "held with residue": [item(90, "RESIDUE_PENDING") | {"state": "HELD"}],
        "cleared with residue": [item(90, "RESIDUE_PENDING") | {"state": "RESIDUE_CLEARED"}],
        "pending nowhere": [item(90, "RESIDUE_PENDING", residue=[])],
        "pending without an end": [item(90, "RESIDUE_PENDING", residue=[{"where": "backups"}])],
        "pending until some time": [item(90, "RESIDUE_PENDING", residue=[{"where": "x", "until": "soon"}])],
    }.items():
        stated("statements", f"items {name}", put(bad, "predicate", "items"))
    logged("statements", "the same facts again", lambda log: [
        log.state(run_predicate(99, at(DAYS, hour), [item(90)], run={**head(99, at(0))["run"]})) for hour in (2, 3)
    ])  # fmt: skip
    logged("statements", "the same envelope again", lambda log: log.add(log.entries[-1]))
    day = at(DAYS).date()
    for name, change in {
        "back-dated": {"day": (day - timedelta(days=3)).isoformat()},
        "of tomorrow": {"day": (day + timedelta(days=1)).isoformat()},
        "that declares today a gap": {"state": "GAP"},
        "that declares tomorrow a gap": {"state": "GAP", "day": (day + timedelta(days=1)).isoformat()},
        "of no day": {"day": "2026-13-01"},
        "of an unknown state": {"state": "FINE"},
        "of a state that is a list": {"state": ["ALIVE"]},
        "with a field more": {"note": "x"},
    }.items():
        beat = {"day": day.isoformat(), "state": "ALIVE", "signed_at": at(DAYS).isoformat()} | change
        logged("statements", f"a heartbeat {name}", lambda log, beat=beat: log.state(beat, HEARTBEAT))  # type: ignore[misc]


def _rotations() -> None:
    old, new, moment = ATTESTER, SECOND, at(DAYS, 0.2)

    def change(name: str, envelope: Callable[[], bytes], role: str = "attester", **more: Any) -> None:
        logged("rotations", name, lambda log: log.turn(SECOND, role, moment, envelope()), **more)

    def predicate(**changes: Any) -> dict[str, Any]:
        public = b64encode(raw(new.public_key())).decode()
        made = {
            "role": "attester",
            "old": key_id(old.public_key()),
            "new": {"name": "attester", "public": public},
        }
        return made | {"signed_at": moment.isoformat()} | changes

    def sealed(*keys: Any, kind: str = ROTATION, **changes: Any) -> bytes:
        return seal_all(keys, "ab" * 32, "key-rotation", kind, predicate(**changes)).envelope

    change("without the new key's signature", lambda: sealed(old))
    change("without the old key's signature", lambda: sealed(new))
    change("by strangers", lambda: rotation(STRANGER, THIRD, "attester", "attester", moment).envelope)
    change("by a stranger beside the new key", lambda: sealed(STRANGER, new))
    change("by the old key beside a stranger", lambda: sealed(old, STRANGER))
    change("of a stranger's key", lambda: sealed(old, new, old=key_id(STRANGER.public_key())))
    change("from the attester to a key of the log", lambda: sealed(old, new, role="log"), role="log")
    change("to a key of no role", lambda: sealed(old, new, role="admin"))
    change("without a name", lambda: sealed(old, new, new={"public": "AA=="}))
    change("to a short key", lambda: sealed(old, new, new={"name": "x", "public": "AA=="}))
    change("with a field more", lambda: sealed(old, new, why="lost"))
    change("that is a run", lambda: sealed(old, new, kind=RESULT))
    change("to the log's key", lambda: rotation(old, LOG, "attester", "attester", moment).envelope)
    change(
        "of a revoked key", lambda: sealed(old, new), trust=trust(attester={"revoked_at": at(3).isoformat()})
    )
    change(
        "of an expired key", lambda: sealed(old, new), trust=trust(attester={"valid_to": at(3).isoformat()})
    )

    def again(log: Log) -> None:
        log.turn(SECOND, "attester", moment)
        log.turn(
            THIRD, "attester", moment, rotation(ATTESTER, THIRD, "attester", "attester", moment).envelope
        )

    def back(log: Log) -> None:
        log.turn(SECOND, "attester", moment)
        log.turn(ATTESTER, "attester", moment)

    def turncoat(log: Log) -> None:
        log.turn(SECOND, "attester", moment)
        log.turns.clear()

    def unordered(log: Log) -> None:
        outer = json.loads(rotation(old, new, "attester", "attester", moment).envelope)
        outer["signatures"].reverse()
        log.turn(new, "attester", moment, dumps(outer))

    logged("rotations", "of a key replaced before", again)
    logged("rotations", "back to a key replaced before", back)
    logged("rotations", "with signatures out of order", unordered)
    logged("signatures", "a rotation that the manifest hides", turncoat)

    def lone(log: Log) -> None:
        log.turn(THIRD, "log", moment)
        log.log = LOG

    logged("checkpoint", "by the log's replaced key", lone)
    attack("checkpoint", "by a new key before its rotation", lambda: early(THIRD))
    attack("rotations", "an earlier rotation whose new key is another", lambda: edit(
        turned().bundle(first=26), entry_name(24), lambda e: e["signatures"].reverse()
    ))  # fmt: skip
    attack("rotations", "an earlier entry that is no rotation", edit_turns)


def early(new: Any) -> bytes:
    """A bundle with a rotation of the log's key in it, but a head of before, signed with the new key."""
    from data_lifecycle.evidence.lifecycle_verify import pack, unpack

    log = turned()
    files = unpack(log.bundle())
    return pack(files | {"checkpoint": log.note(5, new)})


def edit_turns() -> bytes:
    """A bundle that claims an ordinary earlier entry to be a rotation."""
    log = turned()
    log.turns.insert(0, 3)
    return log.bundle(first=8)


def _validity() -> None:
    def after(log: Log, signer: Any) -> None:
        log.attester = signer
        log.run(at(DAYS, 3), [item(91)])

    both = [trusted(ATTESTER, "attester"), trusted(SECOND, "attester"), trusted(LOG, "log", ORIGIN)]
    logged("validity", "signed with a replaced key", lambda log: after(log, ATTESTER), turned)
    for name, dates in {
        "revoked": {"revoked_at": at(3).isoformat()},
        "revoked before it signed anything": {"revoked_at": at(-9).isoformat()},
        "expired": {"valid_to": at(3).isoformat()},
        "not valid yet": {"valid_from": at(3).isoformat()},
    }.items():
        attack(
            "validity", f"the attester's key is {name}", lambda: story().bundle(), trust=trust(attester=dates)
        )
    for name, dates in {
        "revoked": {"revoked_at": at(3).isoformat()},
        "expired": {"valid_to": at(3).isoformat()},
    }.items():
        attack("validity", f"the log's key is {name}", lambda: story().bundle(), trust=trust(log=dates))

    def hasty(log: Log) -> None:
        log.attester = SECOND
        log.run(at(DAYS, 0.1), [item(91)])
        log.attester = ATTESTER
        log.turn(SECOND, "attester", at(DAYS, 0.2))

    logged("validity", "signed with a key before it was introduced", hasty, trust=trust(keys=both))


def _time_and_life() -> None:
    logged("time", "a run signed yesterday comes today", lambda log: log.run(at(DAYS - 2), [item(90)]))
    logged("time", "a heartbeat signed long ago", lambda log: log.beat(2, 1))
    logged("heartbeats", "a day without a sign of life", lambda log: log.run(at(DAYS + 1), [item(90)]))
    logged("heartbeats", "a month without a sign of life", lambda log: log.run(at(DAYS + 30), [item(90)]))

    def doubled(log: Log) -> None:
        log.beat(DAYS)
        log.beat(DAYS + 1, of=at(DAYS).date())

    def quiet(log: Log) -> None:
        del log.entries[11]

    logged("heartbeats", "a day that lived and did not", doubled)
    logged("heartbeats", "a gap that nobody declared", quiet)


def _counts() -> None:
    def counts(name: str, outcome: str = "verified", **changes: Any) -> None:
        predicate = {"outcome": outcome, "counts": changes}
        logged("counts", name, lambda log: log.run(at(DAYS), [item(90)], **json.loads(json.dumps(predicate))))

    counts("one less acted on than eligible", acted=2)
    counts("one more eligible", eligible=4)
    counts("one failed, and yet verified", acted=2, failed=1)
    counts("more acted on than eligible", acted=4)
    counts("more acted on than eligible in a failed run", outcome="failed", acted=4)
    counts("a negative count that makes it even", acted=4, held=-1)
    counts("a count that is a text", acted="3")
    counts("a count that is true", eligible=True, acted=True)
    counts("a count that is missing", failed=None)
    for name in ("survivors", "unknown", "canaries_missing"):
        counts(f"{name} in a verified run", **{name: 1})
        counts(f"{name} not known in a verified run", **{name: None})
    whole: Mapping[str, Any] = {
        "no assertion at all": {"assertions": []},
        "an assertion that failed": {"assertions": [{"name": "x", "success": False}]},
        "an assertion that almost held": {"assertions": [{"name": "x", "success": "true"}]},
        "an assertion that is a text": {"assertions": ["fine"]},
        "a step that did not finish": {"unfinished_steps": ["sweep"]},
        "another set root": {"set_root": "00" * 32},
        "more cases absent than named": {
            "claims": {"OBSERVED_ABSENT": {"cases": 9, "of_them_after_deadline": 0}}
        },
        "no claim": {"claims": {}},
    }
    for name, change in whole.items():
        logged("counts", name, lambda log, change=change: log.run(at(DAYS), [item(90)], **change))  # type: ignore[misc]
    logged("counts", "a case hidden from the set root", lambda log: log.run(
        at(DAYS), [item(90), item(91)], set_root=run_predicate(1, at(0), [item(90)])["set_root"]
    ))  # fmt: skip


def _cases() -> None:
    def pair(first: str, second: str) -> Write:
        def write(log: Log) -> None:
            path = {"RESIDUE_PENDING": ["OBSERVED_ABSENT"], "RESIDUE_CLEARED": ["OBSERVED_ABSENT"],
                    "RESURRECTED": ["OBSERVED_ABSENT"]}.get(first, [])  # fmt: skip
            for step, state in enumerate([*path, first, second]):
                log.run(at(DAYS, 2 + step), [item(95, state)])

        return write

    for first, allowed in FOLLOWS.items():
        for second in FOLLOWS:
            # A run plans anew what is not absent: what may follow a plan may follow that.
            by_plan = "PLANNED" in allowed and second in FOLLOWS["PLANNED"]
            if second not in allowed and not by_plan:
                logged("cases", f"{second} after {first}", pair(first, second))
    for state in ("RESIDUE_PENDING", "RESIDUE_CLEARED", "RESURRECTED"):
        logged("cases", f"begins with {state}", lambda log, state=state: log.run(at(DAYS), [item(95, state)]))  # type: ignore[misc]
    for state in ("OBSERVED_ABSENT", "RESIDUE_PENDING", "RESIDUE_CLEARED"):
        other = item(95, state) | {"commitments_root": "11" * 32}
        logged("cases", f"{state} of other items", lambda log, other=other: [  # type: ignore[misc]
            log.run(at(DAYS), [item(95)]), log.run(at(DAYS, 3), [other])
        ])  # fmt: skip


for _register in (
    _signatures, _statements, _rotations, _validity, _time_and_life, _counts, _cases,
):  # fmt: skip
    _register()
