"""What a teacher does to courses: adding, duplicating and removing activities, copying a course."""

from collections.abc import Mapping
from dataclasses import replace

from practice_lms.catalogue import Activity, Course, ReviewTarget
from practice_lms.lms import PracticeLms


def add_activity(
    lms: PracticeLms,
    course_key: str,
    *,
    title: str,
    description: str = "",
    custom: Mapping[str, str] | None = None,
    url: str = "",
    score_maximum: float | None = 100.0,
    resource_id: str = "",
    tag: str = "",
    review: ReviewTarget | None = None,
) -> Activity:
    """Add an activity with a new resource link to a course; graded ones get a line item where the platform does so.

    `url` is where it leads, empty for the tool's own target; `score_maximum` is None for an ungraded activity.
    """
    number = lms.campus.next_number()
    activity = Activity(
        key=f"a{number}",
        resource_link_id=f"link-{number}",
        title=title,
        description=description,
        custom=dict(custom or {}),
        score_maximum=score_maximum,
        url=url,
        resource_id=resource_id,
        tag=tag,
        review=review,
    )
    _place(lms, course_key, activity)
    return activity


def duplicate_activity(lms: PracticeLms, course_key: str, activity_key: str) -> Activity:
    """Put a second one beside an activity: another link and line item, the same resource id and tag."""
    original = lms.campus.courses[course_key].activity(activity_key)
    if original is None:
        raise KeyError(activity_key)
    number = lms.campus.next_number()
    twin = replace(_copied(original, number), key=f"a{number}", title=f"{original.title} (copy)")
    _place(lms, course_key, twin)
    return twin


def remove_activity(lms: PracticeLms, course_key: str, activity_key: str) -> None:
    """Delete an activity with its line item and grades."""
    activity = lms.campus.courses[course_key].activity(activity_key)
    if activity is None:
        raise KeyError(activity_key)
    item = lms.gradebook.of_link(activity.resource_link_id)
    if item is not None:
        lms.gradebook.remove(item)
    lms.campus.remove_activity(course_key, activity_key)


def copy_course(lms: PracticeLms, course_key: str) -> Course:
    """Make a course of its own out of another: new context and link ids, line items without any grade.

    The histories grow by the ids copied from, newest first; everybody who is a member stays one.
    """
    original = lms.campus.courses[course_key]
    number = lms.campus.next_number()
    copy = replace(
        original,
        key=f"{course_key}-{number}",
        context_id=f"ctx-{number}",
        label=f"{original.label} copy",
        title=f"{original.title} (copy)",
        activities=(),
        history=(original.context_id, *original.history),
    )
    lms.campus.open_course(copy, lms.campus.members(course_key))
    for activity in original.activities:
        _place(lms, copy.key, _copied(activity, lms.campus.next_number()))
    return lms.campus.courses[copy.key]


def _copied(activity: Activity, number: int) -> Activity:
    return replace(activity, resource_link_id=f"link-{number}", history=(activity.resource_link_id, *activity.history))


def _place(lms: PracticeLms, course_key: str, activity: Activity) -> None:
    lms.campus.put_activity(course_key, activity)
    lms.make_column(lms.campus.courses[course_key], activity)
