"""The competency domain: frameworks, evidence, rules, attainments, pathways.

Standard library only, no I/O, no clock: values in, values out.

Frameworks: :mod:`~mappings.frameworks` and walks over them; in and out of CASE
(:mod:`~mappings.case`, with ``case_fields``, ``case_parts``, ``case_problems``) and
tables (``framework_tables``); written here (``editing``), compared (``differences``),
checked (``limits``, ``refusals``); ``rubrics`` and ``grade_levels`` in them;
``crosswalks`` between them.

Levels: :mod:`~mappings.scales`, with a name and ``colours`` (``named_scales``).

Mastery: :mod:`~mappings.evidence` and what of it counts (``counting``), judged by
:mod:`~mappings.rules` (``arithmetic``, said step by step in ``calculations``;
``certainty`` on ``beta``; ``rounding``) into :mod:`~mappings.mastery`, or many
at once in :mod:`~mappings.briefs`; told by ``explanations``, ``lines`` and ``wording``,
tried out by ``trials``; one grade over many levels is :mod:`~mappings.summary`'s; what
changed is in ``outcomes``, what comes next in ``pathways``.

Aligning work: :mod:`~mappings.alignments`; ``codes`` that a text names itself,
:mod:`~mappings.suggestions` by ``words`` among ``candidates``, put in order by
``ranking``; ``resources`` that help.
"""

from mappings.alignments import Alignment
from mappings.candidates import candidates, codes_of, suggestable
from mappings.case import format_case, parse_associations, parse_case
from mappings.codes import Codes, Named
from mappings.counting import KINDS, ORDERS, Counting, Terms, counted, judge
from mappings.errors import (
    AlignmentError,
    EvidenceError,
    FrameworkError,
    MappingError,
    ResourceError,
    RuleError,
    ScaleError,
    SummaryError,
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
    SharedGap,
    gap,
    groups,
    is_enriched,
    next_steps,
    pathway,
    ready,
    shared_gaps,
    unlocked,
)
from mappings.postings import Candidate, Index, index, parse_index
from mappings.ranking import Ranker, is_enough, learned, parse_ranker
from mappings.resources import Helper, host_of, parse_link, ranked
from mappings.rules import RULES, Parameter, Rule, RuleSpec, rule
from mappings.scales import FOUR, Level, Scale, reaches
from mappings.suggestions import Closeness, Query, Suggestion, suggest
from mappings.summary import (
    GRADE,
    MASTERY_INDEX,
    Grade,
    Summary,
    format_summary,
    grade,
    parse_summary,
)
from mappings.trials import calculation, scale_of
from mappings.wording import TEMPLATES, Words

__all__ = [
    "FOUR",
    "GRADE",
    "KINDS",
    "MASTERY_INDEX",
    "ORDERS",
    "RELIABILITY",
    "RULES",
    "TEMPLATES",
    "Alignment",
    "AlignmentError",
    "Association",
    "Attainment",
    "Candidate",
    "Change",
    "Closeness",
    "Codes",
    "Competency",
    "Counting",
    "Evidence",
    "EvidenceError",
    "Explanation",
    "Framework",
    "FrameworkError",
    "Grade",
    "Helper",
    "Index",
    "Level",
    "Line",
    "MappingError",
    "Named",
    "Need",
    "NextStep",
    "Outcome",
    "Parameter",
    "Pathway",
    "Piece",
    "Problem",
    "Query",
    "Ranker",
    "ResourceError",
    "Rule",
    "RuleError",
    "RuleSpec",
    "Scale",
    "ScaleError",
    "SharedGap",
    "Suggestion",
    "Summary",
    "SummaryError",
    "Terms",
    "Words",
    "attainment",
    "calculation",
    "candidates",
    "changes",
    "codes_of",
    "counted",
    "explain",
    "format_case",
    "format_summary",
    "gap",
    "grade",
    "groups",
    "host_of",
    "index",
    "is_enough",
    "is_enriched",
    "judge",
    "learned",
    "next_steps",
    "parse_associations",
    "parse_case",
    "parse_index",
    "parse_link",
    "parse_ranker",
    "parse_summary",
    "pathway",
    "ranked",
    "ratio_of",
    "reaches",
    "ready",
    "rule",
    "scale_of",
    "shared_gaps",
    "suggest",
    "suggestable",
    "topological",
    "unlocked",
]
