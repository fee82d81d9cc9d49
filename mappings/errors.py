"""The tree of what can go wrong in the competency domain.

MappingError
├── FrameworkError    not a CASE package, or a walk that its edges forbid
├── ScaleError        levels, cuts or points that make no scale
├── AlignmentError    an alignment that cannot speak: no end, or no weight
├── EvidenceError     a score, a date or a weight that says nothing
├── ResourceError     an address no student may be sent to
├── SummaryError      a formula of one grade that makes none; names the field
└── RuleError         no such rule, or a parameter outside its range
"""


class MappingError(Exception):
    """Anything the competency domain refuses.

    ``template`` with ``values`` in its places is what is said, so that a page can say
    it in another language; without values it is the text itself.
    """

    def __init__(self, template: str, /, **values: object) -> None:
        """Say template, its places filled from values if there are any."""
        super().__init__(template.format_map(values) if values else template)
        self.template = template
        self.values = values


class FrameworkError(MappingError):
    """A framework cannot be read or walked; names what was found and the mend."""


class ScaleError(MappingError):
    """A scale is not ordered, has no lowest level or no mastery level."""


class AlignmentError(MappingError):
    """An alignment names no assignment or no competency, or weighs nothing."""


class EvidenceError(MappingError):
    """A piece of evidence cannot be judged; names the piece and the value."""


class ResourceError(MappingError):
    """A resource has no address a student may be sent to; says which."""


class SummaryError(MappingError):
    """A formula of one grade over all competencies makes none.

    Attributes:
        field: the part of the formula that is to be mended.
    """

    def __init__(self, template: str, /, *, field: str, **values: object) -> None:
        """Say template of a field, its places filled from values."""
        super().__init__(template, **values)
        self.args = (f"{field}: {self}",)
        self.field = field


class RuleError(MappingError):
    """A rule is unknown or its parameter is outside the range it names."""
