"""Bank-card numbers in text (policy 1.1: payment records hold none): the shape of a brand, and its check digit."""

from __future__ import annotations

import re

_RUN = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_LONGEST = 19
# By first digits, with how many a number of the brand has. Milliseconds since 1970 begin with 1: no brand does.
_BRANDS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11,16}"  # Diners
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12,15}"  # JCB
    r"|6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12,15}"  # Discover
    r"|62[0-9]{14,17}"  # UnionPay
    r"|(?:50|5[6-9]|6[0-9])[0-9]{11,17}"  # Maestro
)


def holds_card_number(text: str) -> bool:
    """Whether the text has a number that could be a card's: 13 to 19 digits, single spaces or dashes between them.

    Part of a longer run of digits is not one: providers' own references have 28. The number is never returned.
    """
    for run in _RUN.finditer(text):
        groups = _GROUP.findall(run[0])
        for first in range(len(groups)):
            digits = ""
            for group in groups[first:]:
                digits += group
                if len(digits) > _LONGEST:
                    break
                # An expiry date may stand behind it, a country's code before it: every span of groups is tried.
                if _BRANDS.fullmatch(digits) and _checks(digits):
                    return True
    return False


def _checks(digits: str) -> bool:
    """Luhn's check: every second digit from the right doubled, digit sums added, a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
