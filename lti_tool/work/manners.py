"""The manner in which levels get into a platform's own outcomes, as a school chose."""

from __future__ import annotations

from lti_tool.errors import ConfigError
from lti_tool.storage import outcomes_settings
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import put_change
from lti_tool.storage.outcomes_settings import ANSWERS, LIVE, MANNERS
from lti_tool.work.platforms import Author


def choose(session: Session, registration_id: int, manner: str, *, by: Author) -> bool:
    """Keep how levels get there from now on; tells whether it was otherwise.

    Live assessments can be chosen once the live checks saw them answer.

    Raises:
        ConfigError: there is no such manner, or they were not seen to answer.
    """
    held = outcomes_settings.load_settings(session, registration_id)
    if manner not in MANNERS:
        raise ConfigError(f"levels go by one of: {', '.join(MANNERS)}")
    if manner == LIVE and held.manner != LIVE and held.live != ANSWERS:
        raise ConfigError(
            "live assessments were not seen to answer; make the live checks first: "
            f"masterybridge platform check {registration_id}"
        )
    changed = outcomes_settings.save_manner(
        session, registration_id, manner, destination="canvas"
    )
    if changed:
        put_change(
            session,
            at=by.now,
            who=by.who,
            what="way of levels chosen",
            subject=("registration", registration_id),
            before={"manner": held.manner},
            after={"manner": manner},
        )
    return changed
