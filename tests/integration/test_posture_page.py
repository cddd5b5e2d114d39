"""The page that says whether anything may be deleted now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.integration.test_pages import visit

from data_lifecycle.protocol import posture

if TYPE_CHECKING:
    from data_lifecycle.protocol.house import House

__all__ = ["visit"]


def test_the_page_and_the_overview_say_that_the_house_is_paused(house: House, visit: Any) -> None:
    viewer = visit("viewer")
    assert "Not paused." in viewer.get("/posture").text
    assert "Nothing is deleted now" not in viewer.get("/").text
    posture.throw(house, paused=True, by="engineer", why="the store answers strangely")
    page = viewer.get("/posture").text
    assert "Paused since" in page
    assert "by engineer: the store answers strangely" in page
    assert "Nothing is deleted now" in viewer.get("/").text
    posture.throw(house, paused=False, by="officer", why="mended")
    page = viewer.get("/posture").text
    assert "Not paused." in page
    assert "mended" in page
    assert "the store answers strangely" in page
    assert visit(None).get("/posture").status_code == 401
