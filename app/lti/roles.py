"""What a person is in a course, from the roles claim (LTI 1.3 core §5.3.7 and appendix A.2).

Only roles in the course decide. Canvas also sends what a person is in the institution, so that a professor who takes a
course as a student would come as a teacher. A role we do not know gives nothing, and who has no other is a learner.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
_PRINCIPAL_ROLES = frozenset(
    {"Administrator", "ContentDeveloper", "Instructor", "Learner", "Mentor", "Manager", "Member", "Officer"}
)


@dataclass(frozen=True)
class CourseRoles:
    """The three views a launch may open; at least one is true."""

    is_teacher: bool
    is_administrator: bool
    is_learner: bool


def course_roles(roles: Iterable[str]) -> CourseRoles:
    """Read a roles claim; unknown and empty values are passed over."""
    known = {principal for role in roles if (principal := _principal_role(role)) is not None}
    is_teacher, is_administrator = "Instructor" in known, "Administrator" in known
    return CourseRoles(
        is_teacher=is_teacher,
        is_administrator=is_administrator,
        is_learner="Learner" in known or not (is_teacher or is_administrator),
    )


def _principal_role(role: str) -> str | None:
    """The principal role in the course that a value stands for: full URI, sub-role URI, or the short name."""
    if role in _PRINCIPAL_ROLES:
        return role
    if not role.startswith(_MEMBERSHIP):
        return None
    rest = role.removeprefix(_MEMBERSHIP)
    if rest.startswith("#"):  # membership#Instructor
        name = rest[1:]
    elif rest.startswith("/") and "#" in rest:  # membership/Instructor#TeachingAssistant
        name = rest[1:].partition("#")[0]
    else:
        return None
    return name if name in _PRINCIPAL_ROLES else None
