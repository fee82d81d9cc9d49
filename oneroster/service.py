"""Where the roots of a OneRoster service are, from whatever URL an admin has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlsplit

from oneroster.dialects import DIALECTS, Dialect, Room, Version
from oneroster.records import REFERENCE_PATHS

__all__ = ["Service"]

ROOMS: tuple[Room, ...] = ("rostering", "gradebook", "resources")
ROOT_OF_A_ROOM = re.compile(
    r"(?P<before>.*)/(?:rostering|gradebook|resources)/(?P<v>v1p\d)"
)
ROOT_OF_ALL = re.compile(r".*/ims/oneroster/v1p\d")


@dataclass(frozen=True, slots=True)
class Service:
    """A service of one version, with the root URL of each of its rooms."""

    version: Version
    roots: Mapping[Room, str]

    @classmethod
    def at(cls, url: str, version: Version = "1.2") -> Self:
        """Find the roots from a host, a prefix, or the root of one room.

        A full root decides by itself, whatever the version: some hosts serve
        the 1.2 format behind ``/ims/oneroster/v1p1``.

        Raises:
            ValueError: the URL is not http or https, or carries a user, a query
                or a fragment.
        """
        parts = urlsplit(url.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the service URL must begin with https:// and a host")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "the service URL must hold no user, query or fragment; remove it"
            )
        base = url.strip().rstrip("/")
        room = ROOT_OF_A_ROOM.fullmatch(base)
        if room:
            return cls(
                version,
                {name: f"{room['before']}/{name}/{room['v']}" for name in ROOMS},
            )
        if ROOT_OF_ALL.fullmatch(base):
            return cls(version, dict.fromkeys(ROOMS, base))
        roots = DIALECTS[version].roots
        return cls(version, {name: base + roots[name] for name in ROOMS})

    @property
    def dialect(self) -> Dialect:
        """How this version differs from the other."""
        return DIALECTS[self.version]

    def url(self, path: str) -> str:
        """The URL of a collection, such as ``classes/c-1/lineItems``.

        Raises:
            ValueError: this version has no such path.
        """
        collection = self.dialect.collection(path)
        return f"{self.roots[collection.room]}/{_quoted(path)}"

    def object_url(self, path: str, sourced_id: str) -> str:
        """The URL of one object of a collection.

        Raises:
            ValueError: this version has no such path.
        """
        return f"{self.url(path)}/{_quoted(sourced_id, whole=True)}"

    def posted_url(self, path: str) -> str:
        """The URL that new objects are posted to.

        Raises:
            ValueError: this version has no such path, or it takes no POST.
        """
        collection = self.dialect.posted(path)
        return f"{self.roots[collection.room]}/{_quoted(path)}"

    def href(self, kind: str, sourced_id: str) -> str:
        """The URL a reference of a type points to.

        Raises:
            ValueError: there is no such type in this version.
        """
        return self.object_url(REFERENCE_PATHS.get(kind, kind), sourced_id)


def _quoted(path: str, *, whole: bool = False) -> str:
    """Encode the steps of a path, or the whole as one step.

    Raises:
        ValueError: a step is a dot or two, which HTTP would take as a way up.
    """
    steps = [path] if whole else path.strip("/").split("/")
    if {".", ".."} & set(steps):
        raise ValueError("a sourcedId of dots alone cannot be part of a URL")
    return "/".join(quote(step, safe="") for step in steps)
