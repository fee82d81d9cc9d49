"""What can go wrong in the application.

```
BridgeError
├── ConfigError        a setting or registration is missing or wrong; names it
├── NotFoundError      what was named is not here; says what was looked for
├── PlanError          settings of a course that make no plan; names each fault
├── ErasureError       a person who cannot be erased, or not now; says why
├── OutboxError        a delivery nothing of the kind can be done with; says why
├── LaunchError        a launch we refuse; .code and .status for the page
│   └── UnprovenError  in order, but its browser is not proven; where to ask
├── SeatError          this seat may not see this page
├── PullError          what another system asks for is not given; .status
├── HoldError          a plan waits for a person; .plan_hash names it
├── SyncError          a sync stopped; .code and what to do
│   └── BusyError      another run of the same source is going on
└── PlatformError      another system failed us; .code
    ├── RegistrationError  a platform could not be registered; .code and .values
    └── DeliveryError  .permanent, .retry_after seconds or None
```
"""

from __future__ import annotations

from typing import Final

# Status of each refusal code. Source: facts/security.md section 2.
LAUNCH_STATUS: Final = {
    "E_METHOD": 405,
    "E_HTTPS": 400,
    "E_TOO_LARGE": 413,
    "E_RATE": 429,
    "E_REQ": 400,
    "E_PLATFORM_ERROR": 400,
    "E_STATE": 401,
    "E_FORMAT": 400,
    "E_ALG": 401,
    "E_KID": 401,
    "E_KEYS_UNAVAILABLE": 503,
    "E_SIG": 401,
    "E_TIME": 401,
    "E_ISS": 401,
    "E_AUD": 401,
    "E_NONCE": 401,
    "E_REPLAY": 401,
    "E_DEPLOYMENT": 403,
    "E_DISABLED": 403,
    "E_VERSION": 400,
    "E_MSGTYPE": 400,
    "E_CLAIM": 400,
    "E_TARGET": 400,
}


class BridgeError(Exception):
    """Anything the application refuses or cannot do."""


class ConfigError(BridgeError):
    """A setting or registration is missing or wrong; the text names it.

    Attributes:
        template: the text, with places where there are values, so that a page can say
            it in another language.
        values: what fills the places.
    """

    def __init__(self, template: str, /, **values: object) -> None:
        super().__init__(template.format_map(values) if values else template)
        self.template = template
        self.values = values


class NotFoundError(BridgeError):
    """What was named is not here; the text says what was looked for."""


class PlanError(BridgeError):
    """Settings of a course that make no plan; the text names each fault."""


class ErasureError(BridgeError):
    """A person cannot be erased, or not now; the text says why."""


class OutboxError(BridgeError):
    """A delivery with which that cannot be done; the text says why, code which why."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


class LaunchError(BridgeError):
    """A launch or login we refuse.

    Attributes:
        code: one of the codes of LAUNCH_STATUS.
        reason: one sentence for an administrator, without any claim value.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason

    @property
    def status(self) -> int:
        """The HTTP status the refusal is answered with."""
        return LAUNCH_STATUS[self.code]


class UnprovenError(LaunchError):
    """A launch in order, but nothing shows that its login was made in this browser.

    Its LMS may hold the proof; whoever does not ask there refuses it with E_STATE.

    Attributes:
        origin: the only origin that may answer for the LMS.
        target: the frame to ask, as the login named it.
    """

    def __init__(self, origin: str, target: str) -> None:
        super().__init__("E_STATE", "the login was made in another browser")
        self.origin = origin
        self.target = target


class SeatError(BridgeError):
    """This seat may not see this page."""


class PullError(BridgeError):
    """What another system asks of us is not given; the text says why.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class HoldError(BridgeError):
    """A plan is over a limit and waits for a person."""

    def __init__(self, text: str, plan_hash: str) -> None:
        super().__init__(text)
        self.plan_hash = plan_hash


class SyncError(BridgeError):
    """A sync stopped and changed nothing; code is the kind of failure.

    retry_after: so many seconds the source asked us to stay away, if it did.
    """

    def __init__(
        self, text: str, code: str = "failed", *, retry_after: float | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.retry_after = retry_after


class BusyError(SyncError):
    """Another run of the same source is going on."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "busy")


class PlatformError(BridgeError):
    """Another system failed us; code is the kind of failure."""

    def __init__(self, text: str, code: str = "platform") -> None:
        super().__init__(text)
        self.code = code


class RegistrationError(PlatformError):
    """A platform could not be registered; nothing of it was kept.

    Attributes:
        values: what the words of the code name: a host, a field, what the LMS said.
    """

    def __init__(self, text: str, code: str, **values: str) -> None:
        super().__init__(text, code)
        self.values = values


class DeliveryError(PlatformError):
    """A destination did not take an outcome.

    Attributes:
        permanent: sending the same again will not help.
        retry_after: seconds the destination asked us to wait, or None.
        hopeless: it is the value that is refused; only another one will do.
        said: what it said of it, in its own words; kept with the delivery and shown
            to people, never logged.
    """

    def __init__(
        self,
        text: str,
        code: str = "refused",
        *,
        permanent: bool,
        retry_after: float | None = None,
        hopeless: bool = False,
        said: str | None = None,
    ) -> None:
        super().__init__(text, code)
        self.permanent = permanent
        self.hopeless = hopeless
        self.retry_after = retry_after
        self.said = said
