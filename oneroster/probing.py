"""One look at a service: what it answers, what it honours, and what that means.

At most sixty requests, one at a time, all of them reads unless it is also asked whether
a gradebook can be written to; then nothing is written either that stays.

>>> probe = Probe("https://sis.example", "1.2", auth=auth)
>>> for check in probe.checks():
...     print(check.state, check.name, check.text)
>>> probe.profile().page_size
"""

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import requests

from oneroster.auth import Authorization, BearerKey, ClientCredentials, local_session
from oneroster.dialects import DIALECTS, Version
from oneroster.errors import (
    AuthError,
    PagingError,
    RateLimitError,
    StatusError,
    TransportError,
)
from oneroster.models import parse_record
from oneroster.probe_asking import Asker, Reply, SpentError, masked
from oneroster.probe_findings import (
    Check,
    Findings,
    Profile,
    check,
    unanswered,
)
from oneroster.probe_queries import ask_queries
from oneroster.probe_steps import Look, ask_pages
from oneroster.probe_writing import ask_writing
from oneroster.service import ROOMS, Service
from oneroster.transport import Patience

__all__ = ["Probe"]

FIRST_ROWS: Final = 3
MOST_SKEW_SECONDS: Final = 300.0
# A roster is these; without one of them there is nothing to sync.
NEEDED: Final = ("orgs", "academicSessions", "courses", "classes", "users")
ROSTER: Final = (*NEEDED, "enrollments")
GRADEBOOK: Final = (
    *("categories", "lineItems", "results", "scoreScales"),
    *("assessmentLineItems", "assessmentResults"),
)
# Asked for last: nothing else waits for them.
OTHERS: Final = ("resources",)
CORE: Final = ("roster-core.readonly", "roster.readonly")
PREFIXES: Final = ("", "/api", "/oneroster", "/v1")


@dataclass(slots=True)
class Probe:
    """Looks at one service; ``checks`` may be read once, ``profile`` afterwards.

    A :class:`ClientCredentials` is asked for the scopes named, then for the roster's
    alone, in the style it was made for; make it with ``style="either"`` to find out.
    Demographics are read only if they are among ``extra``. With ``writes`` it finds out
    too whether the gradebook can be written to, by what cannot be written.
    """

    location: str
    version: Version = "1.2"
    _: KW_ONLY
    auth: Authorization
    session: requests.Session | None = None
    patience: Patience = field(default_factory=Patience)
    scopes: tuple[str, ...] = (*CORE, "gradebook.readonly")
    extra: tuple[str, ...] = ()
    writes: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _asker: Asker = field(init=False, repr=False)
    _found: Findings = field(init=False, repr=False)
    _is_whole: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        """Make ready; nothing is asked yet."""
        session = self.session or local_session()
        self._asker = Asker(session, self.auth, self.patience, self.clock)
        self._found = Findings(self.version)

    def profile(self) -> Profile | None:
        """What was found; None if the look did not come to its end."""
        if not self._is_whole:
            return None
        self._found.requests = self._asker.asked
        return self._found.profile()

    def checks(self) -> Iterator[Check]:
        """Yield each check as it is made; the last may tell why there are no more."""
        try:
            yield from self._sign_in()
            replies = []
            for service, reply in self._candidates():
                replies.append(reply)
                if _has_rows(service, reply):
                    yield from self._look(service, reply)
                    return
            yield self._no_root(replies[0])
        except (TransportError, RateLimitError) as error:
            yield unanswered("tls" if error.code == "tls" else "open", error)
        except SpentError as error:
            yield Check("requests", "warn", str(error), code=error.code)
        except AuthError as error:
            yield _refused(error)
        except (PagingError, StatusError) as error:
            yield Check("open", "fail", str(error), code=error.code)

    # -- who we are ------------------------------------------------------------

    def _sign_in(self) -> Iterator[Check]:
        auth = self._asker.auth
        if not isinstance(auth, ClientCredentials):
            is_key = isinstance(auth, BearerKey)
            self._found.auth = "bearer" if is_key else "oauth1"
            return
        yield self._token(auth)
        self._found.auth = auth.style
        yield self._rights(auth)

    def _rights(self, auth: ClientCredentials) -> Check:
        """Tell which of the rights asked for were granted, as far as that is said."""
        names = {
            url: name for one in DIALECTS.values() for name, url in one.scopes.items()
        }
        lacking = [names.get(url, url) for url in sorted(auth.lacking)]
        text = "the service does not say which rights it granted"
        if auth.granted is not None:
            granted = {names.get(url, url) for url in auth.granted}
            self._found.scopes = tuple(sorted(granted))
            lacking = [name for name in self.scopes if name not in granted]
            text = f"granted: {', '.join(sorted(granted))}"
        if not lacking:
            return Check("scopes", "ok", text)
        text = f"not granted: {', '.join(lacking)}; what they cover cannot be read"
        return Check("scopes", "warn", text, "ask for these scopes")

    def _token(self, auth: ClientCredentials) -> Check:
        """Ask for a token, with fewer rights if need be.

        Raises:
            AuthError: none was given.
        """
        own = self._found.version
        wanted = [
            DIALECTS[version].scope(*names)
            for version in (own, _other(own))
            for names in (self.scopes, CORE)
            if set(names) <= DIALECTS[version].scopes.keys()
        ]
        first: AuthError | None = None
        for scope in wanted:
            auth.scope = scope
            try:
                auth(requests.Request("GET", auth.token_url).prepare())
            except AuthError as error:
                first = first or error
                if b"scope" not in error.body.lower():
                    break
                continue
            text = f"given, with the credentials in {_place_of(auth.style)}"
            return Check("token", "ok", text, asked=f"POST {auth.token_url}")
        raise first or AuthError("no scope could be asked for")

    # -- where it is -----------------------------------------------------------

    def _candidates(self) -> Iterator[tuple[Service, Reply]]:
        seen = set()
        for service in _services(self.location, self._found.version):
            url = f"{service.url('orgs')}?limit={FIRST_ROWS}"
            if url not in seen:
                seen.add(url)
                yield service, self._asker.get(url)

    def _no_root(self, reply: Reply) -> Check:
        hints = {
            401: "the service refuses our credentials: check them and the scopes",
            403: "the client may not read orgs: ask for roster-core.readonly",
        }
        fix = hints.get(
            reply.status,
            "ask for the full root of the REST service, up to v1p1 or v1p2",
        )
        text = "no root of a OneRoster service was found at or below the address"
        return check("root", "fail", text, fix=fix, reply=reply)

    # -- what it does ----------------------------------------------------------

    def _look(self, service: Service, reply: Reply) -> Iterator[Check]:
        look = Look(self._asker, service, self._found)
        look.first["orgs"] = reply
        yield self._root(service, reply)
        yield from self._collections(look)
        yield self._version(look)
        self._found.roots = dict(look.service.roots)
        yield self._clock_check()
        if look.choose() is None:
            text = "every collection is empty: the token may see no school"
            yield Check("sample", "fail", text, "ask which schools the client may see")
            return
        yield self._sample(look)
        yield from ask_pages(look)
        yield from ask_queries(look, self.clock())
        self._is_whole = True
        if self.writes:
            yield from ask_writing(look)

    def _root(self, service: Service, reply: Reply) -> Check:
        self._found.roots = dict(service.roots)
        asked = Service.at(self.location, self._found.version).url("orgs")
        root = service.roots["rostering"]
        if service.url("orgs") == asked:
            return check("root", "ok", f"the service begins at {root}", reply=reply)
        text = f"the service begins at {root}, not where the address leads"
        fix = f"set the address to {root}"
        return check("root", "warn", text, fix=fix, reply=reply)

    def _collections(self, look: Look) -> Iterator[Check]:
        served = look.service.dialect.readable
        extra = [name for name in self.extra if name in served]
        others = [name for name in (*GRADEBOOK, *OTHERS) if name in served]
        for name in (*ROSTER, *extra, *others):
            if name not in look.first:
                url = f"{look.service.url(name)}?{urlencode({'limit': FIRST_ROWS})}"
                look.first[name] = self._asker.get(url)
            yield self._collection(look, name)

    def _collection(self, look: Look, name: str) -> Check:
        reply = look.first[name]
        rows = look.rows_of(name)
        is_needed = name in ROSTER
        if rows is None:
            self._found.refused[name] = reply.status
            return _unread(name, reply, is_needed=is_needed)
        self._found.counts[name] = reply.total
        text, is_odd = _told(look, name, rows)
        empty = not rows and is_needed
        if empty:
            text = "none came; a roster without these cannot be synced"
        made = check(name, "warn" if empty or is_odd else "ok", text, reply=reply)
        return replace(made, records=len(rows))

    def _version(self, look: Look) -> Check:
        """Tell the version from the shape of users, whatever the address says."""
        rows = look.rows_of("users") or []
        set_to = self._found.version
        shapes: set[Version] = {
            "1.2" if "roles" in row else "1.1"
            for row in rows
            if isinstance(row, dict) and {"roles", "role"} & row.keys()
        }
        is_clear = len(shapes) == 1
        spoken: Version = shapes.pop() if is_clear else look.service.version
        self._found.version = spoken
        if look.service.version != spoken:
            look.service = Service(spoken, look.service.roots)
        if spoken == set_to:
            return Check("version", "ok", f"it speaks OneRoster {spoken}")
        text = f"its users have the form of {spoken}, the source is set to {set_to}"
        return Check("version", "warn", text, f"set the version to {spoken}")

    def _clock_check(self) -> Check:
        if not self._asker.skews:
            text = "no Date header; its clock is taken to be right"
            return Check("clock", "warn", text)
        skew = min(self._asker.skews, key=abs)
        self._found.skew_seconds = round(skew, 1)
        ahead = "ahead of" if skew > 0 else "behind"
        text = f"its clock is {abs(skew):.0f} seconds {ahead} ours"
        if abs(skew) > MOST_SKEW_SECONDS:
            return Check("clock", "warn", text, "set the clock of the service, or ours")
        return Check("clock", "ok", text)

    def _sample(self, look: Look) -> Check:
        name = "users" if look.rows_of("users") else look.pivot
        rows = (look.rows_of(name) or [])[:FIRST_ROWS]
        shown = "\n".join(str(masked(row)) for row in rows)
        text = f"{name}, of each value its form alone"
        return Check("sample", "ok", text, records=len(rows), answer=shown)


def _other(version: Version) -> Version:
    return "1.1" if version == "1.2" else "1.2"


def _place_of(style: str) -> str:
    return "the form" if style == "form" else "HTTP Basic"


def _services(location: str, version: Version) -> Iterator[Service]:
    """Where a service may be, the likeliest first."""
    versions: tuple[Version, ...] = (version, _other(version))
    parts = urlsplit(location)
    base = location.strip().rstrip("/")
    for one in versions:
        yield Service.at(location, one)
    yield Service(version, dict.fromkeys(ROOMS, base))
    for prefix in PREFIXES:
        for one in versions:
            yield Service.at(f"{parts.scheme}://{parts.netloc}{prefix}", one)


def _has_rows(service: Service, reply: Reply) -> bool:
    return reply.rows(service.dialect.collection("orgs")) is not None


def _refused(error: AuthError) -> Check:
    fix = "check client id, client secret and scopes with whoever gave them"
    answer = error.body.decode("utf-8", "replace")[:200]
    is_json = answer.startswith("{")
    return Check(
        "token",
        "fail",
        str(error),
        fix,
        error.code,
        status=error.status,
        answer=answer if is_json else "",
    )


def _unread(name: str, reply: Reply, *, is_needed: bool) -> Check:
    if reply.is_good:
        text = "the answer holds no list of these; it means nothing"
        fix = "ask what this path should answer"
        return check(name, "fail", text, fix=fix, reply=reply)
    text = f"answered {reply.status}; these cannot be read"
    if is_needed:
        fix = "ask for the scope that covers it"
        return check(name, "fail", text, fix=fix, reply=reply)
    return check(name, "warn", text, reply=reply)


def _told(look: Look, name: str, rows: list[Any]) -> tuple[str, bool]:
    """What a first page says of a collection, and whether any of it is odd."""
    collection = look.service.dialect.collection(name)
    total = look.first[name].total
    count = f"{total} records" if total is not None else f"{len(rows)} or more records"
    for line, row in enumerate(rows, 1):
        shaped = (
            look.service.dialect.upgrade(collection.name, row)
            if isinstance(row, dict)
            else row
        )
        _record, problems = parse_record(collection.kind, shaped, file=name, line=line)
        if problems:
            return f"{count}; {problems[0]}", True
    return count, False
