"""A log made by hand, with every key at hand: what an honest house writes, and whatever else one wants written."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from data_lifecycle.evidence import merkle
from data_lifecycle.evidence.bundle import Content, needed_nodes, trust_file
from data_lifecycle.evidence.checkpoint import Checkpoint, raw, sign
from data_lifecycle.evidence.commitment import Opening, Reference, commitments_root, open_case, set_root
from data_lifecycle.evidence.keys import key_id
from data_lifecycle.evidence.lifecycle_verify import (
    ABSENT,
    ASSERTIONS,
    PAYLOAD_TYPE,
    PLAN,
    RESULT,
    Result,
    pack,
    unpack,
    verify,
)
from data_lifecycle.evidence.postures import posture
from data_lifecycle.evidence.records import heartbeat, rotation
from data_lifecycle.evidence.statement import seal

ORIGIN = "xmanart.com/lifecycle/log"
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 6


def key(name: str) -> Ed25519PrivateKey:
    """The same key for the same name, so that a failure can be repeated."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


ATTESTER, LOG, SECOND, THIRD, STRANGER = map(key, ("attester", "log", "second", "third", "stranger"))


def at(day: int, hour: float = 2) -> datetime:
    """A moment of the story; days count from 0."""
    return START + timedelta(days=day, hours=hour)


def case(number: int) -> str:
    """Name of a case."""
    return str(UUID(int=number))


def salt(number: int) -> bytes:
    """Salt of a case."""
    return hashlib.sha256(b"salt %d" % number).digest()


def references(number: int) -> list[Reference]:
    """What a case is about."""
    return [
        Reference("studio-uploads", f"orders/A{number}/é {n}.jpg", "version", f"v{n}", f"A{number}")
        for n in range(3)
    ]


def opening(*numbers: int, key: str | None = None) -> bytes:
    """The opening of these cases, as if they were of one order: that of the first."""
    order = f"A{numbers[0]}"
    cases = tuple(open_case(case(n), salt(n), references(n), key) for n in numbers)
    return Opening(order, cases, key).to_json()


def item(number: int, state: str = "OBSERVED_ABSENT", **more: object) -> dict[str, Any]:
    """A claim about a case."""
    root = commitments_root(salt(number), references(number))
    if state == "RESIDUE_PENDING":
        more.setdefault("residue", [{"where": "database backups", "until": "2026-02-05T00:00:00+00:00"}])
    return {"case": case(number), "state": state, "commitments_root": root, **more}


ASSERTED = [{"name": "survivors = 0", "success": True, "observed": "0", "expected": "0"}]


def head(number: int, signed_at: datetime) -> dict[str, Any]:
    """What every statement about a run has."""
    return {
        "pipeline": "photo_purge",
        "run": {"number": number, "attempt": 1, "as_of": signed_at.isoformat()},
        "policy": {"id": "p", "version": "1", "sha256": "0" * 64},
        "code": "0" * 40,
        "signed_at": signed_at.isoformat(),
    }


def changed(predicate: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A predicate with parts replaced; None removes."""
    return {name: value for name, value in {**predicate, **changes}.items() if value is not None}


def counted(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts of a verified run."""
    states = [item.get("state") for item in items]
    acted, held = 3 * states.count("OBSERVED_ABSENT"), 2 * states.count("HELD")
    counts = {"eligible": acted + held, "acted": acted, "held": held, "failed": 0}
    return counts | {"survivors": 0, "unknown": 0, "canaries": 6, "canaries_missing": 0}


def run_predicate(
    number: int, signed_at: datetime, items: Iterable[Mapping[str, Any]], /, **changes: Any
) -> dict[str, Any]:
    """What a verified run states. ``changes`` replace parts; those of ``counts`` one by one, None removes."""
    claimed = list(items)
    absent = sum(i.get("state") == "OBSERVED_ABSENT" for i in claimed)
    predicate = {
        **head(number, signed_at),
        "clauses": ["3.1", "3.2"],
        "outcome": "verified",
        "unfinished_steps": [],
        "planned": {"cases": len(claimed)},
        "counts": {**counted(claimed), "cases": {"cases": len(claimed)}} | changes.pop("counts", {}),
        "assertions": ASSERTED,
        "claims": {"OBSERVED_ABSENT": {"cases": absent, "of_them_after_deadline": 0}},
        "scope": ["object versions"],
        "not_covered": ["copies at vendors"],
        "method": "listing",
        "task_logs": {"bucket": "lifecycle-evidence", "prefix": "task-logs/"},
        "items": claimed,
        "set_root": set_root(claimed),
    }
    return changed(predicate, changes)


def plan_predicate(
    number: int, signed_at: datetime, items: Iterable[Mapping[str, Any]], /, **changes: Any
) -> dict[str, Any]:
    """What a run plans whose cases these are; it was due when it will have its result."""
    cases = list(items)
    planned = [
        {**{k: i[k] for k in ("case", "commitments_root")}, "state": "HELD" if i["state"] == "HELD" else "PLANNED"}
        for i in cases
    ]  # fmt: skip
    predicate = {
        **head(number, signed_at),
        "clauses": ["3.1", "3.2"],
        "dry_run": False,
        "planned": {"cases": len(cases)},
        "eligible": counted(cases)["eligible"],
        "items": planned,
        "set_root": set_root(planned),
        "signed_at": (signed_at - timedelta(minutes=2)).isoformat(),
    }
    return changed(predicate, changes)


def assertions_predicate(number: int, signed_at: datetime, /, **changes: Any) -> dict[str, Any]:
    """What was asserted of a run just before its result."""
    predicate = {
        **head(number, signed_at),
        "suite": "photo_purge",
        "suite_sha256": "0" * 64,
        "round": 1,
        "assertions": ASSERTED,
        "success": True,
        "signed_at": (signed_at - timedelta(minutes=1)).isoformat(),
    }
    return changed(predicate, changes)


@dataclass
class Log:
    """A log being written. ``attester`` and ``log`` sign from now on."""

    entries: list[bytes] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    attester: Ed25519PrivateKey = ATTESTER
    log: Ed25519PrivateKey = LOG
    runs: int = 0
    claimed: dict[str, str] = field(default_factory=dict)

    def add(self, envelope: bytes) -> int:
        """Append an envelope; its index."""
        self.entries.append(envelope)
        return len(self.entries) - 1

    def run(
        self,
        signed_at: datetime,
        items: Iterable[Mapping[str, Any]] = (),
        plan: Mapping[str, Any] | None = {},
        asserts: Mapping[str, Any] | None = {},
        **changes: Any,
    ) -> int:
        """Append a run: plan, assertions, result; the result's index. None leaves a statement out."""
        self.runs += 1
        claimed = list(items)
        if plan is not None:
            self.plan(
                signed_at,
                [i for i in claimed if self.fresh(i)],
                **{"planned": {"cases": len(claimed)}, **plan},
            )
        if asserts is not None:
            self.state(assertions_predicate(self.runs, signed_at, **asserts), ASSERTIONS)
        self.claimed |= {i["case"]: i["state"] for i in claimed}
        return self.state(run_predicate(self.runs, signed_at, claimed, **changes))

    def plan(self, signed_at: datetime, items: Iterable[Mapping[str, Any]], /, **changes: Any) -> int:
        """Append the plan of the run that is to have its result then."""
        return self.state(plan_predicate(self.runs, signed_at, items, **changes), PLAN)

    def fresh(self, claim: Mapping[str, Any]) -> bool:
        """Whether a run plans the case, and does not just say what became of one that was absent."""
        state, last = claim["state"], self.claimed.get(claim["case"])
        if state in ABSENT:
            return (state == "OBSERVED_ABSENT") if last is None else last not in ABSENT
        return bool(state != "RESURRECTED")

    def state(self, predicate: Mapping[str, Any], kind: str = RESULT, subject: str | None = None) -> int:
        """Append a statement with any predicate."""
        name = subject or f"photo_purge/run-{self.runs}"
        return self.add(seal(self.attester, "ab" * 32, name, kind, predicate).envelope)

    def beat(self, day: int, hour: float = 1, of: date | None = None) -> int:
        """Append the heartbeat of a day, or what another day declares of it."""
        moment = at(day, hour)
        return self.add(heartbeat(self.attester, of or moment.date(), moment).envelope)

    def switch(self, paused: bool, moment: datetime, signed_at: datetime | None = None) -> int:
        """Append that the house was paused, or resumed."""
        said = {"paused": paused, "at": moment, "by_whom": "engineer", "why": "the store answers strangely"}
        return self.add(posture(self.attester, said, signed_at or moment + timedelta(minutes=1)).envelope)

    def turn(self, new: Ed25519PrivateKey, role: str, moment: datetime, envelope: bytes | None = None) -> int:
        """Append a change of keys and sign with the new one from now on."""
        old = self.attester if role == "attester" else self.log
        name = ORIGIN if role == "log" else "attester"
        index = self.add(envelope or rotation(old, new, role, name, moment).envelope)
        self.turns.append(index)
        if role == "attester":
            self.attester = new
        else:
            self.log = new
        return index

    def raw(
        self, payload: bytes, kind: str = PAYLOAD_TYPE, keys: Iterable[Ed25519PrivateKey] | None = None
    ) -> int:
        """Append an envelope over any bytes, validly signed."""
        return self.add(envelope_of(payload, kind, [self.attester] if keys is None else list(keys)))

    def payload(self, **changes: Any) -> dict[str, Any]:
        """A run's statement that nobody signed yet."""
        self.runs += 1
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": f"photo_purge/run-{self.runs}", "digest": {"sha256": "ab" * 32}}],
            "predicateType": RESULT,
            "predicate": run_predicate(self.runs, at(DAYS, 2), [item(90)]),
        }
        return {name: value for name, value in (statement | changes).items() if value is not None}

    def tree(self, size: int | None = None) -> merkle.Tree:
        """The tree of the first entries."""
        tree = merkle.Tree()
        tree.extend(merkle.leaf_hash(entry) for entry in self.entries[:size])
        return tree

    def note(
        self, size: int | None = None, by: Ed25519PrivateKey | None = None, origin: str = ORIGIN
    ) -> bytes:
        """The checkpoint of the first entries."""
        tree = self.tree(size)
        return sign(Checkpoint(origin, tree.size, tree.root()), by or self.log)

    def content(
        self, first: int = 0, end: int | None = None, notes: Mapping[int, bytes] | None = None
    ) -> Content:
        """What an honest export of these entries holds."""
        size, stop = len(self.entries), len(self.entries) if end is None else end
        tree = merkle.Tree()
        nodes: dict[merkle.Node, bytes] = {}
        for entry in self.entries:
            nodes.update(tree.append(merkle.leaf_hash(entry)))
        indexes = {*range(first, stop), *(turn for turn in self.turns if turn < stop)}
        earlier = notes or {}
        return Content(
            origin=ORIGIN,
            size=size,
            note=self.note(),
            first=first,
            end=stop,
            entries={index: self.entries[index] for index in indexes},
            rotations=[turn for turn in self.turns if turn < stop],
            notes=earlier,
            nodes={node: nodes[node] for node in needed_nodes(size, indexes, earlier)},
        )

    def bundle(
        self, first: int = 0, end: int | None = None, notes: Mapping[int, bytes] | None = None
    ) -> bytes:
        """The archive of an honest export."""
        return self.content(first, end, notes).to_zip()


def story(days: int = DAYS) -> Log:
    """An ordinary week: heartbeats, runs, a hold, residue, something that came back, a night without a sign of life."""
    log = Log()
    for day in range(days):
        if day == 3:
            log.beat(day, 1, of=at(2).date())
        if day != 2:
            log.beat(day)
        items = [item(10 + day), item(20 + day)]
        if day == 1:
            items = [item(1, "HELD"), *items]
        elif day == 3:
            items = [item(1), item(10, "RESIDUE_PENDING"), *items]
        elif day == 4:
            items = [item(2, "UNKNOWN"), item(10, "RESIDUE_CLEARED"), item(11, "RESURRECTED"), *items]
        elif day == 5:
            items = [item(2), item(11), *items]
        log.run(at(day), sorted(items, key=lambda i: i["case"]))
    return log


def turned(days: int = DAYS) -> Log:
    """The same, and both keys were replaced on the last day."""
    log = story(days)
    log.turn(SECOND, "attester", at(days, 0.2))
    log.turn(THIRD, "log", at(days, 0.3))
    log.beat(days)
    log.run(at(days), [item(70)])
    return log


def trust(**changes: Any) -> bytes:
    """The reviewer's trust file. ``attester`` and ``log`` are changes to those keys' entries."""
    found = json.loads(
        trust_file(ORIGIN, [ATTESTER.public_key()], LOG.public_key(), START - timedelta(days=1))
    )
    for listed in found["keys"]:
        listed.update(changes.pop(listed["role"], {}))
    return json.dumps(found | changes).encode()


def trusted(new: Ed25519PrivateKey, role: str, name: str = "attester") -> dict[str, Any]:
    """A further entry of a trust file."""
    start = (START - timedelta(days=1)).isoformat()
    public = b64encode(raw(new.public_key())).decode()
    times = {"valid_from": start, "valid_to": None, "revoked_at": None}
    return {"name": name, "role": role, "public": public, **times}


def envelope_of(
    payload: bytes, kind: str, keys: Iterable[Ed25519PrivateKey], signed: str | None = None
) -> bytes:
    """An envelope; ``signed`` is the payload type that the signature is over, if another."""
    over = (signed or kind).encode()
    pae = b"DSSEv1 %d %s %d %s" % (len(over), over, len(payload), payload)
    seals = sorted((key_id(k.public_key()), b64encode(k.sign(pae)).decode()) for k in keys)
    outer = {
        "payload": b64encode(payload).decode(),
        "payloadType": kind,
        "signatures": [{"keyid": name, "sig": seal_} for name, seal_ in seals],
    }
    return dumps(outer)


def dumps(value: object) -> bytes:
    """Canonical JSON, by another way than the product's."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def edit(bundle: bytes, name: str, change: Callable[[Any], Any]) -> bytes:
    """The archive with one JSON file changed, packed again as bundles are. A change in place may return None."""
    files = unpack(bundle)
    value = json.loads(files[name])
    answer = change(value)
    files[name] = dumps(value if answer is None else answer)
    return pack(files)


def swap(bundle: bytes, **files: bytes | None) -> bytes:
    """The archive with files replaced, added or (None) taken out; ``__`` in a name stands for a dot."""
    held: dict[str, bytes] = dict(unpack(bundle))
    for label, data in files.items():
        name = label.replace("__", ".")
        if data is None:
            del held[name]
        else:
            held[name] = data
    return pack(held)


def entry_name(index: int) -> str:
    """Name of an entry's file."""
    return f"entries/{index:020d}.dsse.json"


def judge(bundle: bytes, trust_: bytes | None = None, **more: Any) -> Result:
    """What the verifier says."""
    return verify(bundle, trust() if trust_ is None else trust_, **more)
