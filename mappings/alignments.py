"""Which assignment speaks for which competency, with what weight."""

import math
from dataclasses import dataclass

from mappings.errors import AlignmentError


@dataclass(frozen=True, slots=True)
class Alignment:
    """One assignment speaks for one competency.

    ``assignment`` is the caller's key of the line item or assignment,
    ``competency`` the GUID; ``weight`` is above 0, and 1 is the usual one.

    Raises:
        AlignmentError: an end is empty, or the weight is not above 0.
    """

    assignment: str
    competency: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse an alignment that cannot speak."""
        if not self.assignment or not self.competency:
            raise AlignmentError(
                f"alignment of assignment {self.assignment!r} to competency "
                f"{self.competency!r} lacks an end; name both"
            )
        if not (math.isfinite(self.weight) and self.weight > 0):
            raise AlignmentError(
                f"alignment of assignment {self.assignment!r} to competency "
                f"{self.competency!r} has weight {self.weight}; "
                "give a number above 0"
            )
