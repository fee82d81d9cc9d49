"""OneRoster 1.1 and 1.2: read and write a service, read and write CSV bundles, serve.

>>> from oneroster import BearerKey, Client, Service
>>> client = Client(Service.at("https://sis.example"), auth=BearerKey("key"))
>>> for user in client.users(filter="status='active'"):
...     print(user.sourced_id, [role.role for role in user.roles])

Looking first: :class:`Probe`. Reading: :class:`Client` over REST, :class:`Bundle`
from CSV; both give the same records. Serving: :func:`blueprint` puts a
:class:`Catalog` behind Flask, and is imported only when asked for. No database is
known here.
"""

from typing import TYPE_CHECKING

from oneroster.auth import (
    Authorization,
    BearerKey,
    ClientCredentials,
    OAuth1,
    local_session,
)
from oneroster.bundle import Bundle, Unclaimed
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import Catalog, MemoryCatalog, PagedCatalog, RecordSource
from oneroster.client import Client, Query
from oneroster.dialects import (
    COLLECTIONS,
    DIALECTS,
    Collection,
    Dialect,
    Room,
    Version,
    downgrade,
    upgrade,
)
from oneroster.errors import (
    AuthError,
    BundleError,
    FilterError,
    NotFoundError,
    OneRosterError,
    PagingError,
    Problem,
    RateLimitError,
    StatusError,
    TransportError,
)
from oneroster.filters import (
    Clause,
    Filter,
    format_filter,
    modified_since,
    parse_filter,
)
from oneroster.loopback import Loopback
from oneroster.models import (
    AcademicSession,
    AssessmentLineItem,
    AssessmentResult,
    Category,
    Course,
    Credential,
    Demographics,
    Enrollment,
    HrefFor,
    LearningObjectiveResult,
    LearningObjectives,
    LearningObjectiveScores,
    LineItem,
    Org,
    Part,
    Record,
    Reference,
    Resource,
    Result,
    Role,
    ScoreScale,
    ScoreScaleValue,
    SisClass,
    User,
    UserId,
    UserProfile,
    format_record,
    parse_record,
    refer,
    relative_href,
)
from oneroster.probe_findings import Check, Profile, vendor_text
from oneroster.probing import Probe
from oneroster.pull import Completeness, Kept, Mark, Page, Pull
from oneroster.service import Service
from oneroster.transport import Patience

if TYPE_CHECKING:
    from oneroster.provider import Manners, Observer, blueprint

__all__ = [
    "COLLECTIONS",
    "DIALECTS",
    "AcademicSession",
    "AssessmentLineItem",
    "AssessmentResult",
    "AuthError",
    "Authorization",
    "BearerKey",
    "Bundle",
    "BundleError",
    "Catalog",
    "Category",
    "Check",
    "Clause",
    "Client",
    "ClientCredentials",
    "Collection",
    "Completeness",
    "Course",
    "Credential",
    "Demographics",
    "Dialect",
    "Enrollment",
    "Filter",
    "FilterError",
    "HrefFor",
    "Kept",
    "LearningObjectiveResult",
    "LearningObjectiveScores",
    "LearningObjectives",
    "LineItem",
    "Loopback",
    "Manners",
    "Mark",
    "MemoryCatalog",
    "NotFoundError",
    "OAuth1",
    "Observer",
    "OneRosterError",
    "Org",
    "Page",
    "PagedCatalog",
    "PagingError",
    "Part",
    "Patience",
    "Probe",
    "Problem",
    "Profile",
    "Pull",
    "Query",
    "RateLimitError",
    "Record",
    "RecordSource",
    "Reference",
    "Resource",
    "Result",
    "Role",
    "Room",
    "ScoreScale",
    "ScoreScaleValue",
    "Service",
    "SisClass",
    "StatusError",
    "TransportError",
    "Unclaimed",
    "User",
    "UserId",
    "UserProfile",
    "Version",
    "blueprint",
    "downgrade",
    "format_filter",
    "format_record",
    "local_session",
    "modified_since",
    "parse_filter",
    "parse_record",
    "refer",
    "relative_href",
    "upgrade",
    "vendor_text",
    "write_bundle",
]

_NEEDS_FLASK = frozenset({"Manners", "Observer", "blueprint"})


def __getattr__(name: str) -> object:
    """Import the provider, and Flask with it, when it is first asked for."""
    if name in _NEEDS_FLASK:
        from oneroster import provider  # noqa: PLC0415 - that is the point

        return getattr(provider, name)
    raise AttributeError(f"module 'oneroster' has no attribute {name!r}")
