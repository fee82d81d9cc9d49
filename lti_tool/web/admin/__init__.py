"""The administrators' pages, under /admin/.

A module of this package gives its views to ``guard.pages``; they then ask for a
signed-in administrator and, where they change something, for the page's own token.
Templates extend ``admin/base.html``; forms carry ``{{ csrf() }}``.
"""

from __future__ import annotations

from lti_tool.web.admin import (
    accounts,
    api_clients,
    canvas,
    doctor,
    framework_courses,
    framework_editor,
    framework_links,
    framework_records,
    framework_versions,
    frameworks,
    home,
    keys,
    matching,
    moves,
    outbox,
    person_plan,
    plans,
    platforms,
    problems,
    register,
    runs,
    scale_maps,
    scales,
    signin,
    source_address,
    source_limits,
    source_steps,
    source_writing,
    sources,
)
from lti_tool.web.admin.guard import admin, current_session, pages, public

__all__ = [
    "accounts",
    "admin",
    "api_clients",
    "canvas",
    "current_session",
    "doctor",
    "framework_courses",
    "framework_editor",
    "framework_links",
    "framework_records",
    "framework_versions",
    "frameworks",
    "home",
    "keys",
    "matching",
    "moves",
    "outbox",
    "pages",
    "person_plan",
    "plans",
    "platforms",
    "problems",
    "public",
    "register",
    "runs",
    "scale_maps",
    "scales",
    "signin",
    "source_address",
    "source_limits",
    "source_steps",
    "source_writing",
    "sources",
]
