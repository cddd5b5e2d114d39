"""The compliance pages inside Airflow's UI, as a reviewer finds them, and a transfer verdict's log."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data_lifecycle.embedded.api import AirflowApi
from data_lifecycle.embedded.processes import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Page
    from tests.ui.conftest import Manor

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def api(manor: Manor) -> AirflowApi:
    """Airflow's interface, as an engineer uses it."""
    return AirflowApi(manor.url, "engineer", manor.passwords["engineer"])


def latest(api: AirflowApi, dag_id: str) -> str:
    """The id of the latest run of a pipeline, once it has ended well."""

    def found() -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = api.call(
            "GET", f"/dags/{dag_id}/dagRuns?order_by=-run_after&limit=1&state=success"
        )["dag_runs"]
        return runs

    wait_until(lambda: bool(found()), seconds=400, what=f"a run of {dag_id}", pause=2)
    return str(found()[0]["dag_run_id"])


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def test_strangers_see_no_page(manor: Manor) -> None:
    for path in ("/", "/inventory", "/answers", "/runs/photo_purge/x", "/openapi.json", "/docs"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{manor.url}/compliance{path}", timeout=30)
        assert refused.value.code in (401, 404), path
        assert refused.value.code == 401 or path in ("/openapi.json", "/docs")


def test_the_overview_leads_to_the_evidence_and_to_the_run(
    manor: Manor, api: AirflowApi, sign_in: Callable[[str], Page]
) -> None:
    run_id = latest(api, "photo_purge")
    page = sign_in("reviewer")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto("/plugin/compliance")
    frame = inside(page)
    frame.get_by_role("heading", level=1).wait_for()
    row = frame.get_by_role("row").filter(has_text="photo_purge")
    assert any(word in row.inner_text() for word in ("verified", "failed", "planned"))
    assert "entry" in row.inner_text()
    frame.get_by_role("link", name="photo_purge", exact=True).click()
    page.wait_for_url("**/dags/photo_purge/runs/**")
    page.goto(f"/dags/photo_purge/runs/{run_id}/plugin/run-evidence")
    frame = inside(page)
    frame.get_by_text("survivors = 0").first.wait_for()
    assert "OBSERVED_ABSENT" in frame.locator("main").inner_text()
    assert wrong == []


def test_the_inventory_is_in_the_navigation(api: AirflowApi, sign_in: Callable[[str], Page]) -> None:
    latest(api, "vendor_inventory")
    page = sign_in("reviewer")
    page.goto("/plugin/vendor-inventory")
    frame = inside(page)
    assert frame.get_by_role("heading", level=1).inner_text().startswith("Record of processing")
    frame.get_by_role("row").filter(has_text="sketchfast").filter(has_text="unlisted vendor").wait_for()


def test_a_verdicts_log_can_be_read(api: AirflowApi, sign_in: Callable[[str], Page]) -> None:
    run_id = latest(api, "transfer_check")
    page = sign_in("reviewer")
    page.set_viewport_size({"width": 1400, "height": 2000})
    page.goto(f"/dags/transfer_check/runs/{run_id}/tasks/judge")
    log = page.locator("code[data-testid]").filter(has_text="Done. Returned value was")
    log.wait_for()
    said = " ".join(log.inner_text().split())
    for text in (
        "incident opened, vendor sketchfast: rule T02",
        "T04 no transfer mechanism",
        "sketchfast: 1 disclosures, 1 denied",
    ):
        assert text in said
    if os.environ.get("SCREENSHOTS") == "1":
        page.set_viewport_size({"width": 1400, "height": 1000})
        page.mouse.move(700, 990)
        page.wait_for_load_state("networkidle")
        IMAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(IMAGES / "transfer-verdict-log.png"), animations="disabled")
