"""What the consumer asks of the Open edX around it: all of it passes one module of the consumer's, and ends here."""

from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import User
from lti_consumer.plugin import compat

from .course import COURSE, PEOPLE, person_behind, subject_of

MAXIMUM = 10
# The gradebook: for each activity, each person's grade.
grades: dict[str, dict[str, dict[str, Any]]] = {}


class Block:
    """An activity, as far as the consumer looks into it."""

    has_score, accept_grades_past_due, weight, lti_1p3_passport_id = True, True, MAXIMUM, None

    def __init__(self, place: Any) -> None:
        self.scope_ids = SimpleNamespace(usage_id=place)
        self.context_id, self.display_name = str(COURSE), f"Activity {place.block_id}"

    def is_past_due(self) -> bool:
        """The course has no dates."""
        return False

    def max_score(self) -> float:
        """What the activity counts to."""
        return self.weight

    def set_user_module_score(self, user: User, share: float, maximum: float, comment: str | None = None) -> None:
        """A final grade arrives: a share of the maximum."""
        row = {"grade": share * maximum, "maximum": maximum, "comment": comment}
        grades.setdefault(self.scope_ids.usage_id.block_id, {})[user.username] = row


def members(_course: Any) -> dict[int, dict[str, Any]]:
    """Everybody in the course, in the shape Open edX tells it."""
    return {
        user.id: {"id": user.id, "name": PEOPLE[user.username][0], "email": user.email, "roles": [role_of(user)]}
        for user in User.objects.all()
    }


def role_of(user: User) -> str:
    """The role in the course."""
    return PEOPLE[user.username][1]


def subjects(users: Any) -> dict[int, Any]:
    """What tools know these people by. They come with a wish for profiles, which Django alone does not have."""
    return {
        user.id: SimpleNamespace(external_user_id=subject_of(user.username)) for user in users.prefetch_related(None)
    }


def fill() -> None:
    """Answer in Open edX's place."""
    compat.load_enough_xblock = compat.load_block_as_user = Block
    compat.get_user_from_external_user_id = person_behind
    compat.get_course_members = members
    compat.batch_get_or_create_externalids = subjects
    compat.get_course_by_id = lambda course: course
    compat.user_course_access = lambda _course, user, *_how, **_more: user.is_authenticated
    compat.user_has_access = lambda user, *_how: user.is_authenticated
    compat.user_has_studio_write_access = lambda user, _course: user.is_staff
