"""The competencies of a framework as candidates for a suggestion."""

from collections.abc import Collection

from mappings.codes import Codes, codes
from mappings.frameworks import Competency, Framework
from mappings.grade_levels import grades_in, grades_of
from mappings.postings import Candidate

ANCESTORS = 2
# What says of a group of standards how they are set apart, and nothing of them.
_HEADING = 80


def candidates(framework: Framework, chosen: Collection[str]) -> list[Candidate]:
    """Return the chosen competencies, by GUID, in the framework's order.

    Each with the text of the two above it, and the grades it is for.
    """
    said = frozenset(map(str.casefold, _texts(framework.payload.get("subject"))))
    found = []
    for one in framework.competencies:
        if one.case_id not in chosen:
            continue
        above = framework.ancestors(one.case_id)
        found.append(
            Candidate(
                one.case_id,
                one.statement,
                " ".join(ancestor.statement for ancestor in above[:ANCESTORS]),
                grades_for(framework, one),
                frozenset(map(str.casefold, _texts(one.payload.get("subject"))))
                or said,
            )
        )
    return found


def suggestable(framework: Framework) -> set[str]:
    """Return the GUIDs of what may be suggested: leaves, and coded ones of their kind.

    What is assessable cannot be read from a list of types: a standard may have parts,
    and is then no leaf.
    """
    leaves = [one for one in framework.competencies if framework.is_leaf(one.case_id)]
    kinds = {one.kind for one in leaves if one.kind}
    return {one.case_id for one in leaves} | {
        one.case_id
        for one in framework.competencies
        if one.kind in kinds and one.human_code
    }


def grades_for(framework: Framework, one: Competency) -> frozenset[int]:
    """Return the grades of a competency: its own, else those of the nearest above it.

    Where education levels are absent (TEKS), the heading that names a grade tells.
    """
    found = grades_of(one.education_levels)
    for ancestor in framework.ancestors(one.case_id):
        if found:
            break
        found = grades_of(ancestor.education_levels) or grades_in(
            ancestor.statement[:_HEADING]
        )
    return found


def codes_of(framework: Framework, chosen: Collection[str]) -> Codes:
    """Return the codes of the chosen competencies, in all their forms."""
    return codes(
        (one.case_id, one.human_code, grades_for(framework, one))
        for one in framework.competencies
        if one.case_id in chosen
    )


def _texts(told: object) -> list[str]:
    """One text or several: TEKS writes a subject as a string."""
    if isinstance(told, str):
        return [told]
    if isinstance(told, list):
        return [one for one in told if isinstance(one, str)]
    return []
