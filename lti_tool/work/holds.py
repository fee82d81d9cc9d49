"""What a person must see before it is applied.

Source: facts/security.md, promise P3 and cases B43 to B47.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lti_tool.storage.staging import Movement

# A run ends more than this only with a person's yes.
FLOOR: Final = 10
RATIO: Final = 0.05
# So many may become staff unasked.
STAFF_FLOOR: Final = 3
STAFF_RATIO: Final = 0.01


def reasons(
    plan: Mapping[str, Movement],
    gained_staff: Mapping[str, int],
    renamed_users: Callable[[], int],
) -> list[str]:
    """Return why the plan waits for a person; nothing if it need not wait.

    renamed_users is asked only when users end.
    """
    ending = [name for name, one in plan.items() if is_over(one)]
    found = [
        f"{plan[name].ends} of {plan[name].now} {name} would end" for name in ending
    ]
    renamed = renamed_users() if "users" in ending else 0
    if renamed:
        found.append(
            f"{renamed} of those users come again under another sourcedId with "
            "the same identifier: the SIS may have changed its ids"
        )
    found.extend(
        f"{gained} of {plan[name].now} {name} would become staff"
        for name, gained in gained_staff.items()
        if gained > max(STAFF_FLOOR, STAFF_RATIO * plan[name].now)
    )
    return found


def is_over(movement: Movement) -> bool:
    """Tell whether a movement ends more than a person would expect."""
    if not movement.ends:
        return False
    is_all = movement.ends >= movement.now and not movement.adds
    return is_all or movement.ends > max(FLOOR, RATIO * movement.now)
