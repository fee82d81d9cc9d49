"""`platform scales`: which item of a platform's scale each level is."""

from __future__ import annotations

from typing import Any, Final

import click

from lti_tool.cli.root import Bench, command, now, table
from lti_tool.storage import naming, scale_maps
from lti_tool.storage.scale_maps import MetScale
from lti_tool.work import scale_maps as work
from lti_tool.work.platforms import Author

WHO: Final = "cli"


@click.argument("platform_id", type=int, metavar="PLATFORM")
@click.option("--scale", type=int, help="A scale by the number of the list.")
@click.option(
    "--item", "said", multiple=True, metavar="LEVEL=ITEM", help="One for each level."
)
@click.option("--as-proposed", is_flag=True, help="Take the items of the list.")
@click.option("--course", "course_name", help="Say it of this course alone.")
@click.option("--as-school", is_flag=True, help="A course means what the school does.")
def _scales(
    bench: Bench,
    platform_id: int,
    scale: int | None,
    said: tuple[str, ...],
    *,
    course_name: str | None,
    **how: bool,
) -> None:
    """List the scales met on a platform, or say which item of one each level is.

    Levels and items by name, or by number from 1, the lowest. Nothing is rated on a
    scale whose items are not called as our levels before it was said.
    """
    if scale is None:
        _list(bench, platform_id)
        return
    if sum([bool(said), *how.values()]) != 1:
        raise click.UsageError(
            "say the items by --item, or take them --as-proposed, or --as-school"
        )
    if how["as_school"] and course_name is None:
        raise click.UsageError("--as-school is for a course: name it by --course")
    by = Author(WHO, now())
    with bench.database.write() as session:
        course_id = None
        if course_name is not None:
            course_id = naming.find_course(session, course_name)
        met, items = work.find(session, platform_id, scale, said)
        if how["as_school"] and course_id is not None:
            freed = work.follow_school(session, platform_id, met, course_id, by=by)
            bench.say({"scale": scale, "freed": freed}, f"scale {scale}: as the school")
            return
        freed = work.choose(
            session, platform_id, met, items, by=by, course_id=course_id
        )
    told = ", ".join(
        f"{level} = {met.names[item - 1]}"
        for level, item in zip(met.levels, items, strict=True)
    )
    bench.say(
        {"scale": scale, "levels": met.levels, "items": items, "freed": freed},
        f"scale {scale}: {told}. {freed} deliveries go on",
    )


def _list(bench: Bench, platform_id: int) -> None:
    with bench.database.read() as session:
        others = work.load_exceptions(session, platform_id)
        found = [
            _document(one)
            | {
                "courses": {
                    course_id: list(own.items or ())
                    for course_id, _title, own in others
                    if own.key == one.key
                }
            }
            for one in scale_maps.load_scales(session, platform_id)
        ]
    columns = ("scale", "names", "levels", "items", "proposed", "courses")
    rows = [[one[name] for name in columns] for one in found]
    bench.say(found, table("scales", columns, rows))


def _document(one: MetScale) -> dict[str, Any]:
    return {
        "scale": one.scale_id,
        "names": list(one.names),
        "proficient": list(one.proficient),
        "levels": list(one.levels),
        "items": None if one.items is None else list(one.items),
        "proposed": list(work.proposed(one)),
    }


# What `platform` has of them.
COMMANDS: Final = (command(None, "scales")(_scales),)
