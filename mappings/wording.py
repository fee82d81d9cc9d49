"""Every sentence of the arithmetic, as a template that pages translate."""

from enum import StrEnum


class Words(StrEnum):
    """The templates of all lines; what stands in braces is filled in."""

    HIGHEST = "best of {scores} = {value}"
    LATEST = "latest of {scores} = {value}"
    MEAN = "mean of {scores} = {value}"
    WEIGHTED_MEAN = "mean of {scores}, weighted {weights} = {value}"
    ONLY = "only one score, {value}"
    EARLIER = "mean of the earlier {scores} = {value}"
    WEIGHTED = (
        "{share} % of the latest {latest} + {rest} % of the earlier {mean} = {value}"
    )
    DECAY_START = "start with the oldest, {value}"
    DECAY_STEP = "{rest} % of {before} + {share} % of {score} = {value}"
    AT_MASTERY = "at or above mastery {mastery}: {scores}"
    NONE_AT_MASTERY = "none of {scores} is at or above mastery {mastery}"
    TOO_FEW_AT_MASTERY = "{found} at or above mastery, {wanted} are needed: no result"
    MODE = "most frequent of {scores}: {value}, {times} times"
    LAST = "the last {count}: {scores}"
    WEAKEST = "all must reach mastery; the weakest of {scores} = {value}"
    POWER_FEW = "a trend needs 2 scores, there is {count}: no result"
    POWER_ZERO = "a trend needs scores above 0, there is {score}: no result"
    POWER_FIT = "trend {start} x n^{slope} fitted to {scores}"
    POWER_VALUE = "at n = {count} the trend is {trend}, held to the scale: {value}"
    BKT_START = "known before any work: {value}"
    BKT_RIGHT = "{score} is right: known {value}"
    BKT_WRONG = "{score} is not right: known {value}"
    BKT_CUT = "mastery needs {cut}, known is {value}"
    ROUNDED = "rounded to {places} decimals: {value}"
    NOTHING = "no evidence counts yet"
    PRIOR = "before any work: {alpha} for, {beta} against"
    PIECE = (
        "{task}: {ratio} of 1 is a success of {success}; "
        "weight {weight} (age in days: {days}, earlier from this task: {repeats}, "
        "reliability {reliability})"
    )
    TOTAL = "together: {alpha} for, {beta} against; mean {mean}"
    PROBABILITY = (
        "probability of meeting the standard on fresh work in at least 6 of 10: "
        "{probability} (Proficient from 0.8, Secure from 0.9)"
    )
    COUNTS = (
        "pieces: {pieces}, from different tasks: {tasks} "
        "(Proficient and Secure need {wanted_pieces} from {wanted_tasks})"
    )
    RANK = "level by certainty: {rank}"
    DUE = "the evidence was enough when new and has aged: due for a check"
    TOO_FEW = "pieces that count: {found}; a level needs {wanted}: no level yet"
    NEEDS = "{count} more fresh successes reach {level}"
    NEEDS_ONE = "{count} more fresh success reaches {level}"

    GRADE_LEVEL = "{competency}: {level} is worth {points}"
    GRADE_SHOWN = "{competency}: {level}, mastered"
    GRADE_NOT_SHOWN = "{competency}: {level}, not mastered yet"
    GRADE_LEFT_OUT = "{competency}: not assessed, left out"
    GRADE_NOT_ASSESSED = "{competency}: not assessed, worth {points}"
    GRADE_MEDIAN = "middle of {scores} = {value}"
    GRADE_LOWEST = "lowest of {scores} = {value}"
    GRADE_SHARE = "mastered {mastered} of {count}, of {maximum} points: {value}"
    GRADE_TOO_FEW = (
        "competencies assessed: {found}; a grade needs {wanted}: no grade yet"
    )

    LEFT_OUT = "not counted"
    LEFT_OUT_BECAUSE = "not counted: {reason}"
    NOT_BEST = "not the best score"
    NOT_LATEST = "older than the latest score"
    UNDER_MASTERY = "below mastery, which this rule does not count"
    NOT_FREQUENT = "not the most frequent score"
    OLDER = "older than the last {count}"
    LATER_TRY = "a later try at the same task stands in its place"
    KIND_NOT_COUNTED = "this kind of evidence does not count here"
    RETAKE_NOT_COUNTED = "a later try at the same work does not count here"
    NOT_WEIGHED = "it would only weigh lightly, and this rule weighs nothing"
    ALONE = "it does not count by itself, without other evidence"
    NO_RESULT = "the rule gives no result yet"


TEMPLATES = tuple(str(words) for words in Words)
"""All templates, for the catalogue of translations."""
