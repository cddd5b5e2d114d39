"""What somebody can try who holds the bundle but no key: every attack is named and says which check must refuse it."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.unit.evidence_log.forge import (
    ATTESTER,
    LOG,
    ORIGIN,
    START,
    STRANGER,
    at,
    dumps,
    edit,
    entry_name,
    story,
    swap,
    trust,
    trusted,
)

from data_lifecycle.evidence.checkpoint import Checkpoint, sign
from data_lifecycle.evidence.lifecycle_verify import pack, unpack


@dataclass(frozen=True)
class Attack:
    """A bad bundle (with what else the reviewer is given) and the check that must refuse it."""

    check: str
    bundle: bytes
    trust: bytes
    more: dict[str, Any]


HOUSE = story()
GOOD = HOUSE.bundle(notes={3: HOUSE.note(3), 7: HOUSE.note(7)})
MIDDLE = HOUSE.bundle(first=4, end=17, notes={3: HOUSE.note(3)})
FORK = story()
FORK.entries[5] = HOUSE.entries[6]
"""Another history under the same key, different from entry 5 on."""
ATTACKS: dict[str, Callable[[], Attack]] = {}


def attack(check: str, name: str, make: Callable[[], bytes], **more: Any) -> None:
    """Register an attack under ``check: name``. ``more`` may hold another trust file, a checkpoint, an opening."""
    label = f"{check}: {name}"
    assert label not in ATTACKS, label
    given = more.pop("trust", None)
    ATTACKS[label] = lambda: Attack(check, make(), trust() if given is None else given, more)


def put(value: Any, *path: Any) -> Callable[[Any], None]:
    """A change in place: the value at a path."""

    def change(found: Any) -> None:
        for step in path[:-1]:
            found = found[step]
        found[path[-1]] = value

    return change


def cut(*path: Any) -> Callable[[Any], None]:
    """A change in place: what is at a path is taken out."""

    def change(found: Any) -> None:
        for step in path[:-1]:
            found = found[step]
        del found[path[-1]]

    return change


def zipped(files: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    """An archive as any other program writes it, names twice if asked."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, method)
        archive.comment = comment
    return made.getvalue()


def overwrite(data: bytes, offset: int, value: bytes) -> bytes:
    """Bytes changed at an offset; a negative one counts from the end."""
    start = offset % len(data)
    return data[:start] + value + data[start + len(value) :]


FILES = dict(sorted(unpack(GOOD).items()))
NAMES = list(FILES)


def _archive() -> None:
    pairs = list(FILES.items())
    directory = GOOD.index(b"PK\x01\x02")
    for name, data in {
        "empty": b"",
        "not a zip": b"hello",
        "half of it": GOOD[: len(GOOD) // 2],
        "one byte less": GOOD[:-1],
        "one byte more": GOOD + b"\0",
        "another archive behind it": GOOD + GOOD,
        "a program in front of it": b"#!/bin/sh\n" + GOOD,
        "no directory": GOOD[:directory],
        "directory only": GOOD[directory:],
        "a comment": zipped(pairs, comment=b"hello"),
        "compressed": zipped(pairs, zipfile.ZIP_DEFLATED),
        "compressed otherwise": zipped(pairs, zipfile.ZIP_LZMA),
        "a time of day": overwrite(GOOD, 10, b"\x01"),
        "a flag": overwrite(GOOD, 6, b"\x01"),
        "another system": overwrite(GOOD, directory + 5, b"\x00"),
        "a symbolic link": overwrite(GOOD, directory + 38, struct.pack("<I", 0o120777 << 16)),
        "another checksum": overwrite(GOOD, 14, b"\x00\x00\x00\x00"),
        "other content": overwrite(GOOD, 40, b"#"),
        "a name that differs in the directory": overwrite(GOOD, directory + 46, b"X"),
        "a size that is huge": overwrite(GOOD, 18, b"\xf0\xff\xff\xff"),
        "a size that is huge in the directory": overwrite(GOOD, directory + 20, b"\xf0\xff\xff\xff"),
        "a count of files": overwrite(GOOD, -12, b"\x01"),
        "an offset of the directory": overwrite(GOOD, -6, b"\x01\x00\x00\x00"),
        "files in another order": zipped(pairs[::-1]),
    }.items():
        attack("archive", name, lambda data=data: data)  # type: ignore[misc]
    for name in (
        "../checkpoint", "/etc/passwd", "entries/../../x", "notes.txt", "entries/", "CHECKPOINT", "entries/1.dsse.json",
        "entries\\00000000000000000001.dsse.json", "checkpoint ", "", "checkpoints/0000000000000000000é",
    ):  # fmt: skip
        attack("archive", f"a file named {name!r}", lambda name=name: zipped([*pairs, (name, b"x")]))  # type: ignore[misc]
    for name in ("manifest.json", "checkpoint", "proofs.json", entry_name(4)):
        attack("archive", f"{name} twice", lambda name=name: twice(name))  # type: ignore[misc]


def twice(name: str) -> bytes:
    """The archive with a second file of a name that zipfile would take instead of the first."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zipped([*FILES.items(), (name, FILES[name] + b" ")])


def _trust() -> None:
    good = json.loads(trust())
    log = next(k for k in good["keys"] if k["role"] == "log")
    for name, data in {
        "not JSON": b"{",
        "not UTF-8": b"\xff" + trust(),
        "a list": b"[]",
        "a key of the object twice": trust().replace(b'{"format"', b'{"origin": "x", "format"', 1),
        "NaN": trust().replace(b'"valid_to": null', b'"valid_to": NaN', 1),
        "nested without end": b"[" * 100_000,
        "another format": trust(format="v2"),
        "a field more": trust(colour="red"),
        "a role nobody has": trust(log={"role": "admin"}),
        "no log key": trust(keys=[k for k in good["keys"] if k["role"] != "log"]),
        "no attester": trust(keys=[log]),
        "one key for both": trust(attester={"public": log["public"]}),
        "a short key": trust(log={"public": b64encode(b"short").decode()}),
        "a key that is no base64": trust(log={"public": "***"}),
        "a time without a zone": trust(attester={"valid_from": "2025-01-01T00:00:00"}),
        "a day that is none": trust(attester={"valid_to": "2025-02-30T00:00:00+00:00"}),
        "keys that are a text": trust(keys="all"),
        "no origin": trust(origin=None),
    }.items():
        attack("trust", name, lambda: GOOD, trust=data)
    attack("manifest", "trust in another log", lambda: GOOD, trust=trust(origin="xmanart.com/other"))
    other = [trusted(STRANGER, "log", ORIGIN), trusted(ATTESTER, "attester")]
    attack("checkpoint", "trust in another log key", lambda: GOOD, trust=trust(keys=other))
    other = [trusted(LOG, "log", ORIGIN), trusted(STRANGER, "attester")]
    attack("signatures", "trust in another attester", lambda: GOOD, trust=trust(keys=other))
    attack("checkpoint", "trust in a log key of another name", lambda: GOOD, trust=trust(log={"name": "x"}))


def _manifest() -> None:
    def changed(name: str, change: Callable[[Any], Any], base: bytes = GOOD) -> None:
        attack("manifest", name, lambda: edit(base, "manifest.json", change))

    for name in ("manifest__json", "checkpoint", "proofs__json"):
        attack("manifest", f"no {name}", lambda name=name: swap(GOOD, **{name: None}))  # type: ignore[misc]
    for field, value in {
        "format": "v2", "origin": "xmanart.com/other", "tree_size": 5, "rotations": None, "range": None,
    }.items():  # fmt: skip
        changed(f"another {field}", put(value, field))
        changed(f"no {field}", cut(field))
    changed("a field more", put(1, "period"))
    changed("an empty range", put({"from": 3, "to": 3}, "range"))
    changed("a range backwards", put({"from": 9, "to": 3}, "range"))
    changed("a range beyond the log", put({"from": 0, "to": 99}, "range"))
    changed("a range without its first entry", put(1, "range", "from"))
    changed("a range without its last entry", put(23, "range", "to"))
    changed("a range that begins earlier", put(1, "range", "from"), MIDDLE)
    changed("a range that ends later", put(18, "range", "to"), MIDDLE)
    changed("a range without end", put({"from": 0, "to": 2**52}, "range"))
    changed("an index that is true", put(True, "range", "from"))
    changed("an index that is negative", put(-1, "range", "from"))
    changed("an index that is a text", put("0", "range", "from"))
    changed("rotations out of order", put([5, 4], "rotations"))
    changed("a rotation after the range", put([19], "rotations"), MIDDLE)
    changed("a rotation that is not there", put([0], "rotations"), MIDDLE)
    raw = FILES["manifest.json"]
    for name, data in {
        "a space": raw.replace(b":", b": ", 1),
        "a line end": raw + b"\n",
        "a key twice": raw.replace(b'{"format"', b'{"format":"x","format"'),
        "a fraction": raw.replace(b'"tree_size":24', b'"tree_size":24.0'),
        "an exponent": raw.replace(b'"tree_size":24', b'"tree_size":24e0'),
        "NaN": raw.replace(b'"tree_size":24', b'"tree_size":NaN'),
        "a number of 4 000 digits": raw.replace(b"24", b"1" * 4000),
        "a byte order mark": b"\xef\xbb\xbf" + raw,
        "UTF-16": raw.decode().encode("utf-16"),
        "keys out of order": json.dumps(
            dict(reversed(json.loads(raw).items())), separators=(",", ":")
        ).encode(),
        "an escape nobody needs": raw.replace(b"bundle", b"\\u0062undle"),
    }.items():
        attack("manifest", name, lambda data=data: swap(GOOD, manifest__json=data))  # type: ignore[misc]
    for index in (0, 4, 23):
        attack("manifest", f"dropped entry {index}", lambda index=index: without(index))  # type: ignore[misc]
    attack("manifest", "an entry more", lambda: pack(FILES | {entry_name(24): FILES[entry_name(3)]}))
    attack(
        "rotations", "an entry called a rotation", lambda: edit(GOOD, "manifest.json", put([4], "rotations"))
    )


def without(index: int) -> bytes:
    """The archive without an entry."""
    return pack({name: data for name, data in FILES.items() if name != entry_name(index)})


def _checkpoint() -> None:
    note = FILES["checkpoint"]
    body, _, line = note.decode().partition("\n\n")
    _origin, _size, root = body.split("\n")
    tree = HOUSE.tree()
    head = Checkpoint(ORIGIN, tree.size, tree.root())
    seal = b64decode(line.split(" ")[2])
    for name, data in {
        "empty": b"",
        "unsigned": body.encode() + b"\n",
        "another key": sign(head, STRANGER),
        "an attester's key": sign(head, ATTESTER),
        "another log": sign(Checkpoint("xmanart.com/other", head.size, head.root), LOG),
        "another size": note.replace(b"\n24\n", b"\n25\n"),
        "a size with a zero in front": note.replace(b"\n24\n", b"\n024\n"),
        "a size in other digits": note.decode().replace("\n24\n", "\n２４\n").encode(),
        "another root": note.replace(root.encode(), b64encode(bytes(32))),
        "a short root": note.replace(root.encode(), b64encode(bytes(31))),
        "signed twice": note + line.encode(),
        "a line more": note.replace(b"\n\n", b"\nextension\n\n", 1),
        "a line end more": note + b"\n",
        "a line end less": note[:-1],
        "line ends of Windows": note.replace(b"\n", b"\r\n"),
        "a hyphen for the dash": note.decode().replace("—", "-").encode(),
        "another key hash": note.decode().replace(line.split(" ")[2], b64encode(b"0000" + seal[4:]).decode()).encode(),
        "another signature": note.decode().replace(line.split(" ")[2], b64encode(seal[:-1] + b"0").decode()).encode(),
        "the signature of an earlier one": note.decode().partition("\n\n")[0].encode()
        + b"\n\n" + HOUSE.note(7).decode().partition("\n\n")[2].encode(),
        "an earlier one": HOUSE.note(7),
        "not UTF-8": b"\xff" + note,
        "base64 of URLs": body.encode() + b"\n\n" + line.replace("+", "-").replace("/", "_").encode(),
    }.items():  # fmt: skip
        attack("checkpoint", name, lambda data=data: swap(GOOD, checkpoint=data))  # type: ignore[misc]
    attack("inclusion", "the checkpoint of a fork", lambda: swap(HOUSE.bundle(), checkpoint=FORK.note()))


def _consistency() -> None:
    def changed(name: str, change: Callable[[Any], Any]) -> None:
        attack("consistency", name, lambda: edit(GOOD, "proofs.json", change))

    def swapped(found: Any) -> None:
        first, second = found["consistency"]
        first["hashes"], second["hashes"] = second["hashes"], first["hashes"]

    changed("no proofs", cut("consistency"))
    changed("a field more", put([], "other"))
    changed("a proof less", cut("consistency", 0))
    changed("a proof for another size", put(4, "consistency", 0, "size"))
    changed("a proof that is no list", put("x", "consistency", 0, "hashes"))
    changed("a hash less", cut("consistency", 0, "hashes", 0))
    changed("a hash more", lambda found: found["consistency"][0]["hashes"].append("00" * 32))
    changed("another hash", put("00" * 32, "consistency", 1, "hashes", 0))
    changed("a hash in capitals", put("AB" * 32, "consistency", 1, "hashes", 0))
    changed("swapped proofs", swapped)
    changed("proofs out of order", lambda found: found["consistency"].reverse())
    earlier = "checkpoints/00000000000000000007"
    for name, note in {
        "an earlier checkpoint of a fork": FORK.note(7),
        "an earlier checkpoint of another size": HOUSE.note(6),
        "an earlier checkpoint by another key": HOUSE.note(7, STRANGER),
        "an earlier checkpoint of another log": HOUSE.note(7, origin="xmanart.com/other"),
        "an earlier checkpoint without signature": HOUSE.note(7)[:-90],
    }.items():
        attack("consistency", name, lambda note=note: pack(FILES | {earlier: note}))  # type: ignore[misc]
    attack(
        "consistency",
        "an earlier checkpoint less",
        lambda: pack({k: v for k, v in FILES.items() if k != earlier}),
    )
    attack("consistency", "not JSON", lambda: swap(GOOD, proofs__json=b"{"))
    attack("consistency", "a key twice", lambda: swap(
        GOOD, proofs__json=FILES["proofs.json"].replace(b'{"consistency"', b'{"inclusion":[],"consistency"', 1)
    ))  # fmt: skip
    attack(
        "consistency", "the head again as an earlier one", lambda: HOUSE.bundle(notes={24: HOUSE.note(24)})
    )
    longer = story(8)
    for name, note in {
        "your checkpoint is of a fork": FORK.note(7),
        "your checkpoint is of a fork of the same size": FORK.note(),
        "your checkpoint is larger: rolled back": longer.note(),
        "your checkpoint has no proof": HOUSE.note(5),
        "your checkpoint is by another key": HOUSE.note(7, STRANGER),
        "your checkpoint is garbage": b"garbage",
    }.items():
        attack("consistency", name, lambda: GOOD, since=note)


def _inclusion() -> None:
    def changed(name: str, change: Callable[[Any], Any]) -> None:
        attack("inclusion", name, lambda: edit(GOOD, "proofs.json", change))

    def swapped(found: Any) -> None:
        first, second = found["inclusion"][2:4]
        first["hashes"], second["hashes"] = second["hashes"], first["hashes"]

    changed("swapped proofs", swapped)
    changed("a proof less", cut("inclusion", 3))
    changed("a proof twice", lambda found: found["inclusion"].append(found["inclusion"][-1]))
    changed("proofs out of order", lambda found: found["inclusion"].reverse())
    changed("a proof for another entry", put(5, "inclusion", 4, "index"))
    changed("a hash less", cut("inclusion", 4, "hashes", -1))
    changed("a hash more", lambda found: found["inclusion"][4]["hashes"].append("00" * 32))
    changed("another hash", put("00" * 32, "inclusion", 4, "hashes", 1))
    changed("hashes in another order", lambda found: found["inclusion"][4]["hashes"].reverse())
    changed("a short hash", put("00" * 31, "inclusion", 4, "hashes", 1))
    changed("no proof at all", put([], "inclusion", 4, "hashes"))
    changed("not a list", put({}, "inclusion"))
    four, five = entry_name(7), entry_name(8)
    outer = json.loads(FILES[four])
    for name, files in {
        "swapped entries": {four: FILES[five], five: FILES[four]},
        "an entry in the place of another": {four: FILES[five]},
        "another statement of the same signer": {four: story(9).entries[-1]},
        "a statement of a fork": {entry_name(5): FORK.entries[5]},
        "an entry with a space": {four: FILES[four].replace(b":", b": ", 1)},
        "an empty entry": {four: b""},
        "an entry with another count": {four: dumps(outer | {"payload": recount(outer["payload"])})},
        "an entry without signature": {four: dumps(outer | {"signatures": []})},
        "an entry of another type": {four: dumps(outer | {"payloadType": "text/plain"})},
        "an entry by another key": {four: dumps(outer | {"signatures": [{"keyid": "0" * 64, "sig": ""}]})},
    }.items():
        attack("inclusion", name, lambda files=files: pack(FILES | files))  # type: ignore[misc]


def recount(payload: str) -> str:
    """A payload in which another number was acted on."""
    statement = json.loads(b64decode(payload))
    statement["predicate"]["counts"]["acted"] += 1
    return b64encode(dumps(statement)).decode()


def _time() -> None:
    day = timedelta(days=1)
    for name, bundle, asked in (
        ("begins inside the period asked for", MIDDLE, (at(0, 0), at(3, 0))),
        ("ends inside the period asked for", MIDDLE, (at(2, 0), at(6, 0))),
        ("the log ends before the period does", GOOD, (START, START + 6 * day)),
        ("the period has not even begun", GOOD, (START + 30 * day, START + 31 * day)),
    ):
        attack("time", name, lambda bundle=bundle: bundle, asked=asked)  # type: ignore[misc]


for _register in (_archive, _trust, _manifest, _checkpoint, _consistency, _inclusion, _time):
    _register()
