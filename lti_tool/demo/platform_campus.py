"""The state of the pretend LMS: who and what is there, kept in memory."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlsplit

from joserfc.jwk import RSAKey

from lti_tool.demo.platform_gradebook import Gradebook
from lti_tool.demo.platform_manners import STANDARD, Manners
from lti_tool.demo.platform_records import (
    Access,
    Change,
    Course,
    Edit,
    Group,
    Key,
    Kind,
    LineItem,
    Link,
    Person,
    Registration,
    Role,
    Ticket,
    Tool,
)
from lti_tool.demo.platform_vault import Vault
from lti_tool.demo.platform_wire import Wire

TICKET_LIFE: Final = timedelta(minutes=10)
# How long a teacher may look around in the tool before answering.
RETURN_LIFE: Final = timedelta(hours=1)
Clock = Callable[[], datetime]


class UnknownRecordError(LookupError):
    """What was named is not in this LMS; the text says what and which."""


def utc_now() -> datetime:
    """This moment, aware."""
    return datetime.now(UTC)


class Campus:
    """Everything the pretend LMS remembers; safe to use from many threads.

    Attributes:
        url: its origin, which is also its issuer.
        manners: how it differs from the standard.
        clock: gives this moment.
        lock: held while anything changes.
        key: signs its launches.
        tools, people, courses, links: records by id.
        groups: of each course, in the order they were made.
        gradebook: columns and grades.
        heard: the calls it received.
        vault: the access tokens it issued.
        handlers: where a tool takes notices of a type, by client_id and type.
        cookie_name: its session cookie; cookies know no ports, so it names ours.
        launch_edit: changes header and claims of each launch before signing.
        launch_key: signs launches instead of key.
        configuration_edit: changes the configuration that tools read, in place.
        registration_edit: changes what a tool registers before it is taken.
    """

    def __init__(
        self,
        *,
        url: str,
        manners: Manners = STANDARD,
        seed: int | str = 0,
        clock: Clock = utc_now,
        key: RSAKey | None = None,
    ) -> None:
        """Open an empty LMS; seed alone decides the ids it gives to tools.

        Without a key it makes a new one.
        """
        self.url = url.rstrip("/")
        self.manners = manners
        self.clock = clock
        self.lock = threading.RLock()
        self.key = key or RSAKey.generate_key(2048, auto_kid=True)
        self.tools: dict[str, Tool] = {}
        self.people: dict[str, Person] = {}
        self.courses: dict[str, Course] = {}
        self.links: dict[str, Link] = {}
        self.groups: dict[str, list[Group]] = {}
        self.gradebook = Gradebook(manners, self.lock)
        self.heard = Wire(clock)
        self.launch_edit: Edit | None = None
        self.launch_key: Key | None = None
        self.configuration_edit: Change | None = None
        self.registration_edit: Change | None = None
        self.vault = Vault()
        self.handlers: dict[tuple[str, str], str] = {}
        self.cookie_name = f"pretend_lms_{urlsplit(url).port or 'web'}"
        self._seed = str(seed)
        self._tickets: dict[str, Ticket] = {}
        self._returns: dict[str, Ticket] = {}
        self._placed = 0
        self._sessions: dict[str, str] = {}
        self._changes: dict[str, list[str]] = {}

    def register_tool(
        self,
        client_id: str | None = None,
        *,
        login_url: str,
        redirect_uris: Iterable[str],
        jwks_url: str,
        launch_url: str,
        deep_linking_url: str | None = None,
    ) -> Registration:
        """Take a tool in; gives what the tool must be told.

        A client_id already known is replaced and keeps its deployment.
        """
        with self.lock:
            client_id = client_id or self._minted("client", len(self.tools))
            tool = Tool(
                client_id=client_id,
                deployment_id=self._minted("deployment", client_id),
                login_url=login_url,
                redirect_uris=tuple(redirect_uris),
                jwks_url=jwks_url,
                launch_url=launch_url,
                deep_linking_url=deep_linking_url or launch_url,
            )
            self.tools[client_id] = tool
        return Registration(
            client_id=client_id,
            deployment_id=tool.deployment_id,
            issuer=self.url,
            auth_url=f"{self.url}/lti/auth",
            token_url=f"{self.url}/lti/token",
            jwks_url=f"{self.url}/lti/jwks",
        )

    def take_tool(self, tool: Tool) -> bool:
        """Take in a tool that registered itself; tells whether its id was free."""
        with self.lock:
            is_new = tool.client_id not in self.tools
            if is_new:
                self.tools[tool.client_id] = tool
        return is_new

    def replace_tool(self, tool: Tool) -> None:
        """Put a tool in the place of the one with its client_id."""
        with self.lock:
            self.tools[tool.client_id] = tool

    def mint(self, kind: str, rest: int | str) -> str:
        """An id that depends on the seed alone."""
        return self._minted(kind, rest)

    def add_course(
        self,
        course_id: str,
        title: str,
        label: str,
        sis_class_sourced_id: str | None = None,
    ) -> Course:
        """Add a course; sis_class_sourced_id is what the SIS calls it."""
        return self.keep_course(Course(course_id, title, label, sis_class_sourced_id))

    def keep_course(self, course: Course) -> Course:
        """Keep a course; one of the same id is replaced."""
        with self.lock:
            self.courses[course.id] = course
            self._changes.setdefault(course.id, [])
        return course

    def add_person(
        self,
        person_id: str,
        given_name: str,
        family_name: str,
        email: str,
        *,
        sis_user_sourced_id: str | None = None,
        locale: str = "en",
    ) -> Person:
        """Add an account; person_id becomes the subject of launches."""
        person = Person(
            person_id, given_name, family_name, email, sis_user_sourced_id, locale
        )
        with self.lock:
            self.people[person_id] = person
        return person

    def enroll(self, course_id: str, person_id: str, role: Role) -> None:
        """Seat a person in a course, or change the seat's role."""
        with self.lock:
            self.person(person_id)
            self.course(course_id).seats[person_id] = role
            self._changes[course_id].append(person_id)

    def withdraw(self, course_id: str, person_id: str) -> None:
        """Take a person out of a course; grades stay."""
        with self.lock:
            if self.course(course_id).seats.pop(person_id, None) is not None:
                self._changes[course_id].append(person_id)

    def add_link(
        self,
        course_id: str,
        link_id: str,
        title: str,
        target_link_uri: str,
        *,
        custom: Mapping[str, str] | None = None,
        graded: bool = False,
    ) -> Link:
        """Place the tool that target_link_uri belongs to; graded brings a column.

        Raises:
            UnknownRecordError: no such course, or no tool registered yet.
        """
        with self.lock:
            self.course(course_id)
            tool = self._tool_of(target_link_uri)
            link = Link(
                link_id,
                course_id,
                title,
                target_link_uri,
                dict(custom or {}),
                tool.client_id,
            )
            self.links[link_id] = link
            if graded:
                self.gradebook.add_column(
                    course_id=course_id,
                    client_id=tool.client_id,
                    label=title,
                    maximum=100,
                    resource_link_id=link_id,
                    coupled=True,
                )
        return link

    def course(self, course_id: str) -> Course:
        """The course, or UnknownRecordError."""
        if (course := self.courses.get(course_id)) is None:
            raise UnknownRecordError(f"no course {course_id!r} in this LMS")
        return course

    def person(self, person_id: str) -> Person:
        """The person, or UnknownRecordError."""
        if (person := self.people.get(person_id)) is None:
            raise UnknownRecordError(f"no person {person_id!r} in this LMS")
        return person

    def link(self, link_id: str) -> Link:
        """The link, or UnknownRecordError."""
        if (link := self.links.get(link_id)) is None:
            raise UnknownRecordError(f"no link {link_id!r} in this LMS")
        return link

    def course_links(self, course_id: str) -> list[Link]:
        """The links of a course, in the order they were placed."""
        with self.lock:
            return [link for link in self.links.values() if link.course_id == course_id]

    def changed_since(self, course_id: str, revision: int) -> tuple[int, set[str]]:
        """The roster's revision now, and whose seat changed after the one named."""
        with self.lock:
            changes = self._changes[course_id]
            return len(changes), set(changes[max(revision, 0) :])

    def issue_ticket(
        self,
        kind: Kind,
        person_id: str,
        *,
        course_id: str,
        link_id: str | None = None,
        single: bool = False,
    ) -> Ticket:
        """Start a launch; the ticket is its lti_message_hint."""
        with self.lock:
            link = self.link(link_id) if link_id else None
            tool = self.tools[link.client_id] if link else self._tool_of(None)
            placed = link.target_link_uri if link else tool.launch_url
            ticket = Ticket(
                id=secrets.token_urlsafe(24),
                kind=kind,
                client_id=tool.client_id,
                person_id=self.person(person_id).id,
                course_id=self.course(course_id).id,
                link_id=link_id,
                target_link_uri=tool.deep_linking_url
                if kind == "deep_linking"
                else placed,
                expires_at=self.clock() + TICKET_LIFE,
                single=single,
            )
            self._tickets[ticket.id] = ticket
        return ticket

    def redeem_ticket(self, ticket_id: str, *, client_id: str) -> Ticket | None:
        """Take a launch out of the drawer: None if unknown, used, old or another's."""
        now = self.clock()
        with self.lock:
            ticket = self._tickets.get(ticket_id)
            if ticket is None or ticket.client_id != client_id:
                return None
            del self._tickets[ticket_id]
            if ticket.kind == "deep_linking":
                self._returns[ticket_id] = ticket
            for stale in [t for t in self._tickets.values() if t.expires_at <= now]:
                del self._tickets[stale.id]
        return ticket if ticket.expires_at > now else None

    def returning(self, ticket_id: str) -> Ticket | None:
        """The deep linking launch a tool may answer now."""
        ticket = self._returns.get(ticket_id)
        if ticket is None or ticket.expires_at + RETURN_LIFE <= self.clock():
            return None
        return ticket

    def forget_return(self, ticket_id: str) -> None:
        """Close a deep linking launch that was answered."""
        with self.lock:
            self._returns.pop(ticket_id, None)

    def next_link_id(self) -> str:
        """An id no link has yet."""
        with self.lock:
            self._placed += 1
            return self._minted("link", self._placed)

    def sign_in(self, person_id: str) -> str:
        """Begin a person's session; gives its key for the cookie."""
        key = secrets.token_urlsafe(24)
        with self.lock:
            self._sessions[key] = self.person(person_id).id
        return key

    def signed_in(self, key: str | None) -> Person | None:
        """The person whose session this is."""
        return self.people.get(self._sessions.get(key or "", ""))

    def access(self, token: str) -> Access | None:
        """What an access token may do; None if unknown or expired."""
        return self.vault.access(token, self.clock())

    def course_url(self, course_id: str) -> str:
        """Where a course's services live."""
        return f"{self.url}/lti/courses/{quote(course_id, safe='')}"

    def line_items_url(self, course_id: str) -> str:
        """Where a course's columns are listed."""
        return self._asked(f"{self.course_url(course_id)}/line_items")

    def line_item_url(self, item: LineItem) -> str:
        """A column's address, which is its id for tools."""
        return self._asked(f"{self.course_url(item.course_id)}/line_items/{item.id}")

    def tool_origins(self) -> list[str]:
        """Every origin a registered tool lives on, each once."""
        found = {
            f"{parts.scheme}://{parts.netloc}"
            for tool in list(self.tools.values())
            for parts in map(urlsplit, tool.urls)
        }
        return sorted(found)

    def _asked(self, url: str) -> str:
        query = self.manners.line_item_query
        return f"{url}?{query}" if query else url

    def _tool_of(self, target_link_uri: str | None) -> Tool:
        """The tool on the origin of target_link_uri, else the first registered."""
        wanted = urlsplit(target_link_uri or "").netloc
        for tool in self.tools.values():
            if urlsplit(tool.launch_url).netloc == wanted:
                return tool
        if not self.tools:
            raise UnknownRecordError("no tool is registered; call register_tool first")
        return next(iter(self.tools.values()))

    def _minted(self, kind: str, rest: int | str) -> str:
        """An id that depends on the seed alone."""
        text = f"{self._seed}:{self.url}:{kind}:{rest}"
        return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
