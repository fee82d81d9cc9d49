"""What ran out and nobody asked about since: swept each night, whoever comes or not.

Each of these tables is swept by whoever writes to it as well; where nobody does, as in
the holidays, what is over would else stay.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete

from lti_tool.storage import schema
from lti_tool.storage.attempts import WINDOW
from lti_tool.storage.session import Session
from lti_tool.storage.visits import REMEMBERED


def sweep_remnants(session: Session, *, now: datetime) -> int:
    """Take out logins, passages, sessions, visits and failures that are over.

    Returns how many rows went.
    """
    login, passage, visit = schema.login_state, schema.passage, schema.web_session
    admin, failure = schema.admin_session, schema.sign_in_failure
    over = {
        login: login.c.expires_at < now,
        passage: passage.c.expires_at <= now,
        visit: visit.c.expires_at < now - REMEMBERED,
        admin: admin.c.expires_at < now,
        failure: failure.c.failed_at <= now - WINDOW,
    }
    return sum(
        len(session.execute(delete(table).where(ended).returning(table.c.id)).all())
        for table, ended in over.items()
    )
