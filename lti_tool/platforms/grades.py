"""AGS: columns in a platform's gradebook, scores sent to them, results read back.

Source: LTI AGS 2.0; facts/lti.md section 8; facts/moodle.md section 7.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NewType, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from lti_tool.errors import DeliveryError
from lti_tool.platforms.http import Answer
from lti_tool.platforms.links import followed
from lti_tool.platforms.lti import Call, Caller
from lti_tool.platforms.scores import FinalScore, Score, is_amount, unsendable

_AGS: Final = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM_SCOPE: Final = f"{_AGS}lineitem"
READ_SCOPE: Final = f"{_AGS}lineitem.readonly"
RESULT_SCOPE: Final = f"{_AGS}result.readonly"
SCORE_SCOPE: Final = f"{_AGS}score"
_TYPE: Final = "application/vnd.ims.lis."
LINE_ITEM: Final = f"{_TYPE}v2.lineitem+json"
LINE_ITEMS: Final = f"{_TYPE}v2.lineitemcontainer+json"
RESULTS: Final = f"{_TYPE}v2.resultcontainer+json"
SCORE: Final = f"{_TYPE}v1.score+json"
MAX_ROWS: Final = 1_000_000
MAX_LABEL: Final = 255


class _Record(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        coerce_numbers_to_str=True,
        extra="allow",
        frozen=True,
    )


class AgsLineItem(_Record):
    """A column as the platform holds it; members we do not know are kept."""

    id: str
    label: str = ""
    score_maximum: float
    resource_id: str | None = None
    tag: str | None = None
    resource_link_id: str | None = None


class AgsResult(_Record):
    """What a column shows for one user; no score means none, or withdrawn."""

    user_id: str
    result_score: float | None = None
    result_maximum: float | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLineItem:
    """A column we want."""

    label: str
    score_maximum: float
    resource_id: str
    tag: str
    review: Mapping[str, Any] | None = None  # how it opens one student's evidence

    def wire(self) -> dict[str, Any]:
        """The column as AGS writes it.

        Raises:
            DeliveryError: a field the platform would choke on.
        """
        if not self.label.strip() or len(self.label) > MAX_LABEL:
            raise unsendable("a column needs a label of 1 to 255 characters")
        if max(len(self.resource_id), len(self.tag)) > MAX_LABEL:
            raise unsendable("resourceId and tag hold at most 255 characters")
        if not (is_amount(self.score_maximum) and self.score_maximum > 0):
            raise unsendable("a column needs a maximum above zero")
        sent: dict[str, Any] = {
            "label": self.label,
            "scoreMaximum": self.score_maximum,
            "resourceId": self.resource_id,
            "tag": self.tag,
        }
        return sent | ({"submissionReview": dict(self.review)} if self.review else {})


OurColumn = NewType("OurColumn", str)
"""The address of a column that we made and stored: no other may be deleted."""


def held_score(result: AgsResult, *, at: datetime) -> FinalScore | None:
    """The score a column shows for a user, None if it shows none."""
    if result.result_score is None:
        return None
    return FinalScore(
        user_id=result.user_id,
        given=result.result_score,
        maximum=result.result_maximum or 1.0,  # AGS 2.0 section 3.3: the default
        at=at,
        comment=result.comment,
        comment_is_new=False,
    )


_LINE_ITEM_LIST: Final = TypeAdapter(list[AgsLineItem])
_RESULT_LIST: Final = TypeAdapter(list[AgsResult])
_ONE_LINE_ITEM: Final = TypeAdapter(AgsLineItem)
T = TypeVar("T")


class Grades:
    """The gradebook of one context, through one registration.

    Every method raises DeliveryError; see lti.Caller.call for its codes.
    """

    def __init__(
        self, caller: Caller, line_items_url: str, scopes: Collection[str] = ()
    ) -> None:
        """Work on the context whose launch gave line_items_url and granted scopes.

        No scopes: nobody told, and the platform will say.
        """
        self._caller = caller
        self._line_items_url = line_items_url
        self._scopes = frozenset(scopes)

    @property
    def profile_name(self) -> str:
        """The platform's vendor."""
        return self._caller.client.profile.name

    def find_line_items(
        self, *, resource_id: str | None = None, tag: str | None = None
    ) -> list[AgsLineItem]:
        """Our columns with this resource_id and tag, in the platform's order.

        Filtered again here: what a platform's filter lets through is its affair.
        """
        wanted = {"resource_id": resource_id, "tag": tag}
        query = {name: value for name, value in wanted.items() if value is not None}
        call = Call(
            "GET",
            _with_query(self._line_items_url, query),
            self._scope(READ_SCOPE, LINE_ITEM_SCOPE),
            accept=LINE_ITEMS,
        )
        found: list[AgsLineItem] = []
        for page in self._caller.pages(call, _line_items):
            found += page.content
            if len(found) > MAX_ROWS:
                raise DeliveryError(
                    "the line item list does not end", "paging", permanent=True
                )
        return [
            item
            for item in found
            if resource_id in (None, item.resource_id) and tag in (None, item.tag)
        ]

    def create_line_item(self, new: NewLineItem) -> AgsLineItem:
        """Make a column; after a timeout look for it before making it again."""
        answer = self._caller.call(
            Call(
                "POST",
                self._line_items_url,
                self._scope(LINE_ITEM_SCOPE),
                accept=LINE_ITEM,
                content_type=LINE_ITEM,
                content=new.wire(),
            )
        )
        return _read(answer, _ONE_LINE_ITEM)

    def fetch_line_item(self, url: str) -> AgsLineItem:
        """A column as it is now."""
        scope = self._scope(READ_SCOPE, LINE_ITEM_SCOPE)
        call = Call("GET", self._here(url), scope, accept=LINE_ITEM)
        return _read(self._caller.call(call), _ONE_LINE_ITEM)

    def put_line_item(self, item: AgsLineItem) -> AgsLineItem:
        """Replace a column by item, whole; returns what the platform made of it."""
        answer = self._caller.call(
            Call(
                "PUT",
                self._here(item.id),
                self._scope(LINE_ITEM_SCOPE),
                accept=LINE_ITEM,
                content_type=LINE_ITEM,
                content=item.model_dump(by_alias=True, exclude_none=True),
            )
        )
        return _read(answer, _ONE_LINE_ITEM)

    def delete_line_item(self, column: OurColumn) -> None:
        """Remove a column of ours; one that is gone already is as good."""
        scope = self._scope(LINE_ITEM_SCOPE)
        try:
            self._caller.call(Call("DELETE", self._here(column), scope))
        except DeliveryError as error:
            if error.code != "gone":
                raise

    def post_score(self, line_item_url: str, score: Score) -> Answer:
        """Send a score; code stale means that the platform holds one as new."""
        profile = self._caller.client.profile
        content = score.wire() | dict(profile.score_extension)
        if profile.comment_is_appended and not score.comment_is_new:
            content.pop("comment", None)
        return self._caller.call(
            Call(
                "POST",
                _below(self._here(line_item_url), "scores"),
                self._scope(SCORE_SCOPE),
                content_type=SCORE,
                content=content,
            )
        )

    def fetch_results(
        self, line_item_url: str, *, user_id: str | None = None
    ) -> Iterator[AgsResult]:
        """Yield what a column shows, page by page; users without a grade may lack."""
        query = {"user_id": user_id} if user_id is not None else {}
        url = _with_query(_below(self._here(line_item_url), "results"), query)
        count = 0
        call = Call("GET", url, self._scope(RESULT_SCOPE), accept=RESULTS)
        for page in self._caller.pages(call, _results):
            for result in page.content:
                count += 1
                if count > MAX_ROWS:
                    raise DeliveryError(
                        "the result list does not end", "paging", permanent=True
                    )
                yield result

    def _here(self, url: str) -> str:
        """The address of a column, if it lies where this gradebook does."""
        if followed(self._line_items_url, url) != url:
            raise DeliveryError(
                f"a column of {urlsplit(self._line_items_url).hostname} has an address "
                "elsewhere; our access token is not sent there",
                "address",
                permanent=True,
            )
        return url

    def _scope(self, *any_of: str) -> tuple[str, ...]:
        """The first of some scopes that the launches granted."""
        for scope in any_of:
            if not self._scopes or scope in self._scopes:
                return (scope,)
        name = any_of[0].rpartition("/")[2]
        raise DeliveryError(
            f"the LMS grants this course no {name} service of Assignments and Grades; "
            "switch it on for the tool in the LMS, then open the tool once more",
            "no_scope",
            permanent=True,
        )


def _read(answer: Answer, shape: TypeAdapter[T]) -> T:
    try:
        return shape.validate_json(answer.body)
    except ValidationError:
        raise DeliveryError(
            f"{urlsplit(answer.url).hostname} answers with something AGS does not know",
            "format",
            permanent=False,
        ) from None


def _line_items(answer: Answer) -> list[AgsLineItem]:
    return _read(answer, _LINE_ITEM_LIST)


def _results(answer: Answer) -> list[AgsResult]:
    return _read(answer, _RESULT_LIST)


def _below(url: str, name: str) -> str:
    """The address of a line item's scores or results: on the path, query kept."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def _with_query(url: str, query: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    fields = [*parse_qsl(parts.query, keep_blank_values=True), *query.items()]
    return urlunsplit(parts._replace(query=urlencode(fields))) if query else url
