"""The invented people and courses every practice LMS starts with. None of them is real."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"


@dataclass(frozen=True)
class User:
    """Somebody with an account. `sub` is opaque and stays the same for ever, as tools store it.

    Those in `USERS` can sign in; others are there to fill a roster, some of them without a name.
    """

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
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def roles(self) -> list[str]:
        """Full role URIs, institution first (LTI 1.3 core, appendix A.2)."""
        return [INSTITUTION + self.institution_role, MEMBERSHIP + self.membership_role]

    @property
    def is_learner(self) -> bool:
        """Only learners can be graded."""
        return self.membership_role == "Learner"

    @property
    def is_teacher(self) -> bool:
        """Whether this person may change a course."""
        return self.membership_role in ("Instructor", "Administrator")


@dataclass(frozen=True)
class Member:
    """One person in one course. `status` is Active, Inactive or Deleted (NRPS 2.0 §2.3)."""

    user: User
    status: str = "Active"


@dataclass(frozen=True)
class ReviewTarget:
    """Where submissions of an activity are looked at, if its line item said so (Submission Review 1.0 §3.1)."""

    url: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Activity:
    """A resource link: one placement of the tool in one course.

    `score_maximum` is None where nothing is graded; an empty `url` means the tool's own target. `history` holds the
    ids of the links it was copied from, newest first.
    """

    key: str
    resource_link_id: str
    title: str
    description: str
    custom: Mapping[str, str] = field(default_factory=dict)
    score_maximum: float | None = 100.0
    url: str = ""
    resource_id: str = ""
    tag: str = ""
    review: ReviewTarget | None = None
    history: tuple[str, ...] = ()


@dataclass(frozen=True)
class Course:
    """An LTI context. Everybody who can sign in is a member of every course; `history` is as an activity's."""

    key: str
    context_id: str
    label: str
    title: str
    summary: str
    activities: tuple[Activity, ...]
    history: tuple[str, ...] = ()

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
STATEWIDE = Course(
    key="statewide",
    context_id="ctx-51f0",
    label="STATE",
    title="Statewide induction",
    summary="Everybody who started this year, from every agency. Nothing here is graded.",
    activities=(
        Activity(
            key="pathway",
            resource_link_id="link-8810",
            title="My pathway",
            description="What you have, what is next, and what it opens.",
            custom={"view": "pathway"},
            score_maximum=None,
        ),
    ),
)
COURSES: Mapping[str, Course] = {course.key: course for course in (FOUNDATIONS, TEAM_PRACTICE, STATEWIDE)}
CROWD_OF: Mapping[str, int] = {STATEWIDE.key: 61}
"""How many invented learners a course has beside those who can sign in."""

_GIVEN = ("Amaya", "Bao", "Corin", "Darri", "Elowen", "Faisal", "Gita", "Harlan", "Ines", "Jarrah", "Kirra", "Lior")
_FAMILY = ("Wattle", "Banksia", "Ironbark", "Saltbush", "Coolabah", "Mulga", "Boronia", "Grevillea")
_NAMES = tuple(product(_FAMILY, _GIVEN))


def learner_number(number: int) -> User:
    """The invented learner with this number, from 1; every tenth comes without a name or address."""
    family, given = _NAMES[(number - 1) % len(_NAMES)]
    named = number % 10 != 0
    return User(
        key=f"learner-{number}",
        sub=f"a4f1-learner-{number:05d}",
        given_name=given if named else "",
        family_name=family if named else "",
        email=f"learner{number}@example.org" if named else "",
        membership_role="Learner",
        institution_role="Student",
        about="Fills a roster",
    )


def status_of_number(number: int) -> str:
    """Most are active; some have been suspended or have left."""
    if number % 17 == 0:
        return "Deleted"
    return "Inactive" if number % 13 == 0 else "Active"
