"""What statements are sent through: a transaction, and a question that stands alone.

SQLAlchemy's own Session keeps an identity map, flushes and follows objects. We keep no
objects, and of what a launch costs that was a quarter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple, overload

from sqlalchemy import (
    Connection,
    CursorResult,
    Delete,
    Dialect,
    Engine,
    Executable,
    NestedTransaction,
    PoolProxiedConnection,
    ScalarResult,
    Select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.selectable import TypedReturnsRows

Values = Mapping[str, Any]
Many = Values | Sequence[Values] | None
_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
_Change = Callable[[Any], Any]
_Changes = tuple[tuple[int, _Change], ...]


class Session:
    """Statements of one transaction, which the first of them begins."""

    __slots__ = ("_connection", "_engine")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    @classmethod
    def on(cls, connection: Connection) -> Session:
        """A session of a transaction that somebody else began, and will end."""
        session = cls(connection.engine)
        session._connection = connection
        return session

    def get_bind(self) -> Engine:
        """The engine the statements go to."""
        return self._engine

    def connection(self) -> Connection:
        """The connection the statements go through."""
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    @overload
    def execute(
        self, statement: TypedReturnsRows[*_Ts], parameters: Many = None
    ) -> CursorResult[*_Ts]: ...
    @overload
    def execute(
        self, statement: Executable, parameters: Many = None
    ) -> CursorResult[*tuple[Any, ...]]: ...
    def execute(
        self, statement: Executable, parameters: Many = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Send a statement, once or for each of several parameters."""
        return self.connection().execute(statement, parameters)

    @overload
    def scalar(
        self,
        statement: TypedReturnsRows[_T, *tuple[Any, ...]],
        parameters: Values | None = None,
    ) -> _T | None: ...
    @overload
    def scalar(
        self, statement: Executable, parameters: Values | None = None
    ) -> Any: ...  # noqa: ANN401 -- any column's
    def scalar(self, statement: Executable, parameters: Values | None = None) -> Any:
        """The first column of the first row, None if there is none."""
        return self.connection().scalar(statement, parameters)

    @overload
    def scalars(
        self,
        statement: TypedReturnsRows[_T, *tuple[Any, ...]],
        parameters: Many = None,
    ) -> ScalarResult[_T]: ...
    @overload
    def scalars(
        self, statement: Executable, parameters: Many = None
    ) -> ScalarResult[Any]: ...
    def scalars(
        self, statement: Executable, parameters: Many = None
    ) -> ScalarResult[Any]:
        """The first column of each row."""
        return self.connection().scalars(statement, parameters)

    def begin_nested(self) -> NestedTransaction:
        """Begin a savepoint; as a context, an error rolls back to it."""
        return self.connection().begin_nested()

    def first(self, known: Known, values: Values) -> Sequence[Any] | None:
        """The first row of a statement known beforehand, None if there is none."""
        return self.execute(known.statement, values).first()

    def count(self, known: Known, values: Values) -> int:
        """Send a change known beforehand; returns how many rows it touched."""
        sent = known.sent(self._engine.dialect)
        found = self.connection().exec_driver_sql(sent.text, sent.bound(values))
        return found.rowcount

    def end(self, *, keeps: bool) -> None:
        """Commit what was written, or roll it back, and give the connection back."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if keeps:
                connection.commit()
        finally:
            connection.close()  # rolls back what was not committed


class Question:
    """Statements that read and stand alone: each is one moment, no transaction."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def first(self, known: Known, values: Values) -> Sequence[Any] | None:
        """The first row of a statement, None if there is none.

        Raises:
            DBAPIError: the database refused it, or does not answer.
        """
        dialect = self._engine.dialect
        sent = known.sent(dialect)
        bound = sent.bound(values)
        with _alone(self._engine) as driver:
            try:
                cursor = driver.execute(sent.text, bound)
                found = cursor.fetchall()
            except Exception as error:
                raise _wrapped(error, sent.text, dialect) from error
        if not found:
            return None
        return known.read(found[0], dialect, cursor.description)


@contextmanager
def _alone(engine: Engine) -> Iterator[Any]:
    """Yield the driver's connection, outside any transaction; a broken one goes."""
    pooled = engine.raw_connection()
    driver: Any = pooled.dbapi_connection
    is_sqlite = engine.dialect.name == "sqlite"  # begins no transaction by itself
    try:
        if not is_sqlite:
            driver.autocommit = True
        yield driver
        if not is_sqlite:
            driver.autocommit = False
    except BaseException:
        _discard(pooled)
        raise
    pooled.close()


def _discard(pooled: PoolProxiedConnection) -> None:
    pooled.invalidate()
    pooled.close()


def _wrapped(error: Exception, text: str, dialect: Dialect) -> BaseException:
    """The error as SQLAlchemy raises it, without the values that were sent."""
    base = dialect.loaded_dbapi.Error
    return DBAPIError.instance(
        text, None, error, base, hide_parameters=True, dialect=dialect
    )


class Known:
    """A statement that never changes, all its values named; compiled once a dialect."""

    __slots__ = ("_changes", "_sent", "statement")

    def __init__(self, statement: Select[Any] | Delete) -> None:
        self.statement = statement
        self._sent: dict[str, _Sent] = {}
        self._changes: dict[str, _Changes] = {}

    def sent(self, dialect: Dialect) -> _Sent:
        """The statement as this dialect's driver takes it."""
        found = self._sent.get(dialect.name)
        if found is None:
            found = self._sent[dialect.name] = _compiled(self.statement, dialect)
        return found

    def read(
        self, row: Sequence[Any], dialect: Dialect, description: Sequence[Any]
    ) -> Sequence[Any]:
        """A row as the driver described and gave it, in the types of our columns."""
        changes = self._changes.get(dialect.name)
        if changes is None:
            changes = _changes(self.statement, dialect, description)
            self._changes[dialect.name] = changes
        found = list(row)
        for place, change in changes:
            found[place] = change(found[place])
        return found


@dataclass(frozen=True, slots=True)
class _Sent:
    """A statement in a driver's words, and what its values go through."""

    text: str
    names: tuple[tuple[str, _Change | None], ...]
    by_place: bool

    def bound(self, values: Values) -> tuple[object, ...] | dict[str, object]:
        """The values as the driver takes them."""
        given = {
            name: change(values[name]) if change else values[name]
            for name, change in self.names
        }
        if self.by_place:
            return tuple(given[name] for name, _change in self.names)
        return given


def _compiled(statement: Select[Any] | Delete, dialect: Dialect) -> _Sent:
    compiled: Any = statement.compile(dialect=dialect)
    by_place = bool(compiled.positional)
    names = compiled.positiontup if by_place else compiled.binds
    return _Sent(
        text=str(compiled),
        names=tuple(
            (
                name,
                compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect),
            )
            for name in names
        ),
        by_place=by_place,
    )


def _changes(
    statement: Select[Any] | Delete, dialect: Dialect, description: Sequence[Any]
) -> _Changes:
    """What the values of some columns go through; most come as they are."""
    columns = statement.selected_columns if isinstance(statement, Select) else ()
    found: list[tuple[int, _Change]] = []
    for place, (column, told) in enumerate(zip(columns, description, strict=True)):
        kind = column.type.dialect_impl(dialect)
        change = kind.result_processor(dialect, told[1])
        if change is not None:
            found.append((place, change))
    return tuple(found)
