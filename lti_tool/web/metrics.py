"""/metrics: what was let in, refused and delivered, for Prometheus on this machine.

Only a request of this very machine is answered, and none that a proxy passed on: the
counts are nobody else's business. One process counts for itself; several count in
files of one folder (share()), so that whichever is asked tells of all.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

from flask import Flask, Response, abort, current_app, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from lti_tool.errors import LAUNCH_STATUS
from lti_tool.storage import tallies
from lti_tool.storage.database import Database
from lti_tool.web.sessions import database

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
ROLES: Final = ("instructor", "learner", "mentor", "none")
# A proxy that passes a request on says so in one of these.
_PASSED_ON: Final = (
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "Forwarded",
    "Via",
)


class _Deliveries(Collector):
    """How many deliveries there are, by destination and state: asked when scraped."""

    def __init__(self, source: Database) -> None:
        self._source = source

    def describe(self) -> list[Metric]:
        """Nothing beforehand: no query at registration."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the one family there is."""
        family = GaugeMetricFamily(
            "masterybridge_deliveries",
            "Deliveries in the outbox by destination and state.",
            labels=("destination", "state"),
        )
        with self._source.read() as session:
            counts = tallies.load_counts(session)
        for destination, states in counts.items():
            for state, count in states.items():
                family.add_metric((destination, state), count)
        yield family


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        """Every label is there from the start, so that a rate can be told of each."""
        self.registry = CollectorRegistry()
        self.refusals = Counter(
            "masterybridge_refusals",
            "Logins and launches refused, by code.",
            ("code",),
            registry=self.registry,
        )
        self.launches = Counter(
            "masterybridge_launches",
            "Launches let in, by role.",
            ("role",),
            registry=self.registry,
        )
        self.logins = Counter(
            "masterybridge_logins", "Logins answered.", registry=self.registry
        )
        for code in LAUNCH_STATUS:
            self.refusals.labels(code)
        for role in ROLES:
            self.launches.labels(role)


def share(folder: Path) -> None:
    """Have the processes made from here on count together, in files of folder."""
    os.environ[FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue()


def install(app: Flask) -> None:
    """Give app its counters and the page that shows them."""
    app.extensions["metrics"] = Metrics()
    app.add_url_rule("/metrics", "metrics", show_metrics)


def count_refusal(code: str) -> None:
    """Count a refused login or launch."""
    _metrics().refusals.labels(code).inc()


def count_launch(role: str) -> None:
    """Count a launch that was let in."""
    _metrics().launches.labels(role).inc()


def count_login() -> None:
    """Count a login that was answered."""
    _metrics().logins.inc()


def show_metrics() -> Response:
    """The counters in Prometheus's text format, to this machine alone."""
    if not _is_from_here():
        abort(404)
    registry = _metrics().registry
    if os.environ.get(FOLDER):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    outbox = CollectorRegistry()
    outbox.register(_Deliveries(database()))
    body = generate_latest(registry) + generate_latest(outbox)
    return Response(body, content_type=CONTENT_TYPE_LATEST)


def _is_from_here() -> bool:
    if any(name in request.headers for name in _PASSED_ON):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _metrics() -> Metrics:
    return cast("Metrics", current_app.extensions["metrics"])
