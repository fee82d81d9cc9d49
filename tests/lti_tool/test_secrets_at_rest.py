"""Catalogue D16: a dump of the database tells no secret, and no private key.

Every secret there is a way to store is stored the way an administrator does, then the
whole database is read as whoever steals it would: as bytes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner
from joserfc.jwk import RSAKey
from sqlalchemy import select, update

from lti_tool.cli import masterybridge
from lti_tool.storage import accounts as invitations
from lti_tool.storage import keys, schema, secrets
from lti_tool.storage.database import Database
from lti_tool.work import accounts
from tests.lti_tool.conftest import make_key

KEY = b"k" * 32  # what make_key writes
WORDS = {
    "outcomes token": "outcomes-token-5e2a9c",
    "client secret": "client-secret-71bb0d",
    "password": "correct horse battery 4481 staple",
    "registration token": "registration-token-9d1f",
}


def dump(database: Database) -> bytes:
    """Everything a thief of the database gets, as bytes."""
    url = database.engine.url.render_as_string(hide_password=False)
    if database.is_sqlite:
        database.close()  # what stood beside the file is in it now
        path = Path(str(database.engine.url.database))
        return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))
    if tool := shutil.which("pg_dump"):
        server = url.replace("postgresql+psycopg", "postgresql")
        return subprocess.run([tool, server], capture_output=True, check=True).stdout  # noqa: S603 -- our own database
    with database.read() as session:
        rows = [
            repr(row)
            for table in schema.metadata.sorted_tables
            for row in session.execute(select(table)).all()
        ]
    return "\n".join(rows).encode()


@pytest.fixture
def bridge(database: Database, tmp_path: Path) -> Callable[..., str]:
    env = {
        "MASTERYBRIDGE_DATABASE_URL": database.engine.url.render_as_string(
            hide_password=False
        ).replace("postgresql+psycopg", "postgresql"),
        "MASTERYBRIDGE_DATA_DIR": str(tmp_path / "data"),
        "MASTERYBRIDGE_SECRET_KEY_FILE": str(make_key(tmp_path)),
        "MASTERYBRIDGE_LOCAL_NETWORK": "lms.example,sis.example",
    }

    def run(*words: str, given: str = "") -> str:
        result = CliRunner(env=env).invoke(masterybridge, list(words), input=given)
        structlog.reset_defaults()
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_a_dump_tells_no_secret(
    database: Database, tmp_path: Path, bridge: Callable[..., str]
) -> None:
    for name in ("outcomes token", "client secret"):
        (tmp_path / name).write_text(WORDS[name])
    lms = "https://lms.example"
    bridge(
        "platform", "add", "--name", "LMS", "--issuer", lms, "--client-id", "7",
        "--auth-url", f"{lms}/a", "--token-url", f"{lms}/t", "--jwks-url", f"{lms}/k",
        "--outcomes-url", f"{lms}/o",
        "--outcomes-token-file", str(tmp_path / "outcomes token"),
    )  # fmt: skip
    bridge(
        "source", "add", "sis", "--rest", "https://sis.example", "--version", "1.2",
        "--client-id", "us", "--client-secret-file", str(tmp_path / "client secret"),
    )  # fmt: skip
    client = json.loads(bridge("api-client", "add", "warehouse", "--json"))
    handed_over = Path(client["secret_file"])
    WORDS["api client"] = handed_over.read_text().strip()
    handed_over.unlink()
    link = json.loads(bridge("admin", "invite", "--json"))
    token = next(str(text) for text in link.values() if "http" in str(text))
    WORDS["invitation"] = token.rpartition("/")[2]
    with database.read() as session:
        invitation = invitations.find_invitation(
            session, WORDS["invitation"], now=datetime.now(UTC)
        )
    assert invitation is not None
    browser = accounts.accept(
        database,
        invitation,
        accounts.Answers(
            username="head", display_name="Head", password=WORDS["password"]
        ),
        now=datetime.now(UTC),
    )
    with database.write() as session:
        session.execute(
            update(schema.registration).values(
                registration_token=secrets.encrypt(WORDS["registration token"], KEY)
            )
        )
        private = keys.load_current(session, KEY).private_key
    found = dump(database)
    assert b"lms.example" in found  # it is the dump of this database
    for name, text in {**WORDS, "browser": browser}.items():
        assert text.encode() not in found, name
    for form in private_forms(private):
        assert form not in found
    assert KEY not in found


def private_forms(key: RSAKey) -> list[bytes]:
    """The private part as it could be written: PEM lines, base64url, digits."""
    lines = key.as_pem(private=True).splitlines()[2:-2]
    numbers = key.as_dict(private=True)
    kept = {"kty", "kid", "n", "e", "use", "alg"}
    written = [str(numbers[name]).encode() for name in numbers if name not in kept]
    assert len(written) == 6
    return [b"PRIVATE KEY", *lines[:20], *written]


# How each column whose name speaks of a secret keeps it.
KEPT = {
    "admin_account.password_hash": "argon2",
    "admin_session.secret_hash": "hash",
    "admin_session.csrf": "worthless without the session's cookie",
    "api_client.secret_hash": "hash",
    "framework.source_token": "encrypted",
    "framework_order.token": "encrypted",
    "invitation.token_hash": "hash",
    "passage.token_hash": "hash",
    "registration.outcomes_token": "encrypted",
    "registration.registration_token": "encrypted",
    "registration.token_audience": "an address",
    "registration.token_url": "an address",
    "sign_in_failure.key_hash": "hash",
    "source.client_secret": "encrypted",
    "source.token_url": "an address",
    "tool_key.private_key": "encrypted",
    "web_session.csrf": "worthless without the seat's cookie",
}


def test_every_column_that_speaks_of_a_secret_says_how_it_keeps_it() -> None:
    speaking = {
        f"{table.name}.{column.name}"
        for table in schema.metadata.sorted_tables
        for column in table.columns
        if re.search("token|secret|password|private|csrf|key", column.name)
    }
    assert speaking == set(KEPT)
    for name, how in KEPT.items():
        assert name.endswith("_hash") == (how in {"hash", "argon2"})
