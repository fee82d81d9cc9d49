"""What is documented is what there is: settings, commands, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from lti_tool import reference
from lti_tool.cli import masterybridge
from lti_tool.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("deploy/*.md"),
        *ROOT.glob("benchmarks/*.md"),
    )
)
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SETTING = re.compile(rf"{PREFIX}[A-Z_]*[A-Z]")
# Read by the tests and by settings.py itself, not fields of Settings.
BESIDE = {
    f"{PREFIX}CONFIG",
    f"{PREFIX}TEST_DATABASE_URL",
    f"{PREFIX}SHARED_DATA",
    f"{PREFIX}CHROMIUM",
    f"{PREFIX}LIVE_MOODLE",
}


def shell_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each masterybridge command a page tells to type."""
    for block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            starts = [at for at, word in enumerate(words) if _is_ours(word)]
            if starts and not words[0].startswith(("pip", "docker", "uv")):
                yield words[starts[0] + 1 :]


def _is_ours(word: str) -> bool:
    return word.rsplit("/", maxsplit=1)[-1] == "masterybridge"


def check(words: list[str]) -> None:
    """Find the command and parse its arguments, without running it."""
    command: click.Command = masterybridge
    context = click.Context(command, info_name="masterybridge")
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
        context = click.Context(command, info_name=name, parent=context)
    command.parse_args(context, words)


@pytest.mark.parametrize("name", ["settings.md", "commands.md"])
def test_the_pages_made_from_the_code_are_current(name: str) -> None:
    """`make docs` writes them anew."""
    assert (ROOT / "docs" / name).read_text() == reference.pages()[name]


def test_writing_the_reference_twice_gives_the_same_files(tmp_path: Path) -> None:
    assert reference.main([str(tmp_path)]) == 0
    first = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert reference.main([str(tmp_path)]) == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == first
    assert first == reference.pages()


def test_writing_the_reference_nowhere_is_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert reference.main([]) == 2
    told = capsys.readouterr()
    assert told.err == "usage: python -m lti_tool.reference FOLDER\n"


def test_every_setting_says_what_it_means() -> None:
    silent = [
        name for name, one in Settings.model_fields.items() if not one.description
    ]
    assert silent == []


def test_every_command_says_what_it_does() -> None:
    silent = [
        " ".join(path)
        for path, command in reference.walk(masterybridge)
        if not command.help
    ]
    assert silent == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_a_page_tells_to_type_is_one_we_have(name: str) -> None:
    for words in shell_commands((ROOT / name).read_text()):
        check(words)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_a_page_names_is_one_we_have(name: str) -> None:
    known = BESIDE | {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    assert set(SETTING.findall((ROOT / name).read_text())) - known == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_link_of_a_page_leads_to_a_file(name: str) -> None:
    path = ROOT / name
    links = [one for one in LINK.findall(path.read_text()) if "://" not in one]
    missing = [one for one in links if not (path.parent / one).exists()]
    assert missing == []


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 120
