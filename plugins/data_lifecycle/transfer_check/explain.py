"""A verdict in words: rule by rule, with the dates and sources that decided. Names nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data_lifecycle.database import Row

_WORD = {True: "kept", False: "BROKEN", None: "BROKEN (unknown)"}


def lines(
    verdict: Row, rules: Sequence[Row], consents: Sequence[Row], earlier: Sequence[Row]
) -> Iterator[str]:
    """The verdict that holds, every rule with its facts, the consents that were looked at, and what it superseded."""
    word = "ALLOWED" if verdict["allowed"] else f"DENIED by {', '.join(verdict['broken'])}"
    border = "crosses a border" if verdict["cross_border"] else "crosses no border"
    yield f"{word}: {verdict['data_category']} to {verdict['vendor']} for {verdict['purpose']}"
    yield (
        f"  {verdict['origin_country'] or '?'} → {verdict['destination_country'] or '?'}, {border}; "
        f"sent {_moment(verdict['sent_at'])}, judged as of then"
    )
    yield (
        f"  by run {verdict['run_id']} on {_moment(verdict['judged_at'])}, verdict {verdict['verdict_id']}"
    )
    yield f"  register sha256 {verdict['register_sha256']}"
    yield f"  reference lists sha256 {verdict['reference_sha256']}"
    for rule in rules:
        found = verdict["rules"][rule["rule"]]
        applies = found["applies"] is not False
        state = _WORD[found["kept"]] if applies else "does not apply"
        yield f"{rule['rule']} {state}: {rule['requires'] if found['kept'] or not applies else rule['violation']}"
        if applies:
            yield f"    clause {rule['clause']}; applies {rule['applies']}"
            for name, value in (found["facts"] or {}).items():
                yield from _fact(name, value)
            if rule["rule"] == "T09":
                yield from _consents(consents)
    for old in earlier:
        word = "allowed" if old["allowed"] else f"denied by {', '.join(old['broken'])}"
        yield (
            f"supersedes verdict {old['verdict_id']} of run {old['run_id']}, {_moment(old['judged_at'])}: {word}; "
            f"reference lists {old['reference_sha256'][:12]}, register {old['register_sha256'][:12]}"
        )


def _consents(consents: Sequence[Row]) -> Iterator[str]:
    if not consents:
        yield "    no consent of the person names this recipient"
    for consent in consents:
        until = f" until {_moment(consent['withdrawn_at'])}" if consent["withdrawn_at"] else ""
        faults = ", ".join(consent["faults"]) or "stood at sending"
        kind = consent["consent_type"].replace("_", " ")
        yield (
            f"    {kind}, {consent['pii_type']}, notice {consent['privacy_notice_version']}, "
            f"given {_moment(consent['given_at'])}{until}: {faults}"
        )


def _fact(name: str, value: Any, depth: int = 4) -> Iterator[str]:
    space, label = " " * depth, name.replace("_", " ")
    if isinstance(value, Mapping):
        yield f"{space}{label}:"
        for key, part in value.items():
            yield from _fact(key, part, depth + 2)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        yield f"{space}{label}:"
        for part in value:
            yield f"{space}  - " + "; ".join(
                f"{key.replace('_', ' ')} {_plain(item)}" for key, item in part.items() if key != "mechanisms"
            )
            for mechanism in part.get("mechanisms") or ():
                yield f"{space}    " + "; ".join(
                    f"{key.replace('_', ' ')} {_plain(item)}" for key, item in mechanism.items()
                )
    else:
        yield f"{space}{label}: {_plain(value)}"


def _plain(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _moment(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC"
