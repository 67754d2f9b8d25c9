"""The courses of one practice LMS, their activities and members, as they are now: people add, copy and leave."""

from dataclasses import dataclass, field, replace

from practice_lms.catalogue import (
    COURSES,
    CROWD_OF,
    USERS,
    Activity,
    Course,
    Member,
    User,
    learner_number,
    status_of_number,
)


@dataclass
class Campus:
    """Courses by key and members by course key and `sub`; courses and activities are values that get replaced."""

    courses: dict[str, Course] = field(default_factory=dict)
    _members: dict[str, dict[str, Member]] = field(default_factory=dict)
    _crowd: int = 0
    _last_number: int = 9000

    @classmethod
    def of_the_catalogue(cls) -> "Campus":
        """The courses and people every practice LMS starts with."""
        campus = cls()
        for course in COURSES.values():
            campus.open_course(course)
            campus.enrol_crowd(course.key, CROWD_OF.get(course.key, 0))
        return campus

    def open_course(self, course: Course, members: list[Member] | None = None) -> None:
        """Add a course with these members; without, with everybody who can sign in."""
        self.courses[course.key] = course
        chosen = [Member(user) for user in USERS.values()] if members is None else members
        self._members[course.key] = {member.user.sub: member for member in chosen}

    def put_activity(self, course_key: str, activity: Activity) -> None:
        """Add an activity to a course, or put it in the place of the one with the same key."""
        course = self.courses[course_key]
        known = course.activity(activity.key) is not None
        rest = tuple(activity if each.key == activity.key else each for each in course.activities)
        self.courses[course_key] = replace(course, activities=rest if known else (*course.activities, activity))

    def remove_activity(self, course_key: str, activity_key: str) -> None:
        """Delete an activity."""
        course = self.courses[course_key]
        rest = tuple(each for each in course.activities if each.key != activity_key)
        self.courses[course_key] = replace(course, activities=rest)

    def next_number(self) -> int:
        """A number no context, link or activity here has yet."""
        self._last_number += 1
        return self._last_number

    def find_link(self, resource_link_id: str) -> tuple[Course, Activity] | None:
        """The course and activity of a resource link id."""
        for course in self.courses.values():
            for activity in course.activities:
                if activity.resource_link_id == resource_link_id:
                    return course, activity
        return None

    def members(self, course_key: str) -> list[Member]:
        """Everybody in a course, also those who left, by family name."""
        return sorted(self._members[course_key].values(), key=lambda member: (member.user.family_name, member.user.sub))

    def member(self, course_key: str, sub: str) -> Member | None:
        """One member of a course."""
        return self._members[course_key].get(sub)

    def learner(self, course_key: str, sub: str) -> User | None:
        """Somebody who can be graded in this course now."""
        member = self.member(course_key, sub)
        if member is None or member.status != "Active" or not member.user.is_learner:
            return None
        return member.user

    def enrol_crowd(self, course_key: str, count: int) -> list[User]:
        """Add so many invented learners to a course; some are inactive or deleted, some have no name."""
        numbers = range(self._crowd + 1, self._crowd + count + 1)
        self._crowd += count
        added = [Member(learner_number(number), status_of_number(number)) for number in numbers]
        self._members[course_key] |= {member.user.sub: member for member in added}
        return [member.user for member in added]

    def set_status(self, course_key: str, sub: str, status: str) -> None:
        """Make a member Active, Inactive or Deleted. Raises KeyError if there is no such member."""
        member = self._members[course_key][sub]
        self._members[course_key][sub] = replace(member, status=status)
