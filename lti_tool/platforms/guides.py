"""How an administrator connects each vendor's platform: menus, fields, addresses.

Data for the page that walks her through it. Menus and fields stand in the vendor's
own English words. The texts are shown in the reader's language; they stand in the
catalogue.

Longer than 400 lines because it holds five vendors' guides and nothing else.

How this is known, by vendor, November 2026: canvas from canvas-lms doc/api
(lti_dev_key_config.md, registration.md), its menus from the published admin guides;
moodle seen on Moodle 4.5.5; brightspace and blackboard from their published
administrator documentation as remembered, seen on no server here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Value:
    """A value to copy into a field of the platform.

    Attributes:
        field: the field as the platform words it.
        source: which value of ours goes there, by its name in work.guides; else the
            value itself.
    """

    field: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do in the platform: where, what, and with which values."""

    text: str
    menu: str = ""
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One of the ways to connect a platform.

    Attributes:
        name: its word in addresses.
        title: what a person picks.
        invites: begins with a one-use invitation; nothing is pasted back.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    invites: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """The addresses of a kind of installation; {site} is the school's own address."""

    name: str
    title: str
    issuer: str
    auth_url: str
    token_url: str
    jwks_url: str
    token_audience: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """How a vendor's platform is connected.

    Attributes:
        product: what it is called.
        site_example: an address of one.
        ways: the ways to connect it, the quickest first.
        editions: where its addresses are; the most frequent first.
        pasted: what the platform calls the values pasted back, by our field.
        pitfalls: what goes wrong there, and how to avoid it.
        opening: how to make the test launch.
        done: where teachers and students find the tool.
        message: what to send to teachers.
    """

    product: str
    site_example: str
    ways: tuple[Way, ...]
    editions: tuple[Edition, ...]
    pasted: MappingProxyType[str, str]
    pitfalls: tuple[str, ...] = ()
    opening: str
    done: str
    message: str

    def texts(self) -> Iterator[str]:
        """Yield every sentence that is shown in the reader's language."""
        for way in self.ways:
            yield way.title
            yield from (step.text for step in way.steps)
        yield from (edition.title for edition in self.editions)
        yield from (*self.pitfalls, self.opening, self.done, self.message)


_PRIVATE_HOSTS: Final = (
    "The LMS fetches our keys by itself, so its server must be able to reach this "
    "address. Launches work without that; reading classes and sending grades does "
    "not."
)

_CANVAS_KEYS: Final = "Admin > (your account) > Developer Keys"
_CANVAS_INSTALL: Final = (
    "Choose By Client ID as configuration type, paste the client id, submit and "
    "install. In one course instead of the whole account, do the same in the "
    "settings of that course."
)
_CANVAS: Final = Guide(
    product="Canvas",
    site_example="https://yourschool.instructure.com",
    ways=(
        Way(
            name="address",
            title="With one address for a developer key (any Canvas)",
            steps=(
                Step(
                    menu=f"{_CANVAS_KEYS} > + Developer Key > + LTI Key",
                    text="Set Method to Enter URL, fill in these values and save.",
                    values=(
                        Value("Key Name", "MasteryBridge"),
                        Value("Redirect URIs", "redirects"),
                        Value("JSON URL", "canvas_url"),
                    ),
                ),
                Step(
                    menu=_CANVAS_KEYS,
                    text=(
                        "Set the state of the new key to On. Copy the long number "
                        "under Details: it is the client id."
                    ),
                ),
                Step(
                    menu=(
                        "Admin > (your account) > Settings > Apps > View App "
                        "Configurations > + App"
                    ),
                    text=_CANVAS_INSTALL,
                ),
                Step(
                    menu=(
                        "Admin > (your account) > Settings > Apps > View App "
                        "Configurations > gear icon > Deployment Id"
                    ),
                    text=(
                        "Copy the deployment id. You may leave it out here: then the "
                        "first launch waits for your approval."
                    ),
                ),
            ),
        ),
        Way(
            name="json",
            title="With the JSON itself (where Canvas cannot reach this server)",
            steps=(
                Step(
                    menu=f"{_CANVAS_KEYS} > + Developer Key > + LTI Key",
                    text="Set Method to Paste JSON, fill in these values and save.",
                    values=(
                        Value("Key Name", "MasteryBridge"),
                        Value("Redirect URIs", "redirects"),
                        Value("LTI 1.3 Configuration", "canvas_json"),
                    ),
                ),
                Step(
                    menu=_CANVAS_KEYS,
                    text=(
                        "Set the state of the new key to On. Copy the long number "
                        "under Details: it is the client id."
                    ),
                ),
                Step(
                    menu=(
                        "Admin > (your account) > Settings > Apps > View App "
                        "Configurations > + App"
                    ),
                    text=_CANVAS_INSTALL,
                ),
            ),
        ),
        Way(
            name="dynamic",
            title=(
                "With a one-use registration link (where the account has LTI "
                "registration)"
            ),
            invites=True,
            steps=(
                Step(
                    menu="Admin > (your account) > Apps > Manage > Install a New App",
                    text=(
                        "Choose LTI 1.3 and Dynamic Registration, paste this address "
                        "and follow the steps. Canvas shows what it grants."
                    ),
                    values=(Value("Dynamic Registration URL", "invitation"),),
                ),
                Step(
                    menu=_CANVAS_KEYS,
                    text=(
                        "See that the new key is on and that the app is available in "
                        "the account. Then come back here and approve it."
                    ),
                ),
            ),
        ),
    ),
    editions=(
        Edition(
            name="hosted",
            title="Hosted by Instructure",
            issuer="https://canvas.instructure.com",
            auth_url="https://sso.canvaslms.com/api/lti/authorize_redirect",
            token_url="https://sso.canvaslms.com/login/oauth2/token",
            jwks_url="https://sso.canvaslms.com/api/lti/security/jwks",
        ),
        Edition(
            name="beta",
            title="The beta environment of a hosted Canvas",
            issuer="https://canvas.beta.instructure.com",
            auth_url="https://sso.beta.canvaslms.com/api/lti/authorize_redirect",
            token_url="https://sso.beta.canvaslms.com/login/oauth2/token",
            jwks_url="https://sso.beta.canvaslms.com/api/lti/security/jwks",
        ),
        Edition(
            name="test",
            title="The test environment of a hosted Canvas",
            issuer="https://canvas.test.instructure.com",
            auth_url="https://sso.test.canvaslms.com/api/lti/authorize_redirect",
            token_url="https://sso.test.canvaslms.com/login/oauth2/token",
            jwks_url="https://sso.test.canvaslms.com/api/lti/security/jwks",
        ),
        # Canvas: a self-hosted one left on its default lti_iss says the issuer of
        # the cloud and signs with keys of its own; doc/api/lti_dev_key_config.md.
        Edition(
            name="own",
            title="On a server of your own",
            issuer="https://canvas.instructure.com",
            auth_url="{site}/api/lti/authorize_redirect",
            token_url="{site}/login/oauth2/token",
            jwks_url="{site}/api/lti/security/jwks",
        ),
    ),
    pasted=MappingProxyType(
        {
            "client_id": "Details, the long number",
            "deployment_ids": "Deployment Id",
        }
    ),
    pitfalls=(
        (
            "Leave the privacy level at Public. With less, Canvas sends no names or no"
            " SIS ids, and students cannot be joined to the school system."
        ),
        (
            "If your school opens Canvas under a host name of its own, add that "
            "address to the sites of this platform afterwards; otherwise browsers show"
            " an empty frame."
        ),
        (
            "Canvas reads the address of the JSON once, when the key is saved. After "
            "an update of MasteryBridge, save the key again."
        ),
        (
            "Beta and test are copies of production with the same ids. Connect each of"
            " them as a platform of its own, or not at all."
        ),
        (
            "On a server of your own the issuer is what lti_iss in its security "
            "settings says; without that setting it is the one of the cloud."
        ),
    ),
    opening="Open any course in Canvas and choose Mastery in the course menu.",
    done="Teachers and students find Mastery in the course menu.",
    message=(
        "Mastery is now in the menu of your Canvas courses. It shows which "
        "competencies your students have shown, and why. Open Mastery in your course "
        "and align your assignments; nothing goes to the gradebook until you switch it"
        " on."
    ),
)

_MOODLE_TOOLS: Final = (
    "Site administration > Plugins > Activity modules > External tool > Manage tools"
)
_MOODLE: Final = Guide(
    product="Moodle",
    site_example="https://moodle.yourschool.example",
    ways=(
        Way(
            name="dynamic",
            title="With a one-use registration link (Moodle 3.10 or newer)",
            invites=True,
            steps=(
                Step(
                    menu=_MOODLE_TOOLS,
                    text=(
                        "Paste this address as Tool URL and choose Add LTI Advantage. "
                        "If Moodle asks whether to update a tool of the same address, "
                        "make a new one, unless you mean to renew this registration."
                    ),
                    values=(Value("Tool URL", "invitation"),),
                ),
                Step(
                    menu=_MOODLE_TOOLS,
                    text=(
                        "The new tool stands there as pending. Choose Activate. Then "
                        "come back here and approve it."
                    ),
                ),
                Step(
                    menu=f"{_MOODLE_TOOLS} > gear icon > Tool settings",
                    text=(
                        "Set Tool configuration usage to Show in activity chooser and "
                        "as a preconfigured tool, so that teachers find it."
                    ),
                ),
            ),
        ),
        Way(
            name="manual",
            title="With values typed by hand",
            steps=(
                Step(
                    menu=f"{_MOODLE_TOOLS} > configure a tool manually",
                    text="Fill in the tool settings with these values.",
                    values=(
                        Value("Tool name", "MasteryBridge"),
                        Value("Tool URL", "launch_url"),
                        Value("LTI version", "LTI 1.3"),
                        Value("Public key type", "Keyset URL"),
                        Value("Public keyset", "jwks_url"),
                        Value("Initiate login URL", "login_url"),
                        Value("Redirection URI(s)", "redirects"),
                        Value("Custom parameters", "custom"),
                        Value("Default launch container", "Embed, without blocks"),
                        Value("Content Selection URL", "deep_linking_url"),
                        Value("Icon URL", "icon_url"),
                    ),
                ),
                Step(
                    menu="Tool settings",
                    text=(
                        "Tick Supports Deep Linking (Content-Item Message). Set Tool "
                        "configuration usage to Show in activity chooser and as a "
                        "preconfigured tool."
                    ),
                ),
                Step(
                    menu="Services",
                    text="Switch both services on; Moodle leaves them off.",
                    values=(
                        Value(
                            "IMS LTI Assignment and Grade Services",
                            "Use this service for grade sync and column management",
                        ),
                        Value(
                            "IMS LTI Names and Role Provisioning",
                            (
                                "Use this service to retrieve members' information as "
                                "per privacy settings"
                            ),
                        ),
                    ),
                ),
                Step(
                    menu="Privacy",
                    text=(
                        "Let names be sent; Moodle sends none unless told. E-mail "
                        "addresses are not needed."
                    ),
                    values=(
                        Value("Share launcher's name with tool", "Always"),
                        Value("Accept grades from the tool", "Always"),
                    ),
                ),
                Step(
                    menu=f"{_MOODLE_TOOLS} > list icon (View configuration details)",
                    text=(
                        "Save, then copy the values Moodle shows there into the form "
                        "below."
                    ),
                ),
            ),
        ),
    ),
    editions=(
        Edition(
            name="site",
            title="A Moodle site",
            issuer="{site}",
            auth_url="{site}/mod/lti/auth.php",
            token_url="{site}/mod/lti/token.php",
            jwks_url="{site}/mod/lti/certs.php",
        ),
    ),
    pasted=MappingProxyType(
        {
            "issuer": "Platform ID",
            "client_id": "Client ID",
            "deployment_ids": "Deployment ID",
            "jwks_url": "Public keyset URL",
            "token_url": "Access token URL",
            "auth_url": "Authentication request URL",
        }
    ),
    pitfalls=(
        (
            "A tool that registered itself is pending until somebody activates it in "
            "Manage tools."
        ),
        (
            "Teachers see the tool only when it is shown in the activity chooser: by "
            "you for all courses, or by a teacher under Course > More > LTI External "
            "tools."
        ),
        (
            "Typed by hand, the services are off and no names are sent until you "
            "switch them on."
        ),
        (
            "Moodle has no link in the course menu. Add one External tool activity to "
            "each course, as its way to the mastery pages."
        ),
        (
            "Recommended container: Embed, without blocks. The pages then have the "
            "whole width."
        ),
        (
            "An update of a registration takes away whatever is left out of it. If you"
            " change the tool by hand, look at all its settings afterwards."
        ),
        (
            "If Moodle cannot fetch our keys: Site administration > General > Security"
            " > HTTP security must neither block our host nor leave our port out of "
            "the allowed ports."
        ),
    ),
    opening=(
        "Add an activity External tool to any course, choose MasteryBridge as "
        "preconfigured tool, save, and open it."
    ),
    done=(
        "Teachers add an activity External tool to their course; it opens the mastery "
        "pages for them and for their students."
    ),
    message=(
        "Mastery is now in Moodle. In your course, choose Add an activity, then "
        "MasteryBridge: that one link opens your class view for you and each student's"
        " own page for her. Nothing goes to the gradebook until you switch it on."
    ),
)

_D2L: Final = "Admin Tools > Manage Extensibility > LTI Advantage"
_D2L_LINKS: Final = "Admin Tools > External Learning Tools"
_BRIGHTSPACE: Final = Guide(
    product="Brightspace",
    site_example="https://yourschool.brightspace.com",
    ways=(
        Way(
            name="manual",
            title="With values copied field by field",
            steps=(
                Step(
                    menu=f"{_D2L} > Register Tool",
                    text=(
                        "Choose Standard and fill in these values. Tick the extensions"
                        " Assignment and Grade Services, Deep Linking, and Names and "
                        "Role Provisioning Services. Register."
                    ),
                    values=(
                        Value("Name", "MasteryBridge"),
                        Value("Domain", "public_url"),
                        Value("Redirect URLs", "redirects"),
                        Value("OpenID Connect Login URL", "login_url"),
                        Value("Target Link URI", "launch_url"),
                        Value("Keyset URL", "jwks_url"),
                        Value("Custom Parameters", "custom"),
                    ),
                ),
                Step(
                    menu=f"{_D2L} > MasteryBridge",
                    text=(
                        "Brightspace now shows the registration details. Copy them "
                        "into the form below, the OAuth2 audience too."
                    ),
                ),
                Step(
                    menu=f"{_D2L_LINKS} > New Deployment",
                    text=(
                        "Choose the tool, tick the same extensions, and under Security"
                        " Settings send Org Unit, User (first and last name, Org "
                        "Defined ID) and Link information. Add the org units that "
                        "shall use it, and copy the deployment id."
                    ),
                ),
                Step(
                    menu=f"{_D2L_LINKS} > View Links > New Link",
                    text=(
                        "Make two links: one of type Basic Launch, and one of type "
                        "Deep Linking Quicklink."
                    ),
                    values=(
                        Value("URL (Basic Launch)", "launch_url"),
                        Value("URL (Deep Linking Quicklink)", "deep_linking_url"),
                    ),
                ),
            ),
        ),
    ),
    editions=(
        # Brightspace: the audience of a token request is not the token's address but
        # a value of its own, shown as "Brightspace OAuth2 Audience".
        Edition(
            name="site",
            title="A Brightspace site",
            issuer="{site}",
            auth_url="{site}/d2l/lti/authenticate",
            token_url="https://auth.brightspace.com/core/connect/token",
            jwks_url="{site}/d2l/.well-known/jwks",
            token_audience="https://api.brightspace.com/auth/token",
        ),
    ),
    pasted=MappingProxyType(
        {
            "issuer": "Issuer",
            "client_id": "Client Id",
            "deployment_ids": "Deployment Id",
            "jwks_url": "Brightspace Keyset URL",
            "token_url": "Brightspace OAuth2 Access Token URL",
            "auth_url": "OpenID Connect Authentication Endpoint",
            "token_audience": "Brightspace OAuth2 Audience",
        }
    ),
    pitfalls=(
        (
            "Extensions are switched on twice: in the registration and in the "
            "deployment. One that is off in either is off."
        ),
        (
            "The Security Settings of the deployment decide whether names and the Org "
            "Defined ID are sent. Without the Org Defined ID students cannot be joined"
            " to the school system."
        ),
        "The OAuth2 audience differs from the address of the token. Copy both.",
        "A deployment reaches only the org units added to it.",
    ),
    opening=(
        "In any course, choose Content > Existing Activities > External Learning Tools"
        " > the MasteryBridge link, and open it."
    ),
    done=(
        "Teachers add the MasteryBridge link from Existing Activities to their course."
    ),
    message=(
        "Mastery is now in Brightspace. In your course, choose Content, Existing "
        "Activities, External Learning Tools, MasteryBridge: that one link opens your "
        "class view for you and each student's own page for her. Nothing goes to the "
        "gradebook until you switch it on."
    ),
)

_BB: Final = "Administrator Panel > Integrations > LTI Tool Providers"
_BLACKBOARD: Final = Guide(
    product="Blackboard Learn",
    site_example="https://yourschool.blackboard.com",
    ways=(
        Way(
            name="manual",
            title="With an application registered at the vendor",
            steps=(
                Step(
                    menu=(
                        "developer.blackboard.com > My Apps > + (Register your "
                        "application)"
                    ),
                    text=(
                        "Once for this installation: tick My Integration supports LTI "
                        "1.3, fill in these values, choose RS256 and register."
                    ),
                    values=(
                        Value("Application Name", "MasteryBridge"),
                        Value("Domain(s)", "domain"),
                        Value("Login Initiation URL", "login_url"),
                        Value("Tool Redirect URL(s)", "redirects"),
                        Value("Tool JWKS URL", "jwks_url"),
                        Value("Custom Parameters", "custom"),
                    ),
                ),
                Step(
                    menu="developer.blackboard.com > My Apps > MasteryBridge",
                    text=(
                        "Copy the Application ID; it is the client id. The other "
                        "addresses are the same for every school."
                    ),
                ),
                Step(
                    menu=f"{_BB} > Register LTI 1.3/Advantage Tool",
                    text=(
                        "Paste the client id and submit. Set Tool Status to Approved, "
                        "send role, name and e-mail as your school allows, and allow "
                        "grade service and membership service access. Copy the "
                        "deployment id."
                    ),
                ),
                Step(
                    menu=f"{_BB} > MasteryBridge > Manage Placements > Create",
                    text=(
                        "Make two placements: one of type Course Tool that students "
                        "may use, and one of type Deep Linking Content Tool."
                    ),
                    values=(
                        Value("Label", "Mastery"),
                        Value("Handle", "masterybridge"),
                        Value("Target Link URI (Course Tool)", "launch_url"),
                        Value(
                            "Target Link URI (Deep Linking Content Tool)",
                            "deep_linking_url",
                        ),
                    ),
                ),
            ),
        ),
    ),
    editions=(
        # Blackboard: issuer and addresses are the vendor's, the same for every
        # school; the deployment id alone tells schools apart.
        Edition(
            name="site",
            title="Any Blackboard Learn",
            issuer="https://blackboard.com",
            auth_url="https://developer.blackboard.com/api/v1/gateway/oidcauth",
            token_url="https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken",
            jwks_url=(
                "https://developer.blackboard.com/api/v1/management/applications/{client_id}/jwks.json"
            ),
        ),
    ),
    pasted=MappingProxyType(
        {
            "issuer": "Issuer",
            "client_id": "Application ID",
            "deployment_ids": "Deployment ID",
            "jwks_url": "Public keyset URL",
            "token_url": "Auth token endpoint",
            "auth_url": "OIDC auth request endpoint",
        }
    ),
    pitfalls=(
        (
            "All schools share one issuer and one client id; the deployment id tells "
            "them apart. Connect the application once and approve each school's "
            "deployment."
        ),
        (
            "The address of the key set holds the client id. A key set address of "
            "another application refuses every launch."
        ),
        (
            "If your school opens Blackboard under a host name of its own, add that "
            "address to the sites of this platform afterwards."
        ),
        (
            "The tool must be Approved, and both service accesses allowed; otherwise "
            "no classes are read and no grades arrive."
        ),
    ),
    opening=(
        "In any course, open Books & Tools (Ultra) or Tools (Original) and choose "
        "Mastery."
    ),
    done="Teachers and students find Mastery among the tools of their course.",
    message=(
        "Mastery is now among the tools of your Blackboard courses. It shows which "
        "competencies your students have shown, and why. Nothing goes to the gradebook"
        " until you switch it on."
    ),
)

_OTHER: Final = Guide(
    product="Another LMS",
    site_example="https://lms.yourschool.example",
    ways=(
        Way(
            name="manual",
            title="With values copied field by field",
            steps=(
                Step(
                    text=(
                        "Make a new LTI 1.3 (LTI Advantage) tool in your LMS with "
                        "these values."
                    ),
                    values=(
                        Value("Login initiation URL", "login_url"),
                        Value("Target link / launch URL", "launch_url"),
                        Value("Redirect URIs", "redirects"),
                        Value("Public keyset (JWKS) URL", "jwks_url"),
                        Value("Deep linking URL", "deep_linking_url"),
                        Value("Custom parameters", "custom"),
                        Value("Scopes", "scopes"),
                    ),
                ),
                Step(
                    text=(
                        "Let names and roles be sent and switch on Names and Roles and"
                        " Assignment and Grade Services. Then copy what the LMS shows "
                        "into the form below."
                    ),
                ),
            ),
        ),
        Way(
            name="dynamic",
            title="With a one-use registration link (LTI dynamic registration)",
            invites=True,
            steps=(
                Step(
                    text=(
                        "Paste this address where your LMS asks for the registration "
                        "address of a tool, and follow its steps. Then come back here "
                        "and approve it."
                    ),
                    values=(Value("Registration URL", "invitation"),),
                ),
            ),
        ),
    ),
    editions=(),
    pasted=MappingProxyType(
        {
            "issuer": "Issuer (platform id)",
            "client_id": "Client id",
            "deployment_ids": "Deployment id",
            "jwks_url": "Platform keyset (JWKS) URL",
            "token_url": "Access token URL",
            "auth_url": "Authentication request URL",
        }
    ),
    pitfalls=(
        "The issuer must be, letter by letter, what the LMS sends.",
        _PRIVATE_HOSTS,
    ),
    opening="Open any course, and in it the link to MasteryBridge.",
    done="Teachers and students open the link to MasteryBridge in their course.",
    message=(
        "Mastery is now in your LMS. The MasteryBridge link in your course opens your "
        "class view for you and each student's own page for her. Nothing goes to the "
        "gradebook until you switch it on."
    ),
)

GUIDES: Final = MappingProxyType(
    {
        "canvas": _CANVAS,
        "moodle": _MOODLE,
        "brightspace": _BRIGHTSPACE,
        "blackboard": _BLACKBOARD,
        "other": _OTHER,
    }
)
