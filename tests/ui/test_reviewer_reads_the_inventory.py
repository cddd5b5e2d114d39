"""The record of processing as a reviewer opens it: in a browser, without a server; in the light, the dark, on paper."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.inventory_fixtures import inventory

from data_lifecycle.vendor_inventory import documents
from data_lifecycle.vendor_inventory.exporting import folder_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "vendor-inventory.png"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def page_file(load_demo: Callable[..., Any]) -> Path:
    """The page of the demo studio's inventory."""
    demo = load_demo(orders=300)
    house = demo.house
    return folder_of(house.settings, inventory(house)) / documents.PAGE


def test_the_page_can_be_read(page_file: Path, browser: Browser) -> None:
    for width, scheme in ((1400, "light"), (1400, "dark"), (360, "light")):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        wrong: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message, wrong=wrong: wrong.append(message.text))  # type: ignore[misc]
        page.on("request", lambda request, asked=asked: asked.append(request.url))  # type: ignore[misc]
        page.goto(page_file.as_uri())
        assert page.get_by_role("heading", level=1).inner_text().startswith("Record of processing")
        page.get_by_role("row").filter(has_text="sketchfast").filter(has_text="unlisted vendor").wait_for()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is cut off"
        assert (wrong, asked) == ([], [page_file.as_uri()])
        if width == 1400 and scheme == "light" and os.environ.get("SCREENSHOTS") == "1":
            page.mouse.click(5, 5)
            PICTURE.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(PICTURE), animations="disabled")
        page.emulate_media(media="print")
        assert page.locator("nav").is_hidden()
        context.close()
