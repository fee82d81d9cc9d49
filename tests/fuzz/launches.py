"""Launches by the ten thousand, each changed by chance, against the real admission.

    python -m tests.fuzz.launches --count 100000 --seed 1 --database postgres

Every launch is signed anew after it was changed, so that what is behind the signature
is reached; an oracle of its own says what must come of it. What fails is printed with
its seed and the fewest changes that still make it fail.
"""

from __future__ import annotations

import argparse
import hmac
import json
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import structlog
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from psycopg import sql
from sqlalchemy import Connection, event, select

from lti_tool.errors import LAUNCH_STATUS, LaunchError
from lti_tool.lti13.wrapping import Trace
from lti_tool.settings import Settings
from lti_tool.storage import registrations, schema
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration
from lti_tool.storage.visits import secret_hash
from lti_tool.work.admission import Admission
from lti_tool.work.arrivals import Arrival
from lti_tool.work.entry import Launch
from tests.fuzz.mutations import MUTATIONS, Draft, encoded
from tests.fuzz.oracle import L, Login, Party, Verdict, judge

TOOL = "https://tool.example"
TARGET = f"{TOOL}/lti/launch"
LIFE = 600.0
LOGINS_KEPT = 24
# What a refusal may write: its login is used up, the clocks' difference and the refusal
# noted down. An unknown deployment waits for approval.
MAY_WRITE = {"login_state", "registration", "refusal"}
POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


def make_key(bits: int = 2048) -> RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def jwk(key: RSAPrivateKey, kid: str, **also: str) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    return {"kty": "RSA", "kid": kid, "n": encoded(modulus), "e": "AQAB", **also}


class Platforms:
    """Who launches: two registrations of one issuer, and one that is switched off."""

    def __init__(self) -> None:
        self.keys = {name: make_key() for name in ("own", "second", "enc", "twice")}
        self.keys |= {"weak": make_key(1024), "stranger": make_key()}
        self.foreign = make_key()
        usable = {name: self.keys[name].public_key() for name in ("own", "second")}
        states = {"1": "active", "2": "active", "off": "disabled", "waiting": "pending"}
        other = {"own": self.foreign.public_key()}
        self.parties = [
            Party("https://lms.example", "ours", usable, states),
            Party("https://lms.example", "theirs", other, {"1": "active"}),
            Party("https://else.example", "ours", other, {"1": "active"}),
        ]

    def fetch(self, url: str) -> bytes:
        """The key set of an address, with keys in it that are of no use."""
        if "theirs" in url or "else" in url:
            return json.dumps({"keys": [jwk(self.foreign, "own")]}).encode()
        made = self.keys
        return json.dumps({"keys": [
            jwk(made["own"], "own", use="sig", alg="RS256"),
            jwk(made["second"], "second"),
            jwk(made["enc"], "enc", use="enc"),
            jwk(made["weak"], "weak"),
            jwk(made["twice"], "twice"),
            jwk(made["stranger"], "twice"),
            {"kty": "oct", "kid": "oct", "k": "c2VjcmV0"},
        ]}).encode()  # fmt: skip

    def sign(self, text: bytes, signer: str, party: Party) -> bytes:
        if signer == "none":
            return b""
        if signer == "zero":
            return bytes(256)
        key = self.keys.get(signer, self.keys["own"])
        if party.client_id == "theirs" or party.issuer != "https://lms.example":
            key = self.foreign if signer == "own" else key
        if signer == "party":
            key = self.foreign
        if signer == "hs256":
            numbers = key.public_key().public_numbers()
            return hmac.digest(str(numbers.n).encode(), text, sha256)
        if signer == "pss":
            salted = padding.PSS(padding.MGF1(SHA256()), 32)
            return key.sign(text, salted, SHA256())
        digest = {"sha1": SHA1, "rs512": SHA512}.get(signer, SHA256)
        made = key.sign(text, padding.PKCS1v15(), digest())
        return made[::-1] if signer == "reversed" else made


@dataclass
class Result:
    """How often what came of launches."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Range:
    """The tool's door, the platforms, and launches shot at it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.now = 1_790_000_000.0
        self.platforms = Platforms()
        settings = Settings(data_dir=folder, public_url=TOOL)
        self.door = Admission(
            database,
            settings,
            clock=lambda: datetime.fromtimestamp(self.now, UTC),
            fetch_jwks=self.platforms.fetch,
            monotonic=lambda: self.now,
        )
        self.logins: dict[str, Login] = {}
        self.written: set[str] = set()
        self._register()
        event.listen(database.engine, "before_cursor_execute", self._hear)

    def close(self) -> None:
        event.remove(self.database.engine, "before_cursor_execute", self._hear)

    def shoot(self, seed: str) -> tuple[str, str]:
        """One launch; gives what came of it, and what was wrong with that, if any."""
        rng = random.Random(seed)
        several = rng.choices((1, 2, 3, 4), (50, 30, 15, 5))[0]
        names = rng.choices(list(MUTATIONS), k=several)
        plan = [(name, f"{seed}/{place}") for place, name in enumerate(names)]
        outcome, fault = self._try(plan, seed)
        if not fault:
            return outcome, ""
        for one in list(plan):  # the fewest changes that still fail
            fewer = [other for other in plan if other is not one]
            if self._try(fewer, seed)[1]:
                plan = fewer
        _, again = self._try(plan, seed)
        changes = ", ".join(name for name, _ in plan)
        return outcome, f"seed {seed!r}, changes [{changes}]: {again or fault}"

    def _try(self, plan: list[tuple[str, str]], seed: str) -> tuple[str, str]:
        rng = random.Random(seed)
        party = rng.choices(self.platforms.parties, (6, 1, 1))[0]
        login = self._login(party, rng)
        others = [one for one in self.logins.values() if one is not login]
        draft = self._draft(login, others)
        for name, own_seed in plan:
            MUTATIONS[name](draft, random.Random(own_seed))
        fields = self._fields(draft)
        self._switch(party, is_active=rng.random() > 0.03)
        began = self.now
        self.now = max(began, began + draft.later)
        verdict = judge(fields, draft.browser, self.logins, self.now)
        try:
            return self._compare(fields, draft, verdict)
        finally:
            self.now = max(self.now, began) + 0.25
            self._switch(party, is_active=True)

    def _login(self, party: Party, rng: random.Random) -> Login:
        number = rng.randrange(1 << 24)
        deployment = rng.choice(("1", "1", "1", None, "2", "waiting"))
        browser = f"browser-{number}"
        sent = {
            "iss": party.issuer,
            "client_id": party.client_id,
            "login_hint": "u1",
            "target_link_uri": TARGET,
        }
        if deployment:
            sent["lti_deployment_id"] = deployment
        # An address each, so that the limit on logins from one does not stop us.
        at = Arrival(fields=sent, browser=browser, remote_address=str(uuid.uuid4()))
        asked = parse_qs(urlsplit(self.door.login(at, Trace()).url).query)
        login = Login(
            party, asked["state"][0], asked["nonce"][0], browser, TARGET, deployment,
            self.now + LIFE,
        )  # fmt: skip
        self.logins[login.state] = login
        while len(self.logins) > LOGINS_KEPT:
            self._forget(next(iter(self.logins)))
        return login

    def _switch(self, party: Party, *, is_active: bool) -> None:
        """Switch a registration off after its login, and on again."""
        if party.is_active is is_active:
            return
        party.is_active = is_active
        table = schema.registration
        with self.database.write() as session:
            session.execute(
                table.update()
                .where(
                    table.c.issuer == party.issuer, table.c.client_id == party.client_id
                )
                .values(status="active" if is_active else "disabled")
            )

    def _forget(self, state: str) -> None:
        """Let an old login go on both sides, so that neither knows it any more."""
        del self.logins[state]
        table = schema.login_state
        with self.database.write() as session:
            session.execute(
                table.delete().where(table.c.state_hash == secret_hash(state))
            )

    def _draft(self, login: Login, others: list[Login]) -> Draft:
        at = int(self.now)
        party = login.party
        claims: dict[str, Any] = {
            "iss": party.issuer, "aud": party.client_id, "sub": "u1", "iat": at,
            "exp": at + 3600, "nonce": login.nonce, "given_name": "Ana",
            "family_name": "\u017debr\u0117", "name": "Ana \u017debr\u0117",
            "email": "ana@school.example", "locale": "lt",
            L + "message_type": "LtiResourceLinkRequest", L + "version": "1.3.0",
            L + "deployment_id": login.deployment or "1",
            L + "target_link_uri": login.target, L + "resource_link": {"id": "l1"},
            L + "context": {"id": "c1", "title": "Mathematics 7"},
            L + "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
        }  # fmt: skip
        header = {"alg": "RS256", "typ": "JWT", "kid": "own"}
        return Draft(self.now, login, others, header, claims, login.browser)

    def _fields(self, draft: Draft) -> dict[str, str]:
        parts = []
        for value, changes in (
            (draft.header, draft.header_bytes),
            (draft.claims, draft.claims_bytes),
        ):
            octets = json.dumps(value).encode()
            for change in changes:
                try:
                    octets = change(octets)
                except UnicodeDecodeError:
                    continue
            parts.append(encoded(octets))
        text = ".".join(parts)
        party = draft.login.party
        signature = self.platforms.sign(text.encode(), draft.signer, party)
        token = f"{text}.{encoded(signature)}"
        for respell in draft.signed:
            token = respell(token)
        fields = {"state": draft.login.state, "id_token": token}
        for alter in draft.fields:
            alter(fields)
        return fields

    def _compare(
        self, fields: dict[str, str], draft: Draft, verdict: Verdict
    ) -> tuple[str, str]:
        arrival = Arrival(fields=fields, browser=draft.browser)
        used = self.logins.get(fields.get("state", ""))
        self.written.clear()
        try:
            got = self.door.launch(arrival, Trace())
        except LaunchError as error:
            fault = self._refused(error, verdict)
            outcome = error.code
        except Exception as error:  # noqa: BLE001 -- this is what we look for
            return "exception", f"{type(error).__name__}: {error}"
        else:
            fault, outcome = self._accepted(got, verdict), "valid"
        if used is not None:
            was_open = not used.is_used and self.now < used.until
            used.is_used = used.is_used or verdict.is_spent
            if not fault and was_open and self._waits(used) is verdict.is_spent:
                fault = f"{outcome}: the login is spent: {not verdict.is_spent}"
        return outcome, fault and f"{fault}; {_shown(fields)}"

    def _refused(self, error: LaunchError, verdict: Verdict) -> str:
        if error.code not in LAUNCH_STATUS:
            return f"the code {error.code} is none of ours"
        if error.reason == "the token cannot be read":
            return f"{error}: an exception that was not foreseen"
        if error.code not in verdict.codes:
            wanted = " or ".join(sorted(verdict.codes)) or "a valid launch"
            return f"{error} and not {wanted}"
        allowed = MAY_WRITE | (
            {"deployment"} if error.code == "E_DEPLOYMENT" else set()
        )
        if self.written - allowed:
            return f"{error} wrote {sorted(self.written - allowed)}"
        return ""

    def _accepted(self, got: object, verdict: Verdict) -> str:
        if verdict.codes:
            return f"let in and not refused by {' or '.join(sorted(verdict.codes))}"
        if not isinstance(got, Launch):
            return f"no launch but {got!r}"
        table = schema.web_session
        with self.database.read() as session:
            visit = session.execute(
                select(table.c.role, table.c.registration_id, table.c.expires_at).where(
                    table.c.public_id == got.sid
                )
            ).one()
        if (got.role, visit.role) != (verdict.role, verdict.role):
            return f"the role {got.role} and not {verdict.role}"
        if visit.registration_id != got.registration_id:
            return "a visit of another registration"
        return ""

    def _waits(self, login: Login) -> bool:
        table = schema.login_state
        mine = table.c.state_hash == secret_hash(login.state)
        with self.database.read() as session:
            return session.scalar(select(table.c.id).where(mine)) is not None

    def _hear(
        self, _connection: Connection, _cursor: object, statement: str, *_: object
    ) -> None:
        words = statement.split(None, 3)
        verb = words[0].upper() if words else ""
        if verb in {"INSERT", "DELETE"}:
            self.written.add(words[2].strip('"'))
        elif verb == "UPDATE":
            self.written.add(words[1].strip('"'))

    def _register(self) -> None:
        with self.database.write() as session:
            for one in self.platforms.parties:
                added = registrations.add_registration(
                    session,
                    NewRegistration(
                        name=one.client_id,
                        issuer=one.issuer,
                        client_id=one.client_id,
                        auth_url=f"{one.issuer}/auth",
                        token_url=f"{one.issuer}/token",
                        jwks_url=f"{one.issuer}/{one.client_id}/jwks",
                    ),
                    now=datetime.fromtimestamp(self.now, UTC),
                )
                for deployment_id, status in one.deployments.items():
                    session.execute(
                        schema.deployment.insert().values(
                            registration_id=added,
                            deployment_id=deployment_id,
                            status=status,
                            created_at=datetime.fromtimestamp(self.now, UTC),
                        )
                    )


def _shown(fields: dict[str, str]) -> str:
    """The token as text, as far as it can be read."""
    from base64 import urlsafe_b64decode  # noqa: PLC0415 -- only for a failure

    told = []
    for part in fields.get("id_token", "").split(".")[:2]:
        try:
            octets = urlsafe_b64decode(part + "=" * (-len(part) % 4))
        except ValueError:
            octets = part.encode()
        told.append(octets[:3000].decode(errors="backslashreplace"))
    others = {name: text[:80] for name, text in fields.items() if name != "id_token"}
    return f"header {told[:1]}, claims {told[1:]}, fields {others}"


def run(
    database: Database, folder: Path, *, count: int, seed: int, stop_at: int = 5
) -> Result:
    """Shoot so many launches; stops early when so many were wrong."""
    made, result = Range(database, folder), Result()
    began = time.perf_counter()
    try:
        for number in range(count):
            outcome, fault = made.shoot(f"{seed}:{number}")
            result.outcomes[outcome] += 1
            if fault:
                result.failures.append(fault)
            if len(result.failures) >= stop_at:
                break
            if sys.stderr.isatty() and not number % 500:
                print(f"\r{number} of {count}", end="", file=sys.stderr)
    finally:
        made.close()
    result.seconds = time.perf_counter() - began
    return result


@contextmanager
def fresh(kind: str, folder: Path) -> Iterator[Database]:
    """A new database of a kind, gone afterwards."""
    name = f"fuzz_{uuid.uuid4().hex[:12]}"
    url = f"sqlite:///{folder / 'fuzz.sqlite3'}"
    if kind == "postgres":
        with psycopg.connect(POSTGRES, autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        head = POSTGRES.rpartition("/")[0].replace("postgresql:", "postgresql+psycopg:")
        url = f"{head}/{name}"
    database = Database(url)
    database.upgrade()
    yield database
    database.close()
    if kind == "postgres":
        with psycopg.connect(POSTGRES, autocommit=True) as server:
            server.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def main() -> int:
    """Run from the command line; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.launches")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    options = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with (
        tempfile.TemporaryDirectory(prefix="masterybridge-fuzz-") as folder,
        fresh(options.database, Path(folder)) as database,
    ):
        result = run(database, Path(folder), count=options.count, seed=options.seed)
    shot = sum(result.outcomes.values())
    print(
        f"{shot} launches on {options.database} with seed {options.seed} in "
        f"{result.seconds:.0f} s, {len(result.failures)} wrong"
    )
    for outcome, times in result.outcomes.most_common():
        print(f"  {outcome:20} {times}")
    for fault in result.failures:
        print(f"WRONG {fault}")
    return int(bool(result.failures))


if __name__ == "__main__":
    sys.exit(main())
