"""Roster files that come by a page or by a server of the school's own.

A file that was sent lies in the data folder under a name of ours, readable by the tool
alone. A folder that others fill lies below the same data folder, so that no page names
any other place of the machine; the command line may.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from lti_tool.settings import Settings
from oneroster.bundle import Bundle
from oneroster.errors import BundleError

MOST_BYTES: Final = 256 * 1024 * 1024
SENT: Final = "rosters"
FILLED: Final = "incoming"
# A run may still read the file that was there before.
KEPT_SECONDS: Final = 24 * 3600
FOLDER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


class UploadError(Exception):
    """A file that is no bundle we can read; the text says what is wrong with it."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


def keep_upload(settings: Settings, sent: IO[bytes]) -> Path:
    """Keep a zip of OneRoster files that was sent, once it proves to be one.

    Raises:
        UploadError: it is none, or one we refuse; nothing of it is kept.
    """
    folder = settings.data_dir.resolve() / SENT
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.zip"
    try:
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        ) as file:
            shutil.copyfileobj(sent, file, 1024 * 1024)
        Bundle.open(path)
    except BundleError as error:
        path.unlink(missing_ok=True)
        raise UploadError(str(error).replace(f"{folder}/", ""), error.code) from error
    except OSError as error:
        path.unlink(missing_ok=True)
        raise UploadError(error.strerror or "it could not be kept", "disk") from error
    return path


def filled_folder(settings: Settings, name: str) -> Path:
    """The folder of that name that a server of the school's fills; made if missing."""
    folder = settings.data_dir.resolve() / FILLED / name
    folder.mkdir(mode=0o770, parents=True, exist_ok=True)
    return folder


def folder_name(settings: Settings, location: str) -> str:
    """The name of a folder made by filled_folder, '' for any other place."""
    path = Path(location)
    return path.name if path.parent == settings.data_dir.resolve() / FILLED else ""


def is_upload(settings: Settings, location: str) -> bool:
    """Tell whether a location is a file that was sent by a page."""
    return Path(location).parent == settings.data_dir.resolve() / SENT


def sweep(settings: Settings, in_use: Collection[str], now: datetime) -> int:
    """Delete sent files that no source names and no run can still read."""
    removed = 0
    for path in (settings.data_dir.resolve() / SENT).glob("*.zip"):
        age = now.timestamp() - path.stat().st_mtime
        if str(path) not in in_use and age > KEPT_SECONDS:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
