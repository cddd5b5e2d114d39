"""A vendor without an interface: a person asks, and notes the answer."""

from __future__ import annotations

from data_lifecycle.vendors.connector import Answer, Capabilities, ErasureRequest, Look, Sight


class Manual:
    """Waits for a person; knows nothing of its own."""

    def capabilities(self) -> Capabilities:
        """A person may note anything up to having seen it gone."""
        return Capabilities("manual", "verified")

    def submit(self, request: ErasureRequest) -> Answer:
        """Nothing is sent: a person has to ask."""
        return Answer("manual", None, "a-person-has-to-ask")

    def poll(self, request: ErasureRequest, reference: str | None) -> Answer:
        """Nothing to ask: see the note of a person."""
        return Answer("manual", None, "a-person-has-to-note-the-answer")

    def verify(self, request: ErasureRequest, reference: str | None) -> Look:
        """Nobody can look by machine."""
        return Look(Sight.UNKNOWABLE, "manual")
