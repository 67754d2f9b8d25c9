"""Line items, the scores received for them and the grades that stand (LTI Assignment and Grade Services 2.0)."""

from dataclasses import dataclass, field
from datetime import datetime

from practice_lms.catalogue import ReviewTarget

TOOL = "tool"
TEACHER = "teacher"


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
    review: ReviewTarget | None = None


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
    def share(self) -> float | None:
        """What was given as a share of its maximum; None when no grade was given."""
        return self.given / self.maximum if self.given is not None and self.maximum else None

    @property
    def counts(self) -> bool:
        """Whether it says a final grade."""
        return self.grading_progress == "FullyGraded" and self.given is not None


@dataclass(frozen=True)
class Grade:
    """The grade that stands: a share of the column's maximum, and who gave it."""

    share: float
    given_by: str = TOOL


@dataclass
class Gradebook:
    """All line items and, for each item and learner, every score accepted, oldest first, and the grade that stands.

    `told` holds what the results service says where that differs from the grade.
    """

    items: dict[str, LineItem] = field(default_factory=dict)
    scores: dict[tuple[str, str], list[Score]] = field(default_factory=dict)
    grades: dict[tuple[str, str], Grade] = field(default_factory=dict)
    told: dict[tuple[str, str], float | None] = field(default_factory=dict)
    submissions: dict[tuple[str, str], int] = field(default_factory=dict)
    _last_number: int = 10

    def add(self, course_key: str, label: str, score_maximum: float) -> LineItem:
        """Make a new column and give it the next id."""
        self._last_number += 1
        item = LineItem(str(self._last_number), course_key, label, score_maximum)
        self.items[item.id] = item
        return item

    def remove(self, item: LineItem) -> None:
        """Drop a column and everything in it."""
        del self.items[item.id]
        for kept in (self.scores, self.grades, self.told, self.submissions):
            for pair in [pair for pair in kept if pair[0] == item.id]:
                del kept[pair]

    def of_course(self, course_key: str) -> list[LineItem]:
        """The columns of one course, oldest first."""
        return [item for item in self.items.values() if item.course_key == course_key]

    def of_link(self, resource_link_id: str) -> LineItem | None:
        """The column of one activity, if it has one."""
        return next((item for item in self.items.values() if item.resource_link_id == resource_link_id), None)

    def keep(self, item: LineItem, score: Score) -> None:
        """Add an accepted score to the history."""
        self.scores.setdefault((item.id, score.user_sub), []).append(score)

    def give(self, item: LineItem, user_sub: str, share: float | None, by: str = TOOL) -> None:
        """Let a grade stand, or none."""
        pair = (item.id, user_sub)
        self.told.pop(pair, None)
        if share is None:
            self.grades.pop(pair, None)
        else:
            self.grades[pair] = Grade(share, by)

    def grade_by_teacher(self, item: LineItem, user_sub: str, points: float) -> None:
        """A teacher enters a grade by hand, on the scale of the column."""
        self.give(item, user_sub, points / item.score_maximum, TEACHER)

    def tell(self, item: LineItem, user_sub: str, share: float | None) -> None:
        """Let the results service say something else than the grade that stands."""
        self.told[(item.id, user_sub)] = share

    def submit(self, item: LineItem, user_sub: str) -> None:
        """Count one more submission of a learner."""
        pair = (item.id, user_sub)
        self.submissions[pair] = self.submissions_of(item, user_sub) + 1

    def submissions_of(self, item: LineItem, user_sub: str) -> int:
        """How often a learner has handed in."""
        return self.submissions.get((item.id, user_sub), 0)

    def history(self, item: LineItem, user_sub: str) -> list[Score]:
        """Every score of one learner in one column, oldest first."""
        return self.scores.get((item.id, user_sub), [])

    def grade(self, item: LineItem, user_sub: str) -> Grade | None:
        """The grade that stands."""
        return self.grades.get((item.id, user_sub))

    def result(self, item: LineItem, user_sub: str) -> float | None:
        """The grade that stands now, on the scale of the column; None if there is none."""
        grade = self.grade(item, user_sub)
        return grade.share * item.score_maximum if grade is not None else None

    def told_result(self, item: LineItem, user_sub: str) -> float | None:
        """What the results service says, on the scale of the column."""
        if (item.id, user_sub) not in self.told:
            return self.result(item, user_sub)
        share = self.told[(item.id, user_sub)]
        return share * item.score_maximum if share is not None else None
