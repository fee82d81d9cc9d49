"""What may help with a competency: which addresses are taken, and what comes first."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from mappings.errors import ResourceError

LONGEST_LINK = 2000


@dataclass(frozen=True, slots=True)
class Helper:
    """A resource as it stands for one competency.

    ``from_level`` and ``to_level`` are places in the scale, 0 the lowest, None for
    no bound. ``opened`` counts students who opened it, ``succeeded`` those of them
    who have shown the competency since. ``is_primary``: the class works with it first.
    """

    key: int
    title: str
    is_pinned: bool = False
    from_level: int | None = None
    to_level: int | None = None
    opened: int = 0
    succeeded: int = 0
    is_own: bool = False
    is_primary: bool = False

    @property
    def success(self) -> float:
        """How likely it helped: shares of few students are drawn to one half."""
        return (self.succeeded + 1) / (self.opened + 2)

    def fits(self, level: int | None) -> bool:
        """Tell whether it is meant for students at level; None is the lowest."""
        place = level or 0
        low = 0 if self.from_level is None else self.from_level
        return low <= place and (self.to_level is None or place <= self.to_level)

    @property
    def is_for_all(self) -> bool:
        """Tell whether it is meant for every level."""
        return self.from_level is None and self.to_level is None


def ranked(helpers: Iterable[Helper], level: int | None) -> tuple[Helper, ...]:
    """The resources in the order a student at level should meet them.

    What is not meant for her level is left out. A teacher's pins come first, then
    what names her level, then what helped others most often, then the class's own,
    then what the school system calls primary.
    """
    fitting = [one for one in helpers if one.fits(level)]
    fitting.sort(
        key=lambda one: (
            not one.is_pinned,
            one.is_for_all,
            -round(one.success, 9),
            not one.is_own,
            not one.is_primary,
            one.title.casefold(),
            one.key,
        )
    )
    return tuple(fitting)


def parse_link(text: str) -> str:
    """An address of the web a student may be sent to.

    Raises:
        ResourceError: it is no http or https address with a host, carries a name or
            a password, holds a space or a sign that cannot be seen, or is too long.
    """
    link = text.strip()
    if len(link) > LONGEST_LINK:
        raise ResourceError(
            f"the address has {len(link)} letters; {LONGEST_LINK} are the most"
        )
    if any(sign.isspace() or not sign.isprintable() for sign in link) or "\\" in link:
        raise ResourceError(f'"{link}" holds a sign no address has; copy it again')
    try:
        parts = urlsplit(link)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise ResourceError(f'"{link}" is no address: {error}') from error
    if parts.scheme not in {"http", "https"} or not has_host:
        raise ResourceError(
            f'"{link}" is no address of the web; it begins with https:// or http://'
        )
    if parts.username is not None or parts.password is not None:
        raise ResourceError(
            f"the address of {parts.hostname} carries a name or password; "
            "give one that every student may open"
        )
    return link


def host_of(link: str) -> str:
    """The host of an address, as people are told where they go."""
    return (urlsplit(link).hostname or "").removeprefix("www.")
