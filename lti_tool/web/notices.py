"""/lti/notices: where platforms tell us what happened (Platform Notification Service).

The answer names what became of each notice: accepted, known (told before), or the
code of a refusal; its status is that of the first refusal if none was taken.
"""

from __future__ import annotations

import threading
from typing import Final, cast

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from lti_tool.errors import LaunchError
from lti_tool.logs import log
from lti_tool.lti13.notices import MAX_BODY
from lti_tool.web.launch import admission
from lti_tool.web.sessions import clock, database
from lti_tool.work.arrivals import Arrival
from lti_tool.work.notices import HANDLER_PATH, Listener, Verdict

pages = Blueprint("notices", __name__)

RETRY_SECONDS: Final = 30
_OK, _UNAVAILABLE = 200, 503
_making = threading.Lock()


@pages.post(HANDLER_PATH)
def hear() -> Response:
    """Take notices in; each is verified like a launch."""
    request.max_content_length = MAX_BODY
    arrival = Arrival(
        fields={},
        remote_address=request.remote_addr or "",
        is_secure=request.is_secure,
    )
    try:
        verdicts = listener().hear(arrival, request.get_data(cache=False))
    except RequestEntityTooLarge:
        return _refused(LaunchError("E_TOO_LARGE", "the request is too large"))
    except LaunchError as error:
        return _refused(error)
    return _told(verdicts)


def listener() -> Listener:
    """The application's listener, made when first needed."""
    door = admission()
    with _making:
        found = current_app.extensions.get("listener")
        if found is None:
            settings = current_app.config["SETTINGS"]
            found = Listener(database(), settings, door.key_cache, clock=clock)
            current_app.extensions["listener"] = found
    return cast("Listener", found)


def _told(verdicts: list[Verdict]) -> Response:
    answer = jsonify(notices=[{"outcome": one.outcome} for one in verdicts])
    taken = not verdicts or any(one.status == _OK for one in verdicts)
    answer.status_code = _OK if taken else verdicts[0].status
    if answer.status_code == _UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _refused(error: LaunchError) -> Response:
    log().warning("notice.refused", code=error.code, reason=error.reason)
    answer = jsonify(error=error.code)
    answer.status_code = error.status
    answer.headers["X-MasteryBridge-Code"] = error.code
    return answer
