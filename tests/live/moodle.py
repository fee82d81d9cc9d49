"""A real Moodle, worked as its people work it: by its pages, in Chromium.

Everything here was seen on Moodle 4.5.5 in November 2026.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Frame, FrameLocator, Page, expect

PAGE_MS = 90_000  # a Moodle that shares its machine with the trial
LONG_MS = 600_000
REGISTRATION = "iframe[src*='startltiadvregistration']"
COLUMNS = "#user-grades th.item[data-itemid]"


@dataclass(frozen=True, slots=True)
class Person:
    """One row of Moodle's own user upload; no password: she never signs in."""

    username: str
    first: str
    last: str
    id_number: str
    role: str
    password: str = ""


@dataclass(frozen=True, slots=True)
class Moodle:
    """One signed-in person's browser in a Moodle."""

    context: BrowserContext
    page: Page
    url: str

    def sign_in(self, username: str, password: str) -> None:
        # A script replaces the password field after load and loses what was typed
        # before; lib/templates/loginform.mustache
        self.page.goto(f"{self.url}/login/index.php", wait_until="networkidle")
        self.page.fill("#username", username)
        self.page.fill("#password", password)
        self.page.click("#loginbtn")
        self.page.wait_for_url(lambda url: "/login/" not in url)

    def visit(self, path: str, **query: object) -> Page:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        self.page.goto(f"{self.url}/{path}" + (f"?{asked}" if asked else ""))
        return self.page

    def choose_file(self, file: Path) -> None:
        """Put a file into the one file picker of the page."""
        self.page.get_by_role("button", name="Choose a file...").click()
        self.page.locator(".fp-repo-name", has_text="Upload a file").click()
        self.page.set_input_files("input[name=repo_upload_file]", file)
        self.page.get_by_role("button", name="Upload this file").click()
        expect(self.page.locator(".filepicker-filename a").first).to_be_visible(
            timeout=PAGE_MS
        )

    def open_web_services(self) -> None:
        """Switch web services and REST on for the site."""
        page = self.visit("admin/settings.php", section="optionalsubsystems")
        if not page.is_checked("#id_s__enablewebservices"):
            page.check("#id_s__enablewebservices")
            page.get_by_role("button", name="Save changes").click()
        page = self.visit("admin/settings.php", section="webserviceprotocols")
        switch = page.locator("a[href*='action=enable'][href*='webservice=rest']")
        if switch.count():
            switch.first.click()

    def add_service(
        self, mark: str, rights: Sequence[str], calls: Sequence[str]
    ) -> str:
        """Make an account, its role on the site and its service; gives a token."""
        address = f"{mark}@lab.example"
        self._add_account(mark, address)
        self._add_role(mark, address, rights)
        page = self.visit("admin/webservice/service.php", id=0)
        page.fill("#id_name", f"Service {mark}")
        page.check("#id_enabled")
        page.check("#id_restrictedusers")
        page.click("#id_submitbutton")
        page.wait_for_url(re.compile(r"service_functions"))
        service = re.search(r"[?&]id=(\d+)", page.url)
        assert service, page.url
        page.get_by_role("link", name="Add functions").first.click()
        page.wait_for_url(re.compile("action=add"))
        page.locator("[name='fids[]']").first.evaluate(
            "(one, names) => [...one.options].forEach(option => option.selected ="
            " names.includes(option.textContent.split(':')[0].trim()))",
            list(calls),
        )
        page.click("#id_submitbutton")
        self.visit("admin/webservice/service_users.php", id=service[1])
        self._add_user(mark, address)
        return self.add_token(mark)

    def _add_account(self, mark: str, address: str) -> None:
        page = self.visit("user/editadvanced.php", id=-1)
        page.fill("#id_username", mark)
        page.locator("[data-passwordunmask=wrapper] a").first.click()
        page.fill("#id_newpassword", "Lab-svc-1!")
        page.fill("#id_firstname", "Service")
        page.fill("#id_lastname", mark)
        page.fill("#id_email", address)
        page.click("#id_submitbutton")
        page.wait_for_url(re.compile(r"admin/user\.php"))

    def _add_role(self, mark: str, address: str, rights: Sequence[str]) -> None:
        page = self.visit("admin/roles/define.php", action="add", resettype="none")
        page.fill("#shortname", mark)
        page.fill("#name", f"Role {mark}")
        for name in ("contextlevel10", *rights):
            page.locator(f'input[type=checkbox][name="{name}"]').check()
        page.locator("[name=savechanges]").first.click()
        page.wait_for_url(re.compile("action=view"))
        page = self.visit("admin/roles/assign.php", contextid=1)
        page.get_by_role("link", name=f"Role {mark}").first.click()
        self._add_user(mark, address)

    def add_token(self, mark: str) -> str:
        """Make a token for the account and the service of a mark; gives it."""
        page = self.visit("admin/webservice/tokens.php", action="create")
        page.wait_for_load_state("networkidle")
        page.fill("#id_name", f"Token {mark} {time.monotonic_ns()}")
        # A script searches as one types; what was chosen must stand before it is sent.
        user = page.locator("#fitem_id_user")
        user.locator("input[type=text]").first.press_sequentially(mark)
        found = user.locator(".form-autocomplete-suggestions [role=option]")
        found.filter(has_text=mark).first.click()
        chosen = user.locator(".form-autocomplete-selection")
        expect(chosen).to_contain_text(mark, timeout=PAGE_MS)
        page.select_option("#id_service", label=f"Service {mark}")
        page.click("#id_submitbutton")
        token = re.compile(r"\b[0-9a-f]{32}\b")
        expect(page.locator("#region-main")).to_contain_text(token, timeout=PAGE_MS)
        shown = token.search(page.locator("#region-main").inner_text())
        assert shown, page.url
        return shown[0]

    def delete_token(self, mark: str) -> None:
        """Take the token of a mark's account away."""
        page = self.visit("admin/webservice/tokens.php")
        row = page.locator("tr", has_text=f"Service {mark}")
        # It stands in a menu that a script opens; its address is the same.
        address = row.locator("a[href*='action=delete']").first.get_attribute("href")
        page.goto(str(address))
        page.get_by_role("button", name="Delete").click()
        page.wait_for_load_state()

    def _add_user(self, name: str, address: str) -> None:
        """Add an account by Moodle's pair of lists."""
        # A script searches as one types, once it is there.
        self.page.wait_for_load_state("networkidle")
        self.page.locator("#addselect_searchtext").press_sequentially(name)
        found = self.page.locator("#addselect option", has_text=address)
        found.first.wait_for(state="attached")
        self.page.select_option(
            "#addselect", value=found.first.get_attribute("value") or ""
        )
        self.page.click("#add")
        self.page.wait_for_load_state()

    def import_framework(self, file: Path) -> None:
        """Bring a framework and its scale in from a file."""
        page = self.visit("admin/tool/lpimportcsv/index.php", pagecontextid=1)
        self.choose_file(file)
        page.click("#id_submitbutton")
        page.get_by_role("button", name="Confirm").click(timeout=LONG_MS)
        expect(page.get_by_text("Competency framework imported").or_(
            page.get_by_role("button", name="Continue")
        ).first).to_be_visible(timeout=LONG_MS)  # fmt: skip

    def add_course(self, short_name: str, full_name: str, id_number: str) -> int:
        """Make a course; gives its id."""
        self.visit("course/edit.php", category=1)
        self.page.fill("#id_fullname", full_name)
        self.page.fill("#id_shortname", short_name)
        self.page.fill("#id_idnumber", id_number)
        self.page.click("#id_saveanddisplay")
        self.page.wait_for_url(re.compile(r"[?&]id=\d+"))
        found = re.search(r"[?&]id=(\d+)", self.page.url)
        assert found, self.page.url
        return int(found[1])

    def add_people(self, file: Path, course: str, people: Iterable[Person]) -> None:
        """Make accounts and enrol them, as an administrator does from a file."""
        head = "username,password,firstname,lastname,email,idnumber,auth,course1,role1"
        lines = [
            ",".join(
                [
                    one.username, one.password or "Unused-pass-1", one.first, one.last,
                    f"{one.username}@lab.example", one.id_number,
                    "manual" if one.password else "nologin", course, one.role,
                ]
            )
            for one in people
        ]  # fmt: skip
        file.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
        self.visit("admin/tool/uploaduser/index.php")
        self.choose_file(file)
        self.page.click("#id_submitbutton")
        self.page.wait_for_selector("#id_uutype")
        self.page.select_option("#id_uutype", label="Add new and update existing users")
        self.page.select_option("#id_uuupdatetype", label="Override with file")
        self.page.locator("#id_submitbutton").click(timeout=LONG_MS, no_wait_after=True)
        expect(self.page.get_by_text("Errors: 0")).to_be_visible(timeout=LONG_MS)

    def register_tool(
        self, url: str, first_button: str, *, updates: str = ""
    ) -> FrameLocator:
        """Enter a registration address; gives the frame the tool's page stands in.

        updates names the tool to be registered again; else a new one is made.
        """
        self.visit("mod/lti/toolconfigure.php")
        # A script takes the form over after load; a press before that is lost.
        self.page.wait_for_load_state("networkidle")
        self.page.fill("#tool-url", url)
        self.page.click("#tool-create-button")
        frame = self.page.frame_locator(REGISTRATION)
        # Shown when a tool of this address is set up already.
        anew = frame.get_by_role("button", name="Register as a new external tool")
        first = frame.get_by_role("button", name=first_button)
        expect(anew.or_(first).first).to_be_visible(timeout=PAGE_MS)
        # Moodle may begin to load the frame twice; what stands there then stays.
        self.page.wait_for_load_state("networkidle")
        expect(anew.or_(first).first).to_be_visible(timeout=PAGE_MS)
        if updates:
            row = frame.locator("tr", has=frame.locator("td", has_text=updates))
            row.get_by_role("button", name="Update").last.click()
        elif anew.is_visible():
            anew.click()
        return frame

    def see_registration_close(self, frame: FrameLocator) -> None:
        """Press Close in the tool's page; Moodle then takes the frame away."""
        frame.get_by_role("button", name="Close").click()
        expect(self.page.locator(REGISTRATION)).to_have_count(0)

    def activate_tool(self, name: str) -> None:
        """Activate the newest tool of this name and show it to teachers."""
        self.visit("mod/lti/toolconfigure.php")
        card = self.page.locator(".tool-card", has_text=name).first
        card.locator(".activate").click()
        expect(card.locator(".badge", has_text="Active")).to_be_visible()
        card.locator("a.edit").click()
        self.page.select_option("#id_lti_coursevisible", value="2")
        self.page.click("#id_submitbutton")

    def scores(self, course: int) -> dict[str, list[float]]:
        """Scores the grader report shows, by the title of each column."""
        self.visit("grade/report/grader/index.php", id=course, perpage=5000)
        # After scores came in, Moodle first works its totals out, on a page of its own.
        table, go_on = (
            self.page.locator("#user-grades"),
            self.page.get_by_role("button", name="Continue"),
        )
        expect(table.or_(go_on).first).to_be_attached(timeout=LONG_MS)
        if go_on.is_visible():
            go_on.click()
        expect(table).to_be_attached(timeout=PAGE_MS)
        shown: dict[str, list[float]] = {}
        for column in self.page.locator(COLUMNS).all():
            title = column.locator(".gradeitemheader").text_content() or ""
            item = column.get_attribute("data-itemid")
            texts = self.page.locator(
                f'#user-grades td[data-itemid="{item}"] .gradevalue'
            ).all_text_contents()
            shown[title.strip()] = [
                float(text) for text in map(str.strip, texts)
                if re.fullmatch(r"\d+(\.\d+)?", text)
            ]  # fmt: skip
        return shown

    def tool_frame(self, path: str, **query: object) -> FrameLocator:
        """Open an activity; gives the frame the tool's page stands in."""
        self.visit(path, **query)
        return self.page.frame_locator("#contentframe")

    def frames(self) -> list[Frame]:
        """The frames below the page."""
        return [frame for frame in self.page.frames if frame.parent_frame]

    def copy_course(self, course: int, short_name: str) -> int:
        """Back a course up and restore it, without its people, as a new one."""
        page = self.visit("backup/backup.php", id=course)
        page.locator("input[name=oneclickbackup]").click()
        page.get_by_role("button", name="Continue").click(timeout=LONG_MS)
        page.locator("table.backup-files-table a", has_text="Restore").first.click()
        page.get_by_role("button", name="Continue").click()
        new = page.locator("form", has=page.locator("input[name=target][value='2']"))
        new.locator("input[name=targetid]").first.check()
        new.get_by_role("button", name="Continue").click()
        page.locator("#id_setting_root_users").uncheck()
        page.locator("#id_submitbutton").click()
        page.fill("#id_setting_course_course_shortname_value", short_name)
        page.locator("#id_submitbutton").click()
        page.locator("#id_submitbutton").click(timeout=LONG_MS)
        page.get_by_role("button", name="Continue").click(timeout=LONG_MS)
        found = re.search(r"[?&]id=(\d+)", page.url)
        assert found, page.url
        return int(found[1])

    def add_tool(self, name: str, tool_url: str) -> dict[str, str]:
        """Set a tool up by hand; gives the values that Moodle shows for it."""
        page = self.visit("mod/lti/toolconfigure.php")
        page.get_by_role("link", name="configure a tool manually").click()
        for field, value in {
            "lti_typename": name,
            "lti_toolurl": f"{tool_url}/lti/launch",
        }.items():
            page.fill(f"#id_{field}", value)
        page.select_option("#id_lti_ltiversion", label="LTI 1.3")
        for field, value in {
            "lti_publickeyset": f"{tool_url}/lti/jwks",
            "lti_initiatelogin": f"{tool_url}/lti/login",
            "lti_redirectionuris": f"{tool_url}/lti/launch",
            "lti_customparameters": (
                "context_history=$Context.id.history\nsis_person=$Person.sourcedId"
            ),
        }.items():
            page.fill(f"#id_{field}", value)
        page.get_by_role("button", name="Expand all").or_(
            page.get_by_role("link", name="Expand all")
        ).first.click()
        page.check("#id_lti_contentitem")
        for field, value in {
            "lti_coursevisible": "2",
            "lti_launchcontainer": "3",
            "ltiservice_gradesynchronization": "2",
            "ltiservice_memberships": "1",
            "lti_sendname": "1",
        }.items():
            page.select_option(f"#id_{field}", value=value)
        page.click("#id_submitbutton")
        return self.tool_details(name)

    def tool_details(self, name: str) -> dict[str, str]:
        """What Moodle says of a tool that is set up: its ids and addresses."""
        page = self.visit("mod/lti/toolconfigure.php")
        card = page.locator(".tool-card", has_text=name).first
        card.get_by_role("link", name="View configuration details").click()
        dialog = page.get_by_role("dialog").filter(has_text="Client ID")
        expect(dialog).to_be_visible()
        lines = [line.partition(": ") for line in dialog.inner_text().splitlines()]
        return {
            name.strip(): value.strip() for name, between, value in lines if between
        }

    def tool_id(self, client_id: str) -> str:
        """Moodle's id of the tool with this client id; also its deployment id."""
        page = self.visit("mod/lti/toolconfigure.php")
        card = page.locator(f".tool-card[data-clientid='{client_id}']")
        return str(card.get_attribute("data-deploymentid"))

    def tool_settings(self, tool_id: str) -> dict[str, str]:
        """What Moodle holds of a tool, field by field, as its form shows it."""
        page = self.visit("mod/lti/toolconfigure.php")
        page.locator(f".tool-card[data-type-id='{tool_id}'] a.edit").click()
        expect(page.locator("#id_lti_coursevisible")).to_be_attached()
        fields = page.locator("#region-main form [name^='lti']")
        return {
            re.sub(r"^lti(service)?_", "", name): value
            for name, value in fields.evaluate_all(
                "all => all.filter(one => one.type !== 'hidden').map("
                "one => [one.name, one.type === 'checkbox' ? String(+one.checked)"
                " : one.value])"
            )
        }

    def add_assignment(self, course: int, name: str, worth: int | str) -> None:
        """Add an assignment of so many points, or on the scale of this name."""
        page = self.visit("course/modedit.php", add="assign", course=course, section=0)
        page.get_by_role("button", name="Expand all").click()
        page.fill("#id_name", name)
        kind = "#id_grade_modgrade_type"
        if isinstance(worth, str):
            page.select_option(kind, label="Scale")
            page.select_option("#id_grade_modgrade_scale", label=worth)
        else:
            page.fill("#id_grade_modgrade_point", str(worth))
        page.click("#id_submitbutton2")
        page.wait_for_url(re.compile(r"/course/(view|section)\.php"))

    def add_column(self, course: int, name: str, points: int) -> None:
        """Add a column that is filled in by hand."""
        page = self.visit("grade/edit/tree/item.php", courseid=course)
        page.fill("#id_itemname", name)
        page.fill("#id_grademax", str(points))
        page.click("#id_submitbutton")
        page.wait_for_url(re.compile(r"/grade/edit/tree/index\.php"))

    def import_grades(self, course: int, titles: Sequence[str], table: str) -> None:
        """Paste grades in: an e-mail address and a cell for each title, a line each."""
        page = self.visit("grade/import/direct/index.php", id=course)
        head = "\t".join(["Address", *titles])
        page.fill("#id_userdata", f"{head}\n{table}")
        page.click("#id_submitbutton")
        page.select_option("#id_mapfrom", label="Address")
        page.select_option("#id_mapto", value="useremail")
        for place, title in enumerate(titles, 1):
            page.select_option(f"#id_mapping_{place}", label=title)
        page.click("#id_submitbutton")
        expect(page.get_by_text("Grade import success")).to_be_visible(timeout=LONG_MS)

    def content_dialog(self, course: int, tool_id: str) -> FrameLocator:
        """Begin an activity of a tool; gives the frame in which content is chosen."""
        self.visit("course/modedit.php", add="lti", course=course, section=0,
                   typeid=tool_id, sr=0)  # fmt: skip
        self.page.get_by_role("button", name="Select content").click()
        return self.page.frame_locator("iframe[name='contentitem-page-iframe']")

    def save_content(self) -> None:
        """Keep what was chosen, one activity or several."""
        self.page.get_by_role("button", name="Save and return to course").click()
        self.page.wait_for_url(re.compile(r"/course/(view|section)\.php"))

    def name_content(self, title: str) -> None:
        """Keep the one thing that was chosen, under a title of one's own."""
        expect(self.page.locator("#id_name")).not_to_have_value("")
        self.page.fill("#id_name", title)
        self.page.click("#id_submitbutton2")
        self.page.wait_for_url(re.compile(r"/course/(view|section)\.php"))

    def activities(self, course: int) -> dict[str, int]:
        """The activities of a course: title to course module id, last one wins."""
        self.visit("course/view.php", id=course)
        found = {}
        for link in self.page.locator(".activity a.aalink").all():
            number = re.search(r"[?&]id=(\d+)", link.get_attribute("href") or "")
            if number:
                found[link.inner_text().splitlines()[0].strip()] = int(number[1])
        return found

    def open_tool(self, activity: int) -> FrameLocator:
        """Open an activity; gives its frame once a page of the tool stands in it."""
        frame = self.tool_frame("mod/lti/view.php", id=activity)
        expect(frame.locator("h1").first).to_be_visible(timeout=PAGE_MS)
        return frame
