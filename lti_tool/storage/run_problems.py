"""What was wrong in a run, as it is kept for a person to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, String, insert

from lti_tool.storage.schema import run_problem
from lti_tool.storage.session import Session

_LENGTHS: Final = {
    column.name: column.type.length
    for column in run_problem.columns
    if isinstance(column.type, String)
}


def put_problems(
    session: Session | Connection, run_id: int, problems: Sequence[Mapping[str, Any]]
) -> None:
    """Keep the problems of a run for a person to read.

    Too long a text is cut; a NUL, which PostgreSQL does not take, is shown as a
    replacement character.
    """
    if problems:
        session.execute(
            insert(run_problem),
            [{**_cut(one), "run_id": run_id} for one in problems],
        )


def _cut(problem: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value[: _LENGTHS.get(name)].replace("\0", "\N{REPLACEMENT CHARACTER}")
        if isinstance(value, str)
        else value
        for name, value in problem.items()
    }
