"""ISO 8601 durations, with elapsed time and calendar years kept apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_YEARS = re.compile(r"P(?P<years>\d{1,3})Y")
_ELAPSED = re.compile(r"P(?:(?P<days>\d{1,5})D)?(?:T(?P<hours>\d{1,6})H)?")


def format_hours(span: timedelta) -> str:
    """Write a span as hours, for example "156 h" or "167.5 h"."""
    return f"{round(span.total_seconds() / 3600, 2):g} h"


@dataclass(frozen=True)
class Duration:
    """A positive ISO 8601 duration: `PnY`, or days and hours (`PnD`, `PTnH`, `PnDTnH`).

    Years are calendar years and never mix with days: the length of a year depends on where it starts. Months and
    weeks are refused, because "P1M" has no length and "P1W" says nothing that "P7D" doesn't.
    """

    years: int = 0
    days: int = 0
    hours: int = 0

    def __post_init__(self) -> None:
        if min(self.years, self.days, self.hours) < 0 or not (self.years or self.days or self.hours):
            raise ValueError("a duration must be positive")
        if self.years and (self.days or self.hours):
            raise ValueError("calendar years cannot be mixed with days or hours")

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read `P7D`, `PT12H`, `P1DT6H` or `P7Y`; anything else is a ValueError that says what is allowed."""
        match = _YEARS.fullmatch(text) or _ELAPSED.fullmatch(text)
        if match is None or not any(match.groups()):
            raise ValueError("write an ISO 8601 duration as PnD, PTnH, PnDTnH or PnY (no months, no weeks)")
        return cls(**{name: int(value) for name, value in match.groupdict().items() if value is not None})

    @property
    def elapsed(self) -> timedelta:
        """Length as elapsed time, a day being 24 h; a ValueError for calendar years, which have no fixed length."""
        if self.years:
            raise ValueError(f"{self} is a number of calendar years and has no fixed length")
        return timedelta(days=self.days, hours=self.hours)

    def __str__(self) -> str:
        if self.years:
            return f"P{self.years}Y"
        return "P" + (f"{self.days}D" if self.days else "") + (f"T{self.hours}H" if self.hours else "")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(
            cls.parse, core_schema.str_schema(strict=True), serialization=core_schema.to_string_ser_schema()
        )
