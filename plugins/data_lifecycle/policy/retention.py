"""Retention rules (clause 3.2): what starts the clock, how long data is kept, and whether a schedule can keep that."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from data_lifecycle.policy import clock
from data_lifecycle.policy.duration import Duration, format_hours
from data_lifecycle.policy.parts import (
    DataCategory,
    Identifier,
    Model,
    Promise,
    TerminalState,
    Text,
    UploadCategory,
)

ARCHIVE_WINDOW = timedelta(days=16)
"""The longest half of a calendar month: a file of the archive holds records whose promises end within one."""


class Schedule(Model):
    """How often whatever enforces a rule runs: cron in UTC, its longest pause, and how long failures are retried."""

    cron: Text
    timezone: Literal["UTC"]
    period: Duration
    retry_budget: Duration

    @model_validator(mode="after")
    def _elapsed(self) -> Schedule:
        if self.period.years or self.retry_budget.years:
            raise ValueError("period and retry_budget must be days or hours")
        return self


class Trigger(Model):
    """The event that starts the clock; for orders the first of the terminal states."""

    event: Literal[
        "order.terminal", "customer.last_order_terminal", "payment.final", "record.created", "consent.ended"
    ]
    states: tuple[TerminalState, ...] = ()

    @model_validator(mode="after")
    def _states_of_orders(self) -> Trigger:
        if self.event.endswith("order_terminal") or self.event == "order.terminal":
            if not self.states:
                raise ValueError("an order event needs its terminal states")
        elif self.states:
            raise ValueError(f"{self.event} has no states")
        return self


class Latest(Model):
    """The duration is a deadline; erasing starts `start_at` (elapsed) after the trigger."""

    meaning: Literal["latest"]
    start_at: Duration


class Earliest(Model):
    """The duration is a floor; erasing follows within `erase_within` after it."""

    meaning: Literal["earliest"]
    erase_within: Duration


class RetentionRule(Promise):
    """How long a kind of data is kept (3.2), and where it must be absent afterwards."""

    data_categories: Annotated[tuple[DataCategory, ...], Field(min_length=1)]
    upload_categories: tuple[UploadCategory, ...] = ()
    trigger: Trigger
    period: Duration = Field(alias="duration")
    boundary: Annotated[Latest | Earliest, Field(discriminator="meaning")]
    schedule: Schedule
    action: Annotated[tuple[Literal["archive", "erase"], ...], Field(min_length=1)]
    also_on: tuple[Identifier, ...] = ()
    pseudonymise_on: tuple[Identifier, ...] = ()
    absent_in: Annotated[
        tuple[
            Literal[
                "rows",
                "versions",
                "delete_markers",
                "unfinished_uploads",
                "derivatives",
                "backups",
                "vendors",
            ],
            ...,
        ],
        Field(min_length=1),
    ]

    @property
    def duration(self) -> timedelta:
        """The period as elapsed time; a ValueError for calendar years (use `period` and `dates`)."""
        return self.period.elapsed

    @property
    def start_at(self) -> timedelta:
        """Elapsed time from trigger to the first erasing; a ValueError for a rule that is a floor in years."""
        return self.boundary.start_at.elapsed if isinstance(self.boundary, Latest) else self.period.elapsed

    @property
    def slack(self) -> timedelta:
        """Elapsed time that the rule leaves from the start of erasing to the deadline."""
        if isinstance(self.boundary, Latest):
            return self.duration - self.start_at
        return self.boundary.erase_within.elapsed

    @property
    def deadline_text(self) -> str:
        """Period, and what it means."""
        if isinstance(self.boundary, Latest):
            return f"{self.period}, from {self.boundary.start_at}"
        return f"{self.period} kept, erased in {self.boundary.erase_within}"

    def dates(self, anchor: datetime, timezone: str) -> clock.RetentionDates:
        """Dates that follow from the trigger event at `anchor` (UTC); a ValueError for a naive anchor."""
        if isinstance(self.boundary, Latest):
            return clock.retention_dates(
                anchor,
                duration=self.period,
                start_at=self.boundary.start_at,
                timezone=timezone,
                schedule_period=self.schedule.period.elapsed,
                retry_budget=self.schedule.retry_budget.elapsed,
            )
        return clock.keeping_dates(
            anchor,
            duration=self.period,
            erase_within=self.boundary.erase_within,
            timezone=timezone,
            schedule_period=self.schedule.period.elapsed,
            retry_budget=self.schedule.retry_budget.elapsed,
        )

    def arithmetic_error(self, timezone: str, from_date: date) -> str | None:
        """Why the schedule cannot keep the deadline, with the sum; None when it can.

        `start_at` + schedule period + retry budget must fit into the shortest elapsed time the period can take; for
        what is archived in files, the span of a file + schedule period + retry budget into `erase_within`.
        """
        if isinstance(self.boundary, Latest):
            if self.period.years:
                return f"{self.period} as a deadline has no fixed length; write it in days"
            if self.boundary.start_at.years:
                return f"start_at {self.boundary.start_at} has no fixed length; write it in days or hours"
            limit, first = (
                self.period,
                f"start_at {self.boundary.start_at} ({format_hours(self.start_at)}) + ",
            )
            spent = self.start_at
        else:
            limit, first, spent = self.boundary.erase_within, "", timedelta(0)
            if "archive" in self.action:
                # A file goes as a whole when the last of its records may: the first has waited for that long by then.
                first, spent = f"window of a file {format_hours(ARCHIVE_WINDOW)} + ", ARCHIVE_WINDOW
            if limit.years:
                return f"erase_within {limit} has no fixed length; write it in days"
        period, retry = self.schedule.period.elapsed, self.schedule.retry_budget.elapsed
        shortest = clock.shortest_span(timezone, limit.days, from_date) + timedelta(hours=limit.hours)
        total = spent + period + retry
        if total <= shortest:
            return None
        sum_text = f"{first}period {format_hours(period)} + retry budget {format_hours(retry)} = {format_hours(total)}"
        short = limit.elapsed - shortest
        why = (
            f" ({limit} less {format_hours(short)} of clock changes in {timezone})"
            if short
            else f" ({limit})"
        )
        return f"{sum_text} > {format_hours(shortest)}{why}"
