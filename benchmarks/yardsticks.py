"""What the same work costs without the product; imports nothing of it.

Each yardstick does the least that could be called the job: no checks, no history, no
second reader. A ratio to it says what our promises cost.
"""

from __future__ import annotations

import csv
import html
import io
import json
import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey

GROUP = 1000


def load_raw(connection: Any, path: Path, *, is_postgres: bool) -> dict[str, int]:  # noqa: ANN401 -- any DB-API connection
    """Put every row of a CSV bundle into a text table without keys.

    SQLite takes them by executemany, PostgreSQL by COPY of the file's bytes, one
    commit a file. Returns the rows of each file.
    """
    counts: dict[str, int] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name == "manifest.csv":
                continue
            body = archive.read(name)
            table = f"raw_{name.removesuffix('.csv').lower()}"
            load = _copy if is_postgres else _insert
            counts[name] = load(connection, table, body)
            connection.commit()
    return counts


def _rows(body: bytes) -> tuple[list[str], Iterable[list[str]]]:
    reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    return next(reader), reader


def _create(cursor: Any, table: str, header: Sequence[str]) -> None:  # noqa: ANN401 -- any DB-API cursor
    columns = ", ".join(f"c{place} text" for place in range(len(header)))
    cursor.execute(f"DROP TABLE IF EXISTS {table}")
    cursor.execute(f"CREATE TABLE {table} ({columns})")


def _insert(connection: Any, table: str, body: bytes) -> int:  # noqa: ANN401 -- any DB-API connection
    header, rows = _rows(body)
    cursor = connection.cursor()
    _create(cursor, table, header)
    marks = ", ".join("?" * len(header))
    statement = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 -- names of our own
    # A connection that commits each statement by itself would commit each row.
    cursor.execute("BEGIN")
    cursor.executemany(statement, rows)
    return int(cursor.rowcount)


def _copy(connection: Any, table: str, body: bytes) -> int:  # noqa: ANN401 -- a psycopg connection
    header, _rest = _rows(body)
    with connection.cursor() as cursor:
        _create(cursor, table, header)
        with cursor.copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(body)
        return int(cursor.rowcount)


def one_by_one(connection: Any, path: Path, share: float) -> int:  # noqa: ANN401 -- any DB-API connection
    """Look for each of the first rows of every file, and insert it if it is not there.

    As an ORM does that gets and adds object by object, on a table with a unique key.
    Returns the rows of that share.
    """
    mark = "?" if "sqlite" in type(connection).__module__ else "%s"
    count = 0
    cursor = connection.cursor()
    if mark == "?":
        cursor.execute("BEGIN")
    with zipfile.ZipFile(path) as archive:
        for name in sorted(set(archive.namelist()) - {"manifest.csv"}):
            header, rows = _rows(archive.read(name))
            table = f"one_{name.removesuffix('.csv').lower()}"
            _create(cursor, table, header)
            cursor.execute(f"CREATE UNIQUE INDEX ix_{table} ON {table} (c0)")
            marks = ", ".join([mark] * len(header))
            taken = list(rows)
            for row in taken[: max(1, round(len(taken) * share))]:
                cursor.execute(f"SELECT * FROM {table} WHERE c0 = {mark}", row[:1])  # noqa: S608 -- names of our own
                if cursor.fetchone() is None:
                    cursor.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 -- names of our own
                    count += 1
    connection.commit()
    return count


def best_ratios(
    connection: Any,  # noqa: ANN401 -- any DB-API connection
) -> dict[tuple[int, int], float]:
    """Return the highest ratio of each (person, competency): one query, one dict."""
    cursor = connection.cursor()
    cursor.execute(
        "SELECT s.person_id, l.competency_id, s.given, a.maximum FROM alignment l "
        "JOIN assignment a ON a.id = l.assignment_id "
        "JOIN score s ON s.assignment_id = a.id "
        "WHERE s.given IS NOT NULL AND s.person_id IS NOT NULL AND a.maximum > 0 "
        "AND s.status = 'active' AND a.status = 'active' "
        "AND coalesce(s.score_status, '') NOT IN ('exempt', 'not submitted')"
    )
    best: dict[tuple[int, int], float] = {}
    for person, competency, given, maximum in cursor:
        ratio = min(max(given / maximum, 0.0), 1.0)
        key = (person, competency)
        if ratio > best.get(key, -1.0):
            best[key] = ratio
    return best


def certainties(
    connection: Any,  # noqa: ANN401 -- any DB-API connection
    at: datetime,
) -> dict[tuple[int, int], tuple[float, float]]:
    """Return mean and P(θ≥.6) of each (person, competency): one query, dicts.

    Cut .75, half-life 180 days, no guessing, reliability 1; age from the midnight of
    the day of a score. Source: facts/competencies.md section 3.
    """
    cursor = connection.cursor()
    cursor.execute(
        "SELECT s.person_id, l.competency_id, s.given, a.maximum, s.scored_on, a.id "
        "FROM alignment l JOIN assignment a ON a.id = l.assignment_id "
        "JOIN score s ON s.assignment_id = a.id "
        "WHERE s.given IS NOT NULL AND s.person_id IS NOT NULL AND a.maximum > 0 "
        "AND s.status = 'active' AND a.status = 'active' "
        "ORDER BY s.scored_on, s.id"
    )
    shapes: dict[tuple[int, int], list[float]] = {}
    tries: dict[tuple[int, int, int], int] = {}
    weights: dict[str, float] = {}
    for person, competency, given, maximum, day, task in cursor:
        key = (person, competency)
        again = tries.get((person, competency, task), 0)
        tries[person, competency, task] = again + 1
        if str(day) not in weights:
            born = datetime.fromisoformat(f"{day}T00:00:00+00:00")
            weights[str(day)] = 0.5 ** ((at - born).total_seconds() / 86400 / 180)
        weight = weights[str(day)] * 0.5**again
        ratio = given / maximum
        success = 1.0 if ratio >= 0.75 else 0.5 * ratio / 0.75  # noqa: PLR2004 -- the cut
        shape = shapes.setdefault(key, [0.5, 0.5])
        shape[0] += weight * success
        shape[1] += weight * (1 - success)
    return {
        key: (alpha / (alpha + beta), 1 - _beta_below(alpha, beta, 0.6))
        for key, (alpha, beta) in shapes.items()
    }


def _beta_below(alpha: float, beta: float, point: float) -> float:
    """The share of Beta(alpha, beta) below a point, by its power series.

    Source: NIST Digital Library of Mathematical Functions 8.17.8.
    """
    term = total = 1.0
    place = 0
    while term > total * 1e-16:
        term *= (alpha + beta + place) / (alpha + 1 + place) * point
        total += term
        place += 1
    front = alpha * math.log(point) + beta * math.log1p(-point)
    front += math.lgamma(alpha + beta) - math.lgamma(alpha + 1) - math.lgamma(beta)
    return math.exp(front) * total


def group_by(connection: Any) -> int:  # noqa: ANN401 -- any DB-API connection
    """Write the highest ratio of each (person, competency) by one statement."""
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS yardstick_best")
    cursor.execute(
        "CREATE TEMPORARY TABLE yardstick_best "
        "(course_id integer, person_id integer, competency_id integer, ratio real)"
    )
    cursor.execute(
        "INSERT INTO yardstick_best "
        "SELECT l.course_id, s.person_id, l.competency_id, max(s.given / a.maximum) "
        "FROM alignment l JOIN assignment a ON a.id = l.assignment_id "
        "JOIN score s ON s.assignment_id = a.id "
        "WHERE s.given IS NOT NULL AND s.person_id IS NOT NULL AND a.maximum > 0 "
        "AND s.status = 'active' AND a.status = 'active' "
        "GROUP BY l.course_id, s.person_id, l.competency_id"
    )
    count = int(cursor.rowcount)
    connection.rollback()
    return count


def draw_grid(connection: Any, course_id: int) -> str:  # noqa: ANN401 -- any DB-API connection
    """Return the class as a bare table: two queries and a join of strings."""
    cursor = connection.cursor()
    cursor.execute(
        "SELECT p.id, p.display_name FROM person p JOIN seat s ON s.person_id = p.id "  # noqa: S608 -- an integer of ours
        f"WHERE s.course_id = {course_id:d} AND s.role = 'learner' "
        "AND s.status = 'active' ORDER BY p.family_name, p.given_name, p.id"
    )
    people = cursor.fetchall()
    cursor.execute(
        "SELECT person_id, competency_id, level FROM attainment "  # noqa: S608 -- an integer of ours
        f"WHERE course_id = {course_id:d}"
    )
    cells = {(person, what): level for person, what, level in cursor}
    columns = sorted({what for _person, what in cells})
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th>{_cells(person, columns, cells)}</tr>"
        for person, name in people
    )
    return f"<table>{rows}</table>"


def _cells(
    person: int, columns: Iterable[int], cells: Mapping[tuple[int, int], int | None]
) -> str:
    return "".join(f"<td>{cells.get((person, what), '')}</td>" for what in columns)


def verify_and_insert(
    connection: Any,  # noqa: ANN401 -- any DB-API connection
    token: str,
    key: RSAKey,
) -> Mapping[str, Any]:
    """Verify an RS256 signature, parse the claims, commit one row."""
    found = jws.deserialize_compact(token, key, algorithms=["RS256"])
    claims: dict[str, Any] = json.loads(found.payload)
    cursor = connection.cursor()
    # The values are the pretend platform's own, written by the case itself.
    cursor.execute(
        f"INSERT INTO yardstick_launch VALUES ('{claims['nonce']}', '{claims['sub']}')"  # noqa: S608 -- see above
    )
    connection.commit()
    return claims


def missing_before(
    edges: Iterable[tuple[str, str]], held: frozenset[str]
) -> dict[str, set[str]]:
    """What each node lacks of all that comes before it, found by walking back."""
    before: dict[str, list[str]] = {}
    for earlier, later in edges:
        before.setdefault(later, []).append(earlier)
        before.setdefault(earlier, [])
    found = {}
    for node in before:
        seen: set[str] = set()
        waiting = [node]
        while waiting:
            for one in before[waiting.pop()]:
                if one not in seen:
                    seen.add(one)
                    waiting.append(one)
        found[node] = seen - held
    return found


def has_sparse() -> bool:
    """Tell whether scikit-learn is installed; it is no dependency of ours."""
    return find_spec("sklearn") is not None


def fit_sparse(texts: Sequence[str]) -> tuple[Any, Any]:
    """Return a TF-IDF of these texts: the vectoriser and the matrix."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 -- only here

    fitted = TfidfVectorizer(stop_words="english")
    return fitted, fitted.fit_transform(texts)


def best_sparse(fitted: tuple[Any, Any], texts: Sequence[str]) -> list[Any]:
    """Return the places of the five nearest of each text, all in one product."""
    vectoriser, matrix = fitted
    near = (vectoriser.transform(texts) @ matrix.T).toarray()
    return [row.argpartition(-5)[-5:] for row in near]
