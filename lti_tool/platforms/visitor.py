"""A browser's part played over HTTP: cookies kept, redirects given back unfollowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from lti_tool.platforms.http import Answer, Ask, GuardedSession, ask

LIMIT: Final = 2 * 1024 * 1024
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class Visitor:
    """One browser at one site; every address is one of that site's."""

    def __init__(self, site_url: str, local_hosts: frozenset[str]) -> None:
        """Visit the site; whoever named its address may mean a private one."""
        self.site_url = site_url.rstrip("/")
        host = urlsplit(site_url).hostname or ""
        self._session = GuardedSession(local_hosts | {host})

    def look(self, address: str) -> Answer:
        """Ask for a page of the site.

        Raises:
            PlatformError: it does not answer.
        """
        return self._send(Ask("GET", self._at(address), limit=LIMIT, redirects=True))

    def post(self, address: str, fields: Mapping[str, str]) -> Answer:
        """Send a form to the site.

        Raises:
            PlatformError: it does not answer.
        """
        body = urlencode(fields).encode()
        url = self._at(address)
        return self._send(
            Ask("POST", url, headers=_FORM, body=body, limit=LIMIT, redirects=True)
        )

    def _at(self, address: str) -> str:
        """The address at the site as reached; a path alone counts of a full one."""
        parts = urlsplit(address)
        path = parts._replace(scheme="", netloc="").geturl()
        return urljoin(self.site_url + "/", path)

    def _send(self, question: Ask) -> Answer:
        answer = ask(self._session, question)
        for cookie in self._session.cookies:
            # It goes to this one site, whichever way that is reached.
            cookie.secure = False
        return answer


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, what it holds, what could be chosen besides."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)  # the first of each name


def read_forms(page: Answer) -> list[Form]:
    """The forms of a page that are posted, in order."""
    reader = _Reader()
    reader.feed(page.body.decode("utf-8", "replace"))
    return reader.forms


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Gather a form and what is in it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "get").lower() == "post":
            self._open = Form(given.get("action", ""))
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and given.get("name"):
            _put(self._open, given)

    def handle_endtag(self, tag: str) -> None:
        """Close a form."""
        if tag == "form":
            self._open = None


def _put(form: Form, given: Mapping[str, str]) -> None:
    kind, name, value = (
        given.get("type", "text"),
        given["name"],
        given.get("value", ""),
    )
    if kind in {"submit", "button", "image", "file"}:
        return
    if kind in {"checkbox", "radio"}:
        form.choices.setdefault(name, value or "on")
        if "checked" not in given:
            return
    form.fields[name] = value
