"""Why a framework, a scale or a formula is refused, as templates to be translated."""

from enum import StrEnum


class Refusal(StrEnum):
    """What is said to the person who made the change; what stands in braces is filled.

    Each names the item and the mend.
    """

    NO_STATEMENT = "a competency needs a statement; write what a student can do"
    NO_TITLE = "a framework needs a title; write one"
    NO_LEVEL_NAME = "a level needs a name; write one, or leave it out"
    NO_POINTS = "level {name} has {points} points; give a number"
    HAS_CHILDREN = "{label} has others under it ({names}); move or retire those first"
    UNDER_ITSELF = "{label} cannot stand under itself"
    CODE_IN_USE = "code {code} is in use: {statement}; give another"
    NOT_HERE = "no competency {case_id} is in {title}; it may be retired"
    RING = "prerequisites: edges close a ring: {path}; remove one of them"
    TOO_LONG = (
        "{where} has a {field} of {length} characters ({start}...); "
        "shorten it to {longest}"
    )
    NO_CHARACTER = (
        "{where} has a {field} with a character that is none ({start}); remove it"
    )
    NO_SCALE_TITLE = "a scale needs a title; give one"
    NO_SCALE_LEVEL = "a level needs a name; give each one"
    ILLEGIBLE = (
        "no ink is legible on {colour} of level {name}; "
        "choose a lighter or a darker colour"
    )
    NO_COLOUR = "{text} is no colour; write six hexadecimal digits, as 0B874B"
    NO_RATINGS = "found no ratings; {wanted}"
    TOP_IS_NOTHING = "the highest rating has {points} points; {wanted}"
    ONE_MASTERY = "{count} ratings are marked as mastery; mark exactly one"
    RATING_POINTS = "rating {place} has the points {points}; give a number"
    RATING_NAME = "rating {place} has no description; give its name"
    CUT_OUTSIDE = (
        "level {name} begins at {cut}; give a number above {low}, where {below} "
        "begins, and at most 1"
    )
    GRADE_TITLE = "a column needs a name of at most {longest} characters; write one"
    GRADE_CHOICE = "{found} is not known; give one of {wanted}"
    GRADE_NUMBER = "{found} is no number from {low} to {high}; give one"
    GRADE_POINTS = "level {level} has {points} points; give a number from 0 to {high}"
    GRADE_TWICE = "level {level} is named twice; name each level once"
    GRADE_FALLS = (
        "level {level} has {points} points, fewer than {below} below it; let the "
        "points rise with the levels"
    )
    GRADE_NOTHING = "the highest level has no points; give it more than 0"
    GRADE_LEVELS = (
        "points are given to {named}, and the levels of the course are {levels}; give "
        "points to each of these, the lowest first"
    )
    GRADE_PART = "{found} is no part of a formula; the parts are {wanted}"
    GRADE_NONE = (
        "a gradebook would get nothing; choose columns of competencies, one grade, or "
        "both, or switch the gradebook off"
    )
    GRADE_SHAPE = "a formula is a list of names and values; {found} is none"


REFUSALS = tuple(str(one) for one in Refusal)
"""All templates, for the catalogue of translations."""
