"""The files of an order: rows, and what the store holds under each key, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from data_lifecycle.studio.demo import keys
from data_lifecycle.studio.demo.model import KeyHistory, Place, Step, Upload
from data_lifecycle.studio.demo.pictures import BASES, Picture
from data_lifecycle.studio.demo.scenarios import Fate, Scenario

Role = Literal["front", "side", "style", "thumbnail"]

# Orders in work gather drafts and references; those that end early or long ago have less. It also keeps what one
# purge erases well below half of what the buckets hold, as in a studio that purges every day.
_ROLES_KEPT: tuple[Role, ...] = ("front", "side", "side", "style", "style", "style")
_ROLES_DUE: tuple[Role, ...] = ("front", "side", "style")


@dataclass(frozen=True, slots=True)
class Files:
    """Rows and store contents of one order."""

    uploads: tuple[Upload, ...]
    contents: tuple[KeyHistory, ...]


@dataclass(frozen=True, slots=True)
class _Maker:
    random: Random
    order_id: str
    zone: ZoneInfo
    first_at: datetime

    @property
    def prefix(self) -> str:
        return f"orders/{self.order_id}/"

    def picture(self, base: int, thumbnail: bool = False) -> Picture:
        taken = self.first_at - timedelta(seconds=self.random.randint(600, 5_000_000))
        return Picture(base, thumbnail, f"{self.random.getrandbits(128):032x}", taken.astimezone(self.zone))

    def pictures(self, base: int, count: int, thumbnail: bool = False) -> tuple[Picture, ...]:
        return tuple(self.picture(base, thumbnail) for _ in range(count))


def make(random: Random, scenario: Scenario, order_id: str, first_at: datetime, zone: str) -> Files:
    """Files that an order of this scenario has; none for one without a fate. `first_at`: arrival of the first (UTC)."""
    if scenario.fate is None:
        return Files((), ())
    maker = _Maker(random, order_id, ZoneInfo(zone), first_at)
    uploads: list[Upload] = []
    contents: list[KeyHistory] = []
    for number, (role, stem, base) in enumerate(_plan(maker, scenario)):
        key = maker.prefix + (stem or keys.ordinary(role, number + 1, maker.picture(base).media_type))
        arrived = first_at + timedelta(minutes=random.randint(1, 240))
        fate: Fate = "hold" if scenario.name == "held" and role == "front" else scenario.fate
        original = _file(maker, role, key, base, arrived, None, fate)
        group = [original]
        if role == "front" or (role == "side" and scenario.fate == "keep"):
            thumb_key = (
                f"{maker.prefix}thumbs/{number + 1}.{keys.ENDINGS[maker.picture(base, True).media_type]}"
            )
            late = arrived + timedelta(seconds=random.randint(2, 40))
            group.append(_file(maker, "thumbnail", thumb_key, base, late, original, fate))
        for upload in group:
            uploads.append(upload)
            contents += _histories(maker, scenario, upload, number)
    contents += _strays(maker, scenario, uploads)
    return Files(tuple(uploads), tuple(contents))


def shared(files: Files, with_order: str, fate: Fate) -> Files:
    """The same files, the first side photo now also used by `with_order`, and with another fate."""
    chosen = next(upload for upload in files.uploads if upload.role == "side")
    both = replace(chosen, order_ids=(*chosen.order_ids, with_order), fate=fate)
    return Files(
        tuple(both if upload is chosen else upload for upload in files.uploads),
        tuple(replace(h, fate=fate) if h.key == chosen.object_key else h for h in files.contents),
    )


def _plan(maker: _Maker, scenario: Scenario) -> Iterator[tuple[Role, str | None, int]]:
    """Role, name (None: the usual one) and drawing of each original."""
    bases = [maker.random.randrange(BASES) for _ in range(len(keys.HOSTILE) + 1)]
    if scenario.name.startswith("hostile"):
        roles: tuple[Role, ...] = ("front", "side", "style")
        for n, stem in enumerate(keys.HOSTILE):
            # Pairs get the same ending: the composed and the decomposed name then differ in nothing else.
            base = bases[(n + 1) // 2]
            ending = keys.ENDINGS[maker.picture(base).media_type]
            yield roles[min(n, 2)], f"{stem}.{ending}", base
        yield "style", keys.long_name(maker.prefix, maker.picture(bases[-1]).media_type), bases[-1]
        return
    for role, base in zip(_ROLES_KEPT if scenario.fate == "keep" else _ROLES_DUE, bases, strict=False):
        yield role, None, base


def _file(
    maker: _Maker, role: Role, key: str, base: int, at: datetime, parent: Upload | None, fate: Fate
) -> Upload:
    style = role == "style"
    return Upload(
        UUID(int=maker.random.getrandbits(128), version=4),
        "style_reference" if style else "personal_photo",
        role,
        key,
        maker.picture(base, role == "thumbnail"),
        parent.upload_id if parent else None,
        at,
        (maker.order_id,),
        fate,
    )


def _histories(maker: _Maker, scenario: Scenario, upload: Upload, number: int) -> Iterator[KeyHistory]:
    """What both buckets hold under the key of a recorded file."""
    random, picture = maker.random, upload.picture
    if scenario.name == "object_gone" and number < 2:
        if number == 1:  # gone from the uploads only: the copy in the backup is still somebody's photo
            yield KeyHistory("backup", upload.object_key, (picture,), upload.fate)
        return
    weights = (55, 33, 12) if scenario.fate == "keep" else (75, 20, 5)
    earlier = (
        random.randint(4, 6) if scenario.name == "many_versions" else random.choices((0, 1, 2), weights)[0]
    )
    before = maker.pictures(picture.base, earlier, picture.thumbnail)
    steps: tuple[Step, ...] = (*before, picture)
    if scenario.name.startswith("markers") and number < 3:
        # Hidden; hidden and put again; hidden twice.
        endings: tuple[tuple[Step, ...], ...] = (("marker",), ("marker", picture), ("marker", "marker"))
        steps += endings[number]
    yield KeyHistory("uploads", upload.object_key, steps, upload.fate)
    ordinary = scenario.name in ("due", "not_due", "in_production")
    if ordinary and random.random() < 0.06:
        return  # the backup missed it
    copied = steps[-3:] if scenario.name == "many_versions" else (steps[-1:] if earlier else steps)
    if not any(isinstance(step, Picture) for step in copied):
        copied = (picture, *copied)
    yield KeyHistory("backup", upload.object_key, copied, upload.fate)


def _strays(maker: _Maker, scenario: Scenario, uploads: list[Upload]) -> Iterator[KeyHistory]:
    """What lies below the order's prefix and no row knows."""
    fate, prefix, base = scenario.fate, maker.prefix, maker.random.randrange(BASES)
    if scenario.name == "unrecorded":
        ending = keys.ENDINGS[maker.picture(base, True).media_type]
        places: tuple[tuple[Place, str], ...] = (
            ("uploads", f"cache/front@2x.{ending}"),
            ("uploads", f"cache/deep/er/preview.{ending}"),
            ("backup", f"cache/front@2x.{ending}"),
            ("backup", f"restored/front-1.{ending}"),
        )
        for place, name in places:
            yield KeyHistory(place, prefix + name, maker.pictures(base, 2, thumbnail=True), fate)
    if scenario.name.startswith("unfinished"):
        # One over a finished key, one of a key that never came to be, one in the backup.
        yield KeyHistory("uploads", uploads[0].object_key, ("multipart", "multipart"), fate)
        yield KeyHistory("uploads", f"{prefix}side-9 (uploading).jpg", ("multipart",), fate)
        yield KeyHistory("backup", f"{prefix}side-9 (uploading).jpg", ("multipart",), fate)


def orphans(random: Random, due_order_id: str, now: datetime) -> Iterator[KeyHistory]:
    """Objects no order accounts for: unknown order ids, odd prefixes, and one that only looks like a due order's."""
    maker = _Maker(random, f"lost_{random.getrandbits(32):08x}", ZoneInfo("UTC"), now)
    places: tuple[tuple[Place, str], ...] = (
        ("uploads", f"{maker.prefix}front-1.jpg"),
        ("uploads", f"{maker.prefix}thumbs/1.webp"),
        ("backup", f"{maker.prefix}front-1.jpg"),
        ("uploads", f"orders/{due_order_id}.jpg"),
        ("uploads", f"orders/{due_order_id.upper()}/front-1.jpg"),
        ("uploads", "tmp/import 2024+07/Foto Ü.jpg"),
        ("backup", "loose.jpg"),
    )
    for place, key in places:
        yield KeyHistory(place, key, maker.pictures(0, 1), None)
    yield KeyHistory("uploads", "tmp/half.jpg", ("multipart",), None)
