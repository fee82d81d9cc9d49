"""OneRoster gradebook: assessment results with learning objectives in the SIS.

One assessmentLineItem for each competency of a class, one assessmentResult for each
student; both carry ids of ours, so that writing again replaces what we wrote.
Source: OneRoster 1.2 Gradebook, Assessment Results Profile 1.0.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.destination import Column, Outcome, Shown
from oneroster.client import Client
from oneroster.errors import (
    AuthError,
    NotFoundError,
    OneRosterError,
    RateLimitError,
    StatusError,
    TransportError,
)
from oneroster.models import AssessmentLineItem, AssessmentResult

_ROOM: Final = uuid.UUID("6f0f3a52-52a7-4f5c-9b2c-0d7f3a8d2c11")
_SERVER_FAULT: Final = 500


class SisGradebook:
    """The gradebook of one OneRoster 1.2 service, for one class."""

    clock_step_seconds = 0.0
    parallel = 1  # SIS services are told one thing at a time

    def __init__(self, client: Client, *, class_sourced_id: str) -> None:
        self._client = client
        self._class = class_sourced_id

    def find_column(self, column: Column) -> str | None:
        """Return the sourcedId of our assessment line item if it is there."""
        sourced_id = _our_id(column.resource_id)
        try:
            self._client.read("assessmentLineItems", sourced_id)
        except NotFoundError:
            return None
        except OneRosterError as error:
            raise _refused(error) from error
        return sourced_id

    def make_column(self, column: Column) -> str:
        """Put our assessment line item; putting it twice leaves one."""
        sourced_id = _our_id(column.resource_id)
        self._put("assessmentLineItems", _line_item(sourced_id, column, self._class))
        return sourced_id

    def read(
        self, address: str, column: Column, recipients: Collection[str]
    ) -> Mapping[str, Shown]:
        """Return what the SIS shows for the line item, by student sourcedId."""
        del recipients  # one answer has them all
        shown: dict[str, Shown] = {}
        wanted = f"assessmentLineItem.sourcedId='{address}'"
        try:
            for page in self._client.pages("assessmentResults", filter=wanted):
                for record in page.records:
                    if not isinstance(record, AssessmentResult):
                        continue
                    # A server that ignores the filter must not mix columns.
                    if record.assessment_line_item.sourced_id == address:
                        shown[record.student.sourced_id] = _shown(record, column)
        except OneRosterError as error:
            raise _refused(error) from error
        return shown

    def send(self, address: str, outcome: Outcome) -> Mapping[str, Any]:
        """Put the student's result, or delete it when the value is withdrawn."""
        sourced_id = _our_id(f"{address}/{outcome.recipient}")
        if outcome.value is None:
            try:
                self._client.delete("assessmentResults", sourced_id)
            except NotFoundError:
                return {"deleted": sourced_id}
            except OneRosterError as error:
                raise _refused(error) from error
            return {"deleted": sourced_id}
        self._put("assessmentResults", _result(sourced_id, address, outcome))
        return {"put": sourced_id}

    def _put(
        self, collection: str, record: AssessmentLineItem | AssessmentResult
    ) -> None:
        try:
            self._client.put(collection, record)
        except OneRosterError as error:
            raise _refused(error) from error


def _our_id(name: str) -> str:
    return f"mb-{uuid.uuid5(_ROOM, name)}"


def _line_item(sourced_id: str, column: Column, class_id: str) -> AssessmentLineItem:
    return AssessmentLineItem.model_validate(
        {
            "sourcedId": sourced_id,
            "status": "active",
            "dateLastModified": datetime.now(UTC),
            "title": column.title,
            "description": column.description,
            "class": {"href": "", "sourcedId": class_id, "type": "class"},
            "resultValueMin": 0.0,
            "resultValueMax": column.maximum,
            **_objectives(column),
        }
    )


def _objectives(column: Column) -> dict[str, Any]:
    """The competency of a column; a grade over all of them has none."""
    if column.case_id is None:
        return {}
    spoken_for = {"source": "case", "learningObjectiveIds": [column.case_id]}
    return {"learningObjectiveSet": [spoken_for]}


def _result(sourced_id: str, address: str, outcome: Outcome) -> AssessmentResult:
    return AssessmentResult.model_validate(
        {
            "sourcedId": sourced_id,
            "status": "active",
            "dateLastModified": outcome.at,
            "assessmentLineItem": {
                "href": "",
                "sourcedId": address,
                "type": "assessmentLineItem",
            },
            "student": {"href": "", "sourcedId": outcome.recipient, "type": "user"},
            "score": outcome.value,
            "textScore": outcome.level_name,
            "scoreDate": outcome.at.date(),
            "scoreStatus": "fully graded",
            **_objective_results(outcome),
        }
    )


def _objective_results(outcome: Outcome) -> dict[str, Any]:
    """What is said of the competency; of a grade over all of them, nothing is."""
    if outcome.case_id is None:
        return {}
    objective: dict[str, Any] = {
        "learningObjectiveId": outcome.case_id,
        "score": outcome.value,
    }
    if outcome.level_name:
        objective["textScore"] = outcome.level_name
    results = {"source": "case", "learningObjectiveResults": [objective]}
    return {"learningObjectiveSet": [results]}


def _shown(record: AssessmentResult, column: Column) -> Shown:
    """Return the value of the objective if it is there, else of the result."""
    for group in record.learning_objective_set or ():
        for objective in group.learning_objective_results:
            if column.case_id == objective.learning_objective_id:
                return Shown(objective.score, objective.text_score)
    return Shown(record.score, record.text_score)


def _refused(error: OneRosterError) -> DeliveryError:
    """Say for the outbox whether sending again may help."""
    text = str(error)
    if isinstance(error, RateLimitError):
        return DeliveryError(
            text, "rate", permanent=False, retry_after=error.retry_after
        )
    if isinstance(error, AuthError):
        return DeliveryError(text, "auth", permanent=True)
    if isinstance(error, TransportError):
        return DeliveryError(
            text, error.code, permanent=error.code not in {"no_answer", "timeout"}
        )
    if isinstance(error, NotFoundError):
        return DeliveryError(text, "gone", permanent=True)
    if isinstance(error, StatusError):
        return DeliveryError(
            text,
            f"http_{error.status}",
            permanent=error.status < _SERVER_FAULT,
            said=text,
        )
    return DeliveryError(text, "bad_answer", permanent=False)
