"""CSV bundles: what is read, what is refused, and where it says so.

Longer than 400 lines because the catalogue of bad bundles is one table of cases
over the same few builders, and one district uses every file and column.
"""

import csv
import stat
import tracemalloc
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneroster.bundle import Bundle
from oneroster.bundle_columns import COLLECTION_FILES, FILES
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import KINDS, MemoryCatalog
from oneroster.errors import BundleError, Problem
from oneroster.models import LineItem, Record, User, format_record, parse_record

ORGS = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
USERS = ",".join(column.name for column in FILES["1.2"]["users"]) + "\n"
USER_CELLS = "u1,,,true,ada,,Ada,Byron" + "," * 14
ROLES = ",".join(column.name for column in FILES["1.2"]["roles"]) + "\n"
PROFILES = ",".join(column.name for column in FILES["1.2"]["userProfiles"]) + "\n"
ORG_ROWS = ORGS + "d,,,District,district,,\ns,,,School,school,,d\n"


def manifest(version: str = "1.2", first: str = "1.0", **modes: str) -> str:
    lines = ["propertyName,value", f"manifest.version,{first}"]
    lines.append(f"oneroster.version,{version}")
    lines += [f"file.{name},{modes.get(name, 'absent')}" for name in FILES[version]]
    return "\n".join(lines) + "\n"


def folder(path: Path, files: Mapping[str, str | bytes]) -> Path:
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        body = text.encode() if isinstance(text, str) else text
        (path / name).write_bytes(body)
    return path


def orgs_only(path: Path, orgs: str | bytes, mode: str = "bulk") -> Path:
    return folder(path, {"manifest.csv": manifest(orgs=mode), "orgs.csv": orgs})


def zipped(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def told(bundle: Bundle, collection: str) -> list[str]:
    """Say each record by its id and each problem by its text, in order."""
    return [
        str(found) if isinstance(found, Problem) else found.sourced_id
        for found in bundle.records(collection)
    ]


def refusal(path: Path, collection: str = "orgs") -> tuple[str, str]:
    """Open and read until the bundle is refused; tell the code and the message."""
    with pytest.raises(BundleError) as caught:
        list(Bundle.open(path).records(collection))
    return caught.value.code, str(caught.value)


# Whole files


def test_a_zip_reads_as_its_folder_does(tmp_path: Path) -> None:
    files = {"manifest.csv": manifest(orgs="bulk"), "orgs.csv": ORG_ROWS}
    read = [
        list(Bundle.open(path).records("orgs"))
        for path in (folder(tmp_path / "b", files), zipped(tmp_path / "b.zip", files))
    ]
    assert read[0] == read[1]
    assert [record.sourced_id for record in read[0] if isinstance(record, Record)] == [
        "d",
        "s",
    ]


def test_a_zip_with_one_folder_and_the_litter_of_a_mac_reads(tmp_path: Path) -> None:
    files = {
        "export/manifest.csv": manifest(orgs="bulk"),
        "export/orgs.csv": ORG_ROWS,
        "export/.DS_Store": "x",
        "__MACOSX/export/._orgs.csv": "x",
    }
    assert told(Bundle.open(zipped(tmp_path / "b.zip", files)), "orgs") == ["d", "s"]


def test_an_absent_collection_yields_nothing(tmp_path: Path) -> None:
    bundle = Bundle.open(orgs_only(tmp_path / "b", ORG_ROWS))
    assert (bundle.mode("users"), told(bundle, "users")) == ("absent", [])
    assert (bundle.mode("orgs"), bundle.version) == ("bulk", "1.2")
    assert (bundle.mode("assessmentResults"), bundle.warnings) == ("absent", ())


def test_a_header_alone_is_an_empty_file_and_no_fault(tmp_path: Path) -> None:
    assert told(Bundle.open(orgs_only(tmp_path / "b", ORGS)), "orgs") == []


def test_a_collection_that_is_none_is_named(tmp_path: Path) -> None:
    bundle = Bundle.open(orgs_only(tmp_path / "b", ORG_ROWS))
    with pytest.raises(KeyError, match=r"^'pupils'$"):
        list(bundle.records("pupils"))


# B30, B31: zips that could harm


@pytest.mark.parametrize(
    ("files", "code", "message"),
    [
        (
            {"orgs.csv": b"0" * 5_000_000},
            "zip_bomb",
            "b.zip: orgs.csv unpacks to more than 200 times its size",
        ),
        (
            {f"{n}.csv": "x" for n in range(51)},
            "zip_members",
            "b.zip holds 51 files, more than 50",
        ),
        (
            {"more.zip": "x"},
            "zip_nested",
            "b.zip: more.zip is an archive in an archive; zip the CSV files alone",
        ),
        (
            {"orgs.csv": b"PK\x03\x04 and so on"},
            "zip_nested",
            "b.zip: orgs.csv is an archive in an archive; zip the CSV files alone",
        ),
        *(
            (
                {name: "x"},
                "zip_path",
                (
                    "b.zip: the path of a file in the zip leads elsewhere; "
                    "make the zip from plain files"
                ),
            )
            for name in ("../../x.csv", "/etc/x.csv", "a/../../x.csv", "C:/x.csv")
        ),
        (
            {"..\\x.csv": "x"},
            "zip_path",
            (
                "b.zip: the path of a file in the zip leads elsewhere; "
                "make the zip from plain files"
            ),
        ),
    ],
)
def test_a_zip_that_could_harm_is_refused_before_it_is_read(
    tmp_path: Path, files: Mapping[str, str | bytes], code: str, message: str
) -> None:
    assert refusal(zipped(tmp_path / "b.zip", files)) == (code, message)


def test_a_symlink_in_a_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        link = zipfile.ZipInfo("orgs.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert refusal(tmp_path / "b.zip")[0] == "zip_path"


def test_a_zip_that_says_it_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", {f"{n}.csv": b"0123456789" for n in range(3)})
    body = bytearray(path.read_bytes())
    at = body.find(b"PK\x01\x02")
    while at >= 0:
        body[at + 24 : at + 28] = (1_000_000_000).to_bytes(4, "little")
        at = body.find(b"PK\x01\x02", at + 1)
    path.write_bytes(body)
    assert refusal(path) == ("zip_bomb", "b.zip unpacks to more than 2 GiB")


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_file_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("orgs.csv", ORG_ROWS)
        archive.writestr("orgs.csv", ORGS)
    assert refusal(tmp_path / "b.zip") == (
        "zip_duplicate",
        "b.zip holds orgs.csv twice; keep one",
    )


def test_a_zip_cut_short_is_refused(tmp_path: Path) -> None:
    files = {"manifest.csv": manifest(orgs="bulk"), "orgs.csv": ORG_ROWS}
    path = zipped(tmp_path / "b.zip", files)
    path.write_bytes(path.read_bytes()[:-40])
    assert refusal(path) == (
        "zip",
        "b.zip is neither a folder nor a zip; name the zip of the bundle",
    )


def test_a_damaged_file_is_no_complete_file(tmp_path: Path) -> None:
    rows = "".join(f"s{n},,,School {n * 7919},school,,d\n" for n in range(20_000))
    files = {"manifest.csv": manifest(orgs="bulk"), "orgs.csv": ORGS + rows}
    path = zipped(tmp_path / "b.zip", files)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 0xFF
    path.write_bytes(body)
    code, message = refusal(path)
    assert code in {"zip", "encoding", "csv_syntax"}
    assert message.startswith(("b.zip: orgs.csv is damaged", "orgs.csv line "))


def test_a_path_where_nothing_lies_is_told(tmp_path: Path) -> None:
    assert refusal(tmp_path / "b.zip") == (
        "unreadable",
        "b.zip cannot be opened (No such file or directory); check the path",
    )


def test_a_locked_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", {"orgs.csv": ORG_ROWS})
    body = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.find(mark) + offset] |= 1
    path.write_bytes(body)
    assert refusal(path) == (
        "zip",
        "b.zip: orgs.csv is locked by a password; send it without",
    )


def test_a_small_damaged_file_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", {"orgs.csv": ORG_ROWS})
    body = bytearray(path.read_bytes())
    body[40:50] = b"\xff" * 10
    path.write_bytes(body)
    assert refusal(path) == (
        "zip",
        "b.zip: orgs.csv is damaged; make the zip again",
    )


def test_only_one_folder_deep_is_looked_for_files(tmp_path: Path) -> None:
    files = {"a/b/manifest.csv": manifest(orgs="bulk"), "a/b/orgs.csv": ORG_ROWS}
    assert refusal(zipped(tmp_path / "b.zip", files)) == (
        "manifest",
        "b.zip holds no manifest.csv; add the manifest of the export",
    )


def test_files_in_folders_beside_the_bundle_are_ignored(tmp_path: Path) -> None:
    files = {
        "manifest.csv": manifest(orgs="bulk"),
        "orgs.csv": ORG_ROWS,
        "notes/orgs.csv": "x",
    }
    assert told(Bundle.open(zipped(tmp_path / "b.zip", files)), "orgs") == ["d", "s"]


@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_a_file_gone_since_the_bundle_was_opened_is_told(
    tmp_path: Path, name: str
) -> None:
    write_bundle(tmp_path / name, MemoryCatalog())
    bundle = Bundle.open(tmp_path / name)
    if name == "b":
        (tmp_path / "b" / "orgs.csv").unlink()
    else:
        zipped(tmp_path / "b.zip", {"users.csv": USERS})
    with pytest.raises(BundleError) as caught:
        list(bundle.records("orgs"))
    assert caught.value.code == "unreadable"
    assert str(caught.value) == f"{name}: orgs.csv can no longer be read"


# B32 to B34: the manifest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,value\n", 'does not begin with "propertyName,value"'),
        ("propertyName,value\n", "names no oneroster.version of 1.1 or 1.2"),
        (
            "propertyName,value\noneroster.version,1.0\n",
            "names no oneroster.version of 1.1 or 1.2",
        ),
        (
            "propertyName,value\nfile.orgs,bulk\nfile.orgs,delta\n",
            "line 3 says file.orgs again, otherwise",
        ),
        ("propertyName,value\nfile.orgs\n", "line 2 has no value"),
        ("propertyName,value\nfile.orgs,\x00\n", "line 2 holds a NUL character"),
        (
            "propertyName,value\noneroster.version,1.1\nfile.orgs,full\n",
            "gives file.orgs a mode that is not bulk, delta or absent",
        ),
    ],
)
def test_a_manifest_that_says_nothing_sure_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    assert refusal(folder(tmp_path / "b", {"manifest.csv": text})) == (
        "manifest",
        f"manifest.csv {message}; have the bundle exported again",
    )


def test_a_bundle_without_a_manifest_is_refused(tmp_path: Path) -> None:
    assert refusal(folder(tmp_path / "b", {"orgs.csv": ORG_ROWS})) == (
        "manifest",
        "b holds no manifest.csv; add the manifest of the export",
    )


def test_a_file_the_manifest_announces_and_nobody_sent_is_refused(
    tmp_path: Path,
) -> None:
    files = {"manifest.csv": manifest(orgs="delta"), "Orgs.csv": ORG_ROWS}
    assert refusal(folder(tmp_path / "b", files)) == (
        "missing_file",
        (
            "orgs.csv is missing (there is Orgs.csv) although the manifest calls it "
            "delta; add the file or say absent"
        ),
    )


def test_a_file_the_manifest_calls_absent_is_ignored_and_told(tmp_path: Path) -> None:
    bundle = Bundle.open(orgs_only(tmp_path / "b", ORG_ROWS, "absent"))
    assert told(bundle, "orgs") == []
    assert [str(warning) for warning in bundle.warnings] == [
        "orgs.csv: is there although the manifest calls it absent; ignored"
    ]


def test_odd_but_clear_manifests_are_read_and_told(tmp_path: Path) -> None:
    text = "propertyName,value\nmanifest.version,1\noneroster.version,1.1\n"
    text += "".join(f"file.{name},ABSENT\n" for name in FILES["1.1"] if name != "users")
    bundle = Bundle.open(folder(tmp_path / "b", {"manifest.csv": "\ufeff" + text}))
    assert [str(warning) for warning in bundle.warnings] == [
        "manifest.csv: manifest.version is not 1.0; read as 1.0",
        "manifest.csv: file.users is missing; taken as absent",
    ]


def test_a_snapshot_with_half_of_it_elsewhere_is_read_and_told(tmp_path: Path) -> None:
    files = {
        "manifest.csv": manifest(users="bulk", userProfiles="delta"),
        "users.csv": USERS,
        "userProfiles.csv": PROFILES,
    }
    bundle = Bundle.open(folder(tmp_path / "b", files))
    assert [str(warning) for warning in bundle.warnings] == [
        (
            "roles.csv: is absent while users.csv is bulk; users may lack what it does "
            "not repeat"
        ),
        (
            "userProfiles.csv: is delta while users.csv is bulk; users may lack what "
            "it does not repeat"
        ),
    ]


# B35 to B38: encoding and headers


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    bundle = Bundle.open(orgs_only(tmp_path / "b", "\ufeff" + ORG_ROWS))
    assert (told(bundle, "orgs"), bundle.warnings) == (["d", "s"], ())


def test_bytes_that_are_not_utf8_are_told_by_line_and_column(tmp_path: Path) -> None:
    body = (ORG_ROWS + 'm,,,"two\nlines, É').encode() + b'cole M\xe9nard",school,,\n'
    assert refusal(orgs_only(tmp_path / "b", body)) == (
        "encoding",
        (
            "orgs.csv line 5 column 15 (name): byte 0xe9 is not UTF-8; "
            "save the file as UTF-8"
        ),
    )


def test_a_header_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    assert refusal(orgs_only(tmp_path / "b", b"sourcedId,\xff\n")) == (
        "encoding",
        "orgs.csv line 1 column 11: byte 0xff is not UTF-8; save the file as UTF-8",
    )


def test_columns_in_another_order_and_others_beside_them_are_read(
    tmp_path: Path,
) -> None:
    text = "name,type,sourcedId,metadata.city,colour,status\nHill,school,s,Ely,red,\n"
    bundle = Bundle.open(orgs_only(tmp_path / "b", text))
    org = next(bundle.records("orgs"))
    assert isinstance(org, Record)
    assert format_record(org) == {
        "sourcedId": "s",
        "status": "active",
        "name": "Hill",
        "type": "school",
        "metadata": {"city": "Ely"},
    }
    assert [str(warning) for warning in bundle.warnings] == [
        "orgs.csv line 1: colour is no column of the standard; ignored",
        "orgs.csv line 1: dateLastModified has no column; taken as blank",
        "orgs.csv line 1: identifier has no column; taken as blank",
        "orgs.csv line 1: parentSourcedId has no column; taken as blank",
        "orgs.csv line 1: columns are not in the order of the standard; read by name",
    ]
    assert all(warning.warning for warning in bundle.warnings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "sourcedID,status,dateLastModified,name,type\n",
            'no column "sourcedId" (there is "sourcedID"); correct the header',
        ),
        ("sourcedId,colour,type\n", 'no column "name"; correct the header'),
        ("sourcedId,name,type,name\n", 'column "name" comes twice; keep one'),
        ("", "no header; add the line of column names"),
    ],
)
def test_a_header_without_what_is_required_is_refused_at_once(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(BundleError) as caught:
        Bundle.open(orgs_only(tmp_path / "b", text))
    assert caught.value.code == "header"
    assert str(caught.value) == f"orgs.csv line 1: {message}"


def test_a_delta_needs_the_columns_that_say_what_changed(tmp_path: Path) -> None:
    path = orgs_only(tmp_path / "b", "sourcedId,status,name,type\n", "delta")
    assert refusal(path) == (
        "header",
        'orgs.csv line 1: no column "dateLastModified"; correct the header',
    )


# B39, B40, B42: rows


def test_a_quote_that_never_closes_ends_the_reading(tmp_path: Path) -> None:
    text = ORG_ROWS + 'x,,,"Hill,school,,\ny,,,Dale,school,,\n'
    bundle = Bundle.open(orgs_only(tmp_path / "b", text))
    found: list[Record | Problem] = []
    with pytest.raises(BundleError) as caught:
        found.extend(bundle.records("orgs"))
    assert caught.value.code == "csv_syntax"
    assert str(caught.value) == (
        "orgs.csv line 4: a quote opens here and never closes; "
        "close it, or send the whole file again"
    )


@pytest.mark.parametrize("row", ['x,,,"Hill"s,school,,', "x,,,Hill\ry,school,,"])
def test_a_row_that_is_no_csv_ends_the_reading(tmp_path: Path, row: str) -> None:
    assert refusal(orgs_only(tmp_path / "b", ORG_ROWS + row + "\n")) == (
        "csv_syntax",
        (
            "orgs.csv line 4: a quote inside a cell is not doubled, or a line ends "
            "without LF; write the file by RFC 4180"
        ),
    )


@pytest.mark.parametrize("length", [131_073, 200_000, 5_000_000])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_too_long_rejects_its_row_alone(
    tmp_path: Path, length: int, quote: str
) -> None:
    long = quote + "x" * length + quote
    text = f"{ORGS}a,,,{long},school,,\nb,,,Hill,school,,\n"
    problem, after = told(Bundle.open(orgs_only(tmp_path / "b", text)), "orgs")
    assert problem.startswith("orgs.csv line 2: ")
    assert problem.endswith((" characters", " than a row may be"))
    assert after == "b"


def test_the_limit_stands_where_an_application_allows_more(tmp_path: Path) -> None:
    text = f"{ORGS}a,,,{'x' * 131_073},school,,\n"
    bundle = Bundle.open(orgs_only(tmp_path / "b", text))
    before = csv.field_size_limit(1_000_000)
    try:
        assert told(bundle, "orgs") == [
            "orgs.csv line 2: holds a cell of more than 131072 characters"
        ]
    finally:
        csv.field_size_limit(before)


def test_a_cell_of_the_greatest_length_is_read(tmp_path: Path) -> None:
    text = f"{ORGS}a,,,{'x' * 131_072},school,,\n"
    assert told(Bundle.open(orgs_only(tmp_path / "b", text)), "orgs") == ["a"]


def test_an_endless_row_in_a_quote_is_not_held_in_memory(tmp_path: Path) -> None:
    rows = ("x" * 999 + "\n") * 14_000
    path = orgs_only(
        tmp_path / "b", f'{ORGS}a,,,"{rows}",school,,\nb,,,Hill,school,,\n'
    )
    del rows
    bundle = Bundle.open(path)
    tracemalloc.start()
    try:
        assert told(bundle, "orgs") == [
            "orgs.csv line 2: is longer than a row may be",
            "b",
        ]
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


def test_lines_are_counted_as_a_text_editor_counts_them(tmp_path: Path) -> None:
    text = (
        ORGS + 'a,,,"on\r\ntwo\n\nlines",school,,\r\n\r\n\nb,,,Hill,school\nc,,,x,y,,'
    )
    assert told(Bundle.open(orgs_only(tmp_path / "b", text)), "orgs") == [
        "a",
        "orgs.csv line 8: has 5 cells, the header 7",
        "c",
    ]


def test_faulty_rows_are_told_and_the_others_read(tmp_path: Path) -> None:
    text = (
        ORGS
        + ",,,Nameless,school,,\n"
        + "n\0l,,,Nul,school,,\n"
        + "a,closed,,Closed,school,,\n"
        + "b,,,,school,,\n"
        + "c,,,,school,,\n"
        + "d,,,One,school,,,comma\n"
        + "e,tobedeleted,2026-13-01,Two,school,,\n"
        + "=HYPERLINK(1),inactive,,<script>,@x,,\n"
    )
    found = list(Bundle.open(orgs_only(tmp_path / "b", text)).records("orgs"))
    assert [
        (part.line, part.field, part.code, part.warning)
        if isinstance(part, Problem)
        else (part.sourced_id, part.status)
        for part in found
    ] == [
        (2, "sourcedId", "blank", True),
        (2, "sourcedId", "bad_id", False),
        (3, "", "nul", False),
        (4, "status", "bad_status", False),
        (5, "name", "blank", True),
        ("b", "active"),
        ("c", "active"),
        (7, "", "row_length", False),
        (8, "dateLastModified", "bad_date_last_modified", True),
        ("e", "tobedeleted"),
        ("=HYPERLINK(1)", "tobedeleted"),
    ]


def test_a_problem_names_the_column_and_not_the_value(tmp_path: Path) -> None:
    head = ",".join(column.name for column in FILES["1.2"]["enrollments"])
    text = f"{head}\ne1,,,c,s,,student,maybe,,soon\n"
    files = {"manifest.csv": manifest(enrollments="bulk"), "enrollments.csv": text}
    bundle = Bundle.open(folder(tmp_path / "b", files))
    assert told(bundle, "enrollments") == [
        (
            "enrollments.csv line 2: userSourcedId is blank although the standard "
            "requires it"
        ),
        'enrollments.csv line 2 ("e1"): userSourcedId is missing',
        'enrollments.csv line 2 ("e1"): primary is neither "true" nor "false"',
        'enrollments.csv line 2 ("e1"): endDate is not an ISO 8601 date',
    ]


# What other files add to a record


def users_bundle(path: Path, users: str, roles: str) -> Bundle:
    files = {
        "manifest.csv": manifest(users="bulk", roles="bulk"),
        "users.csv": USERS + users,
        "roles.csv": ROLES + roles,
    }
    return Bundle.open(folder(path, files))


def test_roles_stand_in_the_user_they_belong_to(tmp_path: Path) -> None:
    roles = (
        "r1,,,u1,primary,student,2026-09-01,,s,\n"
        "r2,,,u2,primary,teacher,,,s,\n"
        "r3,,,u1,secondary,aide,,,d,p1\n"
        "r4,,,u1,primary,,,,s,\n"
        "r5,tobedeleted,,u1,primary,proctor,,,s,\n"
    )
    people = USER_CELLS + "\nu3" + USER_CELLS[2:] + "\n"
    found = list(users_bundle(tmp_path / "b", people, roles).records("users"))
    assert [str(part) for part in found if isinstance(part, Problem)] == [
        "roles.csv line 5: role is blank although the standard requires it",
        'roles.csv line 5 ("r4"): role is missing',
        'users.csv line 3 ("u3"): has no role in the bundle',
        (
            'roles.csv line 3 ("u2"): belongs to a record that is not in the bundle; '
            "left out"
        ),
    ]
    ada = next(part for part in found if isinstance(part, User))
    assert format_record(ada)["roles"] == [
        {
            "roleType": "primary",
            "role": "student",
            "org": {"sourcedId": "s", "type": "org", "href": "orgs/s"},
            "beginDate": "2026-09-01",
        },
        {
            "roleType": "secondary",
            "role": "aide",
            "org": {"sourcedId": "d", "type": "org", "href": "orgs/d"},
            "userProfile": "p1",
        },
    ]


def test_a_repeated_user_has_its_roles_both_times(tmp_path: Path) -> None:
    bundle = users_bundle(
        tmp_path / "b", f"{USER_CELLS}\n{USER_CELLS}\n", "r1,,,u1,primary,aide,,,s,\n"
    )
    first, second = bundle.records("users")
    assert first == second


def test_user_ids_that_are_no_pairs_are_kept_or_told(tmp_path: Path) -> None:
    plain = USER_CELLS.replace("ada,,", "ada,863,")
    broken = USER_CELLS.replace("u1,", "u2,").replace("ada,,", "ada,{863},")
    roles = "r1,,,u1,primary,aide,,,s,\nr2,,,u2,primary,aide,,,s,\n"
    bundle = users_bundle(tmp_path / "b", f"{plain}\n{broken}\n", roles)
    first, problem, second = bundle.records("users")
    assert isinstance(first, User)
    assert [(part.type, part.identifier) for part in first.user_ids] == [
        ("userIds", "863")
    ]
    assert (
        str(problem) == "users.csv line 3: userIds is no list of {name:value}; left out"
    )
    assert isinstance(second, User)
    assert second.user_ids == ()


def test_a_list_with_odd_quotes_is_split_at_its_commas(tmp_path: Path) -> None:
    head = ",".join(column.name for column in FILES["1.2"]["courses"])
    text = f'{head}\nk,,,,Maths,,"""07""x, 08,",d,,\n'
    files = {"manifest.csv": manifest(courses="bulk"), "courses.csv": text}
    (course,) = Bundle.open(folder(tmp_path / "b", files)).records("courses")
    assert isinstance(course, Record)
    assert format_record(course)["grades"] == ['"07"x', "08"]


def test_a_1_1_user_is_read_as_one_of_1_2(tmp_path: Path) -> None:
    head = ",".join(column.name for column in FILES["1.1"]["users"])
    text = f'{head}\nu1,,,true,"s,t",administrator,ada,,Ada,Byron' + "," * 8 + "\n"
    files = {"manifest.csv": manifest("1.1", users="bulk"), "users.csv": text}
    (ada,) = Bundle.open(folder(tmp_path / "b", files)).records("users")
    assert isinstance(ada, User)
    assert [(part.role, part.org.sourced_id) for part in ada.roles] == [
        ("siteAdministrator", "s"),
        ("siteAdministrator", "t"),
    ]


# Writing


def wire(kind: str, **fields: object) -> Record:
    record, problems = parse_record(KINDS[kind], {"status": "active", **fields})
    assert record is not None, problems
    return record


def ref(kind: str, sourced_id: str) -> dict[str, str]:
    return {"sourcedId": sourced_id, "type": kind}


def district() -> MemoryCatalog:
    """A catalog with every file and every column of 1.2 in use."""
    records = {
        "orgs": [
            wire("orgs", sourcedId="d", name="District", type="district"),
            wire(
                "orgs",
                sourcedId="s",
                name='The "Old", School\nAnnex',
                type="school",
                identifier="0042",
                parent=ref("org", "d"),
                metadata={"city": "Ely", "boarding": "no", "size": '{"pupils": 9}'},
            ),
        ],
        "academicSessions": [
            wire(
                "academicSessions",
                sourcedId="y",
                title="2026-27",
                type="schoolYear",
                startDate="2026-08-01",
                endDate="2027-06-30",
                schoolYear="2027",
            )
        ],
        "courses": [
            wire(
                "courses",
                sourcedId="k",
                title="Mathematics 7",
                courseCode="M7",
                schoolYear=ref("academicSession", "y"),
                org=ref("org", "d"),
                grades=["07"],
                subjects=["Mathematics, general", "Geometry"],
                subjectCodes=["02001", "02002"],
                resources=[ref("resource", "b")],
            )
        ],
        "classes": [
            wire(
                "classes",
                sourcedId="c",
                title="M7-1",
                classCode="1",
                classType="scheduled",
                location="120",
                grades=["07"],
                course=ref("course", "k"),
                school=ref("org", "s"),
                terms=[ref("academicSession", "y")],
                periods=["1", "3"],
                resources=[ref("resource", "b")],
            )
        ],
        "users": [
            wire(
                "users",
                sourcedId="u",
                username="ada",
                enabledUser="true",
                givenName="Ada",
                familyName="=Byron",
                preferredFirstName="Augusta",
                pronouns="she/her",
                userMasterIdentifier="M-1",
                userIds=[{"type": "SIS", "identifier": "urn:x:1"}],
                roles=[
                    {
                        "roleType": "primary",
                        "role": "student",
                        "org": ref("org", "s"),
                        "userProfile": "p",
                        "beginDate": "2026-08-01",
                    }
                ],
                primaryOrg=ref("org", "s"),
                userProfiles=[
                    {
                        "profileId": "p",
                        "profileType": "app",
                        "vendorId": "v",
                        "credentials": [
                            {"type": "sso", "username": "a", "password": "x"}
                        ],
                    }
                ],
                agents=[ref("user", "g")],
                grades=["07"],
                resources=[ref("resource", "b")],
            )
        ],
        "enrollments": [
            wire(
                "enrollments",
                sourcedId="e",
                user=ref("user", "u"),
                school=ref("org", "s"),
                role="student",
                primary="false",
                beginDate="2026-08-01",
                **{"class": ref("class", "c")},
            )
        ],
        "demographics": [
            wire("demographics", sourcedId="u", birthDate="2014-02-03", asian="true")
        ],
        "resources": [
            wire(
                "resources",
                sourcedId="b",
                title="Book",
                vendorResourceId="V",
                roles=["student", "teacher"],
                importance="primary",
            )
        ],
        "categories": [
            wire("categories", sourcedId="g", title="Tests", weight=40),
        ],
        "scoreScales": [
            wire(
                "scoreScales",
                sourcedId="z",
                title="Letters",
                type="letter",
                course=ref("course", "k"),
                scoreScaleValue=[
                    {"itemValueLHS": "A", "itemValueRHS": "90"},
                    {"itemValueLHS": "B", "itemValueRHS": "80"},
                ],
                **{"class": ref("class", "c")},
            )
        ],
        "lineItems": [
            wire(
                "lineItems",
                sourcedId="l",
                title="Quiz 1",
                assignDate="2026-09-01T00:00:00.000Z",
                dueDate="2026-09-08T00:00:00.000Z",
                school=ref("org", "s"),
                category=ref("category", "g"),
                academicSession=ref("academicSession", "y"),
                scoreScale=ref("scoreScale", "z"),
                resultValueMin=0,
                resultValueMax=12.5,
                learningObjectiveSet=[
                    {"source": "case", "learningObjectiveIds": ["k1", "k2"]},
                    {"source": "own", "learningObjectiveIds": ["o1"]},
                ],
                **{"class": ref("class", "c")},
            )
        ],
        "results": [
            wire(
                "results",
                sourcedId="r",
                lineItem=ref("lineItem", "l"),
                student=ref("user", "u"),
                scoreStatus="fully graded",
                score=11.25,
                scoreDate="2026-09-09",
                comment='He said: "well"',
                late="true",
                scoreScale=ref("scoreScale", "z"),
                learningObjectiveSet=[
                    {
                        "source": "case",
                        "learningObjectiveResults": [
                            {"learningObjectiveId": "k1", "score": 3},
                            {"learningObjectiveId": "k2", "textScore": "met"},
                        ],
                    }
                ],
                **{"class": ref("class", "c")},
            )
        ],
    }
    return MemoryCatalog(records)


@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_what_is_written_reads_back_the_same(tmp_path: Path, name: str) -> None:
    catalog = district()
    write_bundle(tmp_path / name, catalog)
    bundle = Bundle.open(tmp_path / name)
    again = MemoryCatalog.from_bundle(bundle)
    assert [str(problem) for problem in again.problems] == [
        (
            "scoreScales.csv line 2: orgSourcedId is blank although the standard "
            "requires it"
        )
    ]
    for collection in KINDS:
        assert list(again.records(collection)) == list(catalog.records(collection))


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_grading_period_is_written_as_the_version_calls_it(
    tmp_path: Path, version: str
) -> None:
    item = next(district().records("lineItems"))
    period = ref("academicSession", "q1")
    old = format_record(item) | {
        "gradingPeriod": period,
        "sourcedId": "old",
        "scoreScale": None,
    }
    session = old.pop("academicSession")
    catalog = MemoryCatalog({"lineItems": [item, wire("lineItems", **old)]})
    write_bundle(tmp_path / "b.zip", catalog, version)
    first, second = Bundle.open(tmp_path / "b.zip").records("lineItems")
    assert isinstance(first, LineItem)
    assert isinstance(second, LineItem)
    assert [
        part.academic_session.sourced_id if part.academic_session else None
        for part in (first, second)
    ] == [session["sourcedId"], "q1"]


def test_every_file_of_the_standard_is_written_with_its_columns_in_order(
    tmp_path: Path,
) -> None:
    write_bundle(tmp_path / "b", MemoryCatalog())
    written = {path.name: path.read_text() for path in (tmp_path / "b").iterdir()}
    assert written.pop("manifest.csv").splitlines() == [
        "propertyName,value",
        "manifest.version,1.0",
        "oneroster.version,1.2",
        *(f"file.{name},bulk" for name in sorted(FILES["1.2"])),
    ]
    assert written == {
        f"{name}.csv": ",".join(column.name for column in columns) + "\n"
        for name, columns in FILES["1.2"].items()
    }
    assert len(written) == 21


def test_metadata_that_is_no_text_is_written_as_json(tmp_path: Path) -> None:
    metadata = {"n": 5, "deep": {"é": [True, None]}, "text": "a,b"}
    org = wire("orgs", sourcedId="d", name="D", type="district", metadata=metadata)
    write_bundle(tmp_path / "b", MemoryCatalog({"orgs": [org]}))
    (read,) = Bundle.open(tmp_path / "b").records("orgs")
    assert isinstance(read, Record)
    assert read.metadata == {"n": "5", "deep": '{"é": [true, null]}', "text": "a,b"}


def test_a_bundle_of_some_collections_calls_the_others_absent(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b.zip", district(), collections=["users"])
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert sorted(archive.namelist()) == [
            "manifest.csv",
            "roles.csv",
            "userProfiles.csv",
            "userResources.csv",
            "users.csv",
        ]
    bundle = Bundle.open(tmp_path / "b.zip")
    assert [name for name in KINDS if bundle.mode(name) == "bulk"] == ["users"]


def test_a_bulk_leaves_out_what_is_deleted_and_when_it_changed(tmp_path: Path) -> None:
    gone = wire("orgs", sourcedId="x", name="Gone", type="school")
    kept = wire("orgs", sourcedId="d", name="D", type="district")
    kept = kept.model_copy(
        update={"date_last_modified": datetime(2026, 1, 2, tzinfo=UTC)}
    )
    catalog = MemoryCatalog(
        {"orgs": [gone.model_copy(update={"status": "tobedeleted"}), kept]}
    )
    write_bundle(tmp_path / "b", catalog)
    (read,) = Bundle.open(tmp_path / "b").records("orgs")
    assert read == kept.model_copy(update={"date_last_modified": None})


def test_a_delta_says_what_is_deleted_and_when_it_changed(tmp_path: Path) -> None:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    gone = wire("orgs", sourcedId="x", name="Gone", type="school")
    gone = gone.model_copy(update={"status": "tobedeleted"})
    kept = wire("orgs", sourcedId="d", name="D", type="district")
    dated = kept.model_copy(
        update={"date_last_modified": datetime(2026, 1, 2, tzinfo=UTC)}
    )
    catalog = MemoryCatalog({"orgs": [gone, dated]})
    write_bundle(tmp_path / "b.zip", catalog, delta_at=now)
    bundle = Bundle.open(tmp_path / "b.zip")
    assert bundle.mode("orgs") == "delta"
    assert list(bundle.records("orgs")) == [
        gone.model_copy(update={"date_last_modified": now}),
        dated,
    ]


@pytest.mark.parametrize(
    ("version", "collections"),
    [("1.0", ["orgs"]), ("2.0", ["orgs"]), ("1.2", ["pupils"])],
)
def test_what_cannot_be_written_is_named(
    tmp_path: Path, version: str, collections: list[str]
) -> None:
    with pytest.raises(KeyError):
        write_bundle(
            tmp_path / "b.zip", MemoryCatalog(), version, collections=collections
        )
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_zip_does_not_replace_the_one_that_was_there(
    tmp_path: Path,
) -> None:
    class Broken(MemoryCatalog):
        def records(self, collection: str) -> Iterator[Record]:
            raise ConnectionError(collection)

    (tmp_path / "b.zip").write_bytes(b"before")
    with pytest.raises(ConnectionError, match=r"^academicSessions$"):
        write_bundle(tmp_path / "b.zip", Broken())
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]
    assert (tmp_path / "b.zip").read_bytes() == b"before"


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=30
).filter(lambda text: not text or not text.isspace())
WORDS = st.text(st.sampled_from("ab,\"' é{}:;="), min_size=1, max_size=8).map(
    lambda text: f"x{text}x"
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(TEXTS, TEXTS, st.lists(WORDS, max_size=4)), max_size=5))
def test_any_text_survives_a_bundle(
    tmp_path: Path, parts: list[tuple[str, str, list[str]]]
) -> None:
    courses = [
        wire(
            "courses",
            sourcedId=f"c{place}",
            title=title,
            courseCode=code,
            subjects=subjects,
            org=ref("org", "d"),
        )
        for place, (title, code, subjects) in enumerate(parts)
    ]
    catalog = MemoryCatalog({"courses": courses})
    write_bundle(tmp_path / "b.zip", catalog, collections=["courses"])
    again = MemoryCatalog.from_bundle(Bundle.open(tmp_path / "b.zip"))
    assert list(again.records("courses")) == courses


def test_the_writable_collections_are_those_of_the_files() -> None:
    assert set(COLLECTION_FILES) == set(FILES["1.2"]) & set(KINDS)


def test_a_large_file_is_read_in_little_memory(tmp_path: Path) -> None:
    roles = "".join(f"r{n},,,u{n},primary,student,,,s,\n" for n in range(3_000))
    people = "".join(f"u{n}{USER_CELLS[2:]}\n" for n in range(3_000))
    bundle = users_bundle(tmp_path / "b", people, roles)
    del roles, people
    tracemalloc.start()
    try:
        count = sum(1 for _ in bundle.records("users"))
        assert (count, tracemalloc.get_traced_memory()[1] < 1_000_000) == (3_000, True)
    finally:
        tracemalloc.stop()
