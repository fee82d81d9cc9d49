"""PNS: telling a platform which address takes its notices of a type.

Source: Platform Notification Service 1.0; facts/lti.md section 11.
"""

from __future__ import annotations

from typing import Final

from lti_tool.platforms.lti import Call, Caller

SCOPE: Final = "https://purl.imsglobal.org/spec/lti/scope/noticehandlers"
JSON: Final = "application/json"


class NoticeHandlers:
    """The notice handlers of one deployment."""

    def __init__(self, caller: Caller, url: str) -> None:
        """Speak to the address a launch named."""
        self._caller = caller
        self._url = url

    def put(self, notice_type: str, handler: str) -> None:
        """Let notices of a type come to handler; '' lets none come. May be repeated.

        Raises:
            DeliveryError: see lti.Caller.call.
        """
        self._caller.call(
            Call(
                "PUT",
                self._url,
                (SCOPE,),
                accept=JSON,
                content_type=JSON,
                content={"notice_type": notice_type, "handler": handler},
            )
        )
