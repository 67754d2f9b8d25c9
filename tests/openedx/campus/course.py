"""The course: who is in it, what is in it, and how the consumer is told of both."""

import os
import uuid
from typing import Any

from django.contrib.auth.models import User
from lti_consumer.data import Lti1p3LaunchData
from lti_consumer.models import CourseAllowPIISharingInLTIFlag, Lti1p3Passport, LtiConfiguration
from opaque_keys.edx.keys import CourseKey

COURSE = CourseKey.from_string("course-v1:Agency+IPS+2026")
TITLE = "IPS foundations"
# Full names, and roles in the consumer's own words.
PEOPLE = {
    "tomas": ("Tomas Varga", "instructor"),
    "ines": ("Ines Dahl", "staff"),
    "mira": ("Mira Solberg", "student"),
    "jun": ("Jun Okada", "student"),
    "ada": ("Ada Nwosu", "student"),
    "leo": ("Leo Marchetti", "student"),
    "noor": ("Noor Haddad", "student"),
    "sam": ("Sam Whitlock", "student"),
}
# The module an activity names, and who makes its column: the platform ("declarative") or the tool ("programmatic").
ACTIVITIES = {
    "graded": ("M01", "declarative"),
    "column-by-tool": ("M01", "programmatic"),
    "picked": (None, "declarative"),
}


def subject_of(username: str) -> str:
    """What a tool knows a person by."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, username))


def person_behind(subject: str) -> User:
    """The person a tool means."""
    return User.objects.get(username=next(name for name in PEOPLE if subject_of(name) == subject))


def place_of(activity: str) -> Any:
    """Where an activity is in the course; a tool sees it as the id of the resource link."""
    return COURSE.make_usage_key("lti_consumer", activity)


def furnish() -> None:
    """Enter the people, and every activity under one client id."""
    for username, (_name, role) in PEOPLE.items():
        User.objects.create(username=username, email=f"{username}@example.org", is_staff=role != "student")
    CourseAllowPIISharingInLTIFlag.objects.create(course_id=COURSE, enabled=True)
    tool = os.environ["CAMPUS_TOOL"]
    passport = Lti1p3Passport.objects.create(name="Waymark", lti_1p3_tool_keyset_url=os.environ["CAMPUS_TOOL_KEYS"])
    for activity, (_module, mode) in ACTIVITIES.items():
        LtiConfiguration.objects.create(
            version=LtiConfiguration.LTI_1P3,
            config_store=LtiConfiguration.CONFIG_ON_DB,
            location=place_of(activity),
            lti_1p3_passport=passport,
            lti_1p3_oidc_url=f"{tool}/lti/login",
            lti_1p3_launch_url=f"{tool}/lti/launch",
            lti_1p3_redirect_uris=[f"{tool}/lti/launch"],
            lti_advantage_ags_mode=mode,
            lti_advantage_enable_nrps=True,
            lti_advantage_deep_linking_enabled=True,
            lti_advantage_deep_linking_launch_url=f"{tool}/lti/launch",
        )


def configuration_of(activity: str) -> LtiConfiguration:
    """The consumer's row for an activity."""
    return LtiConfiguration.objects.get(location=place_of(activity))


def opening(activity: str, user: User) -> Lti1p3LaunchData:
    """What the page around an activity tells the consumer of whoever opens it."""
    name, role = PEOPLE[user.username]
    module = ACTIVITIES[activity][0]
    return Lti1p3LaunchData(
        user_id=user.id,
        external_user_id=subject_of(user.username),
        user_role=role,
        preferred_username=user.username,
        name=name,
        email=user.email,
        config_id=configuration_of(activity).config_id,
        resource_link_id=str(place_of(activity)),
        launch_presentation_document_target="iframe",
        context_id=str(COURSE),
        context_type=["course_offering"],
        context_title=TITLE,
        context_label=str(COURSE),
        custom_parameters={"module": module} if module else {},
    )
