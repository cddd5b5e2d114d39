"""Each kind of mistake in a policy file is refused, and the message names file, path, value and fix."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data_lifecycle.policy.loader import PolicyError, load_all, load_policy, policy_in_force

REAL = Path(__file__).parents[3] / "include" / "policy"
NAME = "xmanart-privacy-2024-08-08.yaml"
TEXT = "xmanart-privacy-2024-08-08.txt"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the real policy with replacements (each must apply) beside its text, and return its path."""

    def _write(*changes: tuple[str, str], name: str = NAME) -> Path:
        content = (REAL / NAME).read_text(encoding="utf-8")
        for old, new in changes:
            assert old in content, old
            content = content.replace(old, new, 1)
        shutil.copy(REAL / TEXT, tmp_path / TEXT)
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return _write


PHOTOS = '"Automatically deleted within 7 days after order completion", further'
DAILY = '{cron: "0 2 * * *", timezone: UTC, period: P1D, retry_budget: PT12H}'
WINDOW = "duration: P7D\n    boundary: {meaning: latest, start_at: P5D}"

BAD = {
    "unknown key": (
        ("upload_categories: [pers", "color: blue\n    upload_categories: [pers"),
        "retention.0.color",
        "blue",
        "unknown key",
    ),
    "unknown key at the top": (("undertakings:", "extra: 1\nundertakings:"), "extra", "1", "unknown key"),
    "repeated key": (
        ("action: [erase]\n", "action: [erase]\n    action: [archive]\n"),
        "retention.0.action",
        "line",
        "key repeated, first on line",
    ),
    "same category twice": (
        (
            "data_categories: [user.content.private]\n    upload",
            "data_categories: [user.content.self_image]\n    upload",
        ),
        "retention.1.data_categories",
        "user.content.self_image",
        "already covered by rule photos",
    ),
    "same upload category twice": (
        ("upload_categories: [style_reference]", "upload_categories: [personal_photo]"),
        "retention.1.upload_categories",
        "personal_photo",
        "already covered by rule photos",
    ),
    "missing period": (("    duration: P7D\n", ""), "retention.0.duration", "(missing)", "add duration"),
    "no rule for what is collected": (
        ("data_categories: [user.unique_id, user.behavior]", "data_categories: [user.behavior]"),
        "information.3.data_categories",
        "user.unique_id",
        "no retention rule gives it a period",
    ),
    "another rule than the one named": (
        ("retention: [contact_data]", "retention: [order_data]"),
        "information.2.data_categories",
        "user.contact",
        "covered by retention rule contact_data",
    ),
    "unknown category": (
        (
            "data_categories: [user.content.self_image]\n    upload",
            "data_categories: [user.content.selfie_image]\n    upload",
        ),
        "retention.0.data_categories.0",
        "user.content.selfie_image",
        "user.content.self_image",
    ),
    "unknown use": (
        ("data_uses: [essential.fraud_detection", "data_uses: [essential.fraud"),
        "purposes.5.data_uses.0",
        "essential.fraud",
        "unknown data use",
    ),
    "unknown upload category": (
        ("upload_categories: [personal_photo]", "upload_categories: [selfie]"),
        "retention.0.upload_categories.0",
        "selfie",
        "'personal_photo'",
    ),
    "quotation not in the text": (
        (PHOTOS, '"Automatically deleted within 7 days of completion", further'),
        "retention.0.clause.quote",
        "7 days of completion",
        "not found in section 3.2",
    ),
    "quotation of another section": (
        ('"3.1", quote: "Adopt', '"3.3", quote: "Adopt'),
        "storage.1.clause.quote",
        "Adopt industry-standard",
        "it stands in 3.1",
    ),
    "further quotation not in the text": (
        ("Personal photos Automatically", "Private photos Automatically"),
        "retention.0.clause.further.0",
        "Private photos",
        "not found in section 3.2",
    ),
    "quotation of a part of a word": (
        ('quote: "Disable Cookies"', 'quote: "able Cookies"'),
        "cookies.controls.0.clause.quote",
        "able Cookies",
        "not found in section 5.2",
    ),
    "empty quotation": (
        ('quote: "Disable Cookies"', 'quote: " "'),
        "cookies.controls.0.clause.quote",
        "' '",
        "pattern",
    ),
    "no such section": (
        ('{section: "5.2", quote: "Disable', '{section: "5.3", quote: "Disable'),
        "cookies.controls.0.clause.section",
        "5.3",
        "no such section",
    ),
    "another text": (
        ("source_sha256: e3f7", "source_sha256: f3f7"),
        "policy.source_sha256",
        "f3f7acc6",
        "the text has sha256 e3f7acc6",
    ),
    "no text": (
        ("source: xmanart-privacy-2024-08-08.txt", "source: other.txt"),
        "policy.source",
        "other.txt",
        "keep it beside",
    ),
    "period other than quoted": (
        ("duration: P7D", "duration: P8D"),
        "retention.0.duration",
        "P8D",
        'the quotation says "7 days": write P7D',
    ),
    "hours other than quoted": (("within: PT72H", "within: P4D"), "breach.0.within", "P4D", "write PT72H"),
    "working days other than quoted": (
        ("working_days: 7", "working_days: 10"),
        "contact.response.working_days",
        "10",
        "write 7",
    ),
    "starts too late": (
        (WINDOW, WINDOW.replace("P5D", "P6D")),
        "retention.0.duration",
        "P7D",
        "start_at P6D (144 h) + period 24 h + retry budget 12 h = 180 h > 168 h (P7D)",
    ),
    "retries too long": (
        (DAILY, DAILY.replace("PT12H", "PT25H")),
        "retention.0.duration",
        "P7D",
        "start_at P5D (120 h) + period 24 h + retry budget 25 h = 169 h > 168 h (P7D)",
    ),
    "an hour lost to the clocks": (
        (DAILY, DAILY.replace("PT12H", "PT24H")),
        ("timezone: Asia/Shanghai", "timezone: America/New_York"),
        "retention.0.duration",
        "P7D",
        "= 168 h > 167 h (P7D less 1 h of clock changes in America/New_York)",
    ),
    "a floor erased too late": (
        ("erase_within: P30D", "erase_within: PT20H"),
        "retention.2.duration",
        "P7Y",
        "window of a file 384 h + period 24 h + retry budget 12 h = 420 h > 20 h (PT20H)",
    ),
    "a file that would keep its first record too long": (
        ("erase_within: P30D", "erase_within: P17D"),
        "retention.2.duration",
        "P7Y",
        "window of a file 384 h + period 24 h + retry budget 12 h = 420 h > 408 h (P17D)",
    ),
    "years as a deadline": (
        ("duration: P365D", "duration: P1Y"),
        "retention.5.duration",
        "P1Y",
        "write it in days",
    ),
    "pauses longer than the period": (
        (DAILY, DAILY.replace("0 2 * * *", "0 2 * * 1-5")),
        "retention.0.schedule.cron",
        "0 2 * * 1-5",
        "pauses for 72 h, longer than the period P1D (24 h)",
    ),
    "not a cron expression": (
        (DAILY, DAILY.replace("0 2 * * *", "daily at two")),
        "retention.0.schedule.cron",
        "daily at two",
        "not a cron expression",
    ),
    "schedule in local time": (
        (DAILY, DAILY.replace("UTC", "Europe/Berlin")),
        "retention.0.schedule.timezone",
        "Europe/Berlin",
        "'UTC'",
    ),
    "months": (("inactivity: P30D", "inactivity: P1M"), "abandonment.inactivity", "P1M", "no months"),
    "zero": (("inactivity: P30D", "inactivity: P0D"), "abandonment.inactivity", "P0D", "must be positive"),
    "years mixed with days": (
        ("inactivity: P30D", "inactivity: P1Y3D"),
        "abandonment.inactivity",
        "P1Y3D",
        "PnY",
    ),
    "a number instead of a duration": (
        ("inactivity: P30D", "inactivity: 30"),
        "abandonment.inactivity",
        "30",
        "string",
    ),
    "unknown zone": (
        ("timezone: Asia/Shanghai", "timezone: Asia/Atlantis"),
        "policy.timezone",
        "Asia/Atlantis",
        "IANA",
    ),
    "promise without a clause": (
        ('    clause: {section: "3.1", quote: "Servers are located in secure data centers"}\n', ""),
        "storage.0",
        "secure_data_centers",
        "needs a clause",
    ),
    "decision that cites a clause": (
        ("  id: orphans\n", '  id: orphans\n  clause: {section: "3.2", quote: "7 years"}\n'),
        "orphans",
        "orphans",
        "must not cite a clause",
    ),
    "decision without an owner": (
        ("  id: caps\n  basis: studio-decision\n  owner: *owner\n", "  id: caps\n  basis: studio-decision\n"),
        "caps",
        "caps",
        "needs an owner",
    ),
    "same id twice": (
        ("- id: style_references", "- id: photos"),
        "retention.1.id",
        "photos",
        "id already used at retention.0.id",
    ),
    "unknown event": (
        ("also_on: [erasure_request, minor_confirmed]", "also_on: [erasure_wish]"),
        "retention.0.also_on",
        "erasure_wish",
        "erasure_request",
    ),
    "unknown rule": (
        ("retention: [technical_data]", "retention: [tech]"),
        "information.5.retention",
        "tech",
        "no such retention rule",
    ),
    "use that is no purpose": (
        (
            "data_uses: [essential.service]\n    retention: [photos]",
            "data_uses: [personalize.content]\n    retention: [photos]",
        ),
        "information.0.data_uses",
        "personalize.content",
        "not one of the purposes of clause 2.1",
    ),
    "refused use": (
        (
            "data_uses: [essential.service]\n    retention: [photos]",
            "data_uses: [train_ai_system]\n    retention: [photos]",
        ),
        "information.0.data_uses",
        "train_ai_system",
        "refused use",
    ),
    "share above one": (
        ("max_share_of_live_objects: 0.5", "max_share_of_live_objects: 5"),
        "caps.max_share_of_live_objects",
        "5",
        "less than or equal to 1",
    ),
    "any instead of all": (("combine: all", "combine: any"), "transfers.combine", "any", "'all'"),
    "version in another file": (
        ('version: "2024-08-08"', 'version: "2024-08-09"'),
        "policy.version",
        "2024-08-09",
        "must be called xmanart-privacy-2024-08-09.yaml",
    ),
    "not YAML": (("undertakings:", "undertakings: ["), "-", "while parsing", "valid YAML"),
    "impossible date": (
        ("effective_from: 2024-08-08", "effective_from: 2024-13-08"),
        "-",
        "month",
        "valid YAML",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_named_with_file_path_value_and_fix(case: str, write: Write) -> None:
    *changes, where, value, fix = BAD[case]
    path = write(*changes)
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    found = [problem for problem in refused.value.problems if problem.path == where and fix in problem.fix]
    assert found, str(refused.value)
    assert found[0].file == str(path)
    assert value in found[0].value
    assert str(found[0]) in str(refused.value)


def test_the_real_file_has_none_of_them(write: Write) -> None:
    assert load_policy(write()).version == "2024-08-08"


def test_all_mistakes_are_listed_together(write: Write) -> None:
    path = write(
        ("undertakings:", "extra: 1\nundertakings:"),
        ("source_sha256: e3f7", "source_sha256: f3f7"),
        (DAILY, DAILY.replace("PT12H", "PT25H")),
        ('quote: "Disable Cookies"', 'quote: "Forbid Cookies"'),
        ("inactivity: P30D", "inactivity: P1M"),
        ("upload_categories: [style_reference]", "upload_categories: [personal_photo]"),
    )
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    assert {problem.path for problem in refused.value.problems} >= {
        "extra",
        "policy.source_sha256",
        "retention.0.duration",
        "retention.1.duration",
        "cookies.controls.0.clause.quote",
        "abandonment.inactivity",
        "retention.1.upload_categories",
    }


@pytest.mark.parametrize(
    ("content", "value"), [(b"", "NoneType"), (b"- a", "tuple"), (b"\xff", "UnicodeDecodeError")]
)
def test_what_is_no_policy_at_all_is_refused(tmp_path: Path, content: bytes, value: str) -> None:
    path = tmp_path / NAME
    path.write_bytes(content)
    with pytest.raises(PolicyError, match=value):
        load_policy(path)


def test_a_missing_file_and_an_empty_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="FileNotFoundError"):
        load_policy(tmp_path / NAME)
    with pytest.raises(PolicyError, match="keep every version"):
        load_all(tmp_path)


def _second(day: str, version: str) -> tuple[tuple[str, str], ...]:
    return (
        ("effective_from: 2024-08-08", f"effective_from: {day}"),
        ('version: "2024-08-08"', f'version: "{version}"'),
    )


def test_versions_coexist_and_the_one_in_force_is_found(write: Write) -> None:
    write(*_second("2026-01-01", "2026-01-01"), name="xmanart-privacy-2026-01-01.yaml")
    policies = load_all(write().parent)
    assert [policy.version for policy in policies] == ["2024-08-08", "2026-01-01"]
    change = datetime(2025, 12, 31, 16, tzinfo=UTC)  # midnight in Shanghai
    assert policy_in_force(policies, change).version == "2026-01-01"
    assert policy_in_force(policies, change - timedelta(seconds=1)).version == "2024-08-08"
    with pytest.raises(LookupError, match="no version"):
        policy_in_force(policies, datetime(2024, 8, 7, 15, 59, 59, tzinfo=UTC))
    with pytest.raises(ValueError, match=r"^at must carry a time zone"):
        policy_in_force(policies, datetime.fromisoformat("2026-01-01T00:00"))


def test_two_versions_of_one_day_are_refused(write: Write) -> None:
    write(*_second("2024-08-08", "b"), name="xmanart-privacy-b.yaml")
    with pytest.raises(
        PolicyError, match=r"policy.effective_from: 2024-08-08: .* takes effect on the same day"
    ):
        load_all(write().parent)


def test_two_policies_in_one_directory_are_refused(write: Write) -> None:
    write(*_second("2026-01-01", "c"), ("id: xmanart-privacy", "id: other"), name="other-c.yaml")
    with pytest.raises(PolicyError, match=r"policy\.id: other: keep one policy in a directory"):
        load_all(write().parent)


def test_every_broken_version_is_listed(write: Write) -> None:
    write(*_second("2026-01-01", "c"), ("inactivity: P30D", "inactivity: P1M"), name="xmanart-privacy-c.yaml")
    with pytest.raises(PolicyError) as refused:
        load_all(write(("max_objects: 50000", "max_objects: 0")).parent)
    assert [problem.path for problem in refused.value.problems] == [
        "caps.max_objects",
        "abandonment.inactivity",
    ]
