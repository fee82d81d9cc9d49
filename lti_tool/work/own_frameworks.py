"""A school's own frameworks: made and edited here, each save a version.

Each function runs in the caller's transaction and returns the number of the version
it made. With ``expected``, the number of the version the person had before her, it
refuses to write over what somebody else saved since.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from lti_tool.errors import ConfigError
from lti_tool.storage import framework_versions, frameworks
from lti_tool.storage.database import Session
from lti_tool.storage.framework_versions import OWN, Note
from lti_tool.work import framework_levels, recomputing
from mappings import editing
from mappings.editing import Draft
from mappings.errors import FrameworkError
from mappings.frameworks import Framework
from mappings.limits import check_framework
from mappings.refusals import Refusal
from mappings.rubrics import LevelText

__all__ = ["Draft", "Editor", "LevelText", "is_editable", "start"]


PUBLISHED: Final = (
    "this framework is published elsewhere, and its next import would undo the "
    "change; edit it there, or make one of your own"
)
OVERTAKEN: Final = (
    "somebody saved version {newest} of this framework while you had version "
    "{expected} before you; look at it and try again"
)


def sentences() -> tuple[str, ...]:
    """Every text this room refuses a change with."""
    return (PUBLISHED, OVERTAKEN)


def is_editable(origin: str) -> bool:
    """Tell whether a framework of this origin is edited here."""
    return origin == OWN


def start(
    session: Session,
    title: str,
    *,
    who: str,
    now: datetime,
    language: str = "",
    publisher: str = "",
) -> int:
    """Make an empty framework; returns its id.

    Raises:
        FrameworkError: it has no title.
    """
    if not title.strip():
        raise FrameworkError(Refusal.NO_TITLE)
    made = Framework(
        str(uuid4()),
        title.strip(),
        publisher=publisher.strip(),
        language=language.strip(),
        payload={"adoptionStatus": "Draft", "lastChangeDateTime": _text(now)},
    )
    check_framework(made)
    note = Note(named="made here", made_by=who, at=now, origin=OWN)
    return framework_versions.save_framework(session, made, note).framework_id


@dataclass(frozen=True, slots=True)
class Editor:
    """One person's change to one framework, in a transaction of the caller's.

    Raises, whatever is asked:
        NotFoundError: there is no such framework.
        ConfigError: it is published elsewhere, or was changed since ``expected``.
        FrameworkError: the change makes no framework; what and the mend.
    """

    session: Session
    framework_id: int
    who: str
    now: datetime
    expected: int | None = None

    def rename(self, title: str, language: str = "", publisher: str = "") -> int:
        """Change the words of the framework itself."""
        return self._save(
            "renamed",
            lambda held: editing.rename(held, title, language, publisher),
        )

    def add(self, draft: Draft, parent: str = "") -> int:
        """Add a competency, last under its parent or at the top."""
        return self._save(
            f"added {_name(draft)}",
            lambda held: editing.add(
                held, draft, case_id=str(uuid4()), edge_id=str(uuid4()), parent=parent
            ),
        )

    def edit(self, case_id: str, draft: Draft) -> int:
        """Change the words of a competency."""
        return self._save(
            f"edited {_name(draft)}", lambda held: editing.edit(held, case_id, draft)
        )

    def move(self, case_id: str, steps: int) -> int:
        """Move a competency among its siblings, up for less than 0."""
        return self._save("moved", lambda held: editing.move(held, case_id, steps))

    def place(self, case_id: str, parent: str = "") -> int:
        """Move a competency under another parent, or to the top."""
        return self._save(
            "moved",
            lambda held: editing.place(held, case_id, parent, edge_id=str(uuid4())),
        )

    def retire(self, case_id: str) -> int:
        """Retire a competency; evidence for it stays."""
        return self._save("retired", lambda held: editing.retire(held, case_id))

    def require(self, case_id: str, prerequisites: Collection[str]) -> int:
        """Say what comes before a competency: these and no others."""
        edges = {one: str(uuid4()) for one in prerequisites}
        return self._save(
            "prerequisites", lambda held: editing.require(held, case_id, edges)
        )

    def describe(self, case_id: str, levels: Sequence[LevelText]) -> int:
        """Say what each level of a competency means, the lowest first."""
        return self._save(
            "levels", lambda held: editing.describe(held, case_id, levels)
        )

    def undo(self, number: int) -> int:
        """Bring an earlier version back, as a new one."""
        return self._save(
            f"version {number} brought back",
            lambda _held: framework_versions.load_package_at(
                self.session, self.framework_id, number
            ),
        )

    def _save(self, what: str, change: Callable[[Framework], Framework]) -> int:
        origin = framework_versions.hold(self.session, self.framework_id)
        newest = framework_versions.newest(self.session, self.framework_id)
        if not is_editable(origin):
            raise ConfigError(PUBLISHED)
        if self.expected is not None and self.expected != newest:
            raise ConfigError(OVERTAKEN, newest=newest, expected=self.expected)
        held = frameworks.load_package(self.session, self.framework_id)
        new = editing.stamped(held, change(held), _text(self.now))
        check_framework(new)
        note = Note(named=what, made_by=self.who, at=self.now, origin=OWN)
        done = framework_versions.save_framework(self.session, new, note)
        framework_levels.save(
            self.session, new, done, origin=OWN, who=self.who, now=self.now
        )
        recomputing.follow(self.session, done, who=self.who, now=self.now)
        return done.number or newest


def _name(draft: Draft) -> str:
    return draft.code.strip() or draft.statement.strip()[:60]


def _text(now: datetime) -> str:
    return now.isoformat()
