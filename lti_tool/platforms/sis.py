"""A SIS as a destination: levels in its gradebook or among its assessments.

One column for each competency of a class, one result for each student. What differs
between services is data (`platforms.sis_manners`). A column or result is looked for
before one is made, so that an answer that was lost leaves one and not two.

Source: OneRoster 1.2 Gradebook; Assessment Results Profile 1.0; OneRoster 1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from lti_tool.errors import DeliveryError
from lti_tool.platforms.destination import Column, Outcome, Shown
from lti_tool.platforms.sis_manners import Group, Manner
from lti_tool.platforms.sis_refusals import SHAPE_REFUSED, is_status, refusals, refused
from lti_tool.platforms.sis_shapes import (
    CATEGORY_NAME,
    CATEGORY_TITLE,
    PLAINER,
    AnyColumn,
    AnyResult,
    R,
    category_record,
    column_record,
    is_column,
    our_id,
    points_to,
    result_name,
    result_record,
    shown,
    without,
)
from oneroster.client import Client
from oneroster.errors import NotFoundError, StatusError
from oneroster.models import AssessmentResult, Category, LineItem, Record, Result

_NO_METHOD: Final = frozenset({405, 501})
# What is answered where categories are the school's own affair.
_NO_CATEGORY: Final = SHAPE_REFUSED | _NO_METHOD | {403, 404}
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Ids(Protocol):
    """Remembers what a SIS calls our results, where it keeps no ids of ours."""

    def load(self, address: str) -> Mapping[str, str]:
        """Return the sourcedId of the result of each student in a column."""

    def keep(self, address: str, recipient: str, sourced_id: str) -> None:
        """Remember the sourcedId of a result."""


class SisGradebook:
    """The columns of one class in one OneRoster service."""

    clock_step_seconds = 0.0
    parallel = 1  # SIS services are told one thing at a time

    def __init__(
        self,
        client: Client,
        manner: Manner,
        group: Group,
        ids: Ids,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        """Write to the class that group is, in one manner; ids outlive us."""
        self._client = client
        self._manner = manner
        self._group = group
        self._ids = ids
        self._clock = clock
        self._there: set[str] = set()
        self._results: dict[str, dict[str, str]] = {}
        self._plainness = 0
        self._has_nested = manner.kind == "line_item"

    @property
    def column_kind(self) -> str:
        """Which collection our columns stand in."""
        return self._manner.kind

    @property
    def makes_twice(self) -> bool:
        """Whether making a column twice makes two."""
        return self._manner.posts

    # -- columns ---------------------------------------------------------------

    def find_column(self, column: Column) -> str | None:
        """Return the sourcedId of our column, under our own id or another."""
        own = our_id(column.resource_id)
        with refusals():
            if not self._manner.posts and self._is_there(own):
                return own
            if self._manner.kind == "assessment":
                return None
            path = f"classes/{self._group.sourced_id}/lineItems"
            for record in self._records(path):
                is_own = record.sourced_id == own and record.status == "active"
                if isinstance(record, LineItem) and (
                    is_own or is_column(record, column, self._group)
                ):
                    self._there.add(record.sourced_id)
                    return record.sourced_id
        return None

    def make_column(self, column: Column) -> str:
        """Make our column; returns the id it has there."""
        if self._client.service.version == "1.1" and self._group.session is None:
            raise DeliveryError(
                "the SIS class names no term that we know, and OneRoster 1.1 wants "
                "one for every column; sync the terms of the source",
                "no_term",
                permanent=True,
            )
        with refusals():
            category = self._category() if self._manner.kind == "line_item" else None
            record = column_record(
                self._manner, self._group, column, category, self._clock()
            )
            address = self._written(record, self._create_column)
        self._there.add(address)
        return address

    def _create_column(self, record: AnyColumn) -> str:
        if self._manner.posts:
            path = f"classes/{self._group.sourced_id}/lineItems"
            return self._client.post(path, [record])[record.sourced_id]
        return self._put(self._manner.columns, record)

    def _category(self) -> str:
        """Return the category for our columns: chosen, found, made, or one at hand."""
        if self._group.category is not None:
            return self._group.category
        own = our_id(CATEGORY_NAME)
        named: list[str] = []
        for record in self._records("categories"):
            if record.status != "active" or not isinstance(record, Category):
                continue
            if record.sourced_id == own or record.title == CATEGORY_TITLE:
                return record.sourced_id
            named.append(record.sourced_id)
        try:
            return self._put("categories", category_record(self._clock()))
        except StatusError as error:
            spare = self._group.spare_category or next(iter(named), None)
            if spare is None or not is_status(error, _NO_CATEGORY):
                raise
            return spare

    def _is_there(self, address: str) -> bool:
        try:
            record = self._client.read(self._manner.columns, address)
        except NotFoundError:
            return False
        if record.status != "active":
            return False
        self._there.add(address)
        return True

    # -- what stands there -------------------------------------------------------

    def read(
        self, address: str, column: Column, recipients: Collection[str]
    ) -> Mapping[str, Shown]:
        """Return what the SIS shows in a column, by student sourcedId."""
        newest: dict[str, AnyResult] = {}
        with refusals():
            if address not in self._there and not self._is_there(address):
                raise DeliveryError(
                    "the line item was removed from the SIS", "gone", permanent=True
                )
            for record in self._results_of(address, recipients):
                student = record.student.sourced_id
                if _at(record) >= _at(newest.get(student)):
                    newest[student] = record
        self._results[address] = {who: one.sourced_id for who, one in newest.items()}
        said = {who: shown(one, column, self._group) for who, one in newest.items()}
        return {who: one for who, one in said.items() if one is not None}

    def _results_of(
        self, address: str, recipients: Collection[str]
    ) -> Iterator[AnyResult]:
        """Yield the results of a column that are not deleted."""
        for record in self._asked_for(address, recipients):
            if (
                isinstance(record, (Result, AssessmentResult))
                and record.status == "active"
                and points_to(record) == address
            ):
                yield record

    def _asked_for(self, address: str, recipients: Collection[str]) -> Iterator[Record]:
        """Yield the results of a column, and maybe others.

        By the path below the class, where there is one; else by a filter. Who ignores
        the filter is asked for the results one by one, under the ids we gave them.
        """
        if self._has_nested:
            path = f"classes/{self._group.sourced_id}/lineItems/{address}/results"
            try:
                yield from self._records(path)
            except StatusError as error:
                if not is_status(error, _NO_METHOD | {400, 404}):
                    raise
                self._has_nested = False
            else:
                return
        wanted = f"{self._manner.line_item}.sourcedId='{address}'"
        for record in self._records(self._manner.results, wanted):
            is_strange = (
                isinstance(record, (Result, AssessmentResult))
                and points_to(record) != address
            )
            if is_strange and not self._manner.posts:
                yield from self._one_by_one(address, recipients)
                return
            yield record

    def _one_by_one(
        self, address: str, recipients: Collection[str]
    ) -> Iterator[Record]:
        kept = self._ids.load(address)
        for one in recipients:
            sourced_id = kept.get(one, our_id(result_name(address, one)))
            try:
                yield self._client.read(self._manner.results, sourced_id)
            except NotFoundError:
                continue

    def _records(self, path: str, wanted: str | None = None) -> Iterator[Record]:
        for page in self._client.pages(path, filter=wanted):
            yield from page.records

    # -- telling -----------------------------------------------------------------

    def send(self, address: str, outcome: Outcome) -> Mapping[str, Any]:
        """Write the student's result, or delete it when the value is withdrawn."""
        known = self._known(address, outcome.recipient)
        own = our_id(result_name(address, outcome.recipient))
        with refusals():
            if outcome.value is None:
                self._client.delete(self._manner.results, known or own)
                return {"deleted": known or own}
            record = result_record(
                self._manner, self._group, address, outcome, known or own
            )
            try:
                sourced_id = self._written(record, self._write_result)
            except NotFoundError as error:
                raise self._missing(address, error) from error
        if sourced_id not in {own, self._ids.load(address).get(outcome.recipient)}:
            self._ids.keep(address, outcome.recipient, sourced_id)
        self._results.setdefault(address, {})[outcome.recipient] = sourced_id
        return {"put": sourced_id}

    def _write_result(self, record: AnyResult) -> str:
        """Put a result in its place, or post it where it has none yet."""
        address = points_to(record)
        is_known = record.sourced_id in self._results.get(address, {}).values()
        if not self._manner.posts or is_known:
            try:
                return self._put(self._manner.results, record)
            except StatusError as error:
                if not (self._manner.posts and is_status(error, _NO_METHOD | {404})):
                    raise
                if not isinstance(error, NotFoundError):
                    self._client.delete(self._manner.results, record.sourced_id)
        posted = record.model_copy(
            update={
                "sourced_id": our_id(result_name(address, record.student.sourced_id))
            }
        )
        path = f"lineItems/{address}/results"
        return self._client.post(path, [posted])[posted.sourced_id]

    def _known(self, address: str, recipient: str) -> str | None:
        """The id of the student's result there, as last seen or as remembered."""
        seen = self._results.setdefault(address, {})
        if recipient not in seen:
            kept = self._ids.load(address).get(recipient)
            if kept is not None:
                seen[recipient] = kept
        return seen.get(recipient)

    def _missing(self, address: str, error: NotFoundError) -> DeliveryError:
        """Say what a 404 means: the column is gone, or this student is."""
        if not self._is_there(address):
            return refused(error)
        return DeliveryError(
            "the SIS takes no result of this student in this class; the class list "
            "there may have changed: sync the source",
            "no_user",
            permanent=True,
            said=str(error),
        )

    # -- both --------------------------------------------------------------------

    def _put(self, path: str, record: Record) -> str:
        """Put an object; returns the id it has there, ours as a rule."""
        told_back = self._client.put(path, record)
        return record.sourced_id if told_back is None else told_back.sourced_id

    def _written(self, record: R, write: Callable[[R], str]) -> str:
        """Write an object as full as the SIS takes it.

        Some take numbers alone, or no objectives: they refuse the whole. What went
        through once is kept to for the others.
        """
        for plainness in range(self._plainness, len(PLAINER) - 1):
            try:
                sourced_id = write(without(record, PLAINER[plainness]))
            except StatusError as error:
                if not is_status(error, SHAPE_REFUSED):
                    raise
            else:
                self._plainness = plainness
                return sourced_id
        sourced_id = write(without(record, PLAINER[-1]))
        self._plainness = len(PLAINER) - 1
        return sourced_id


def _at(record: AnyResult | None) -> datetime:
    """When a result was changed last; long ago where there is none, or it is silent."""
    said = None if record is None else record.date_last_modified
    return said or _LONG_AGO
