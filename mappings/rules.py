"""The rules by name: what each is called, means and may be given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mappings import arithmetic, calculations
from mappings.arithmetic import Found, Sheet
from mappings.calculations import Calculation
from mappings.errors import RuleError

CERTAINTY = "certainty"


@dataclass(frozen=True, slots=True)
class Parameter:
    """The whole number a rule takes: its range, the usual value, its meaning."""

    lowest: int
    highest: int
    usual: int
    words: str


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule for people and machines.

    ``words`` is one sentence for a teacher; ``places`` the decimals its value
    is rounded to at the end. ``calculate`` says how it comes about, ``value`` only
    what comes out; both are None for certainty alone, which reads dated evidence and
    not points.
    """

    name: str
    label: str
    words: str
    calculate: Callable[[Sheet], Calculation] | None
    value: Callable[[Sheet], Found] | None
    parameter: Parameter | None = None
    places: int = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule a course has chosen, with its parameter; made by ``rule``."""

    name: str
    parameter: int | None = None

    @property
    def spec(self) -> RuleSpec:
        """What the rule is."""
        return RULES[self.name]

    def __str__(self) -> str:
        """Name the rule and its parameter."""
        if self.parameter is None:
            return self.name
        return f"{self.name}({self.parameter})"


_LATEST_SHARE = "percent of the latest score"

_SPECS = (
    RuleSpec(
        "highest",
        "Highest",
        "The best score counts.",
        calculations.highest,
        arithmetic.highest,
    ),
    RuleSpec(
        "latest",
        "Latest",
        "The latest score counts.",
        calculations.latest,
        arithmetic.latest,
    ),
    RuleSpec(
        "average",
        "Average",
        "All scores count the same.",
        calculations.average,
        arithmetic.average,
    ),
    RuleSpec(
        "n_mastery",
        "n times at mastery",
        "The mean of the scores at or above mastery, once there are n; "
        "lower scores never count against the student.",
        calculations.n_mastery,
        arithmetic.n_mastery,
        Parameter(1, 10, 3, "scores at or above mastery"),
    ),
    RuleSpec(
        "decaying_average",
        "Weighted average (Canvas name: decaying_average)",
        "The latest score against the mean of all earlier ones.",
        calculations.weighted_average,
        arithmetic.weighted_average,
        Parameter(1, 99, 65, _LATEST_SHARE),
    ),
    RuleSpec(
        "weighted_average",
        "Weighted average",
        "The latest score against the mean of all earlier ones.",
        calculations.weighted_average,
        arithmetic.weighted_average,
        Parameter(1, 99, 65, _LATEST_SHARE),
    ),
    RuleSpec(
        "standard_decaying_average",
        "Decaying average",
        "Each new score counts most and what stood before it counts less.",
        calculations.standard_decaying_average,
        arithmetic.standard_decaying_average,
        Parameter(50, 99, 65, "percent of each newer score"),
    ),
    RuleSpec(
        "power_law",
        "Power law",
        "The end of a learning curve drawn through all scores.",
        calculations.power_law,
        arithmetic.power_law,
        places=4,
    ),
    RuleSpec(
        "mode",
        "Most frequent",
        "The score seen most often; of several, the one seen last.",
        calculations.mode,
        arithmetic.mode,
    ),
    RuleSpec(
        "mean_of_last",
        "Mean of the last",
        "The mean of the last few scores.",
        calculations.mean_of_last,
        arithmetic.mean_of_last,
        Parameter(1, 50, 3, "latest scores"),
    ),
    RuleSpec(
        "conjunctive",
        "All required",
        "Every task must reach mastery; the weakest decides.",
        calculations.conjunctive,
        arithmetic.conjunctive,
    ),
    RuleSpec(
        "bkt",
        "Knowledge tracing",
        "How probable it is that the student knows it, traced answer by answer.",
        calculations.bkt,
        arithmetic.bkt,
        Parameter(50, 99, 95, "percent probability for mastery"),
        places=4,
    ),
    RuleSpec(
        CERTAINTY,
        "Consistent with a stated certainty",
        "How sure we can be that the student meets the standard on fresh work; "
        "older work and repeats of one task count less.",
        None,
        None,
        Parameter(0, 3650, 180, "days until a piece counts half; 0 is never"),
    ),
)

RULES: Mapping[str, RuleSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
"""Every rule by its name, in the order of menus."""


def rule(name: str, parameter: float | None = None) -> Rule:
    """The rule of that name; without a parameter, with the usual one.

    Raises:
        RuleError: no such rule, a parameter it does not take, or one outside
            the range it takes.
    """
    spec = RULES.get(name)
    if spec is None:
        raise RuleError(f"no rule is named {name!r}; give one of {', '.join(RULES)}")
    limits = spec.parameter
    if limits is None:
        if parameter is not None:
            raise RuleError(f"rule {name} takes no parameter; leave {parameter} out")
        return Rule(name)
    if parameter is None:
        return Rule(name, limits.usual)
    if (
        isinstance(parameter, bool)
        or parameter != parameter // 1
        or not limits.lowest <= parameter <= limits.highest
    ):
        raise RuleError(
            f"rule {name} cannot take parameter {parameter}; give a whole number "
            f"from {limits.lowest} to {limits.highest} ({limits.words})"
        )
    return Rule(name, int(parameter))
