"""MASTERYBRIDGE_* read once into a frozen Settings."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lti_tool.errors import ConfigError

PREFIX = "MASTERYBRIDGE_"


class Settings(BaseSettings):
    """Every setting, from the environment or the file MASTERYBRIDGE_CONFIG names."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_file_encoding="utf-8"
    )

    database_url: str = Field(
        default="",
        description="Database; empty means SQLite in the data folder.",
    )
    queue_url: str = Field(
        default="",
        description="Job queue; empty means huey's SQLite in the data folder.",
    )
    data_dir: Path = Field(
        default=Path(".masterybridge"),
        description="Folder for the embedded database, queue and keys.",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="Address under which browsers and platforms reach the tool.",
    )
    secret_key_file: Path | None = Field(
        default=None,
        description="File holding the key that encrypts secrets at rest; made on "
        "first start of the embedded default, required otherwise.",
    )
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        description="How many reverse proxies in front of us set X-Forwarded-*.",
    )
    local_network: str = Field(
        default="",
        description="Comma list of host[:port] that may be loopback or private and "
        "plain http: an LMS or SIS on the premises, the demo, tests.",
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="Log lines as JSON or as text."
    )

    @property
    def database(self) -> str:
        """The database URL in force, psycopg 3 named for PostgreSQL."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir.resolve() / 'masterybridge.sqlite3'}"
        for scheme in ("postgresql://", "postgres://"):
            if self.database_url.startswith(scheme):
                return "postgresql+psycopg://" + self.database_url[len(scheme) :]
        return self.database_url

    @property
    def queue(self) -> str:
        """The queue URL in force."""
        return (
            self.queue_url or f"sqlite:///{self.data_dir.resolve() / 'queue.sqlite3'}"
        )

    @property
    def is_embedded(self) -> bool:
        """Tell whether the database is our own SQLite file."""
        return self.database.startswith("sqlite")

    @property
    def local_hosts(self) -> frozenset[str]:
        """Entries of local_network: 'host' for all its ports, or 'host:port'."""
        return frozenset(
            entry.strip().lower()
            for entry in self.local_network.split(",")
            if entry.strip()
        )

    def load_secret_key(self) -> bytes:
        """Return the 32-byte key for secrets at rest.

        Raises:
            ConfigError: no key file is named and the database is not embedded, or
                the file cannot be read or is too short.
        """
        path = self.secret_key_file
        if path is None:
            if not self.is_embedded:
                raise ConfigError(
                    f"{PREFIX}SECRET_KEY_FILE is not set; name a file with at least "
                    "32 random bytes"
                )
            path = self.data_dir / "secret.key"
            _make_key(path)
        try:
            key = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"{PREFIX}SECRET_KEY_FILE: {path.name} cannot be read "
                f"({error.strerror}); give the tool's user read access to it"
            ) from error
        if len(key) < _KEY_BYTES:
            raise ConfigError(
                f"{PREFIX}SECRET_KEY_FILE: {path.name} holds {len(key)} bytes; "
                "at least 32 random bytes are needed"
            )
        return key[:_KEY_BYTES]


_KEY_BYTES = 32


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        ) as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
    except FileExistsError:
        return


def load_settings() -> Settings:
    """Read the environment, and the file MASTERYBRIDGE_CONFIG names if it is set.

    Raises:
        ConfigError: a value is not of its kind; the text names the setting.
    """
    file = os.environ.get(f"{PREFIX}CONFIG")
    if file and not Path(file).is_file():
        raise ConfigError(f"{PREFIX}CONFIG names {file}, which is not a file")
    try:
        # _env_file is pydantic-settings' own way to name the file at run time.
        return Settings(_env_file=file or None)  # type: ignore[call-arg] # not in its stubs
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise ConfigError(f"{name}: {first['msg']}") from error
