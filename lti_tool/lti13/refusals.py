"""Why a login or launch is refused: each rule in words, where it stands, what mends it.

One place, and data alone, which is why this file is longer than others. A refusal is
looked up by its code and by how its reason begins; each code has a rule that explains
whatever no other rule of the code does. The texts are English and stand in the
catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_AGAIN: Final = "Go back to your course and open the tool again."
_ASK: Final = (
    "This tool is not set up here yet. Please tell the person who looks after it."
)
_SECURITY: Final = "1EdTech Security Framework 1.0, section "
_CORE: Final = "LTI Core 1.3, section "
_DEEP: Final = "LTI Deep Linking 2.0, section "
_OURS: Final = "Limit of this tool (administrator's guide, launch doctor)"
_NOTHING: Final = "Nothing needs to be set here."
_VENDOR: Final = (
    "The LMS sends a message that breaks the standard. Nothing is to be set; give this "
    "page to whoever makes or runs the LMS."
)
_ATTACK: Final = (
    "No LMS sends this. Somebody may be trying the door; nothing needs to be set."
)

# What platforms say when they refuse a login; their own texts are not shown.
PLATFORM_ERRORS: Final = {
    "login_required": "the LMS says that nobody is signed in there",
    "access_denied": "the LMS does not let this person open the tool",
    "unauthorized_client": "the LMS does not know our client id",
    "invalid_request": "the LMS does not accept our request",
    "launch_no_longer_valid": "the LMS says that the launch took too long",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule a launch can break.

    Attributes:
        id: its stable name.
        code: the code of the refusals it explains.
        reason: how the reason of those refusals begins; '' for any other of the code.
        happened: what was the matter, for an administrator.
        rule: what holds.
        section: where that is written.
        person: what the person in front of the page can do next.
        here: what to set on our side.
        there: what to set on the side of the LMS.
        topic: what of the LMS's menus that is: tool, services, deployment, link.
    """

    id: str
    code: str
    reason: str = ""
    happened: str
    rule: str
    section: str
    person: str = _AGAIN
    here: str = _NOTHING
    there: str = _VENDOR
    topic: str = ""


RULES: Final = (
    Rule(
        id="posted",
        code="E_METHOD",
        happened="The launch address was opened by a link or a reload, not by a "
        "launch.",
        rule="A launch is a form that the LMS has the browser post.",
        section=_SECURITY + "5.1.1.3",
        there="If a link in the LMS points to this address, place the tool instead.",
        topic="link",
    ),
    Rule(
        id="https",
        code="E_HTTPS",
        happened="The request reached us over plain http.",
        rule="Logins and launches travel over https.",
        section=_SECURITY + "3",
        person=_ASK,
        here="Set MASTERYBRIDGE_PUBLIC_URL to the https address. If a proxy ends TLS "
        "in front of us, set MASTERYBRIDGE_TRUSTED_PROXIES and have it send "
        "X-Forwarded-Proto.",
        there="Every address of the tool in the LMS must begin with https://.",
        topic="tool",
    ),
    Rule(
        id="size",
        code="E_TOO_LARGE",
        happened="The request was larger than any launch is.",
        rule="An id_token holds at most 64 KiB.",
        section=_OURS,
        there="If the tool has custom parameters with very long values, shorten them.",
        topic="tool",
    ),
    Rule(
        id="rate",
        code="E_RATE",
        happened="More than 300 logins in ten seconds came from one address.",
        rule="One address may begin so many logins, so that nobody can fill us up.",
        section=_OURS,
        person="Too many people are opening this now. Wait ten seconds.",
        here="If the whole school comes through one proxy of yours, count it in "
        "MASTERYBRIDGE_TRUSTED_PROXIES, so that each person has an address again.",
        there=_NOTHING,
    ),
    Rule(
        id="login-fields",
        code="E_REQ",
        reason="the login carries no",
        happened="The login request of the LMS was not complete.",
        rule="A login carries iss, login_hint and target_link_uri.",
        section=_SECURITY + "5.1.1.1",
        there="Check that the LMS has our login address as its initiate login URL, "
        "and that nobody opens it by a link.",
        topic="tool",
    ),
    Rule(
        id="token-sent",
        code="E_REQ",
        reason="the launch carries no id_token",
        happened="The launch brought a state and no id_token.",
        rule="The LMS answers a login with an id_token, or with an error.",
        section=_SECURITY + "5.1.1.3",
    ),
    Rule(
        id="fields",
        code="E_REQ",
        happened="A field of the request was overlong, or held what is no text.",
        rule="A field of a login or launch is a text of at most 8 KiB.",
        section=_SECURITY + "5.1.1.1",
    ),
    Rule(
        id="platform-error",
        code="E_PLATFORM_ERROR",
        happened="The LMS refused to sign the person in, and told us so.",
        rule="The LMS may answer a login with an error in the place of a launch.",
        section=_SECURITY + "5.1.1.5",
        person="Your LMS did not let you in. Sign in there and open the tool again.",
        there="Check in the LMS that the tool is switched on for this course, and "
        "that our client id and launch address are the ones it holds.",
        topic="tool",
    ),
    Rule(
        id="platform-error-client",
        code="E_PLATFORM_ERROR",
        reason="the LMS does not know our client id",
        happened="The LMS says that it does not know our client id, or that the tool "
        "is switched off there.",
        rule="The LMS lets in only a client that it knows.",
        section=_SECURITY + "5.1.1.5",
        person=_ASK,
        here="Compare the client id of the registration with the one the LMS shows.",
        there="Switch the tool (its key) on, and compare the client id.",
        topic="tool",
    ),
    Rule(
        id="browser",
        code="E_STATE",
        reason="the login was made in another browser",
        happened="The launch came from another browser than the login, or the browser "
        "kept our cookie back.",
        rule="Who begins a login must be who brings the launch; otherwise somebody "
        "could be signed in as somebody else.",
        section=_SECURITY + "5.1.1.3 and 7.3.1",
        person="We do not recognise this browser, or it took over ten minutes. Go "
        "back to your course and open the tool again, or open it in a new tab.",
        there="If it happens to many people, have the LMS open the tool in a new "
        "window.",
        topic="link",
    ),
    Rule(
        id="state",
        code="E_STATE",
        happened="No login waits for this launch: it took over ten minutes, was used "
        "already, or was never ours.",
        rule="A launch answers one login of ours, once, within ten minutes.",
        section=_SECURITY + "5.1.1.3 and 7.3.1",
        person="We do not recognise this browser, or it took over ten minutes. Go "
        "back to your course and open the tool again, or open it in a new tab.",
        there="Nothing, if it happens now and then: a reload or the back button does "
        "it.",
    ),
    Rule(
        id="token-form",
        code="E_FORMAT",
        happened="The id_token is not a token as the standard writes it.",
        rule="An id_token is three base64url parts: header, claims, signature, the "
        "first two being JSON objects.",
        section=_SECURITY + "5.1.2; RFC 7515, section 7.1",
    ),
    Rule(
        id="own-key",
        code="E_FORMAT",
        reason="the header names a key or rule of its own",
        happened="The id_token brings its own key, or the address of one.",
        rule="Keys come from the key set of the registration alone; jwk, jku, x5u, "
        "x5c and crit are refused.",
        section=_SECURITY + "5.1.3, item 1; 5.4",
        there=_ATTACK,
    ),
    Rule(
        id="algorithm",
        code="E_ALG",
        happened="The id_token is signed in another way than RS256, or not at all.",
        rule="An id_token is signed with RS256.",
        section=_SECURITY + "5.1.3, item 6; 6.1",
        there="Choose RS256 in the LMS, if it lets you choose.",
        topic="tool",
    ),
    Rule(
        id="kid-sent",
        code="E_KID",
        reason="the header has no kid",
        happened="The id_token does not say with which key it is signed.",
        rule="The header carries a kid, even where the LMS has one key alone.",
        section=_SECURITY + "5.1.2 and 6.3",
    ),
    Rule(
        id="kid-known",
        code="E_KID",
        happened="The id_token is signed with a key that the key set does not hold, "
        "or one that we do not use (too short, or not for RS256 signatures).",
        rule="The kid names a key of 2048 bits or more in the key set of the "
        "registration.",
        section=_SECURITY + "6.2 and 6.3",
        here="Check that the key set address of the registration is the one of this "
        "LMS. After a change of keys there, wait a minute and open the tool again.",
        there="Compare the key set address that the LMS shows with ours.",
        topic="tool",
    ),
    Rule(
        id="keys-fetched",
        code="E_KEYS_UNAVAILABLE",
        happened="The keys of the LMS could not be fetched, so nothing could be "
        "checked.",
        rule="The key set of the registration answers within 8 seconds, with a key "
        "set and not from elsewhere.",
        section=_SECURITY + "6.3",
        person="Your LMS is not answering us. Wait half a minute and open the tool "
        "again.",
        here="Open the key set address of the registration from this server. If it "
        "lies in your own network, name its host in MASTERYBRIDGE_LOCAL_NETWORK.",
        there="The key set address must answer without a sign-in and without a "
        "redirect.",
        topic="tool",
    ),
    Rule(
        id="signature",
        code="E_SIG",
        happened="The signature does not fit: the id_token was changed on its way, or "
        "signed by another key of the same name.",
        rule="The id_token is signed by the key its kid names.",
        section=_SECURITY + "5.1.3, item 1",
        here="Check that the key set address of the registration is the one of this "
        "LMS, and not that of its test or beta system.",
        there="Compare the key set address that the LMS shows with ours.",
        topic="tool",
    ),
    Rule(
        id="expired",
        code="E_TIME",
        reason="the launch has expired",
        happened="The launch had run out when it reached us.",
        rule="A launch is good until its exp, and 60 seconds beyond.",
        section=_SECURITY + "5.1.3, item 7",
        here="Set the clock of this server by NTP, if it is ahead.",
        there="Set the clock of the LMS server by NTP, if it is behind.",
    ),
    Rule(
        id="issued-ahead",
        code="E_TIME",
        reason="the launch was issued in our future",
        happened="The launch says it was made at a time that is still to come.",
        rule="A launch is made (iat) before now, give or take 60 seconds.",
        section=_SECURITY + "5.1.3, item 8",
        here="Set the clock of this server by NTP, if it is behind.",
        there="Set the clock of the LMS server by NTP, if it is ahead.",
    ),
    Rule(
        id="issued-long-ago",
        code="E_TIME",
        reason="the launch was issued over an hour ago",
        happened="The launch is over an hour old.",
        rule="A launch is made (iat) within the last hour.",
        section=_SECURITY + "5.1.3, item 8",
        here="Set the clock of this server by NTP, if it is ahead.",
        there="Set the clock of the LMS server by NTP, if it is behind.",
    ),
    Rule(
        id="times",
        code="E_TIME",
        happened="The times of the launch are missing, or cannot be.",
        rule="exp and iat are numbers, and a launch is good for a day at most.",
        section=_SECURITY + "5.1.2 and 5.1.3, items 7 and 8",
    ),
    Rule(
        id="client-named",
        code="E_ISS",
        reason="ambiguous",
        happened="The login names no client id, and several registrations have this "
        "issuer.",
        rule="Where one issuer serves several registrations, the login names its "
        "client id.",
        section=_SECURITY + "5.1.1.1",
        person=_ASK,
        here="Remove registrations of this issuer that are not in use.",
        there="Add our client id to the login address, as ?client_id=…, if the LMS "
        "does not send it by itself.",
        topic="tool",
    ),
    Rule(
        id="issuer-of-login",
        code="E_ISS",
        reason="the issuer is not the one the login was made for",
        happened="The launch is signed in the name of another issuer than the login.",
        rule="The iss of the id_token is that of the registration, letter for letter.",
        section=_SECURITY + "5.1.3, item 2",
        person=_ASK,
        here="Write the issuer of the registration exactly as the LMS sends it: case "
        "and a slash at the end count.",
        there="Compare the issuer (platform id) that the LMS shows with ours.",
        topic="tool",
    ),
    Rule(
        id="registered",
        code="E_ISS",
        happened="No registration has this issuer and client id.",
        rule="We answer platforms that are registered here, by issuer and client id.",
        section=_SECURITY + "5.1.1.1; LTI Core 1.3, section 3.1.2",
        person=_ASK,
        here="Add the platform, or mend the issuer or the client id of its "
        "registration: both count letter for letter.",
        there="Compare the issuer (platform id) and client id that the LMS shows with "
        "ours.",
        topic="tool",
    ),
    Rule(
        id="audience",
        code="E_AUD",
        reason="the launch is not addressed to our client id",
        happened="The launch is made out to another tool.",
        rule="The aud of the id_token names our client id.",
        section=_SECURITY + "5.1.3, item 3",
        person=_ASK,
        here="Mend the client id of the registration, if the one found is ours.",
        there="Check that the placed link belongs to this tool and not to another "
        "entry of it.",
        topic="tool",
    ),
    Rule(
        id="authorized-party",
        code="E_AUD",
        happened="The launch is made out to several tools, and not to us in the first "
        "place.",
        rule="With several audiences azp is there, and azp is our client id.",
        section=_SECURITY + "5.1.3, items 4 and 5",
        person=_ASK,
    ),
    Rule(
        id="nonce-sent",
        code="E_NONCE",
        reason="the launch carries no nonce",
        happened="The launch does not repeat the nonce of its login.",
        rule="The id_token carries the nonce we gave at the login.",
        section=_SECURITY + "5.1.2",
    ),
    Rule(
        id="nonce",
        code="E_NONCE",
        happened="The nonce is that of another login: an old launch was sent again, "
        "or two were mixed up.",
        rule="The nonce of the id_token is the one of this very login, and good once.",
        section=_SECURITY + "5.1.3, item 9",
        there=_ATTACK,
    ),
    Rule(
        id="once",
        code="E_REPLAY",
        happened="The same launch came twice.",
        rule="A login is good for one launch.",
        section=_SECURITY + "5.1.3, item 9; 7.3.1",
        there="Nothing, if it happens now and then: a double click or a reload does "
        "it.",
    ),
    Rule(
        id="deployment-approved",
        code="E_DEPLOYMENT",
        reason="this deployment is not approved",
        happened="The launch comes from a deployment that nobody has approved yet.",
        rule="A deployment opens the tool once an administrator here has approved it.",
        section=_CORE + "3.1.3 and 5.3.3",
        person="The tool waits for approval here. An administrator can approve it in "
        "one step; then open the tool again.",
        here="Approve the deployment if its id is the one your LMS shows.",
        there="Compare the deployment id that the LMS shows with the one found.",
        topic="deployment",
    ),
    Rule(
        id="deployment-on",
        code="E_DEPLOYMENT",
        reason="this deployment is switched off",
        happened="The launch comes from a deployment that was switched off here.",
        rule="A deployment that is switched off opens nothing.",
        section=_CORE + "3.1.3 and 5.3.3",
        person="The tool is switched off for your school. Please tell the person who "
        "looks after it.",
        here="Approve the deployment again, if it is to be used.",
        there=_NOTHING,
    ),
    Rule(
        id="deployment-of-login",
        code="E_DEPLOYMENT",
        happened="The launch names another deployment than its login did.",
        rule="The deployment_id of the launch is that of its login.",
        section=_CORE + "3.1.3 and 5.3.3",
    ),
    Rule(
        id="registration-on",
        code="E_DISABLED",
        happened="The registration is switched off, or waits for approval.",
        rule="A registration opens the tool while it is active.",
        section=_CORE + "3.1.2",
        person=_ASK,
        here="Approve or switch on the registration, if it is to be used.",
        there=_NOTHING,
    ),
    Rule(
        id="version",
        code="E_VERSION",
        happened="The launch is of another version of LTI, or names none.",
        rule="The version claim is 1.3.0.",
        section=_CORE + "5.3.2",
        there="Choose LTI 1.3 for the tool in the LMS.",
        topic="tool",
    ),
    Rule(
        id="message-type",
        code="E_MSGTYPE",
        happened="The launch asks for something that this tool does not do.",
        rule="The message_type is one that the tool serves.",
        section=_CORE + "5.3.1",
        there="Place the tool only where it belongs: a course link, an assignment, a "
        "link picked by a teacher.",
        topic="tool",
    ),
    Rule(
        id="return-address",
        code="E_CLAIM",
        reason="deep_link_return_url",
        happened="The LMS wants the picked links sent to an address that is not its "
        "own.",
        rule="deep_link_return_url is an https address of the LMS as registered.",
        section=_DEEP + "4.4.1",
        here="If the LMS has further host names, add them to its registration.",
    ),
    Rule(
        id="claims",
        code="E_CLAIM",
        happened="A claim that every launch must carry is missing or malformed.",
        rule="A launch carries sub, roles, deployment_id, target_link_uri and, by its "
        "type, resource_link or deep_linking_settings.",
        section=_CORE + "5.3 and 5.4; " + _DEEP + "4.4.1",
    ),
    Rule(
        id="target-of-login",
        code="E_TARGET",
        reason="the target is not the one of this login",
        happened="The launch goes to another address than its login announced.",
        rule="The target_link_uri of the launch is that of its login.",
        section=_CORE + "5.3.4",
        person=_ASK,
        there="Check the address of the placed link in the LMS; it should be our "
        "launch address.",
        topic="link",
    ),
    Rule(
        id="target",
        code="E_TARGET",
        happened="The LMS wants to open an address that is not one of this tool.",
        rule="The target_link_uri lies under /lti/ of this tool's own address.",
        section=_CORE + "5.3.4",
        person=_ASK,
        here="Check that MASTERYBRIDGE_PUBLIC_URL is the address the LMS uses.",
        there="Give the placed link our launch address.",
        topic="link",
    ),
)


def rule_of(code: str, reason: str) -> Rule:
    """The rule that a refusal of this code and reason broke.

    Of several that fit the one whose beginning is longest; each code has one for
    whatever is left.
    """
    fitting = [
        one for one in RULES if one.code == code and reason.startswith(one.reason)
    ]
    return max(fitting, key=lambda one: len(one.reason))


def sentences() -> tuple[str, ...]:
    """Every text of the rules, for the catalogue; sections are names and stay."""
    return tuple(
        text
        for one in RULES
        for text in (one.happened, one.rule, one.person, one.here, one.there)
    )
