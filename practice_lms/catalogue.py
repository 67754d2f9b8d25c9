"""The invented people and courses of the practice LMS. None of them is real."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"


@dataclass(frozen=True)
class User:
    """Somebody who can sign in. `sub` is opaque and stays the same for ever, as tools store it."""

    key: str
    sub: str
    given_name: str
    family_name: str
    email: str
    membership_role: str
    institution_role: str
    about: str

    @property
    def name(self) -> str:
        """Full name as shown to people."""
        return f"{self.given_name} {self.family_name}"

    @property
    def roles(self) -> list[str]:
        """Full role URIs, institution first (LTI 1.3 core, appendix A.2)."""
        return [INSTITUTION + self.institution_role, MEMBERSHIP + self.membership_role]

    @property
    def is_learner(self) -> bool:
        """Only learners can be graded."""
        return self.membership_role == "Learner"


@dataclass(frozen=True)
class Activity:
    """A resource link: one placement of the tool in one course."""

    key: str
    resource_link_id: str
    title: str
    description: str
    custom: Mapping[str, str] = field(default_factory=dict)
    score_maximum: float = 100.0


@dataclass(frozen=True)
class Course:
    """An LTI context. Everybody is a member of every course."""

    key: str
    context_id: str
    label: str
    title: str
    summary: str
    activities: tuple[Activity, ...]

    def activity(self, key: str) -> Activity | None:
        """The activity with this key, if the course has it."""
        return next((activity for activity in self.activities if activity.key == key), None)


TESS = User(
    key="tess",
    sub="5b0e2f7c-learner-41",
    given_name="Tess",
    family_name="Nguyen",
    email="tess.nguyen@example.org",
    membership_role="Learner",
    institution_role="Student",
    about="Vocational specialist, learning on the job",
)
PRIYA = User(
    key="priya",
    sub="c93a61d4-staff-07",
    given_name="Priya",
    family_name="Raman",
    email="priya.raman@example.org",
    membership_role="Instructor",
    institution_role="Faculty",
    about="Instructor and assessor",
)
ALI = User(
    key="ali",
    sub="e1487b20-admin-02",
    given_name="Ali",
    family_name="Haddad",
    email="ali.haddad@example.org",
    membership_role="Administrator",
    institution_role="Administrator",
    about="Looks after this LMS",
)
USERS: Mapping[str, User] = {user.key: user for user in (TESS, PRIYA, ALI)}

FOUNDATIONS = Course(
    key="foundations",
    context_id="ctx-8d21",
    label="IPS101",
    title="IPS foundations",
    summary="The first course for people new to Individual Placement and Support.",
    activities=(
        Activity(
            key="m01",
            resource_link_id="link-5501",
            title="M01 What Makes IPS, IPS",
            description="The eight principles, and why each one matters to the person looking for work.",
            custom={"module": "M01"},
        ),
    ),
)
TEAM_PRACTICE = Course(
    key="team-practice",
    context_id="ctx-b07e",
    label="TEAM2",
    title="Team practice",
    summary="A second course with the same module. Open both at once: they must never mix.",
    activities=(
        Activity(
            key="m01",
            resource_link_id="link-7302",
            title="M01 What Makes IPS, IPS",
            description="The same module, taken again with your own team in mind.",
            custom={"module": "M01"},
        ),
    ),
)
COURSES: Mapping[str, Course] = {course.key: course for course in (FOUNDATIONS, TEAM_PRACTICE)}


def user_by_sub(sub: str) -> User | None:
    """The user whom tools know as `sub`."""
    return next((user for user in USERS.values() if user.sub == sub), None)


def link_by_id(resource_link_id: str) -> tuple[Course, Activity] | None:
    """The course and activity of a resource link id."""
    for course in COURSES.values():
        for activity in course.activities:
            if activity.resource_link_id == resource_link_id:
                return course, activity
    return None
