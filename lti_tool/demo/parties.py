"""The demo's parties: its own settings, the pretend LMS with its people, the SIS."""

from __future__ import annotations

import secrets
from pathlib import Path

from flask import Flask

from lti_tool.demo.platform import Platform
from lti_tool.demo.school import School
from lti_tool.settings import Settings
from oneroster.provider import blueprint


def make_sis(school: School, client_id: str, client_secret: str) -> Flask:
    """Return the pretend SIS: a OneRoster 1.2 provider over the school's records."""
    app = Flask("pretend-sis")
    app.register_blueprint(
        blueprint(school.catalog(), clients={client_id: client_secret})
    )
    return app


def demo_settings(settings: Settings, folder: Path, tool_url: str) -> Settings:
    """The demo's own folder and addresses; a database named by a setting is used."""
    return settings.model_copy(
        update={
            "data_dir": folder,
            "public_url": tool_url,
            "local_network": "127.0.0.1,localhost",
            "queue_url": "",
            "secret_key_file": settings.secret_key_file or _key_file(folder),
        }
    )


def _key_file(folder: Path) -> Path:
    path = folder / "secret.key"
    path.write_bytes(secrets.token_bytes(32))
    path.chmod(0o600)
    return path


def make_lms(school: School, lms_url: str) -> Platform:
    """Return the pretend LMS with the school's people and courses in it."""
    lms = Platform(url=lms_url, seed=school.seed)
    for person in school.lms_people():
        lms.add_person(
            person.subject,
            person.given_name,
            person.family_name,
            person.email,
            sis_user_sourced_id=person.lis_person_sourcedid,
        )
    for course in school.lms_courses():
        lms.add_course(
            course.context_id,
            course.title,
            course.label,
            sis_class_sourced_id=course.lis_course_section_sourcedid,
        )
        for member in course.members:
            lms.enroll(course.context_id, member.subject, member.role)
    return lms
