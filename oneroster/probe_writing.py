"""Whether a gradebook can be written to, found out without writing into it.

What is sent can be no object: one without a single field beside its id, and a list of
none. A service that writes refuses them by their content, one that does not by the
path, the method or the rights. Should one make something of the first, it is deleted.

Source: OneRoster 1.2 Gradebook, the put and post operations; 1.1 likewise.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from oneroster.auth import ClientCredentials
from oneroster.errors import AuthError
from oneroster.probe_asking import Reply
from oneroster.probe_findings import Check, check
from oneroster.probe_steps import Look

__all__ = ["PROBED_ID", "Writes", "ask_writing"]

Writes = Literal["yes", "no", "forbidden", "unknown"]
"""What is known of one way to write."""

PROBED_ID: Final = "mb-probe"
_SUCCESS: Final = range(200, 300)
_TAKEN: Final = frozenset({400, 409, 415, 422})
_FORBIDDEN: Final = frozenset({401, 403})
_ABSENT: Final = frozenset({404, 405, 501})
_GRADEBOOK: Final = ("gradebook.readonly", "gradebook.createput", "gradebook.delete")
_TEXTS: Final = {
    "assessment": "assessments can be written, under ids of ours",
    "put": "line items and results can be written, under ids of ours",
    "post": "line items and results can be posted; the service gives them their ids",
}


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to write: by what name it is found, where, and with which rights."""

    name: str
    collection: str
    scopes: tuple[str, ...]


_WAYS: Final = (
    _Way(
        "assessment",
        "assessmentLineItems",
        ("assessment.readonly", "assessment.createput", "assessment.delete"),
    ),
    _Way("put", "lineItems", _GRADEBOOK),
    _Way("post", "lineItems", (*_GRADEBOOK, "gradebook.createpost")),
)


def ask_writing(look: Look) -> Iterator[Check]:
    """Find out each way to write that the version knows; one check a way."""
    scopes = look.service.dialect.scopes
    for way in _WAYS:
        if not set(way.scopes) <= scopes.keys():
            continue
        if look.found.refused.get(way.collection) in _ABSENT:
            look.found.writing[way.name] = "no"
            text = "there are none of these; nothing can be written among them"
            yield Check(f"write_{way.name}", "ok", text)
            continue
        yield _ask(look, way)


def _ask(look: Look, way: _Way) -> Check:
    auth = look.asker.auth
    if isinstance(auth, ClientCredentials):
        auth.ask_for(look.service.dialect.scope(*way.scopes))
    try:
        if way.name == "post":
            reply, is_clean = _post(look), True
        else:
            reply, is_clean = _put(look, way.collection)
    except AuthError:
        return _told(look, way, "forbidden", None)
    if reply is None:
        look.found.writing[way.name] = "unknown"
        return Check(f"write_{way.name}", "warn", "there is no class to try it on")
    if not is_clean:
        look.found.writing[way.name] = "yes"
        text = "it kept an object without fields, and it could not be deleted"
        fix = f"delete {PROBED_ID} in its {way.collection}"
        return check(f"write_{way.name}", "fail", text, fix=fix, reply=reply)
    return _told(look, way, _judged(reply), reply)


def _told(look: Look, way: _Way, found: Writes, reply: Reply | None) -> Check:
    """Note what was found of a way to write, and say it."""
    look.found.writing[way.name] = found
    name = f"write_{way.name}"
    if found == "yes":
        return check(name, "ok", _TEXTS[way.name], reply=reply)
    if found == "no":
        return check(name, "ok", "these cannot be written this way", reply=reply)
    if found == "forbidden":
        text = "the right to write these is not granted"
        fix = f"ask for {', '.join(way.scopes)}, if levels are to be written there"
        return check(name, "warn", text, fix=fix, reply=reply)
    text = "whether these can be written cannot be told from the answer"
    fix = "say how it is written to, if levels are to be written there"
    return check(name, "warn", text, fix=fix, reply=reply)


def _put(look: Look, collection: str) -> tuple[Reply, bool]:
    """Put what is no object; tells too whether nothing of it is left there."""
    single = look.service.dialect.collection(collection).single
    url = look.service.object_url(collection, PROBED_ID)
    body = json.dumps({single: {"sourcedId": PROBED_ID}}).encode()
    reply = look.asker.send("PUT", url, body)
    if reply.status not in _SUCCESS:
        return reply, True
    gone = look.asker.send("DELETE", url)
    return reply, gone.status in {*_SUCCESS, 404}


def _post(look: Look) -> Reply | None:
    rows = look.rows_of("classes") or []
    keys = [row.get("sourcedId") for row in rows if isinstance(row, dict)]
    key = next((str(one) for one in keys if one), None)
    if key is None:
        return None
    # A sourcedId may hold a slash, at which a path would be cut.
    root = look.service.roots["gradebook"]
    url = f"{root}/classes/{quote(key, safe='')}/lineItems"
    return look.asker.send("POST", url, json.dumps({"lineItems": []}).encode())


def _judged(reply: Reply) -> Writes:
    if reply.status in _FORBIDDEN:
        return "forbidden"
    if reply.status in _ABSENT:
        return "no"
    if reply.status in _TAKEN:
        return "yes"
    payload = reply.payload
    is_posted = isinstance(payload, dict) and "sourcedIdPairs" in payload
    if reply.status in {201, 204} or is_posted:
        return "yes"
    # 200 is what a replaced object is answered with, and any page at all.
    return "yes" if reply.is_good and reply.method == "PUT" else "unknown"
