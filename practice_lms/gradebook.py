"""Line items and the scores received for them (LTI Assignment and Grade Services 2.0)."""

from dataclasses import dataclass, field
from datetime import datetime

from practice_lms.catalogue import COURSES


@dataclass
class LineItem:
    """One column of the gradebook. `resource_link_id` is empty for columns a tool made without a link."""

    id: str
    course_key: str
    label: str
    score_maximum: float
    resource_id: str = ""
    tag: str = ""
    resource_link_id: str = ""


@dataclass(frozen=True)
class Score:
    """One score as the tool posted it. `given` is None when the post carried no grade."""

    user_sub: str
    given: float | None
    maximum: float | None
    comment: str
    activity_progress: str
    grading_progress: str
    timestamp: datetime
    received_at: datetime

    @property
    def counts(self) -> bool:
        """Whether it leaves a grade: anything but a final, graded score erases what was there, as in Moodle."""
        return self.grading_progress == "FullyGraded" and self.given is not None


class StaleScore(Exception):
    """The score is not later, in whole seconds, than the one already stored."""


@dataclass
class Gradebook:
    """All line items and, for each item and learner, every score accepted, oldest first."""

    items: dict[str, LineItem] = field(default_factory=dict)
    scores: dict[tuple[str, str], list[Score]] = field(default_factory=dict)
    _last_number: int = 10

    @classmethod
    def with_course_items(cls) -> "Gradebook":
        """A gradebook in which each activity of each course already has its column."""
        book = cls()
        for course in COURSES.values():
            for activity in course.activities:
                item = book.add(course.key, activity.title, activity.score_maximum)
                item.resource_link_id = activity.resource_link_id
        return book

    def add(self, course_key: str, label: str, score_maximum: float) -> LineItem:
        """Make a new column and give it the next id."""
        self._last_number += 1
        item = LineItem(str(self._last_number), course_key, label, score_maximum)
        self.items[item.id] = item
        return item

    def remove(self, item: LineItem) -> None:
        """Drop a column and its scores."""
        del self.items[item.id]
        for pair in [pair for pair in self.scores if pair[0] == item.id]:
            del self.scores[pair]

    def of_course(self, course_key: str) -> list[LineItem]:
        """The columns of one course, oldest first."""
        return [item for item in self.items.values() if item.course_key == course_key]

    def of_link(self, resource_link_id: str) -> LineItem | None:
        """The column of one activity, unless a tool deleted it."""
        return next((item for item in self.items.values() if item.resource_link_id == resource_link_id), None)

    def record(self, item: LineItem, score: Score) -> None:
        """Store a score.

        Raises StaleScore if it is not at least one whole second later than the last: Moodle compares whole seconds, so
        a tool that posts twice in a second must count on.
        """
        history = self.scores.setdefault((item.id, score.user_sub), [])
        if history and int(score.timestamp.timestamp()) <= int(history[-1].timestamp.timestamp()):
            raise StaleScore
        history.append(score)

    def history(self, item: LineItem, user_sub: str) -> list[Score]:
        """Every score of one learner in one column, oldest first."""
        return self.scores.get((item.id, user_sub), [])

    def result(self, item: LineItem, user_sub: str) -> float | None:
        """The grade that stands now, on the scale of the column; None if there is none."""
        history = self.history(item, user_sub)
        if not history or not history[-1].counts:
            return None
        last = history[-1]
        if last.given is None or not last.maximum:
            return None
        return last.given / last.maximum * item.score_maximum
