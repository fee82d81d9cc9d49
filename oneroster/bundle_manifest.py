"""What a bundle says of itself: manifest.csv, and the older layout without one."""

from collections.abc import Iterable, Mapping, Sequence

from oneroster.bundle_columns import FILES, SIDE_FILES
from oneroster.bundle_rows import Row
from oneroster.errors import BundleError, Problem

__all__ = ["MANIFEST", "MODES", "file_modes", "parse_manifest", "recognise_1_0"]

MANIFEST = "manifest.csv"
MODES = ("bulk", "delta", "absent")


def parse_manifest(rows: Iterable[Row | Problem]) -> dict[str, str]:
    """Read the properties of a manifest.

    Raises:
        BundleError: ``manifest``, if it is none of OneRoster 1.1 or 1.2, or says
            two things of one property.
    """
    properties: dict[str, str] = {}
    for row in rows:
        if isinstance(row, Problem):
            raise _refusal(f"line {row.line} {row.text}")
        if len(row.cells) < len(("propertyName", "value")):
            raise _refusal(f"line {row.line} has no value")
        name, value = row.cells[0].strip(), row.cells[1].strip()
        if properties.setdefault(name, value) != value:
            raise _refusal(f"line {row.line} says {name} again, otherwise")
    if properties.pop("propertyName", None) != "value":
        raise _refusal('does not begin with "propertyName,value"')
    version = properties.get("oneroster.version", "")
    if version not in FILES or version == "1.0":
        raise _refusal("names no oneroster.version of 1.1 or 1.2")
    return properties


def file_modes(
    manifest: Mapping[str, str], present: Iterable[str]
) -> tuple[dict[str, str], list[Problem]]:
    """Tell the mode of each file of the version, and what the manifest gets wrong.

    Raises:
        BundleError: ``manifest`` for a mode that is none, ``missing_file`` for a
            file that the manifest announces and the bundle lacks.
    """
    names, modes = set(present), {}
    warnings = [] if manifest.get("manifest.version") == "1.0" else [_version_warning()]
    for file in FILES[manifest["oneroster.version"]]:
        mode = manifest.get(f"file.{file}", "").lower()
        if not mode:
            warnings.append(_warning(f"file.{file}", "is missing; taken as absent"))
        elif mode not in MODES:
            raise _refusal(
                f"gives file.{file} a mode that is not bulk, delta or absent"
            )
        modes[file] = mode or "absent"
        there = f"{file}.csv" in names
        if modes[file] == "absent" and there:
            warnings.append(_ignored(file))
        if modes[file] != "absent" and not there:
            raise _missing(file, mode, names)
    return modes, warnings + _mixed(modes)


def recognise_1_0(headers: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether files without a manifest are a bundle of OneRoster 1.0.

    They are if some column exists in 1.0 alone and none in 1.1 alone.
    """
    old = {
        name: {column.name for column in FILES["1.0"][name]} for name in FILES["1.0"]
    }
    new = {name: {column.name for column in FILES["1.1"][name]} for name in old}
    known = {name: set(header) for name, header in headers.items() if name in old}
    return any(header & (old[name] - new[name]) for name, header in known.items()) and (
        not any(header & (new[name] - old[name]) for name, header in known.items())
    )


def _refusal(text: str) -> BundleError:
    return BundleError(
        f"{MANIFEST} {text}; have the bundle exported again", code="manifest"
    )


def _missing(file: str, mode: str, names: set[str]) -> BundleError:
    alike = [name for name in names if name.lower() == f"{file}.csv".lower()]
    found = f" (there is {alike[0]})" if alike else ""
    return BundleError(
        f"{file}.csv is missing{found} although the manifest calls it {mode}; "
        "add the file or say absent",
        code="missing_file",
    )


def _mixed(modes: Mapping[str, str]) -> list[Problem]:
    """Tell of snapshots whose other half tells only what changed, or nothing."""
    return [
        Problem(
            f"{side.name}.csv",
            None,
            "",
            f"is {modes[side.name]} while {side.collection}.csv is bulk; "
            f"{side.collection} may lack what it does not repeat",
            "mixed_modes",
            warning=True,
        )
        for side in SIDE_FILES
        if modes.get(side.collection) == "bulk"
        and (
            modes.get(side.name) == "delta"
            or (side.name == "roles" and modes.get(side.name) == "absent")
        )
    ]


def _version_warning() -> Problem:
    return _warning("manifest.version", "is not 1.0; read as 1.0")


def _warning(field: str, text: str) -> Problem:
    return Problem(MANIFEST, None, field, text, "manifest", warning=True)


def _ignored(file: str) -> Problem:
    text = "is there although the manifest calls it absent; ignored"
    return Problem(f"{file}.csv", None, "", text, "absent_file", warning=True)
