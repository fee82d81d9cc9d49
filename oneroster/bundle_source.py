"""Where a bundle lies: a folder, or a zip that is looked at before it is opened."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from oneroster.errors import BundleError

__all__ = [
    "MAX_BYTES",
    "MAX_MEMBERS",
    "MAX_RATIO",
    "list_members",
    "open_member",
]

MAX_BYTES = 2 * 1024**3
MAX_RATIO = 200
MAX_MEMBERS = 50
ENCRYPTED = 0x1
ARCHIVES = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".zst")
ARCHIVE_STARTS = (
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"Rar!",
)

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
"""What zipfile raises over bytes that are no sound zip."""


def list_members(path: Path) -> dict[str, str]:
    """Tell which files the bundle holds: name in the bundle, to name in the zip.

    The two differ where everything lies in one folder inside the zip.

    Raises:
        BundleError: nothing there, no zip, or a zip that is not safe to read.
    """
    if path.is_dir():
        return {
            item.name: item.name for item in sorted(path.iterdir()) if item.is_file()
        }
    with _zip(path) as archive:
        return _checked(path.name, archive)


@contextmanager
def open_member(path: Path, member: str) -> Iterator[IO[bytes]]:
    """Open one file of the bundle for reading, as bytes.

    Raises:
        BundleError: the file is damaged; also while it is being read.
    """
    try:
        if path.is_dir():
            with (path / member).open("rb") as file:
                yield file
        else:
            with _zip(path) as archive:
                if member not in _checked(path.name, archive).values():
                    raise FileNotFoundError(member)
                with archive.open(member) as file:
                    yield file
    except DAMAGE as error:
        raise BundleError(
            f"{path.name}: {member} is damaged; make the zip again", code="zip"
        ) from error
    except OSError as error:
        raise BundleError(
            f"{path.name}: {member} can no longer be read", code="unreadable"
        ) from error


@contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise BundleError(
            f"{path.name} is neither a folder nor a zip; name the zip of the bundle",
            code="zip",
        ) from error
    except OSError as error:
        raise BundleError(
            f"{path.name} cannot be opened ({error.strerror}); check the path",
            code="unreadable",
        ) from error
    with archive:
        yield archive


def _checked(bundle: str, archive: zipfile.ZipFile) -> dict[str, str]:
    """Refuse a zip that could harm, reading no more than its directory and starts."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise BundleError(
            f"{bundle} holds {len(members)} files, more than {MAX_MEMBERS}",
            code="zip_members",
        )
    for member in members:
        _check_path(bundle, member)
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise BundleError(f"{bundle} unpacks to more than 2 GiB", code="zip_bomb")
    files = [
        member
        for member in members
        if not member.is_dir() and not _is_litter(PurePosixPath(member.filename))
    ]
    for member in files:
        _check_content(bundle, archive, member)
    return _names(bundle, files)


def _check_path(bundle: str, member: zipfile.ZipInfo) -> None:
    """Refuse a member that would lie outside the bundle, or is no plain file."""
    name = member.orig_filename
    parts = name.replace("\\", "/").split("/")
    if (
        name.startswith(("/", "\\"))
        or ".." in parts
        or ":" in parts[0]
        or "\x00" in name
        or stat.S_ISLNK(member.external_attr >> 16)
    ):
        raise BundleError(
            f"{bundle}: the path of a file in the zip leads elsewhere; "
            "make the zip from plain files",
            code="zip_path",
        )


def _check_content(
    bundle: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo
) -> None:
    """Refuse a member that is locked, swells, or is an archive itself."""
    name = member.filename
    if member.flag_bits & ENCRYPTED:
        raise BundleError(
            f"{bundle}: {name} is locked by a password; send it without", code="zip"
        )
    if member.file_size > MAX_RATIO * max(member.compress_size, 1):
        raise BundleError(
            f"{bundle}: {name} unpacks to more than {MAX_RATIO} times its size",
            code="zip_bomb",
        )
    try:
        with archive.open(member) as file:
            start = file.read(6)
    except (*DAMAGE, OSError) as error:
        raise BundleError(
            f"{bundle}: {name} is damaged; make the zip again", code="zip"
        ) from error
    if name.lower().endswith(ARCHIVES) or start.startswith(ARCHIVE_STARTS):
        raise BundleError(
            f"{bundle}: {name} is an archive in an archive; zip the CSV files alone",
            code="zip_nested",
        )


def _is_litter(path: PurePosixPath) -> bool:
    """Tell whether a computer, not a person, put the file in the zip."""
    return path.parts[0] == "__MACOSX" or path.name in {".DS_Store", "Thumbs.db"}


def _names(bundle: str, files: list[zipfile.ZipInfo]) -> dict[str, str]:
    """Name the files at the root, or those in the only folder of the zip."""
    paths = [PurePosixPath(file.filename) for file in files]
    folders = {path.parent for path in paths}
    home = folders.pop() if len(folders) == 1 else PurePosixPath()
    if len(home.parts) > 1:
        home = PurePosixPath()
    names: dict[str, str] = {}
    for path, file in zip(paths, files, strict=True):
        if path.parent != home:
            continue
        if path.name in names:
            raise BundleError(
                f"{bundle} holds {path.name} twice; keep one", code="zip_duplicate"
            )
        names[path.name] = file.filename
    return names
