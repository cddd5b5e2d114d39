"""Invented people: names from many scripts, addresses in domains reserved for examples."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from uuid import UUID

DOMAINS = ("example.org", "example.com", "example.net")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where customers come from: names, the beginning of their addresses, zone, country, currency."""

    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]
    family_first: bool
    country: str
    time_zone: str
    currency: str


_CHINESE_GIVEN = (
    ("静怡", "jingyi"),
    ("浩然", "haoran"),
    ("雨桐", "yutong"),
    ("子墨", "zimo"),
    ("欣妍", "xinyan"),
    ("俊杰", "junjie"),
)
_CHINESE_FAMILY = (
    ("欧阳", "ouyang"),
    ("王", "wang"),
    ("李", "li"),
    ("张", "zhang"),
    ("陈", "chen"),
    ("赵", "zhao"),
)
_ENGLISH_GIVEN = (
    ("Maya", "maya"),
    ("Zoë", "zoe"),
    ("Theodore", "theo"),
    ("D'Andre", "dandre"),
    ("Aoife", "aoife"),
)
_ENGLISH_FAMILY = (
    ("O'Neil", "oneil"),
    ("Okafor", "okafor"),
    ("Nuñez-Smith", "nunez"),
    ("Lindqvist", "lindqvist"),
)
_GERMAN_GIVEN = (("Jürgen", "juergen"), ("Änne", "aenne"), ("Yıldız", "yildiz"), ("Søren", "soeren"))
_GERMAN_FAMILY = (("Groß", "gross"), ("Müller-Lüdenscheidt", "mueller"), ("von der Au", "vonderau"))
_INDIAN = ((("आरव", "aarav"), ("Priya", "priya")), (("शर्मा", "sharma"), ("Iyer", "iyer")))
_JAPANESE = ((("さくら", "sakura"), ("翔太", "shota")), (("佐藤", "sato"), ("高橋", "takahashi")))
_BRAZILIAN = ((("João", "joao"), ("Conceição", "conceicao")), (("da Silva", "dasilva"), ("Araújo", "araujo")))
_ARABIC = ((("ليلى", "layla"), ("عمر", "omar")), (("الحسن", "alhassan"), ("منصور", "mansour")))
_ICELANDIC = ((("Þórdís", "thordis"), ("Ægir", "aegir")), (("Jónsdóttir", "jonsdottir"), ("Örn", "orn")))

_CHINA = Origin(_CHINESE_GIVEN, _CHINESE_FAMILY, True, "CN", "Asia/Shanghai", "CNY")
# Most customers are in China; the others bring zones with daylight saving, half hours and a 30-minute clock change.
ORIGINS = (
    *(_CHINA,) * 9,
    Origin(_ENGLISH_GIVEN, _ENGLISH_FAMILY, False, "US", "America/New_York", "USD"),
    Origin(_ENGLISH_GIVEN, _ENGLISH_FAMILY, False, "US", "America/Los_Angeles", "USD"),
    Origin(_ENGLISH_GIVEN, _ENGLISH_FAMILY, False, "GB", "Europe/London", "GBP"),
    Origin(_ENGLISH_GIVEN, _ENGLISH_FAMILY, False, "AU", "Australia/Lord_Howe", "AUD"),
    Origin(_GERMAN_GIVEN, _GERMAN_FAMILY, False, "DE", "Europe/Berlin", "EUR"),
    Origin(*_INDIAN, False, "IN", "Asia/Kolkata", "INR"),
    Origin(*_JAPANESE, True, "JP", "Asia/Tokyo", "JPY"),
    Origin(*_BRAZILIAN, False, "BR", "America/Sao_Paulo", "BRL"),
    Origin(*_ARABIC, False, "AE", "Asia/Dubai", "AED"),
    Origin(*_ICELANDIC, False, "IS", "Atlantic/Reykjavik", "ISK"),
    Origin(_ENGLISH_GIVEN, _ENGLISH_FAMILY, False, "NZ", "Pacific/Chatham", "NZD"),
)
CURRENCIES = {origin.country: origin.currency for origin in ORIGINS}


@dataclass(frozen=True, slots=True)
class Person:
    """Who a customer is."""

    customer_id: UUID
    name: str
    email: str
    origin: Origin


def invent(random: Random, number: int) -> Person:
    """A person; `number` keeps addresses distinct."""
    origin = random.choice(ORIGINS)
    given, family = random.choice(origin.given), random.choice(origin.family)
    ordered = (family, given) if origin.family_first else (given, family)
    joint = "" if origin.family_first else " "
    # Mailboxes may hold Unicode too (RFC 6531).
    mailbox = (
        ordered[0][0].replace(" ", "").replace("'", "")
        if random.random() < 0.1
        else f"{given[1]}.{family[1]}"
    )
    return Person(
        UUID(int=random.getrandbits(128), version=4),
        joint.join(part[0] for part in ordered),
        f"{mailbox}+{number}@{random.choice(DOMAINS)}",
        origin,
    )
