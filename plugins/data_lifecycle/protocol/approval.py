"""The step in which a run waits for a person, by Airflow's own means: its form, its REST API, its time-out.

Imported when a DAG is parsed, so nothing of ours is imported before the step runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator  # noqa: TID253 — 25 ms, where a DAG asks
from airflow.sdk import Param

if TYPE_CHECKING:
    from data_lifecycle.protocol.asking import Petition

ANSWER_WITHIN = timedelta(hours=20)
"""How long a run waits: less than a day, so that the next day's run is not held up, and plans anew."""
MANIFEST = "manifest_sha256"
FORM = {
    MANIFEST: Param(
        None,
        type=["null", "string"],
        description="The SHA-256 of the manifest that you approve: copy it from above.",
    )
}
"""What whoever answers fills in; a DAG gives it as ``params``."""


class Approval(ApprovalOperator):
    """Lets a run go that guard let go; for one over its caps, asks. What it returns are the batches to work on.

    ``pipeline`` is the package that asks: its module ``approving`` says what about. ``number`` is the run's number,
    from the step plan. A rejection skips the step, anything else that is no approval fails it; attest states it either
    way.
    """

    template_fields = ("number",)

    def __init__(self, *, pipeline: str, number: Any, **more: Any) -> None:
        super().__init__(
            subject="Is this plan to be carried out?",
            response_timeout=ANSWER_WITHIN,
            **more,
        )
        self.pipeline, self.number = pipeline, number

    def execute(self, context: Any) -> list[int]:
        """The batches, if guard released them or an approval stands; else parks the task and asks."""
        from data_lifecycle.protocol.discretion import discreet

        batches: list[int] = discreet(self._ask)(context)
        return batches

    def _ask(self, context: Any) -> list[int]:
        from data_lifecycle.protocol import asking
        from data_lifecycle.protocol.house import House, PromiseBroken, log
        from data_lifecycle.protocol.steps import final

        house, petition = House.of_airflow(), self._petition()
        with final(PromiseBroken):
            batches = asking.batches_of(petition, house, self.number)
            if batches is not None:
                log.info("within the caps: nobody has to be asked")
                return batches
            if asking.approved(petition, house, self.number):
                return asking.release_approved(petition, house, self.number)
            asked = asking.question(petition, house, self.number, _starter(context))
        self.subject, self.body = asked.subject, asked.body
        self.assigned_users = [{"id": account, "name": account} for account in asked.approvers]
        log.info("waiting for an answer of %s, for %s at most", ", ".join(asked.approvers), ANSWER_WITHIN)
        log.info("manifest sha256 %s", asked.manifest_sha256)
        parked: list[int] = super().execute(context)
        return parked

    def execute_complete(self, context: Any, event: dict[str, Any]) -> list[int]:
        """What comes of the answer: the batches, if it is an approval that counts."""
        from data_lifecycle.protocol.discretion import discreet

        batches: list[int] = discreet(self._settle)(context, event)
        return batches

    def _petition(self) -> Petition:
        petition: Petition = import_module(f"data_lifecycle.{self.pipeline}.approving").PETITION
        return petition

    def _settle(self, context: Any, event: Mapping[str, Any]) -> list[int]:
        from airflow.sdk.exceptions import AirflowSkipException

        from data_lifecycle.protocol import asking
        from data_lifecycle.protocol.house import House, PromiseBroken
        from data_lifecycle.protocol.steps import final

        petition = self._petition()
        asked_at = context["ti"].start_date or datetime.now(UTC)
        if "error" in event:
            answer = asking.Answer("timed_out", None, None, asked_at)
        else:
            word: asking.Word = "approved" if event["chosen_options"] == [self.APPROVE] else "rejected"
            user = event.get("responded_by_user") or {}
            typed = (event.get("params_input") or {}).get(MANIFEST)
            answer = asking.Answer(
                word, typed.strip() if isinstance(typed, str) else None, user.get("id"), asked_at
            )
        with final(PromiseBroken):
            try:
                return asking.settle(petition, House.of_airflow(), self.number, answer, _starter(context))
            except asking.Rejected as rejected:
                raise AirflowSkipException(str(rejected)) from None


def _starter(context: Any) -> str | None:
    name = getattr(context["dag_run"], "triggering_user_name", None)
    return str(name) if name else None
