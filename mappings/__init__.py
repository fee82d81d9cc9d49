"""The competency domain: frameworks, evidence, rules, attainments, pathways.

Standard library only, no I/O, no clock: values in, values out.
"""

from mappings.alignments import Alignment
from mappings.case import format_case, parse_associations, parse_case
from mappings.errors import (
    AlignmentError,
    EvidenceError,
    FrameworkError,
    MappingError,
    RuleError,
    ScaleError,
)
from mappings.evidence import RELIABILITY, Evidence, ratio_of
from mappings.explanations import Explanation, Piece, explain
from mappings.frameworks import (
    Association,
    Competency,
    Framework,
    Problem,
    topological,
)
from mappings.lines import Line
from mappings.mastery import Attainment, Need, attainment
from mappings.outcomes import Change, Outcome, changes
from mappings.pathways import (
    NextStep,
    Pathway,
    gap,
    groups,
    is_enriched,
    next_steps,
    pathway,
    ready,
)
from mappings.rules import RULES, Parameter, Rule, RuleSpec, rule
from mappings.scales import FOUR, Level, Scale, reaches
from mappings.trials import calculation, scale_of
from mappings.wording import TEMPLATES, Words

__all__ = [
    "FOUR",
    "RELIABILITY",
    "RULES",
    "TEMPLATES",
    "Alignment",
    "AlignmentError",
    "Association",
    "Attainment",
    "Change",
    "Competency",
    "Evidence",
    "EvidenceError",
    "Explanation",
    "Framework",
    "FrameworkError",
    "Level",
    "Line",
    "MappingError",
    "Need",
    "NextStep",
    "Outcome",
    "Parameter",
    "Pathway",
    "Piece",
    "Problem",
    "Rule",
    "RuleError",
    "RuleSpec",
    "Scale",
    "ScaleError",
    "Words",
    "attainment",
    "calculation",
    "changes",
    "explain",
    "format_case",
    "gap",
    "groups",
    "is_enriched",
    "next_steps",
    "parse_associations",
    "parse_case",
    "pathway",
    "ratio_of",
    "reaches",
    "ready",
    "rule",
    "scale_of",
    "topological",
]
