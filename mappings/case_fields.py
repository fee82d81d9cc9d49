"""Records as CASE sends them: known fields taken out, the others kept."""

from collections.abc import Mapping

from mappings.frameworks import Payload

Record = dict[str, object]

EPOCH = "1970-01-01T00:00:00Z"
"""The lastChangeDateTime written for a record made here, which has none."""


def urn(case_id: str) -> str:
    """The uri written for a record made here, which has none."""
    return f"urn:uuid:{case_id}"


class Fields:
    """The fields of one record, each taken out once, as what it must be.

    A field that is empty or of another kind stays in the rest; the names of the
    latter are in ``odd``.
    """

    def __init__(self, record: Payload) -> None:
        self._rest = dict(record)
        self.odd: list[str] = []

    def text(self, name: str) -> str:
        """Take a text; empty if there is none."""
        value = self._rest.get(name)
        if not isinstance(value, str):
            self._note(name)
            return ""
        if value:
            del self._rest[name]
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Take a list of texts; empty if there is none."""
        value = self._rest.get(name)
        parts = value if isinstance(value, list) else [None]
        found = tuple(part for part in parts if isinstance(part, str))
        if len(found) < len(parts):
            self._note(name)
            return ()
        if found:
            del self._rest[name]
        return found

    def number(self, name: str) -> int | None:
        """Take a whole number; None if there is none."""
        value = self._rest.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            self._note(name)
            return None
        del self._rest[name]
        return value

    def node(self, name: str) -> str:
        """Take the GUID out of a link to a node; empty if there is none.

        Where only its uri is given, the GUID is the uri's last part.
        """
        value = self._rest.get(name)
        if not isinstance(value, Mapping):
            self._note(name)
            return ""
        link = Fields(value)
        case_id = link.text("identifier")
        if not case_id:
            case_id = str(value.get("uri", "")).replace(":", "/").split("/")[-1]
        rest = link.rest({"title": case_id, "uri": urn(case_id)})
        self._rest[name] = rest
        if not rest:
            del self._rest[name]
        return case_id

    def rest(self, filled: Mapping[str, object]) -> Record:
        """What was not taken, without what writing fills in anyway."""
        return {
            name: value
            for name, value in self._rest.items()
            if name not in filled or value != filled[name]
        }

    def _note(self, name: str) -> None:
        """Remember a field that is there and of another kind."""
        if self._rest.get(name) is not None:
            self.odd.append(name)


def format_record(
    typed: Mapping[str, object], payload: Payload, filled: Mapping[str, object]
) -> Record:
    """One record: what CASE demands, then the payload, then our own fields."""
    known = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in typed.items()
        if value not in ("", (), None)
    }
    return {**filled, **payload, **known}


def format_node(case_id: str, rest: object) -> Record:
    """A link to a node; rest is what the payload kept of it."""
    kept = rest if isinstance(rest, Mapping) else {}
    return {"title": case_id, "uri": urn(case_id), "identifier": case_id, **kept}
