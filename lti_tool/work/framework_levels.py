"""Level descriptions and scales out of the rubrics of a framework."""

from __future__ import annotations

from datetime import datetime

from lti_tool.storage import level_descriptions, scales
from lti_tool.storage.database import Session
from lti_tool.storage.framework_versions import FrameworkImport
from mappings.frameworks import Framework, Problem
from mappings.named_scales import rubric_scales
from mappings.rubrics import level_texts


def problems_of(package: Framework) -> tuple[Problem, ...]:
    """Return what is odd in the rubrics of a framework."""
    return (*level_texts(package)[1], *rubric_scales(package)[1])


def save(
    session: Session,
    package: Framework,
    done: FrameworkImport,
    *,
    origin: str,
    who: str,
    now: datetime,
) -> None:
    """Store what the rubrics say of levels; nothing if the import changed nothing."""
    if done.number is None:
        return
    texts, _ = level_texts(package)
    level_descriptions.save(session, done.framework_id, texts, origin=origin)
    scales.retire_rubrics(session, done.rubrics_gone, who=who, now=now)
    for scale in rubric_scales(package)[0]:
        scales.save_scale(session, scale, who=who, now=now)
