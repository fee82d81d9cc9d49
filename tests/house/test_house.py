"""The habits of the house, looked for in its files."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lti_tool", "oneroster", "mappings")
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]
LONGEST = 400
# Pretend vendors, and where a vendor's own manners are written down.
VENDORS = re.compile(r"canvas|moodle|brightspace|blackboard", re.IGNORECASE)
VENDOR_ROOMS = ("lti_tool/platforms/", "lti_tool/demo/")
FORBIDDEN_WORDS = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "misc",
    "base",
    "manager",
    "service_layer",
    "factory",
}
COUNTED = re.compile(r"#\s*(noqa|type:\s*ignore)([^\n]*)")
PARTED = re.compile(r"(:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*|\[[a-z-]+\])\s+(--?|#)\s+\S")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(read(name))


def test_a_long_file_says_why() -> None:
    assert [
        name
        for name in NAMES
        if len(read(name).splitlines()) > LONGEST
        and "longer" not in (ast.get_docstring(tree(name)) or "").lower()
    ] == []


@pytest.mark.parametrize(
    "name", [one for one in NAMES if re.search(r"^__all__", read(one), re.MULTILINE)]
)
def test_every_public_name_a_module_lists_exists_once(name: str) -> None:
    dotted = name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    module = importlib.import_module(dotted)
    listed = list(module.__all__)
    assert [one for one in listed if not hasattr(module, one)] == []
    assert len(listed) == len(set(listed))


def test_no_branch_asks_for_a_vendor() -> None:
    assert [
        f"{name}: {ast.unparse(test)}"
        for name in NAMES
        if not name.startswith(VENDOR_ROOMS)
        for test in conditions(tree(name))
        if VENDORS.search(ast.unparse(test))
    ] == []


def conditions(module: ast.Module) -> Iterator[ast.expr]:
    """Yield what every branch asks."""
    for node in ast.walk(module):
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            yield node.test
        elif isinstance(node, ast.Match):
            yield node.subject
            yield from (
                case.pattern.value
                for case in node.cases
                if isinstance(case.pattern, ast.MatchValue)
            )
        elif isinstance(node, ast.comprehension):
            yield from node.ifs


def test_a_module_is_called_by_a_word_that_means_something() -> None:
    assert [name for name in NAMES if Path(name).stem in FORBIDDEN_WORDS] == []


def exempted() -> list[str]:
    return [
        f"{name}: {found.group(0)}"
        for name in NAMES
        for found in COUNTED.finditer(read(name))
    ]


def test_every_exemption_names_its_code_and_its_reason() -> None:
    assert [one for one in exempted() if not PARTED.search(one)] == []


def test_every_public_thing_says_what_it_is() -> None:
    assert [one for name in NAMES for one in silent(name)] == []


def silent(name: str) -> Iterator[str]:
    """Yield the module and its public classes and functions without a docstring."""
    module = tree(name)
    if module.body and not ast.get_docstring(module):
        yield name
    for node in module.body:
        if (
            isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ):
            yield f"{name}: {node.name}"


def test_the_application_names_every_error_in_its_tree() -> None:
    """The drawing in errors.py is the tree there is."""
    module = tree("lti_tool/errors.py")
    drawn = set(re.findall(r"(\w+Error)\s", ast.get_docstring(module) or ""))
    there = {
        node.name
        for node in module.body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    }
    assert drawn | {"BridgeError"} == there


def test_no_text_is_printed_past_the_command_line() -> None:
    assert [
        name
        for name in NAMES
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ] == []
