"""One person, several accounts of a SIS: joined where that is sure, else proposed.

Sure, within one source: the same userMasterIdentifier; or the same identifier and the
same name, where nobody else has that identifier and the kinds of people go together
(a teacher may be a parent; a student is no teacher). Everything weaker waits for an
administrator: the same name, school and login; the same identifier and name in
another source; an identifier that several names share. Never by e-mail.

Every link can be undone; what a person refused or undid is not said again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Any, Final

from lti_tool.logs import log
from lti_tool.storage import links
from lti_tool.storage.database import Session
from lti_tool.storage.links import SIS, NewLink
from lti_tool.work import merging
from lti_tool.work.merging import Move
from lti_tool.work.names import plain_name

BY_RULE: Final = "rule"
CONFIDENCE: Final[Mapping[str, float]] = {
    "master_id": 1.0,
    "identifier_and_name": 0.95,
    "name_and_login": 0.7,
    "other_source": 0.7,
    "other_kind": 0.5,
    "shared_identifier": 0.5,
}
SURE: Final = frozenset({"master_id", "identifier_and_name"})
# More accounts than this behind one value: it is a placeholder, and says nothing.
MOST: Final = 8
_STUDENTS: Final = frozenset({"student"})
_FAMILY: Final = frozenset({"guardian", "parent", "relative"})
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Matched:
    """What the rules found: accounts joined, and proposals that wait."""

    joined: int
    proposed: int


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two accounts that are, or may be, one person; the older one first."""

    one: Row
    other: Row
    rule: str
    facts: dict[str, Any]

    @property
    def key(self) -> frozenset[int]:
        return frozenset({self.one["id"], self.other["id"]})


def match_accounts(session: Session, *, now: datetime) -> Matched:
    """Join the accounts that are surely one person; propose those that may be.

    For the end of a roster sync. May be run again: what is known is not said twice.
    """
    alike = links.load_alike(session)
    known = links.load_known(session, SIS)
    said = {
        frozenset({one["account_id"], (one["facts"] or {}).get("with", 0)}): one
        for one in known
    }
    pairs: dict[frozenset[int], _Pair] = {}
    for pair in (*_by_master_id(alike), *_by_identifier(alike), *_by_name(alike)):
        pairs.setdefault(pair.key, pair)
    apart = {key for key, one in said.items() if one["status"] in ("refused", "undone")}
    joined = _join(session, pairs.values(), apart, now=now)
    people = {row["id"]: row["person_id"] for row in alike} | joined
    pointless = [
        one["id"]
        for key, one in said.items()
        if one["status"] == "proposed" and len({people.get(user) for user in key}) == 1
    ]
    links.drop_proposals(session, pointless)
    fresh = [
        _proposal(pair, people)
        for key, pair in pairs.items()
        if key not in said
        and people[pair.one["id"]] != people[pair.other["id"]]
        and not (pair.rule in SURE and key in apart)
    ]
    links.put_links(session, fresh, now=now)
    if joined or fresh:
        log().info("accounts matched", joined=len(joined), proposed=len(fresh))
    return Matched(len(joined), len(fresh))


def _proposal(pair: _Pair, people: Mapping[int, int]) -> NewLink:
    rule = pair.rule
    return NewLink(
        SIS,
        pair.other["id"],
        people[pair.one["id"]],
        people[pair.other["id"]],
        rule,
        CONFIDENCE[rule],
        "proposed",
        {"with": pair.one["id"], "same": pair.facts},
        BY_RULE,
    )


@dataclass
class _Clusters:
    """Accounts that are one person; two that were parted are never in one."""

    apart: set[frozenset[int]]
    members: dict[int, list[int]] = field(default_factory=dict)
    lead: dict[int, int] = field(default_factory=dict)

    def unite(self, one: int, other: int) -> bool:
        """Let two be one person; False where they are already, or must not be."""
        first, second = sorted((self._lead(one), self._lead(other)))
        mine, theirs = self.members[first], self.members[second]
        if first == second or any(
            frozenset({a, b}) in self.apart for a in mine for b in theirs
        ):
            return False
        self.members[first] = mine + self.members.pop(second)
        self.lead |= dict.fromkeys(theirs, first)
        return True

    def _lead(self, one: int) -> int:
        if one not in self.lead:
            self.lead[one], self.members[one] = one, [one]
        return self.lead[one]


def _join(
    session: Session,
    pairs: Iterable[_Pair],
    apart: set[frozenset[int]],
    *,
    now: datetime,
) -> dict[int, int]:
    """Move the accounts of sure pairs to the oldest one's person; where each went."""
    clusters = _Clusters(apart)
    rows: dict[int, Row] = {}
    why: dict[int, _Pair] = {}
    for pair in pairs:
        if pair.rule in SURE and clusters.unite(pair.one["id"], pair.other["id"]):
            rows |= {pair.one["id"]: pair.one, pair.other["id"]: pair.other}
            why.setdefault(pair.other["id"], pair)
    moves, reasons = [], []
    for lead, members in sorted(clusters.members.items()):
        if lead not in rows:
            continue
        person = rows[lead]["person_id"]
        for member in sorted(members):
            held = rows[member]["person_id"]
            if held != person:
                moves.append(Move(SIS, member, held, person))
                reasons.append((why.get(member), lead))
    done = merging.move(session, moves, now=now)
    made = [
        NewLink(
            SIS,
            move.account_id,
            move.new,
            move.old,
            pair.rule if pair else "identifier_and_name",
            CONFIDENCE[pair.rule if pair else "identifier_and_name"],
            "active",
            {"with": lead, "same": pair.facts if pair else {}, "moved": moved.facts},
            BY_RULE,
        )
        for move, moved, (pair, lead) in zip(moves, done, reasons, strict=True)
    ]
    links.put_links(session, made, now=now)
    return {move.account_id: move.new for move in moves}


def _groups(
    rows: Iterable[Row], *names: str
) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    """Yield the accounts that share all these fields, each group once."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        key = tuple(str(row[name] or "").strip() for name in names)
        if all(key):
            found.setdefault(key, []).append(row)
    for key, group in found.items():
        if 1 < len(group) <= MOST:
            yield key, group


def _by_master_id(alike: Sequence[Row]) -> Iterator[_Pair]:
    for key, group in _groups(alike, "source_id", "user_master_identifier"):
        facts = {"user_master_identifier": key[-1]}
        for other in group[1:]:
            yield _Pair(group[0], other, "master_id", facts)


def _by_identifier(alike: Sequence[Row]) -> Iterator[_Pair]:
    """Yield pairs of one source who share an identifier, sure where nobody else does.

    Then pairs of two sources with the same identifier and name.
    """
    for key, group in _groups(alike, "source_id", "identifier"):
        rule = _rule_of(group)
        for one, other in combinations(group, 2):
            name = _name(one)
            if name is None or name != _name(other):
                continue
            facts = {"identifier": key[-1], "name": _called(one)}
            yield _Pair(one, other, rule, facts)
    for (identifier,), group in _groups(alike, "identifier"):
        for one, other in combinations(group, 2):
            name = _name(one)
            is_other = one["source_id"] != other["source_id"]
            if is_other and name is not None and name == _name(other):
                facts = {"identifier": identifier, "name": _called(one)}
                yield _Pair(one, other, "other_source", facts)


def _rule_of(group: Sequence[Row]) -> str:
    """What the same identifier and name say of two accounts among those who have it."""
    names = {_name(row) for row in group}
    masters = {row["user_master_identifier"] for row in group} - {None, ""}
    if len(names) > 1 or len(masters) > 1:
        return "shared_identifier"
    kinds = [_kinds(row) for row in group]
    if all(_go_together(a, b) for a, b in combinations(kinds, 2)):
        return "identifier_and_name"
    return "other_kind"


def _by_name(alike: Sequence[Row]) -> Iterator[_Pair]:
    """Yield pairs of one source with the same name, a school and a login in common."""
    named: dict[tuple[int, object], list[Row]] = {}
    for row in alike:
        if (name := _name(row)) is not None:
            named.setdefault((row["source_id"], name), []).append(row)
    for group in named.values():
        if len(group) > MOST:
            continue
        for one, other in combinations(group, 2):
            logins = _logins(one) & _logins(other)
            schools = _schools(one) & _schools(other)
            if logins and schools and _go_together(_kinds(one), _kinds(other)):
                facts = {
                    "name": _called(one),
                    "school": min(schools),
                    "login": min(logins),
                }
                yield _Pair(one, other, "name_and_login", facts)


def _name(row: Row) -> tuple[str, str] | None:
    return plain_name(row["given_name"], row["family_name"])


def _called(row: Row) -> str:
    return f"{row['given_name']} {row['family_name']}".strip()


def _logins(row: Row) -> set[str]:
    ids = {str(one.get("identifier") or "") for one in row["user_ids"] or ()}
    return {one.strip().casefold() for one in (ids | {row["username"] or ""})} - {""}


def _schools(row: Row) -> set[str]:
    orgs = {str(role.get("org") or "") for role in row["roles"] or ()}
    return (orgs | {row["primary_org_sourced_id"] or ""}) - {""}


def _kinds(row: Row) -> frozenset[str]:
    """Return as what a SIS knows somebody: student, family, staff."""
    roles = {str(role.get("role")) for role in row["roles"] or ()}
    found = set()
    if roles & _STUDENTS:
        found.add("student")
    if roles & _FAMILY:
        found.add("family")
    if roles - _STUDENTS - _FAMILY:
        found.add("staff")
    return frozenset(found)


def _go_together(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether one person may be both: staff and family, or the same again."""
    if not one or not other:
        return True
    return ("student" in one) == ("student" in other)
