"""AGS: a line item for each competency in the LMS's gradebook."""

from __future__ import annotations
