"""Reading a version by ranges gives the same bytes as having all of it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_lifecycle.payment_archive.vaultfile import BLOCK, VaultFile

DATA = bytes(number * 7 % 251 for number in range(3 * BLOCK + 11))


class Store:
    """Answers ranges of one object; ``cut`` bytes short."""

    def __init__(self, data: bytes, cut: int = 0) -> None:
        self.data, self.cut = data, cut

    def get_object(self, **asked: str) -> dict[str, Any]:
        assert (asked["Bucket"], asked["Key"], asked["VersionId"]) == ("b", "k", "v")
        first, last = asked["Range"].removeprefix("bytes=").split("-")
        answer = self.data[int(first) : int(last) + 1]
        return {"Body": io.BytesIO(answer[: len(answer) - self.cut])}


def opened(data: bytes = DATA, cut: int = 0) -> VaultFile:
    return VaultFile(Store(data, cut), "b", "k", "v", len(data))


@given(
    st.lists(
        st.tuples(
            st.integers(-len(DATA) - 5, len(DATA) + 5), st.sampled_from([0, 1, 2]), st.integers(-1, 2 * BLOCK)
        )
    )
)
def test_any_reading_is_that_of_a_plain_file(steps: list[tuple[int, int, int]]) -> None:
    ours, plain = opened(), io.BytesIO(DATA)
    for offset, whence, size in steps:
        if whence == io.SEEK_SET:
            offset = abs(offset)  # noqa: PLW2901
        assert ours.seek(offset, whence) == plain.seek(offset, whence)
        assert ours.read(size) == plain.read(size)
        assert ours.tell() == plain.tell()


def test_the_footer_costs_one_block_and_not_the_file() -> None:
    file = opened()
    file.seek(-8, io.SEEK_END)
    assert file.read() == DATA[-8:]
    file.seek(-2000, io.SEEK_END)
    assert file.read() == DATA[-2000:]
    assert file.fetched == BLOCK


def test_a_short_answer_is_an_error() -> None:
    with pytest.raises(OSError, match="less than was asked"):
        opened(cut=1).read(10)
