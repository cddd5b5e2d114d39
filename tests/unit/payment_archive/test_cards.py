"""Card numbers are found in any spelling, and what only looks like one is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_lifecycle.payment_archive.cards import holds_card_number

# Published by card schemes and providers for tests.
CARDS = (
    "4242424242424242", "4000056655665556", "5555555555554444", "2223003122003222", "5200828282828210",
    "378282246310005",
    "371449635398431", "6011111111111117", "3056930009020004", "36227206271667", "3566002020360505", "6200000000000005",
    "4222222222222",
)  # fmt: skip


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("text", ["{}", "card {}.", '{{"number": "{}"}}', "x{}y", "+{}", "{} 12/29", "№{}"])
def test_a_card_is_found(card: str, text: str) -> None:
    assert holds_card_number(text.format(card))
    grouped = " ".join(card[i : i + 4] for i in range(0, len(card), 4))
    assert holds_card_number(text.format(grouped.replace(" ", "-")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4242424242424241",
        "4242 4242 4242",
        "1780000000000",
        "2026112322001400001234567890",
        "42424242424242424242424242",
        "ch_3OaB4242xYz",
        "0000000000000000",
        "4242  4242  4242  4242",
        "2026-11-23 17:00:00",
        "+49 30 901820 1234567",
    ],
)
def test_what_is_no_card_is_left_alone(text: str) -> None:
    assert not holds_card_number(text)


@given(st.sampled_from(CARDS), st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_no_card(card: str, place: int, step: int) -> None:
    wrong = card[:place] + str((int(card[place]) + step) % 10) + card[place + 1 :]
    assert not holds_card_number(wrong)


@given(st.text())
def test_any_text_can_be_asked(text: str) -> None:
    holds_card_number(text)
