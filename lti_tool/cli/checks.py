"""`platform check`: live checks, the last refusals, and a diagnosis of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from lti_tool.cli.root import DONE, NO_ANSWER, PROBLEM, Bench, command, now
from lti_tool.errors import NotFoundError
from lti_tool.lti13.refusals import rule_of
from lti_tool.storage import refusals, registrations
from lti_tool.storage.database import Session
from lti_tool.storage.refusals import Refusal, Wish
from lti_tool.storage.registrations import Registration
from lti_tool.work.check_words import PROBLEM as BAD
from lti_tool.work.check_words import Check, Checked
from lti_tool.work.checks import run_checks
from lti_tool.work.comparing import Comparison
from lti_tool.work.doctor import Diagnosis, diagnose
from lti_tool.work.examination import MAX_PASTE, examine
from lti_tool.work.masking import format_kind, is_kind

SHOWN: Final = 5
_CHECKED: Final = frozenset({"active", "pending"})
_MARKS: Final = {"ok": "✓", "problem": "✗", "waiting": "…", "not tried": "-"}


@click.argument("platform", required=False)
@click.option(
    "--refusal", metavar="REFERENCE", help="Explain the refused launch of this page."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="Examine the id_token, or the form that carried it, in this file.",
)
def _check(
    bench: Bench, platform: str | None, refusal: str | None, token_file: Path | None
) -> int:
    """Check one platform (id or name) or all, live, or explain a refused launch.

    Nothing is changed there. Exits 1 when a problem is found, 4 when nobody answers.
    """
    if sum(one is not None for one in (platform, refusal, token_file)) > 1:
        raise click.UsageError("give one of PLATFORM, --refusal and --token-file")
    if refusal is not None:
        return _explain(bench, refusal)
    if token_file is not None:
        return _examine(bench, token_file)
    return _check_platforms(bench, platform)


check = command(None, "check")(_check)


def _check_platforms(bench: Bench, named: str | None) -> int:
    with bench.database.read() as session:
        chosen = _chosen(session, named)
    entries: list[dict[str, Any]] = []
    checks: list[Check] = []
    with bench.progress() as move:
        for place, one in enumerate(chosen):
            move(one.name, place)
            checked = run_checks(bench.database, bench.settings, one.id, clock=now)
            checks += checked.checks
            with bench.database.read() as session:
                entries.append(_entry(session, one, checked))
    with bench.database.read() as session:
        strangers = _last(session, Wish(is_unknown_platform=True))
    if strangers and named is None:
        entries.append({"platform": None, "id": None, "refusals": strangers})
    told = "\n\n".join("\n".join(_told(entry)) for entry in entries)
    bench.say(entries, told or "no platform is registered; see `platform add`")
    return _status(checks)


def _chosen(session: Session, named: str | None) -> list[Registration]:
    found = registrations.load_registrations(session)
    if named is None:
        return [one for one in found if one.status in _CHECKED]
    matching = [one for one in found if named in {str(one.id), one.name}]
    if not matching:
        raise NotFoundError(
            f"no platform has the id or name {named}; see `platform list`"
        )
    return matching


def _status(checks: list[Check]) -> int:
    problems = [one for one in checks if one.state == BAD]
    if not problems:
        return DONE
    return NO_ANSWER if all(one.is_silent for one in problems) else PROBLEM


def _entry(session: Session, one: Registration, checked: Checked) -> dict[str, Any]:
    keys = next(check for check in checked.checks if check.name == "keys")
    problem = keys.values.get("problem") or keys.text
    return {
        "platform": one.name,
        "id": one.id,
        "status": one.status,
        "keys": "ok" if keys.state == "ok" else problem,
        "waiting_deployments": [
            row["deployment_id"]
            for row in registrations.load_deployments(session, one.id)
            if row["status"] == "pending"
        ],
        "checks": [
            {
                "name": check.name,
                "title": check.title,
                "state": check.state,
                "text": check.text,
                "fix": check.fix or None,
            }
            for check in checked.checks
        ],
        "refusals": _last(session, Wish(registration_id=one.id)),
    }


def _last(session: Session, wish: Wish) -> list[dict[str, Any]]:
    found = refusals.load_refusals(session, wish, count=SHOWN)
    return [_summary(one) for one in found]


def _summary(one: Refusal) -> dict[str, Any]:
    rule = rule_of(one.code, one.reason)
    return {
        "reference": one.correlation_id,
        "at": one.refused_at,
        "code": one.code,
        "reason": one.reason,
        "rule": rule.rule,
        "section": rule.section,
        "here": rule.here,
        "there": rule.there,
    }


def _told(entry: dict[str, Any]) -> Iterator[str]:
    if entry["platform"] is None:
        yield "Launches of no platform of ours"
    else:
        yield f"{entry['platform']} ({entry['id']}, {entry['status']})"
    for check in entry.get("checks", ()):
        yield f"  {_MARKS[check['state']]} {check['title']}: {check['text']}"
        if check["fix"]:
            yield f"      {check['fix']}"
    for deployment in entry.get("waiting_deployments", ()):
        yield f"  waits for approval: deployment {deployment}"
    for one in entry["refusals"]:
        yield f"  refused {one['at']:%Y-%m-%d %H:%M} UTC: {one['code']} {one['reason']}"
        yield f"      rule: {one['rule']} ({one['section']})"
        yield f"      here: {one['here']}"
        yield f"      in the LMS: {one['there']}"
        yield f"      more: masterybridge platform check --refusal {one['reference']}"


def _explain(bench: Bench, reference: str) -> int:
    with bench.database.read() as session:
        found = diagnose(session, reference)
    bench.say(_document(found), "\n".join(_lines(found)))
    return DONE


def _examine(bench: Bench, path: Path) -> int:
    with path.open(encoding="utf-8", errors="replace") as file:
        pasted = file.read(MAX_PASTE)
    found = examine(bench.database, bench.settings, pasted, clock=now)
    document = {
        "accepted": not found.refusals,
        "refusals": [_document(one) for one in found.refusals],
        "passed": list(found.passed),
        "is_signed": found.shown.is_signed,
        "header": plainly(found.shown.header),
        "claims": plainly(found.shown.claims),
    }
    told = [line for one in found.refusals for line in (*_lines(one, brief=True), "")]
    if not found.refusals:
        told = ["Every check is passed: with its own nonce it would be let in.", ""]
    told += _shown(found.shown)
    bench.say(document, "\n".join(told))
    if not found.refusals:
        return DONE
    is_silent = found.refusals[0].refusal.code == "E_KEYS_UNAVAILABLE"
    return NO_ANSWER if is_silent else PROBLEM


def _document(found: Diagnosis) -> dict[str, Any]:
    one, rule = found.refusal, found.rule
    return {
        "reference": one.correlation_id or None,
        "at": one.refused_at,
        "code": one.code,
        "reason": one.reason,
        "stage": one.stage,
        "platform": found.platform.name if found.platform else None,
        "happened": rule.happened,
        "rule": rule.rule,
        "section": rule.section,
        "compared": [
            {
                "name": pair.name,
                "expected": plainly(pair.expected),
                "found": plainly(pair.found),
            }
            for pair in found.comparisons
        ],
        "here": rule.here,
        "there": rule.there,
        "menu": found.menu or None,
        "waiting_deployment": found.waiting,
        "person": rule.person,
        "is_signed": one.is_signed,
        "header": plainly(one.header),
        "claims": plainly(one.claims),
        "fields": plainly((one.facts or {}).get("fields")),
    }


def _lines(found: Diagnosis, *, brief: bool = False) -> Iterator[str]:
    one, rule = found.refusal, found.rule
    yield f"{one.code}: {one.reason}"
    yield f"  what happened  {rule.happened}"
    yield f"  the rule       {rule.rule}"
    yield f"  written in     {rule.section}"
    for pair in found.comparisons:
        yield f"  {_compared(pair)}"
    yield f"  set here       {rule.here}"
    yield f"  set in the LMS {rule.there}"
    if found.menu:
        yield f"                 {found.menu}"
    if found.waiting and found.platform:
        at = found.platform.id
        yield f"  approve with   masterybridge platform approve {at} {found.waiting}"
    if brief:
        return
    yield f"  person saw     {rule.person}"
    yield f"  at             {one.refused_at:%Y-%m-%d %H:%M:%S} UTC, stage {one.stage}"
    if found.platform:
        yield f"  platform       {found.platform.name} ({found.platform.id})"
    yield from _shown(one)


def _compared(pair: Comparison) -> str:
    expected = plainly(pair.expected) if pair.expected is not None else "-"
    found = plainly(pair.found) if pair.found is not None else "nothing"
    return f"{pair.name}: expected {expected}, found {found}"


def _shown(one: Refusal) -> Iterator[str]:
    words = "signed by the platform" if one.is_signed else "unsigned: anybody wrote it"
    yield f"  what was sent ({words})"
    fields = (one.facts or {}).get("fields")
    for title, part in (("header", one.header), ("claims", one.claims)):
        for name, value in (part or {}).items():
            yield f"    {title} {name}: {plainly(value)}"
    for name, value in (fields or {}).items():
        yield f"    field {name}: {plainly(value)}"


def plainly(value: object) -> object:
    """A masked value for the terminal and for JSON: kinds become their words."""
    if is_kind(value) and isinstance(value, Mapping):
        return format_kind(value)
    if isinstance(value, dict):
        return {name: plainly(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plainly(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)
