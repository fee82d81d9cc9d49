"""`resource`: what may help students with a competency."""

from __future__ import annotations

from pathlib import Path

import click

from lti_tool.cli.curriculum import WHO
from lti_tool.cli.root import PROBLEM, Bench, command, now, table
from lti_tool.errors import NotFoundError
from lti_tool.storage import frameworks, resources
from lti_tool.work import resources as work


@click.group()
def resource() -> None:
    """Links that help students with a competency."""


@click.argument("path", type=click.Path(path_type=Path), metavar="FILE")
def _import(bench: Bench, path: Path) -> int:
    """Import resources from CSV: title,competency, and what else is known of each.

    Further columns: url, course, licence, language, kind, description, from_level,
    to_level (1 is the lowest), pinned (yes or no). Without a course the whole school
    offers it.
    """
    report = work.import_file(bench.database, path, who=WHO, now=now())
    shown = [f"{one.file} line {one.line}: {one.text}" for one in report.problems]
    told = f"{report.added} resources offered, {report.same} as they were"
    bench.say(
        {"added": report.added, "same": report.same, "problems": shown},
        "\n".join([told, *shown]),
    )
    return PROBLEM if report.problems else 0


command(resource, "import")(_import)


@click.argument("name", metavar="FRAMEWORK")
def _exemplars(bench: Bench, name: str) -> None:
    """Offer to the whole school what a framework names as exemplars."""
    with bench.database.write() as session:
        framework_id = frameworks.find_framework(session, name)
        added = work.take_exemplars(session, framework_id, who=WHO, now=now())
    bench.say({"added": added}, f"{added} resources offered")


command(resource, "exemplars")(_exemplars)


def _list(bench: Bench) -> None:
    """List the resources, with how often each is offered and opened."""
    with bench.database.read() as session:
        found = resources.load_list(session)
    columns = ("id", "title", "url", "licence", "origin", "offered", "opened")
    bench.say(
        found,
        table("resources", columns, [[one[name] for name in columns] for one in found]),
    )


command(resource, "list")(_list)


@click.argument("resource_id", type=int, metavar="ID")
def _retire(bench: Bench, resource_id: int) -> None:
    """Offer a resource nowhere any more; who opened it stays known."""
    with bench.database.write() as session:
        is_gone = resources.retire(session, resource_id, who=WHO, now=now())
    if not is_gone:
        raise NotFoundError(
            f"no resource {resource_id} is offered; masterybridge resource list shows "
            "what there is"
        )
    bench.say({"retired": resource_id}, f"resource {resource_id} is offered no more")


command(resource, "retire")(_retire)
