"""The whole purge on real servers, looked at afterwards with a plain S3 client that is not ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest


def test_everything_due_is_gone_and_nothing_else(
    load_demo: Callable[..., Any], purge: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lifecycle")
    demo = load_demo(orders=60)
    try:
        purge(demo.house)
    finally:
        print("\n".join(r.getMessage() for r in caplog.records if r.name == "lifecycle"))
