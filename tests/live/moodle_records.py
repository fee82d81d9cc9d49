"""What a real Moodle has in its tables, read past everything of ours.

"sql" of the settings is a command that reads a query on stdin and writes rows with tabs
and without a head: ["mysql", "-N", "-B", ..., "moodle"] or ["psql", "-At", "-F", "\\t",
...]. Tables begin with mdl_.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

Cell = tuple[str, str]  # a student's ID number, the short name of a competency


@dataclass(frozen=True, slots=True)
class Records:
    """The tables of a Moodle, to read; course is Moodle's number of it."""

    command: Sequence[str]
    course: int

    def ask(self, query: str) -> list[list[str]]:
        """Ask a query in which :course stands for the course."""
        query = query.replace(":course", str(self.course))
        done = subprocess.run(  # noqa: S603 -- the trial's own settings
            [*self.command], input=query, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def grades(self) -> dict[Cell, float]:
        """The grades of the columns that tools made in a course."""
        found = self.ask(
            "SELECT u.idnumber, i.itemname, g.finalgrade FROM mdl_grade_grades g "
            "JOIN mdl_grade_items i ON i.id = g.itemid "
            "JOIN mdl_ltiservice_gradebookservices s ON s.gradeitemid = i.id "
            "JOIN mdl_user u ON u.id = g.userid "
            "WHERE i.courseid = :course AND g.finalgrade IS NOT NULL"
        )
        grades = {(who, name): float(grade) for who, name, grade in found}
        assert len(grades) == len(found), "a column twice"
        return grades

    def columns(self) -> dict[str, int]:
        """The columns that tools made in a course: their ids by name."""
        found = self.ask(
            "SELECT i.itemname, i.id FROM mdl_grade_items i "
            "JOIN mdl_ltiservice_gradebookservices s ON s.gradeitemid = i.id "
            "WHERE i.courseid = :course"
        )
        assert len({name for name, _id in found}) == len(found), "a column twice"
        return {name: int(number) for name, number in found}

    def ratings(self) -> dict[Cell, int]:
        """The ratings in a course, as items of their scale."""
        found = self.ask(
            "SELECT u.idnumber, c.shortname, r.grade "
            "FROM mdl_competency_usercompcourse r "
            "JOIN mdl_competency c ON c.id = r.competencyid "
            "JOIN mdl_user u ON u.id = r.userid "
            "WHERE r.courseid = :course AND r.grade IS NOT NULL"
        )
        return {(who, name): int(grade) for who, name, grade in found}

    def competencies(self) -> dict[str, tuple[int, str]]:
        """The competencies of a course by their ID number: id, whole statement."""
        found = self.ask(
            "SELECT c.idnumber, c.id, c.description FROM mdl_competency c "
            "JOIN mdl_competency_coursecomp l ON l.competencyid = c.id "
            "WHERE l.courseid = :course"
        )
        return {guid: (int(number), text) for guid, number, text in found}

    def evidence(self) -> int:
        """How many rows the histories of a course's students have."""
        ((count,),) = self.ask(
            "SELECT COUNT(*) FROM mdl_competency_evidence e "
            "JOIN mdl_competency_usercomp u ON u.id = e.usercompetencyid "
            "JOIN mdl_competency_coursecomp l ON l.competencyid = u.competencyid "
            "WHERE l.courseid = :course"
        )
        return int(count)

    def user(self, id_number: str) -> int:
        """Moodle's number of a student of the course."""
        found = self.ask(
            "SELECT u.idnumber, u.id FROM mdl_user u "
            "JOIN mdl_user_enrolments m ON m.userid = u.id "
            "JOIN mdl_enrol e ON e.id = m.enrolid WHERE e.courseid = :course"
        )
        return int(dict(map(tuple, found))[id_number])
