"""`serve`, `worker`, `db`, `backup`, `restore`, `doctor`, `keys`, `demo`."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, Unpack
from urllib.parse import quote, urlsplit

import click
import waitress

from lti_tool.app import create_app
from lti_tool.cli import erasing
from lti_tool.cli.root import PROBLEM, Bench, command, masterybridge, now, table
from lti_tool.errors import BridgeError, ConfigError
from lti_tool.logs import log
from lti_tool.platforms.http import is_local
from lti_tool.settings import Settings
from lti_tool.storage import accounts
from lti_tool.storage import keys as tool_keys
from lti_tool.storage.database import Database
from lti_tool.web import metrics
from lti_tool.work.jobs import Jobs
from lti_tool.work.signing import rotate

THREADS: Final = 8
FIRST_ADMIN: Final = "there is none yet; run: masterybridge admin invite"


@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=int)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option("--no-worker", is_flag=True, help="Do not run jobs inside.")
def _serve(
    bench: Bench, host: str, port: int, workers: int, *, no_worker: bool
) -> None:
    """Serve the tool; on the embedded default the job worker runs inside."""
    with bench.database.write() as session:
        tool_keys.ensure(session, bench.key(), now=now())
        first = {} if accounts.has_accounts(session) else {"first_admin": FIRST_ADMIN}
    bench.database.close()  # nothing open may cross a fork
    log().info("serving", host=host, port=port, processes=workers, **first)
    has_worker = bench.settings.is_embedded and not no_worker
    if workers == 1:
        _serve_here(bench, host, port, has_worker=has_worker)
    else:
        _serve_processes(
            bench.settings, f"{host}:{port}", workers, has_worker=has_worker
        )


def _serve_here(bench: Bench, host: str, port: int, *, has_worker: bool) -> None:
    """Serve in this process, the jobs in a thread of it."""
    jobs = Jobs(bench.settings, bench.database)
    consumer = jobs.embedded_worker() if has_worker else None
    if consumer is not None:
        consumer.start()
    app = create_app(
        bench.settings,
        bench.database,
        tell_worker=jobs.deliver,
        order_sync=jobs.order,
        order_look=jobs.look,
        order_import=jobs.import_framework,
        order_levels=jobs.recompute,
        order_plan=jobs.plan,
        order_reconcile=jobs.reconcile,
        order_reading=jobs.read_grades,
        order_meaning=jobs.read_meaning,
    )
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        waitress.serve(
            app,
            host=host,
            port=port,
            threads=THREADS,
            # The application itself heeds them as MASTERYBRIDGE_TRUSTED_PROXIES says,
            # and tells by them what did not come from this machine.
            clear_untrusted_proxy_headers=False,
            _quiet=True,
        )
    finally:
        if consumer is not None:
            consumer.stop(graceful=True)


serve = command(None, "serve")(_serve)


def _serve_processes(
    settings: Settings, bind: str, workers: int, *, has_worker: bool
) -> None:
    """Serve in several processes by gunicorn, the jobs in one of their own."""
    try:
        from gunicorn.app.base import BaseApplication  # noqa: PLC0415 -- not on Windows
    except ImportError as error:
        raise ConfigError(
            "several processes need gunicorn, which this system does not have; "
            "leave --workers at 1"
        ) from error

    class Server(BaseApplication):
        """gunicorn with our application, no file of its own."""

        def load_config(self) -> None:
            """Say how many processes and threads."""
            self.cfg.set("bind", bind)
            self.cfg.set("workers", workers)
            self.cfg.set("worker_class", "gthread")
            self.cfg.set("threads", THREADS)

        def load(self) -> Callable[..., Any]:
            """Make the application in its process: connections survive no fork."""
            database = Database(settings.database)
            jobs = Jobs(settings, database)
            return create_app(
                settings,
                database,
                tell_worker=jobs.deliver,
                order_sync=jobs.order,
                order_look=jobs.look,
                order_import=jobs.import_framework,
                order_levels=jobs.recompute,
                order_plan=jobs.plan,
                order_reconcile=jobs.reconcile,
                order_reading=jobs.read_grades,
                order_meaning=jobs.read_meaning,
            )

    metrics.share(Path(tempfile.mkdtemp(prefix="masterybridge-counts-")))
    command_line = [
        sys.executable,
        "-c",
        "from lti_tool.cli import main; main()",
        "worker",
    ]
    child = subprocess.Popen(command_line) if has_worker else None  # noqa: S603 -- ourselves
    try:
        Server().run()
    finally:
        if child is not None:
            child.terminate()
            child.wait(timeout=30)


@click.option("--concurrency", default=1, show_default=True, type=click.IntRange(1, 64))
def _worker(bench: Bench, concurrency: int) -> None:
    """Run the jobs: nightly syncs, deliveries, refreshes."""
    jobs = Jobs(bench.settings, bench.database)
    log().info("working", threads=concurrency)
    jobs.worker(concurrency).run()


worker = command(None, "worker")(_worker)


@click.group()
def db() -> None:
    """The database schema."""


def _upgrade(bench: Bench) -> None:
    """Bring the schema to the newest migration; again is a no-op."""
    database = Database(bench.settings.database)
    try:
        was_current = database.is_current()
        database.upgrade()
    finally:
        database.close()
    text = (
        "the schema was up to date" if was_current else "the schema is up to date now"
    )
    bench.say({"changed": not was_current}, text)


command(db, "upgrade")(_upgrade)


@click.argument("path", type=click.Path(path_type=Path))
def _backup(bench: Bench, path: Path) -> None:
    """Copy the embedded database while it is in use."""
    if not bench.settings.is_embedded:
        raise ConfigError("this is PostgreSQL; back it up with pg_dump")
    file = Path(bench.settings.database.removeprefix("sqlite:///"))
    if path.exists():
        raise ConfigError(f"{path} is there already; name a new file")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{path.parent} is no folder; make it first")
    bench.database.close()
    # Grades and names are in it: nobody but the tool's user may read it.
    path.touch(mode=0o600)
    _copy(file, path)
    bench.say(
        {"written": str(path), "bytes": path.stat().st_size},
        f"{path} written. Keep the key file (secret.key) with it: without the key the "
        "secrets in it do not open",
    )


backup = command(None, "backup")(_backup)


@click.argument("path", type=click.Path(path_type=Path))
def _restore(bench: Bench, path: Path) -> None:
    """Put a backup in the place of the embedded database; stop serve first."""
    if not bench.settings.is_embedded:
        raise ConfigError("this is PostgreSQL; restore it with pg_restore")
    _check_backup(path)
    file = Path(bench.settings.database.removeprefix("sqlite:///"))
    file.parent.mkdir(parents=True, exist_ok=True)
    later = file.with_name(f"{file.name}.before-{now():%Y%m%dT%H%M%S}")
    kept, erased = later if file.exists() else None, erasing.read_remembered(file)
    if kept:
        _copy(file, kept)
    _copy(path, file)
    erasing.settle_restored(bench, erased)
    bench.say(
        {"restored": str(path), "kept": str(kept) if kept else None},
        f"{path} restored"
        + (f"; what stood there is kept as {kept.name}" if kept else ""),
    )


restore = command(None, "restore")(_restore)


def _copy(source: Path, target: Path) -> None:
    """Copy a database that may be in use."""
    with (
        closing(sqlite3.connect(source)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)


def _check_backup(path: Path) -> None:
    address = f"file:{quote(str(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as source:
            found = source.execute("PRAGMA integrity_check").fetchone()[0]
            source.execute("SELECT count(*) FROM alembic_version")
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{path} is no backup of this tool ({error})") from error
    if found != "ok":
        raise ConfigError(f"{path} is damaged: {found}; use another backup")


def _doctor(bench: Bench) -> int:
    """Check this installation; each failing check comes with its fix."""
    checks = [
        ("settings", _try(lambda: bench.settings)),
        ("secret key", _try(bench.key)),
        ("database", _try(lambda: bench.database)),
        ("disk", _disk(bench)),
        (
            "queue",
            _try(lambda: _queue(bench)),
        ),
        ("keys", _try(lambda: _has_keys(bench))),
        ("public address", _public(bench)),
    ]
    bench.say(
        [{"check": name, "ok": not fix, "fix": fix or None} for name, fix in checks],
        table(
            "doctor",
            ("", "check", "fix"),
            [("✗" if fix else "✓", name, fix) for name, fix in checks],
        ),
    )
    return PROBLEM if any(fix for _name, fix in checks) else 0


doctor = command(None, "doctor")(_doctor)


def _queue(bench: Bench) -> None:
    Jobs(bench.settings, bench.database).queue.pending_count()


def _try(look: Callable[[], object]) -> str:
    try:
        look()
    except (BridgeError, OSError) as error:
        return str(error)
    return ""


def _disk(bench: Bench) -> str:
    folder = bench.settings.data_dir
    free = shutil.disk_usage(folder if folder.exists() else Path()).free
    if free < _LEAST_BYTES:
        return f"{free // 2**20} MB free in the data folder; make room"
    return ""


_LEAST_BYTES: Final = 500 * 2**20


def _has_keys(bench: Bench) -> None:
    with bench.database.write() as session:
        tool_keys.ensure(session, bench.key(), now=now())
        tool_keys.load_current(session, bench.key())


def _public(bench: Bench) -> str:
    url = bench.settings.public_url
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    if parts.scheme == "https" or is_local(host, port, bench.settings.local_hosts):
        return ""
    return (
        "MASTERYBRIDGE_PUBLIC_URL is not https; browsers keep no session in an LMS "
        "frame over http. Give the https address, or name the host in "
        "MASTERYBRIDGE_LOCAL_NETWORK for a trial on this machine"
    )


@click.group()
def keys() -> None:
    """Our signing keys."""


@click.option(
    "--leaked", is_flag=True, help="The key in use has leaked: stop publishing it."
)
def _rotate(bench: Bench, *, leaked: bool) -> None:
    """Take the next key into use; the old one stays published.

    Platforms keep our keys for up to a day. A key that is younger than that signs as
    soon as they know it; the worker sees to it. With --leaked it signs at once, and
    a platform that does not know it yet refuses us until it asks again.
    """
    with bench.database.write() as session:
        turn = rotate(session, bench.key(), who="cli", now=now(), at_once=leaked)
    text = f"signing with {turn.current} from now on"
    if turn.signs_at is not None:
        text = (
            f"{turn.following} takes over at {turn.signs_at:%Y-%m-%d %H:%M} UTC, when "
            f"every platform knows it; until then {turn.current} signs"
        )
    bench.say(
        {
            "current": turn.current,
            "following": turn.following,
            "takes_over_at": turn.signs_at,
        },
        text,
    )


command(keys, "rotate")(_rotate)


class _Shown(TypedDict):
    """Where and what a demonstration shows."""

    host: str
    port: int
    seed: int
    size: Literal["school", "district"]


@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=int)
@click.option("--seed", default=7, show_default=True, type=int)
@click.option("--size", type=click.Choice(["school", "district"]), default="district")
@click.option("--check", is_flag=True, help="Run the main job without a browser, exit.")
def _demo(bench: Bench, *, check: bool, **options: Unpack[_Shown]) -> int:
    """Show the tool with a made-up district, a pretend LMS and SIS."""
    from lti_tool.demo.run import Demo  # noqa: PLC0415 -- nothing else needs it

    with (
        bench.progress() as move,
        Demo(bench.settings, on_progress=move, **options) as demo,
    ):
        demo.start()
        if check:
            report = demo.check()
            bench.say(report, table("check", ("", ""), [*report.items()]))
            return 0 if report["ok"] else PROBLEM
        demo.open_for_visitors()
        bench.say(demo.addresses(), demo.welcome())
        with suppress(KeyboardInterrupt):  # Ctrl+C is the way to end it
            threading.Event().wait()
    return 0


demo = command(None, "demo")(_demo)
_ = masterybridge
