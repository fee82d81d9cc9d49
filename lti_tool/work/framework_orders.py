"""Imports of frameworks asked for on a page, carried out by the worker."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from lti_tool.errors import BridgeError, ConfigError
from lti_tool.logs import log
from lti_tool.platforms.http import GuardedSession
from lti_tool.settings import Settings
from lti_tool.storage import framework_orders, secrets
from lti_tool.storage.database import Database
from lti_tool.storage.framework_orders import DONE, FAILED, STORING, FrameworkOrder
from lti_tool.storage.framework_rows import ImportCounts
from lti_tool.work import resources
from lti_tool.work.case_services import Unread
from lti_tool.work.framework_files import Named, parse_upload, read_all
from lti_tool.work.frameworks import Imported, import_documents
from mappings.errors import MappingError
from oneroster.auth import BearerKey

MOST_BYTES: Final = 128 * 1024 * 1024
SENT: Final = "frameworks"
LONGEST_NAME: Final = 200
MOST_PROBLEMS: Final = 100  # kept with an order; the version keeps more
_ODD: Final = re.compile(r"[^\w .()+-]+")


def keep_file(settings: Settings, sent: IO[bytes]) -> Path:
    """Keep a file that was sent until the worker has read it."""
    folder = settings.data_dir.resolve() / SENT
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / uuid.uuid4().hex
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        shutil.copyfileobj(sent, file, 1024 * 1024)
    return path


def file_name(text: str) -> str:
    """The name of a sent file as people know it, without anything odd."""
    last = text.replace("\\", "/").rpartition("/")[2]
    return _ODD.sub("_", last).strip()[:LONGEST_NAME] or "framework.json"


def carry_out(
    database: Database,
    settings: Settings,
    order_id: int,
    clock: Callable[[], datetime],
) -> None:
    """Read and store what was asked for, and write down how it went.

    An import that another worker began is left to it.
    """
    with database.write() as session:
        order = framework_orders.load_order(session, order_id)
        if not framework_orders.take_order(session, order_id):
            return
    state, found = FAILED, None
    try:
        found = _import(database, settings, order, clock)
        state = DONE
    except (BridgeError, MappingError) as error:
        found = {"text": _words(order, error)}
    finally:
        if order.path is not None:
            Path(order.path).unlink(missing_ok=True)
        with database.write() as session:
            framework_orders.write_state(
                session, order_id, state, found, ended_at=clock()
            )
        log().info("framework import ended", order=order_id, state=state)


def _words(order: FrameworkOrder, error: Exception) -> str:
    """What went wrong; a sent file by the name people know."""
    return str(error).replace(order.path, order.named) if order.path else str(error)


def _import(
    database: Database,
    settings: Settings,
    order: FrameworkOrder,
    clock: Callable[[], datetime],
) -> dict[str, Any]:
    """Store what was asked for, of a whole service each framework by itself."""
    done: list[Imported] = []
    left: list[Unread] = []
    for group in _read(order, _reach(order, settings)):
        if isinstance(group, Unread):
            left.append(group)
            continue
        with database.write() as session:
            told = {"items": _size(group)}
            framework_orders.write_state(session, order.id, STORING, told)
        try:
            done += import_documents(database, group, clock(), who=order.ordered_by)
        except MappingError as error:
            left.append(Unread(group[0][0], str(error)))
    if left and not done:
        raise ConfigError(left[0].text)
    offered = offer_exemplars(database, done, who=order.ordered_by, now=clock())
    _keep_token(database, order, done)
    return _told(done, left, offered)


def _reach(order: FrameworkOrder, settings: Settings) -> GuardedSession:
    """Return what an address is read by; it follows no redirect with a token."""
    reach = GuardedSession(settings.local_hosts)
    if order.token is not None:
        key = settings.load_secret_key()
        reach.auth = BearerKey(secrets.decrypt(order.token, key))
    return reach


def _keep_token(
    database: Database, order: FrameworkOrder, done: Iterable[Imported]
) -> None:
    """Keep the token that opened a service, to look there for a newer version."""
    if order.token is None:
        return
    ids = {one.framework.framework_id for one in done if one.framework is not None}
    with database.write() as session:
        framework_orders.keep_token(session, ids, order.token)


def _read(
    order: FrameworkOrder, reach: GuardedSession
) -> Iterator[list[Named] | Unread]:
    if order.path is None:
        yield from read_all([order.named], reach)
        return
    body = Path(order.path).read_bytes()
    yield [(order.named, parse_upload(order.named, body))]


def _size(group: list[Named]) -> int:
    """How many competencies a group of documents holds, as far as it shows."""
    lists = [
        document.get("CFItems") for _, document in group if isinstance(document, dict)
    ]
    return sum(len(one) for one in lists if isinstance(one, list))


def offer_exemplars(
    database: Database, done: Iterable[Imported], *, who: str, now: datetime
) -> int:
    """Offer to the school what the frameworks just imported name as exemplars.

    Returns how many are new; may be run twice.
    """
    ids = {one.framework.framework_id for one in done if one.framework is not None}
    with database.write() as session:
        return sum(
            resources.take_exemplars(session, one, who=who, now=now)
            for one in sorted(ids)
        )


def _told(done: list[Imported], left: list[Unread], helpers: int) -> dict[str, Any]:
    """What an import brought, as it is kept."""
    problems = [
        *(["unread", one.name, one.text] for one in left),
        *([one.code, one.record, one.text] for each in done for one in each.problems),
    ]
    return {
        "frameworks": [
            {
                "framework": one.framework.framework_id,
                "title": one.framework.title,
                "number": one.framework.number,
                "competencies": _counts(one.framework.competencies),
                "associations": _counts(one.framework.associations),
            }
            for one in done
            if one.framework is not None
        ],
        "extra": [_counts(one.associations) for one in done if one.framework is None],
        "problems": problems[:MOST_PROBLEMS],
        "problem_count": len(problems),
        "resources": helpers,
    }


def _counts(counts: ImportCounts) -> dict[str, int]:
    names = ("added", "changed", "retired", "same", "returned")
    return {name: int(getattr(counts, name)) for name in names}


def check_address(text: str) -> str:
    """Return the address of a CASE package.

    Raises:
        ConfigError: it is none; the worker checks where it leads.
    """
    url = text.strip()
    if not url.startswith(("https://", "http://")) or any(map(str.isspace, url)):
        raise ConfigError(f'"{url}" is no address; it begins with https://')
    return url
