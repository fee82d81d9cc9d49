"""A browser's part of a launch, played without a browser.

It follows what a browser follows by itself: redirects, and pages whose form posts
itself. Loopback addresses count as trustworthy, as they do in browsers, so cookies
marked Secure come back over plain http there and nowhere else.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import Cookie
from typing import Final, Literal
from urllib.parse import urljoin, urlsplit

import requests
from requests.cookies import RequestsCookieJar

TIMEOUT_SECONDS: Final = 30
LONGEST_WALK: Final = 20
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_SAME_AGAIN: Final = (307, 308)


class WalkError(Exception):
    """The walk from page to page did not come to an end."""


class LoopbackJar(RequestsCookieJar):
    """Cookies of a browser that trusts loopback addresses."""

    def set_cookie(self, cookie: Cookie, *args: object, **kwargs: object) -> None:
        """Keep a cookie; one of a loopback address may travel over plain http."""
        if is_loopback(cookie.domain):
            cookie.secure = False
        super().set_cookie(cookie, *args, **kwargs)


@dataclass(slots=True)
class Form:
    """A form of a page: where it posts, what it holds, whether it posts itself."""

    action: str
    method: str
    posts_itself: bool
    fields: dict[str, str] = field(default_factory=dict)


class _FormReader(HTMLParser):
    """Gathers the forms of a page in order."""

    def __init__(self, page_url: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._page_url = page_url
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = True
            self.forms.append(
                Form(
                    action=urljoin(self._page_url, given.get("action", "")),
                    method=given.get("method", "get").lower(),
                    posts_itself="data-auto-post" in given,
                )
            )
        elif tag == "input" and self._open and given.get("name"):
            _put_field(self.forms[-1], given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


def _put_field(form: Form, given: dict[str, str]) -> None:
    kind = given.get("type", "text")
    if kind in ("submit", "button", "image", "file"):
        return
    if kind in ("checkbox", "radio") and "checked" not in given:
        return
    form.fields[given["name"]] = given.get("value", "")


def browser_session() -> requests.Session:
    """A session that keeps cookies as a browser does, loopback included."""
    session = requests.Session()
    session.cookies = LoopbackJar()
    return session


def launch_by_http(
    platform_url: str,
    tool_session: requests.Session,
    person_id: str,
    place_id: str,
    *,
    kind: Literal["resource", "deep_linking"] = "resource",
) -> requests.Response:
    """Open the tool from the LMS as a person; gives the tool's last page.

    place_id is a link's id for a resource launch, a course's for deep linking.

    Raises:
        WalkError: the pages send each other round in circles.
        requests.RequestException: one of the two does not answer.
    """
    _keep_loopback_cookies(tool_session)
    tool_session.post(
        f"{platform_url}/session",
        data={"person_id": person_id},
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
    ).raise_for_status()
    asked = (
        {"link": place_id}
        if kind == "resource"
        else {"course": place_id, "kind": "deep_linking"}
    )
    page = tool_session.get(
        f"{platform_url}/launch",
        params=asked,
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
    )
    return follow(tool_session, page)


def follow(session: requests.Session, page: requests.Response) -> requests.Response:
    """Go where a page sends a browser by itself, until one stays."""
    _keep_loopback_cookies(session)
    for _ in range(LONGEST_WALK):
        following = _next_page(session, page)
        if following is None:
            return page
        page = following
    raise WalkError(f"more than {LONGEST_WALK} pages sent the browser on")


def submit(
    session: requests.Session, page: requests.Response, **changed: str
) -> requests.Response:
    """Send the first form of a page, some fields changed, and follow.

    Raises:
        WalkError: the page has no form.
    """
    forms = read_forms(page)
    if not forms:
        raise WalkError("the page has no form to send")
    return follow(session, _send(session, forms[0], changed))


def read_forms(page: requests.Response) -> list[Form]:
    """The forms of a page, in order."""
    reader = _FormReader(page.url)
    reader.feed(page.text)
    return reader.forms


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own."""
    name = host.lower().strip("[]").lstrip(".")
    if name in ("localhost", "localhost.local") or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _next_page(
    session: requests.Session, page: requests.Response
) -> requests.Response | None:
    if page.status_code in _REDIRECTS and "Location" in page.headers:
        return _redirected(session, page)
    if "html" not in page.headers.get("Content-Type", ""):
        return None
    for form in read_forms(page):
        if form.posts_itself or _hands_over(page, form):
            return _send(session, form, {})
    return None


def _redirected(
    session: requests.Session, page: requests.Response
) -> requests.Response:
    """The page a redirect leads to; only 307 and 308 send a form on."""
    target = urljoin(page.url, page.headers["Location"])
    sent = page.request
    if page.status_code in _SAME_AGAIN and sent.method == "POST":
        return session.post(
            target,
            data=sent.body,
            headers={"Content-Type": sent.headers.get("Content-Type", "")},
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )
    return session.get(target, timeout=TIMEOUT_SECONDS, allow_redirects=False)


def _hands_over(page: requests.Response, form: Form) -> bool:
    """Tell whether a form leaves the page's origin: only LTI's own forms do."""
    here, there = urlsplit(page.url), urlsplit(form.action)
    return (here.scheme, here.netloc) != (there.scheme, there.netloc)


def _send(
    session: requests.Session, form: Form, changed: dict[str, str]
) -> requests.Response:
    fields = form.fields | changed
    if form.method == "post":
        return session.post(
            form.action, data=fields, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
    return session.get(
        form.action, params=fields, timeout=TIMEOUT_SECONDS, allow_redirects=False
    )


def _keep_loopback_cookies(session: requests.Session) -> None:
    if not isinstance(session.cookies, LoopbackJar):
        jar = LoopbackJar()
        jar.update(session.cookies)
        session.cookies = jar
