"""What the demo studio sent to vendors, the consents for it, and a violation of every rule, each with its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal
from uuid import UUID

from data_lifecycle.studio.demo.model import Consent, Customer, Disclosure, Order, Payment, Upload
from data_lifecycle.studio.demo.scenarios import Fate
from data_lifecycle.studio.demo.timeline import DAY, HOUR

NOTICE_VERSION = "2024-08-08"
OLD_NOTICE = "2023-01-01"
PHOTO, SERVICE, TRAINING = "user.content.self_image", "essential.service", "train_ai_system"
EMAIL, MAILING = "user.contact.email", "essential.service.notifications.email"
PROVIDERS = ("aws-s3", "aliyun-oss")
"""Second providers of storage: what they get is a copy under the file's own key."""
_ARTIST, _WRITERS = "replicate", ("openai", "fal")
# Vendors that the demo's house can reach, or that let go by their own clock.
_WITHIN_REACH = frozenset({*PROVIDERS, _ARTIST})
_COPIED_AWAY, _UNREACHABLE = "copied_away", "vendor_unreachable"
# Customers of these countries are judged by the Union's list and meet no vendor at home.
_BY_THE_UNION = frozenset({"DE", "JP", "AU", "BR", "IS", "NZ"})
_AFTER_SENDGRID = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a vendor keeps what it gets, from where else it can look at it, to whom it passes it on."""

    country: str
    access: tuple[str, ...] = ()
    sub_processors: tuple[str, ...] = ()


ROUTES: Mapping[str, Route] = {
    "stripe": Route("US", ("IE",)),
    "paypal": Route("US"),
    "alipay": Route("CN"),
    "wechatpay": Route("CN"),
    "postmark": Route("US", (), ("aws",)),
    "sendgrid": Route("US"),
    "aliyun-oss": Route("CN"),
    "aws-s3": Route("SG"),
    "replicate": Route("US"),
    "openai": Route("US", (), ("azure",)),
    "fal": Route("US"),
    "pixelwright": Route("US"),
    "brushworks": Route("US"),
    "paintbox": Route("IN"),
    "sketchfast": Route("US"),
}
"""As the studio's integrations record it; sketchfast is in no register."""


def _uuid(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)


def _reference(random: Random, vendor: str) -> str:
    letters = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
    return vendor[:2] + "_" + "".join(random.choices(letters, k=24))


def disclosures(
    random: Random,
    order: Order,
    customer: Customer,
    charges: Sequence[Payment],
    uploads: Sequence[Upload],
    fate: Fate | None,
    now: datetime,
) -> Iterator[Disclosure]:
    """What went to payment, e-mail, storage and AI vendors, at the moment it was needed; allowed, but for minors.

    Files go to the artist, who keeps them an hour; wishes, as text, to the writers. Copies at a second provider are a
    service for orders in work: of those that are due, only the scenarios about vendors have any.
    """

    def sent(
        vendor: str, category: str, purpose: str, at: datetime, upload_id: UUID | None = None
    ) -> Disclosure:
        route = ROUTES[vendor]
        return Disclosure(
            _uuid(random), order.order_id, vendor, category, purpose, route.country, upload_id,
            _reference(random, vendor), at, customer.country, route.access, route.sub_processors, "TLSv1.3",
            ("T10",) if customer.is_minor else (),
        )  # fmt: skip

    for charge in charges[:1]:
        purpose = "essential.service.payment_processing"
        yield sent(charge.provider, "user.financial", purpose, charge.occurred_at)
    yield sent("postmark", EMAIL, MAILING, order.created_at + timedelta(minutes=1))
    storage = random.choice(PROVIDERS) if customer.country == "CN" else "aws-s3"
    if charges:
        yield sent(random.choice(_WRITERS), "user.content.private", SERVICE, order.created_at + HOUR)
    for upload in uploads:
        category = PHOTO if upload.category == "personal_photo" else "user.content.private"
        if fate == "keep" or order.scenario == _COPIED_AWAY:
            yield sent(storage, category, SERVICE, upload.uploaded_at, upload.upload_id)
        if order.scenario == _UNREACHABLE and upload.role == "front":
            yield sent("pixelwright", category, SERVICE, upload.uploaded_at + HOUR, upload.upload_id)
        begun = upload.uploaded_at + DAY
        if charges and upload.derived_from is None and begun < now and random.random() < 0.6:
            yield sent(_ARTIST, category, SERVICE, begun, upload.upload_id)


Kind = Literal["expressed_consent", "separate_consent", "implied_consent"]


def consent(
    random: Random,
    customer: Customer,
    recipient: str | None,
    category: str,
    purpose: str,
    given: datetime,
    kind: Kind = "separate_consent",
) -> Consent:
    """A consent of this customer, not bundled, not withdrawn, under the notice in force."""
    return Consent(
        record_id=_uuid(random),
        pii_principal_id=customer.customer_id,
        privacy_notice_version=NOTICE_VERSION,
        purpose=purpose,
        pii_type=category,
        recipient_third_party=recipient,
        jurisdiction=customer.country,
        consent_type=kind,
        bundled=False,
        given_at=given,
        withdrawn_at=None,
    )


def consents(random: Random, customer: Customer, sent: Iterable[Disclosure]) -> Iterator[Consent]:
    """Consent to the service, and a separate one for each vendor, category and purpose that was used."""
    given = customer.created_at + timedelta(minutes=3)
    yield consent(random, customer, None, PHOTO, SERVICE, given, "expressed_consent")
    for vendor, category, purpose in sorted({(d.vendor, d.data_category, d.purpose) for d in sent}):
        yield consent(random, customer, vendor, category, purpose, given)


class _Seeds:
    """Takes ordinary disclosures, oldest first, each once, as the models of violations."""

    def __init__(
        self,
        random: Random,
        sent: Sequence[Disclosure],
        owners: Mapping[str, Customer],
        due: frozenset[str],
        now: datetime,
    ) -> None:
        self.random, self.owners, self.due, self.now = random, owners, due, now
        self.pool = [
            d
            for d in sorted(sent, key=lambda d: (d.order_id in due, d.sent_at, d.disclosure_id))
            if not owners[d.order_id].is_minor
        ]
        self.sent: list[Disclosure] = []
        self.agreed: list[Consent] = []
        self.asked: set[UUID] = set()

    def take(
        self,
        origins: frozenset[str],
        vendors: Sequence[str],
        since: datetime | None = None,
        fresh: bool = False,
    ) -> Disclosure | None:
        """The next disclosure of such an origin and vendor; `fresh`: of a customer not taken as such before."""
        for model in self.pool:
            who = self.owners[model.order_id].customer_id
            wanted = (
                model.origin_country in origins
                and model.vendor in vendors
                and model.data_category in (PHOTO, EMAIL)
            )
            if wanted and (since is None or model.sent_at >= since) and not (fresh and who in self.asked):
                self.pool.remove(model)
                if fresh:
                    self.asked.add(who)
                return model
        return None

    def add(
        self, model: Disclosure, broken: tuple[str, ...], vendor: str | None = None, **parts: Any
    ) -> Disclosure:
        """A further disclosure an hour after its model, altered, with the verdict it must get."""
        name = vendor or model.vendor
        route = ROUTES[name]
        made = replace(
            model, disclosure_id=_uuid(self.random), vendor=name, vendor_ref=_reference(self.random, name),
            destination_country=route.country, access_countries=route.access, sub_processors=route.sub_processors,
            sent_at=min(model.sent_at + HOUR, self.now), broken=broken,
        )  # fmt: skip
        if name not in _WITHIN_REACH and model.order_id in self.due:
            # Of a due order only what its scenario says may wait for a vendor: which file it was, nobody recorded.
            made = replace(made, upload_id=None)
        made = replace(made, **parts)
        self.sent.append(made)
        return made

    def agree(self, made: Disclosure, kind: Kind = "separate_consent", **parts: Any) -> None:
        """The consent that belongs to a violation, altered."""
        customer = self.owners[made.order_id]
        given = customer.created_at + timedelta(minutes=3)
        found = consent(self.random, customer, made.vendor, made.data_category, made.purpose, given, kind)
        self.agreed.append(replace(found, **parts))


def violations(
    random: Random,
    sent: Sequence[Disclosure],
    owners: Mapping[str, Customer],
    due: frozenset[str],
    now: datetime,
) -> tuple[list[Disclosure], list[Consent]]:
    """Further disclosures and consents, so that every rule T01 to T11 is broken; `owners` maps orders to customers.

    `due` are orders whose files a purge erases: their files are sent to nobody else.
    """
    seeds = _Seeds(random, sent, owners, due, now)
    chinese = frozenset({"CN"})
    _unknown_and_unlisted(seeds, chinese)
    _without_mechanism(seeds)
    _chinese_routes(seeds, chinese)
    _consent_faults(seeds)
    return seeds.sent, seeds.agreed


def _unknown_and_unlisted(seeds: _Seeds, chinese: frozenset[str]) -> None:
    parts: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
        (("T01",), {"access_countries": None}),
        (("T01",), {"destination_country": None}),
        (("T01",), {"sub_processors": None}),
        (("T08",), {"transport": "TLSv1.0"}),
        (("T08",), {"transport": None}),
        (("T11",), {"sub_processors": ("gpu-barn",)}),
    )
    for broken, changed in parts:
        if model := seeds.take(chinese, (_ARTIST,)):
            seeds.add(model, broken, **changed)
    if model := seeds.take(chinese, PROVIDERS):
        seeds.agree(seeds.add(model, ("T02", "T03", "T04", "T07", "T08", "T11"), "sketchfast"))
    if model := seeds.take(chinese, ("postmark",), since=_AFTER_SENDGRID):
        seeds.agree(seeds.add(model, ("T02", "T03", "T04", "T07", "T11"), "sendgrid"))
    if model := seeds.take(chinese, (_ARTIST,)):
        seeds.agree(seeds.add(model, ("T03",), purpose=TRAINING))
    if model := seeds.take(chinese, ("postmark",)):
        seeds.agree(seeds.add(model, ("T03",), data_category=PHOTO))


def _without_mechanism(seeds: _Seeds) -> None:
    for broken, vendor in ((("T04",), "aliyun-oss"), (("T05",), "brushworks"), (("T06",), "paintbox")):
        if model := seeds.take(_BY_THE_UNION, ("aws-s3", _ARTIST)):
            seeds.agree(seeds.add(model, broken, vendor))


def _chinese_routes(seeds: _Seeds, chinese: frozenset[str]) -> None:
    if model := seeds.take(chinese, (*PROVIDERS, _ARTIST)):
        seeds.agree(seeds.add(model, ("T04", "T07"), "paintbox"))
    if model := seeds.take(chinese, (*PROVIDERS, _ARTIST), fresh=True):
        seeds.agree(seeds.add(model, ("T07",), "pixelwright"), "expressed_consent")


def _consent_faults(seeds: _Seeds) -> None:
    faults: tuple[dict[str, Any] | None, ...] = (
        None,
        {"bundled": True},
        {"withdrawn_at": -HOUR},
        {"given_at": HOUR},
        {"privacy_notice_version": OLD_NOTICE},
        {"consent_type": "implied_consent"},
    )
    for fault in faults:
        model = seeds.take(frozenset({"CN"}) | _BY_THE_UNION, (*PROVIDERS, _ARTIST), fresh=True)
        if model is None:
            continue
        broken = ("T07", "T09") if model.origin_country == "CN" else ("T09",)
        made = seeds.add(model, broken, "pixelwright")
        if fault is not None:
            # Spans count from the moment of sending; what lies in the future has not been recorded yet.
            parts: dict[str, Any] = {
                key: made.sent_at + value if isinstance(value, timedelta) else value
                for key, value in fault.items()
            }
            if all(not isinstance(value, datetime) or value <= seeds.now for value in parts.values()):
                seeds.agree(made, **parts)
    if model := seeds.take(frozenset({"CN"}) | _BY_THE_UNION, (*PROVIDERS, _ARTIST), fresh=True):
        # Withdrawn after sending: the disclosure stays allowed.
        made = seeds.add(model, (), "pixelwright")
        seeds.agree(made, withdrawn_at=min(made.sent_at + HOUR, seeds.now + timedelta(seconds=1)))
