"""Settings: from the environment or a file, each mistake named by its setting."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from lti_tool.errors import ConfigError
from lti_tool.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Settings.model_fields, "config"):
        monkeypatch.delenv(f"MASTERYBRIDGE_{name.upper()}", raising=False)


def test_the_embedded_default_lives_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.database == f"sqlite:///{tmp_path / 'masterybridge.sqlite3'}"
    assert settings.queue == f"sqlite:///{tmp_path / 'queue.sqlite3'}"
    assert settings.is_embedded


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u@h/db", "postgresql+psycopg://u@h/db"),
        ("postgres://u@h/db", "postgresql+psycopg://u@h/db"),
        ("postgresql+psycopg://u@h/db", "postgresql+psycopg://u@h/db"),
    ],
)
def test_postgresql_is_reached_by_psycopg(given: str, used: str) -> None:
    settings = Settings(database_url=given)
    assert (settings.database, settings.is_embedded) == (used, False)


def test_what_the_environment_says_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bridge.env"
    path.write_text(
        "MASTERYBRIDGE_PUBLIC_URL=https://a.example\n"
        "MASTERYBRIDGE_LOG_FORMAT=text\n"
        "SOMETHING_ELSE=1\n"
    )
    monkeypatch.setenv("MASTERYBRIDGE_CONFIG", str(path))
    monkeypatch.setenv("MASTERYBRIDGE_PUBLIC_URL", "https://b.example")
    settings = load_settings()
    assert (settings.public_url, settings.log_format) == ("https://b.example", "text")


def test_a_config_that_is_no_file_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTERYBRIDGE_CONFIG", "/nowhere/at/all")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert str(caught.value) == (
        "MASTERYBRIDGE_CONFIG names /nowhere/at/all, which is not a file"
    )


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "TRUSTED_PROXIES",
            "-1",
            "Input should be greater than or equal to 0",
        ),
        ("LOG_FORMAT", "xml", "Input should be 'json' or 'text'"),
    ],
)
def test_a_wrong_value_is_named_by_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, text: str
) -> None:
    monkeypatch.setenv(f"MASTERYBRIDGE_{name}", value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert str(caught.value) == f"MASTERYBRIDGE_{name}: {text}"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().public_url = "https://c.example"


def test_local_hosts_are_named_with_or_without_port() -> None:
    settings = Settings(local_network=" LMS.school.example , 127.0.0.1:8080,,")
    assert settings.local_hosts == {"lms.school.example", "127.0.0.1:8080"}


def test_the_key_of_the_embedded_default_is_made_once_for_its_owner(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    first = settings.load_secret_key()
    assert (len(first), settings.load_secret_key()) == (32, first)
    path = tmp_path / "new" / "secret.key"
    assert path.stat().st_mode & 0o777 == 0o600


def test_elsewhere_the_key_must_be_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url="postgresql://u@h/db")
    with pytest.raises(ConfigError) as caught:
        settings.load_secret_key()
    assert str(caught.value) == (
        "MASTERYBRIDGE_SECRET_KEY_FILE is not set; name a file with at least 32 "
        "random bytes"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    path = tmp_path / "key"
    settings = Settings(secret_key_file=path)
    with pytest.raises(ConfigError) as gone:
        settings.load_secret_key()
    path.write_bytes(b"short")
    with pytest.raises(ConfigError) as short:
        settings.load_secret_key()
    assert [str(gone.value), str(short.value)] == [
        (
            "MASTERYBRIDGE_SECRET_KEY_FILE: key cannot be read (No such file or "
            "directory); give the tool's user read access to it"
        ),
        (
            "MASTERYBRIDGE_SECRET_KEY_FILE: key holds 5 bytes; at least 32 random "
            "bytes are needed"
        ),
    ]
