"""The commands of frameworks, as a script uses them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lti_tool.cli import masterybridge

TABLE = "code,statement,prerequisites\n7.1,Add,\n7.2,Multiply,7.1\n"


class Shell:
    """Runs commands on a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {"MASTERYBRIDGE_DATA_DIR": str(folder)}

    def ask(self, *words: str, status: int = 0) -> Any:  # noqa: ANN401 -- a JSON document
        result = CliRunner().invoke(
            masterybridge, [*words, "--json"], env=self.env, catch_exceptions=False
        )
        assert result.exit_code == status, result.output
        return json.loads(result.stdout) if status < 2 else result.output

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_table_becomes_versions_whose_difference_is_told(shell: Shell) -> None:
    path = shell.file("Ours.csv", TABLE)
    first = shell.ask("framework", "import", path)["imported"][0]
    shell.file("Ours.csv", TABLE.replace("Add", "Add up"))
    second = shell.ask("framework", "import", path)["imported"][0]
    again = shell.ask("framework", "import", path)

    found = shell.ask("framework", "diff", "Ours")
    shown = shell.ask("framework", "show", "Ours")
    old = shell.ask("framework", "export", "Ours", "--version", "1", "--format", "csv")
    written = shell.ask(
        "framework", "export", "Ours", "--format", "csv", "--output", path
    )

    assert (first["version"], second["version"]) == (1, 2)
    assert again["unread"] == []
    assert [one["changed"] for one in again["imported"]] == [False]
    assert (found["from"], found["to"], found["counts"]) == (
        1,
        2,
        {"competency": {"changed": 1}},
    )
    assert [(one["before"], one["after"]) for one in found["differences"]] == [
        ({"fullStatement": "Add"}, {"fullStatement": "Add up"})
    ]
    assert [one["number"] for one in shown["versions"]] == [2, 1]
    assert ("Add," in old["csv"], "Add up" in old["csv"]) == (True, False)
    assert written == {"written": path}
    assert shell.ask("framework", "import", path)["imported"][0]["changed"] is False


def test_a_ring_is_named_by_its_codes_and_nothing_is_stored(shell: Shell) -> None:
    path = shell.file("Ours.csv", TABLE.replace("7.1,Add,", "7.1,Add,7.2"))

    refused = shell.ask("framework", "import", path, status=1)

    assert refused["error"] in {
        f"{path}: prerequisites: edges close a ring: {ring}; remove one of them"
        for ring in ("7.1 -> 7.2 -> 7.1", "7.2 -> 7.1 -> 7.2")
    }
    assert shell.ask("framework", "list") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("diff", "Ours", "--from", "2", "--to", "1"),
            "--from 2 is later than --to 1",
        ),
        (
            ("import", "https://a.test/x", "https://b.test/x", "--token-file", "token"),
            "a token goes to one service: import the others apart",
        ),
        (
            ("import", "https://a.test/x", "--token-url", "https://a.test/token"),
            "--token-url goes with --client-id and --client-secret-file",
        ),
    ],
)
def test_what_was_not_meant_so_is_said(
    shell: Shell, words: tuple[str, ...], said: str
) -> None:
    shell.ask("framework", "import", shell.file("Ours.csv", TABLE))

    assert said in shell.ask("framework", *words, status=2)


def test_an_import_offers_what_a_framework_names_as_exemplars(shell: Shell) -> None:
    document = {
        "CFDocument": {"identifier": "doc", "title": "Math"},
        "CFItems": [{"identifier": "k-1", "fullStatement": "Compare ratios"}],
        "CFAssociations": [
            {
                "identifier": "e-1",
                "associationType": "exemplar",
                "originNodeURI": {"identifier": "k-1", "uri": "urn:k-1"},
                "destinationNodeURI": {
                    "identifier": "x-1",
                    "uri": "https://tasks.example.org/7",
                    "title": "A task on ratios",
                },
            }
        ],
    }
    path = shell.file("math.json", json.dumps(document))

    first = shell.ask("framework", "import", path)
    again = shell.ask("framework", "import", path)
    held = shell.ask("resource", "list")

    assert (first["resources"], again["resources"]) == (1, 0)
    assert [(one["title"], one["url"]) for one in held] == [
        ("A task on ratios", "https://tasks.example.org/7")
    ]
