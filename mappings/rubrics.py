"""What each level of a competency means, out of and into the rubrics of CASE.

A criterion of a rubric names a competency; its levels carry a name (quality), words
(description) and points (score).

Source: CASE 1.1, CFRubric, CFRubricCriterion, CFRubricCriterionLevel.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import NAMESPACE_URL, uuid5

from mappings.case_fields import EPOCH, Record, format_node, urn
from mappings.frameworks import Framework, Payload, Problem


@dataclass(frozen=True, slots=True)
class LevelText:
    """One level of one competency: its name, what it means, its points if any."""

    name: str
    description: str = ""
    points: float | None = None


@dataclass(frozen=True, slots=True)
class Criterion:
    """A row of a rubric: the competency it judges, and its levels, lowest first."""

    case_id: str
    competency_case_id: str
    levels: tuple[LevelText, ...]


def level_texts(
    framework: Framework,
) -> tuple[dict[str, tuple[LevelText, ...]], tuple[Problem, ...]]:
    """The levels of each competency that a criterion describes, and what is odd."""
    found: dict[str, tuple[LevelText, ...]] = {}
    problems = []
    for rubric in rubrics(framework):
        for one in criteria(rubric):
            item = one.competency_case_id
            if not item or not one.levels:
                continue
            if item not in framework.by_case_id:
                text = (
                    f"criterion {one.case_id} names {item}, which is not here; unused"
                )
                problems.append(Problem("dangling_rubric", one.case_id, text))
            elif item in found:
                label = framework.by_case_id[item].label
                text = (
                    f"criterion {one.case_id} describes {label} again; the first stands"
                )
                problems.append(Problem("double_rubric", one.case_id, text))
            else:
                found[item] = one.levels
    return found, tuple(problems)


def rubrics(framework: Framework) -> Iterator[Payload]:
    """Yield the rubrics of a framework that are records."""
    yield from _records(framework.package.get("CFRubrics"))


def criteria(rubric: Payload) -> Iterator[Criterion]:
    """Yield the criteria of a rubric."""
    for record in _records(rubric.get("CFRubricCriteria")):
        link = record.get("CFItemURI")
        yield Criterion(
            _text(record.get("identifier")), _named(link), tuple(_levels(record))
        )


def described(
    framework: Framework, case_id: str, levels: Sequence[LevelText]
) -> Framework:
    """The framework with a criterion of our own rubric for a competency, or none."""
    return with_levels(framework, {case_id: levels})


def with_levels(
    framework: Framework, texts: Mapping[str, Sequence[LevelText]]
) -> Framework:
    """The framework whose own rubric says these levels of these competencies.

    Nothing takes away what it said; other competencies keep theirs.
    """
    own = _own_rubric(framework)
    name = str(own["identifier"])
    rows: list[object] = [one for one in _listed(own) if _named_item(one) not in texts]
    rows += [
        _criterion(name, case_id, levels) for case_id, levels in texts.items() if levels
    ]
    others = [
        one
        for one in _raw(framework.package.get("CFRubrics"))
        if not (isinstance(one, Mapping) and one.get("identifier") == name)
    ]
    kept = [*others, {**own, "CFRubricCriteria": rows}] if rows else others
    package = {
        key: value for key, value in framework.package.items() if key != "CFRubrics"
    }
    return replace(
        framework, package={**package, "CFRubrics": kept} if kept else package
    )


def own_rubric_id(framework_case_id: str) -> str:
    """The GUID of the rubric that holds a framework's own level descriptions."""
    return _guid(framework_case_id, "levels")


def _own_rubric(framework: Framework) -> Record:
    """Our own rubric as it stands, or a new one."""
    name = own_rubric_id(framework.case_id)
    held = next(
        (one for one in rubrics(framework) if one.get("identifier") == name), {}
    )
    return {**_head(name), "title": "Levels", **held}


def _criterion(rubric: str, case_id: str, levels: Sequence[LevelText]) -> Record:
    name = _guid(rubric, case_id)
    return {
        **_head(name),
        "CFItemURI": format_node(case_id, {}),
        "rubricId": rubric,
        "CFRubricCriterionLevels": [
            _level(name, place, one) for place, one in enumerate(levels, 1)
        ],
    }


def _level(criterion: str, place: int, one: LevelText) -> Record:
    score: Record = {} if one.points is None else {"score": one.points}
    words: Record = {"description": one.description} if one.description else {}
    return {
        **_head(_guid(criterion, str(place))),
        "quality": one.name,
        **words,
        **score,
        "position": place,
        "rubricCriterionId": criterion,
    }


def _head(case_id: str) -> Record:
    """What CASE demands of every record."""
    return {"identifier": case_id, "uri": urn(case_id), "lastChangeDateTime": EPOCH}


def _guid(*parts: str) -> str:
    """A GUID that the same parts always give."""
    return str(uuid5(NAMESPACE_URL, "/".join(("masterybridge", *parts))))


def _levels(criterion: Payload) -> Iterator[LevelText]:
    """Yield the levels of a criterion, lowest first."""
    records = list(_records(criterion.get("CFRubricCriterionLevels")))
    scores = [_number(one.get("score")) for one in records]
    by_score = None not in scores
    order = sorted(
        zip(scores, records, strict=True),
        key=lambda pair: (
            (pair[0] if by_score else _number(pair[1].get("position"))) or 0
        ),
    )
    for place, (score, record) in enumerate(order, 1):
        name = _text(record.get("quality")) or (
            f"{score:g}" if score is not None else str(place)
        )
        yield LevelText(name, _text(record.get("description")), score)


def _named_item(criterion: object) -> str:
    return _named(criterion.get("CFItemURI")) if isinstance(criterion, Mapping) else ""


def _named(link: object) -> str:
    """The GUID a link names, by itself or at the end of its uri."""
    if isinstance(link, Mapping):
        return _text(link.get("identifier")) or _tail(_text(link.get("uri")))
    return _tail(_text(link))


def _tail(uri: str) -> str:
    return uri.replace(":", "/").rstrip("/").split("/")[-1]


def _listed(rubric: Payload) -> list[object]:
    return _raw(rubric.get("CFRubricCriteria"))


def _raw(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _records(value: object) -> Iterator[Payload]:
    return (one for one in _raw(value) if isinstance(one, Mapping))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    """A finite number, None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
