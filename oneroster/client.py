"""Reads collections of a OneRoster service and writes its gradebook.

>>> service = Service.at("https://sis.example", "1.2")
>>> auth = ClientCredentials(token_url, client_id, client_secret, scope=scope)
>>> for user in Client(service, auth=auth).users():
...     print(user.sourced_id)

One client serves one thread; its threads may share the ``auth``.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypedDict, TypeVar, Unpack
from urllib.parse import quote

import requests

from oneroster.auth import Authorization, local_session
from oneroster.dialects import Collection
from oneroster.errors import NotFoundError, PagingError, Problem
from oneroster.filters import Filter
from oneroster.models import (
    AcademicSession,
    AssessmentLineItem,
    AssessmentResult,
    Category,
    Course,
    Demographics,
    Enrollment,
    LineItem,
    Org,
    Record,
    Resource,
    Result,
    ScoreScale,
    SisClass,
    User,
    format_record,
    parse_record,
)
from oneroster.pull import Kept, Mark, Page, Pull, Request, parse_envelope, parse_json
from oneroster.service import Service
from oneroster.transport import Answer, Patience, Transport

__all__ = ["Client", "Paging", "Query"]

R = TypeVar("R", bound=Record)


class Query(TypedDict, total=False):
    """What may be asked of a collection, beside its name.

    ``offset`` resumes after so many rows, ``mark`` where another pull stopped, with
    the page that it kept, if it did; ``fields`` are wire names.
    """

    filter: Filter | str | None
    fields: Sequence[str]
    offset: int
    mark: Mark | None
    kept: Kept | None


class Paging(TypedDict, total=False):
    """How pages are asked for, beside their size."""

    sorts: bool
    prefetch: int


class Client:
    """Speaks to one service, in the version its :class:`Service` names.

    ``sorts=False`` asks for no order, for services that refuse or ignore one.
    ``prefetch`` pages may be under way at once where a service tells its total;
    one at a time is what a service may expect. ``problems`` is called with every
    bad or doubtful record that the record generators pass over; pages carry theirs
    along.
    """

    def __init__(
        self,
        service: Service,
        *,
        auth: Authorization,
        session: requests.Session | None = None,
        page_size: int = 1000,
        patience: Patience | None = None,
        problems: Callable[[Problem], None] | None = None,
        **paging: Unpack[Paging],
    ) -> None:
        self.service = service
        self.page_size = page_size
        self._problems = problems
        self._paging = paging
        self.auth = auth
        self.session = session or local_session()
        self._transport = Transport(auth, session=self.session, patience=patience)

    def pages(self, path: str, **query: Unpack[Query]) -> Pull:
        """Give the pages of a collection, such as ``classes/c-1/lineItems``.

        Nothing is fetched before the first page is asked for. The pull tells
        afterwards, by ``proof``, whether the collection was read to its end.

        Raises:
            ValueError: the version has no such collection.
        """
        request = Request(path, limit=self.page_size, **query, **self._paging)
        return Pull(self._transport, self.service, request)

    def records(self, path: str, **query: Unpack[Query]) -> Iterator[Record]:
        """Yield the good records of a collection, holding one page in memory.

        Raises:
            PagingError: the pages prove nothing; nothing more will be yielded.
            OneRosterError: the service failed; nothing more will be yielded.
        """
        page: Page
        for page in self.pages(path, **query):
            if self._problems is not None:
                for problem in page.problems:
                    self._problems(problem)
            yield from page.records

    def read(self, path: str, sourced_id: str, *, fields: Sequence[str] = ()) -> Record:
        """Fetch one object of a collection; ``fields`` are wire names.

        Without its required fields no object can be read: ask for those too.

        Raises:
            NotFoundError: there is none of that sourcedId.
            PagingError: the answer holds no readable object.
            OneRosterError: the service failed.

        Source: OneRoster 1.2, the get-by-sourcedId operations.
        """
        url = self.service.object_url(path, sourced_id)
        if fields:
            url += f"?fields={quote(','.join(fields), safe='')}"
        answer = self._transport.send("GET", url)
        record = self._single(answer, path, sourced_id)
        if record is None:
            raise PagingError(f'{path} "{sourced_id}" came without a body')
        return record

    def put(self, path: str, record: Record) -> Record | None:
        """Write an object under its own sourcedId, replacing the whole of it.

        Gives the object as the service tells it back, None if it does not.
        Writing it twice leaves what writing it once left. For a service of 1.1,
        fields that 1.1 has no place for are left out.

        Raises:
            OneRosterError: the service refused it or failed.

        Source: OneRoster 1.2 Gradebook, the put operations.
        """
        collection = self.service.dialect.collection(path)
        body = {collection.single: self._written(collection, record)}
        url = self.service.object_url(path, record.sourced_id)
        answer = self._transport.send("PUT", url, body=json.dumps(body).encode())
        return self._single(answer, path, record.sourced_id, told_back=True)

    def post(self, path: str, records: Iterable[Record]) -> dict[str, str]:
        """Create objects; maps each supplied sourcedId to the one allocated.

        The service may give ids of its own: keep the allocated ones.

        Raises:
            PagingError: the answer does not pair every object.
            OneRosterError: the service refused them or failed.

        Source: OneRoster 1.2 Gradebook, the post operations.
        """
        collection = self.service.dialect.posted(path)
        sent = list(records)
        body = {collection.key: [self._written(collection, one) for one in sent]}
        answer = self._transport.send(
            "POST", self.service.posted_url(path), body=json.dumps(body).encode()
        )
        allocated = _parse_pairs(parse_json(answer, path))
        if allocated.keys() != {record.sourced_id for record in sent}:
            raise PagingError(
                f"{path} answered a POST without a sourcedIdPairs for every object; "
                "read the collection back before posting again"
            )
        return allocated

    def delete(self, path: str, sourced_id: str) -> None:
        """Remove an object; one that is gone already counts as removed.

        Raises:
            OneRosterError: the service refused or failed.
        """
        try:
            self._transport.send("DELETE", self.service.object_url(path, sourced_id))
        except NotFoundError:
            return

    def orgs(self, **query: Unpack[Query]) -> Iterator[Org]:
        """Yield orgs in server order. Source: getAllOrgs."""
        return self._each(Org, "orgs", query)

    def schools(self, **query: Unpack[Query]) -> Iterator[Org]:
        """Yield the orgs that are schools. Source: getAllSchools."""
        return self._each(Org, "schools", query)

    def academic_sessions(self, **query: Unpack[Query]) -> Iterator[AcademicSession]:
        """Yield sessions of every type. Source: getAllAcademicSessions."""
        return self._each(AcademicSession, "academicSessions", query)

    def courses(self, **query: Unpack[Query]) -> Iterator[Course]:
        """Yield the catalogue of courses. Source: getAllCourses."""
        return self._each(Course, "courses", query)

    def classes(self, **query: Unpack[Query]) -> Iterator[SisClass]:
        """Yield classes in server order. Source: getAllClasses."""
        return self._each(SisClass, "classes", query)

    def users(self, **query: Unpack[Query]) -> Iterator[User]:
        """Yield users in server order. Source: getAllUsers."""
        return self._each(User, "users", query)

    def enrollments(self, **query: Unpack[Query]) -> Iterator[Enrollment]:
        """Yield enrollments in server order. Source: getAllEnrollments."""
        return self._each(Enrollment, "enrollments", query)

    def demographics(self, **query: Unpack[Query]) -> Iterator[Demographics]:
        """Yield demographics in server order. Source: getAllDemographics."""
        return self._each(Demographics, "demographics", query)

    def resources(self, **query: Unpack[Query]) -> Iterator[Resource]:
        """Yield learning resources. Source: getAllResources."""
        return self._each(Resource, "resources", query)

    def categories(self, **query: Unpack[Query]) -> Iterator[Category]:
        """Yield gradebook categories. Source: getAllCategories."""
        return self._each(Category, "categories", query)

    def line_items(self, **query: Unpack[Query]) -> Iterator[LineItem]:
        """Yield gradebook columns. Source: getAllLineItems."""
        return self._each(LineItem, "lineItems", query)

    def results(self, **query: Unpack[Query]) -> Iterator[Result]:
        """Yield gradebook results. Source: getAllResults."""
        return self._each(Result, "results", query)

    def score_scales(self, **query: Unpack[Query]) -> Iterator[ScoreScale]:
        """Yield score scales, 1.2 only. Source: getAllScoreScales."""
        return self._each(ScoreScale, "scoreScales", query)

    def assessment_line_items(
        self, **query: Unpack[Query]
    ) -> Iterator[AssessmentLineItem]:
        """Yield things assessed, 1.2 only. Source: getAllAssessmentLineItems."""
        return self._each(AssessmentLineItem, "assessmentLineItems", query)

    def assessment_results(self, **query: Unpack[Query]) -> Iterator[AssessmentResult]:
        """Yield assessment results, 1.2 only. Source: getAllAssessmentResults."""
        return self._each(AssessmentResult, "assessmentResults", query)

    def _each(self, kind: type[R], path: str, query: Query) -> Iterator[R]:
        found = self.records(path, **query)
        return (record for record in found if isinstance(record, kind))

    def _written(self, collection: Collection, record: Record) -> dict[str, object]:
        if not isinstance(record, collection.kind):
            raise TypeError(
                f"{collection.name} takes {collection.kind.__name__} objects, "
                f"not {type(record).__name__}"
            )
        written = format_record(record, href_for=self.service.href)
        return self.service.dialect.downgrade(collection.name, written)

    def _single(
        self, answer: Answer, path: str, sourced_id: str, *, told_back: bool = False
    ) -> Record | None:
        """Take one object out of its envelope; a body told back may be missing."""
        collection = self.service.dialect.collection(path)
        place = f'{path} "{sourced_id}"'
        if not answer.body.strip():
            return None
        try:
            payload = parse_json(answer, place)
            row = payload.get(collection.single) if isinstance(payload, dict) else None
            if not isinstance(row, dict):
                row = [*parse_envelope(answer, collection, place), None][0]
        except PagingError:
            if told_back:
                return None
            raise
        sent = row if isinstance(row, dict) else {}
        shaped = self.service.dialect.upgrade(collection.name, sent)
        record, problems = parse_record(collection.kind, shaped, file=path)
        if record is None and not told_back:
            raise PagingError(f"cannot be read: {problems[0]}", code="bad_record")
        return record


def _parse_pairs(payload: object) -> dict[str, str]:
    pairs = payload.get("sourcedIdPairs") if isinstance(payload, dict) else None
    if isinstance(pairs, dict):
        pairs = pairs.get("sourcedIdPair", [pairs])
    return {
        str(pair["suppliedSourcedId"]): str(pair["allocatedSourcedId"])
        for pair in pairs or ()
        if isinstance(pair, dict)
        and {"suppliedSourcedId", "allocatedSourcedId"} <= pair.keys()
    }
