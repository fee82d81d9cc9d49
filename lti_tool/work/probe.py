"""One look at a source: what it answers, before anything is synced."""

from __future__ import annotations

from typing import Any

from lti_tool.errors import SyncError
from lti_tool.storage.staging import ENTITIES
from lti_tool.work.feeds import Feed
from lti_tool.work.roster import LEFT_OUT


def try_source(feed: Feed) -> list[dict[str, Any]]:
    """Read the first batch of each collection; one entry each, with its problem.

    The first collection that cannot be read is the last that is asked for.
    """
    checks: list[dict[str, Any]] = []
    for entity in ENTITIES:
        if entity.collection in LEFT_OUT:
            continue
        seen, problem, code = 0, None, None
        try:
            batch = next(feed.batches(entity.collection), None)
            if batch is not None:
                seen = len(batch.records)
                problem = next((str(one) for one in batch.problems), None)
        except SyncError as error:
            problem, code = str(error), error.code
        checks.append(
            {
                "collection": entity.collection,
                "records": seen,
                "problem": problem,
                "code": code,
            }
        )
        if code is not None:
            break
    return checks
