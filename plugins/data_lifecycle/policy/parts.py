"""What every part of a policy file is made of: strict frozen models, clauses, promises, decisions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from data_lifecycle.policy.duration import Duration
from data_lifecycle.policy.taxonomy import require_category, require_use

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
DataCategory = Annotated[str, AfterValidator(require_category)]
DataUse = Annotated[str, AfterValidator(require_use)]
UploadCategory = Literal["personal_photo", "style_reference"]
TerminalState = Literal["completed", "cancelled", "refunded", "expired"]
Basis = Literal["policy", "studio-decision"]


class Model(BaseModel):
    """Base of every part of a policy: no unknown key, no coercion, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Clause(Model):
    """Where a promise stands: a section number of the text, a quotation that names it, and further ones."""

    section: Annotated[str, Field(pattern=r"^(preamble|\d{1,2}(\.\d{1,2})?)$")]
    quote: Text
    further: tuple[Text, ...] = ()


class Decision(Model):
    """A period that the policy leaves open ("regularly", "immediately") and the studio has decided."""

    value: Duration
    basis: Literal["studio-decision"]
    owner: Text


class Promise(Model):
    """One promise of the policy, or one rule of the studio's own; `reading` is the meaning that is implemented."""

    id: Identifier
    basis: Basis = "policy"
    clause: Clause | None = None
    owner: Text | None = None
    reading: Text | None = None

    @model_validator(mode="after")
    def _cites_or_owns(self) -> Promise:
        if self.basis == "policy" and (self.clause is None or self.owner is not None):
            raise ValueError(
                "a promise of the policy needs a clause and no owner (or basis: studio-decision)"
            )
        if self.basis == "studio-decision" and (self.clause is not None or self.owner is None):
            raise ValueError("a studio decision needs an owner and must not cite a clause")
        return self

    @property
    def deadline_text(self) -> str:
        """The period in a word for the table of `policy check`; "-" when the promise has none."""
        return "-"
