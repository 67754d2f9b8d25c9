"""What can be wrong in the learning room, in words for the person who meets it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from app.core.errors import BadInput, Conflict, Forbidden, NotFound, TooLarge
from app.learning.evidence import Place
from app.learning.schemas import Draft, Missing

_NOTHING_CHANGED = "Nothing was changed."


class EnrolmentNotFound(NotFound):
    """There is no such enrolment, or it is somebody else's."""

    slug = "enrolment-not-found"
    title = "There is no such enrolment"

    def __init__(self) -> None:
        super().__init__("We have no work of yours here.", next_step="Open the module again from your LMS.")


class ActivityNotFound(NotFound):
    """The module has no such activity, or it is of another kind."""

    slug = "activity-not-found"
    title = "This module has no such activity"

    def __init__(self) -> None:
        super().__init__("This module has no such activity.", next_step="Go back to the module's first page.")


class SubmissionNotFound(NotFound):
    """There is no such submission, or it is somebody else's."""

    slug = "submission-not-found"
    title = "There is no such work"

    def __init__(self) -> None:
        super().__init__("We have no such work here.", next_step="Go back to the list.")


class DecisionNotFound(NotFound):
    """No decision has this id."""

    slug = "decision-not-found"
    title = "There is no such decision"


class WorkLocked(Conflict):
    """The work is with an assessor, or awarded: the learner cannot change it."""

    slug = "work-locked"
    title = "This work cannot be changed now"


class NotReady(Conflict):
    """Something is missing before work can be handed in or awarded.

    Args:
        what: what was asked for.
        missing: each thing that is missing.
        kept: what was kept.
    """

    slug = "not-ready"
    title = "Not everything is there yet"

    def __init__(self, what: str, missing: tuple[Missing, ...], *, kept: str) -> None:
        super().__init__(
            " ".join((what, *(item.detail for item in missing))),
            kept=kept,
            next_step="Complete this and try again.",
        )
        self.missing = missing


class FindingsUnanswered(Conflict):
    """The scan found places that may point at a real person, and the learner has not yet said of each that it does not.

    Args:
        places: those they have not answered to.
    """

    slug = "findings-unanswered"
    title = "Please look at these places first"

    def __init__(self, places: tuple[Place, ...]) -> None:
        number = len(places)
        super().__init__(
            f"{number} {'place' if number == 1 else 'places'} in your work may point at a real person.",
            kept="Nothing was handed in, and everything you wrote is kept as a draft.",
            next_step="Change each, or say that it is not about a real person. Then hand in again.",
        )
        self.places = places


class NotQuarantined(Conflict):
    """The texts were not put away, so there is nothing to bring back or to remove."""

    slug = "not-quarantined"
    title = "These texts are not put away"

    def __init__(self) -> None:
        super().__init__(
            "These texts are not in quarantine.",
            kept=_NOTHING_CHANGED,
            next_step="Open the work again to see how it stands.",
        )


class UndoTooLate(Conflict):
    """A quarantine can no longer be taken back."""

    slug = "undo-too-late"
    title = "This can no longer be taken back"

    def __init__(self) -> None:
        super().__init__(
            "A quarantine can be taken back for ten minutes, by the assessor who made it, while no new work is there.",
            kept="The texts stay put away.",
            next_step="Wait for the learner's new work, or remove the texts for good.",
        )


class KnowledgeCheckWaits(Conflict):
    """The next try is not open yet.

    Args:
        opens_at: when it opens.
    """

    slug = "knowledge-check-waits"
    title = "Take a break first"

    def __init__(self, opens_at: datetime) -> None:
        super().__init__(
            "The next try is not open yet. After two tries there is a pause, so that there is time to read again.",
            kept="All your earlier answers and their feedback are kept.",
            next_step="Read the lesson again, then come back when the check opens.",
        )
        self.opens_at = opens_at


class KnowledgeCheckPassed(Conflict):
    """The check is passed: there is nothing more to try."""

    slug = "knowledge-check-passed"
    title = "You have passed this check"

    def __init__(self) -> None:
        super().__init__("You have passed this check already.", next_step="Go on to the next activity.")


class AttemptNotFound(NotFound):
    """There is no such try, or it is somebody else's."""

    slug = "attempt-not-found"
    title = "There is no such try"

    def __init__(self) -> None:
        super().__init__("We have no such try of yours.", next_step="Open the knowledge check again.")


class Unanswered(BadInput):
    """Some questions have no answer.

    Args:
        question_keys: which ones.
    """

    slug = "unanswered"
    title = "Some questions have no answer yet"

    def __init__(self, question_keys: tuple[str, ...]) -> None:
        number = len(question_keys)
        super().__init__(
            f"{number} {'question has' if number == 1 else 'questions have'} no answer yet.",
            kept="This did not count as a try.",
            next_step="Answer every question, then check your answers again.",
        )
        self.question_keys = question_keys


class UnknownAnswer(BadInput):
    """An answer names a question or an option that this try does not have."""

    slug = "unknown-answer"
    title = "These answers belong to another page"

    def __init__(self) -> None:
        super().__init__(
            "Some answers do not belong to the questions of this try.",
            kept="This did not count as a try.",
            next_step="Open the knowledge check again and answer there.",
        )


class AttemptAlreadyAnswered(Conflict):
    """The try was answered before, with other answers."""

    slug = "attempt-already-answered"
    title = "You have answered this try already"

    def __init__(self) -> None:
        super().__init__(
            "This try was answered already, perhaps in another window.",
            kept="The first answers count.",
            next_step="Open the knowledge check again to see the result.",
        )


class DraftConflict(Conflict):
    """Somebody, most likely the same person in another window, saved in between.

    Args:
        stored: what is kept, with its revision.
        offered: what was sent; not stored, so the page must keep showing it.
    """

    slug = "draft-conflict"
    title = "This text was changed in another window"

    def __init__(self, stored: Draft, offered: Mapping[str, str]) -> None:
        super().__init__(
            "Another window saved a different text in the meantime.",
            kept="Both texts are still here: the saved one, and yours on this page.",
            next_step="Compare the two, keep what you want, and save again.",
        )
        self.stored = stored
        self.offered = offered


class DraftTooLong(TooLarge):
    """A field holds more than is accepted.

    Args:
        field_key: which field.
        length: how many characters were sent.
        limit: how many are accepted.
    """

    slug = "draft-too-long"
    title = "This text is too long"

    def __init__(self, field_key: str, label: str, length: int, limit: int) -> None:
        super().__init__(
            f"“{label}” has {length:,} characters. At most {limit:,} can be saved.",
            kept="What you saved before is kept, and your text is still on this page.",
            next_step="Shorten it and save again.",
        )
        self.field_key = field_key
        self.length = length
        self.limit = limit


class UnknownField(BadInput):
    """The activity has no such field."""

    slug = "unknown-field"
    title = "This activity has no such field"

    def __init__(self) -> None:
        super().__init__(
            "What was sent does not fit this activity.",
            kept="What you saved before is kept.",
            next_step="Open the activity again.",
        )


class UnusableText(BadInput):
    """A text holds characters that cannot be kept."""

    slug = "unusable-text"
    title = "This text holds characters we cannot keep"

    def __init__(self, label: str) -> None:
        super().__init__(
            f"“{label}” holds control characters that cannot be saved. They often come from copying out of a file.",
            kept="What you saved before is kept, and your text is still on this page.",
            next_step="Paste it again as plain text.",
        )


class NotAnAssessor(Forbidden):
    """Only a person with the assessor grant may do this; a role in an LMS is not one."""

    slug = "not-an-assessor"
    title = "Only an assessor may do that"

    def __init__(self) -> None:
        super().__init__(
            "You do not hold the assessor role. Being an instructor in an LMS does not give it.",
            kept=_NOTHING_CHANGED,
            next_step="Ask the people who run Waymark to grant it to you.",
        )


class OwnWork(Forbidden):
    """Nobody marks or decides their own work."""

    slug = "own-work"
    title = "This is your own work"

    def __init__(self) -> None:
        super().__init__(
            "Nobody marks or decides their own work.",
            kept=_NOTHING_CHANGED,
            next_step="Another assessor will find it in the queue.",
        )


class AlreadyDecided(Conflict):
    """A decision is final for its submission."""

    slug = "already-decided"
    title = "This work has been decided already"

    def __init__(self) -> None:
        super().__init__(
            "Somebody has decided this work already. A decision is final for what was handed in.",
            kept="The decision stands as it was made.",
            next_step="Open the work again to see it, or take the next from the queue.",
        )


class PanelDecides(Conflict):
    """Two assessors decide this work; one alone cannot."""

    slug = "panel-decides"
    title = "Two assessors decide this work"

    def __init__(self) -> None:
        super().__init__(
            "The rule of this module asks for two assessors, so nobody decides alone.",
            kept="Your marks and comments are kept.",
            next_step="Give your mark as a member of the panel.",
        )


class PanelMarkGiven(Conflict):
    """This member has given their mark, and the other has not."""

    slug = "panel-mark-given"
    title = "You have given your mark"

    def __init__(self) -> None:
        super().__init__(
            "Your mark is given and cannot be changed while the other member of the panel has not given theirs.",
            kept="Your mark is kept as you gave it.",
            next_step="Wait for the second member, or step back from the panel.",
        )


class PanelMarkNotGiven(Conflict):
    """Only a mark that was given, and about which nothing is decided, can be taken back."""

    slug = "panel-mark-not-given"
    title = "There is nothing to step back from"

    def __init__(self) -> None:
        super().__init__(
            "You hold no seat in a panel that still decides about this work.",
            kept=_NOTHING_CHANGED,
            next_step="Go back to the queue.",
        )


class MarksAreKept(BadInput):
    """The marks of a calibration set stay as they were handed in, once the agreed ones were shown."""

    slug = "calibration-marks-are-kept"
    title = "Your marks of this set stay as you handed them in"

    def __init__(self) -> None:
        super().__init__(
            "The agreed marks have been shown to you, so your levels and decisions can no longer be changed.",
            kept="Your marks are kept as you handed them in.",
            next_step="Open the activity again. Your reasons and comments can still be changed.",
        )


class UnknownCriterion(BadInput):
    """The rubric has no such criterion."""

    slug = "unknown-criterion"
    title = "The rubric has no such criterion"

    def __init__(self) -> None:
        super().__init__("The rubric has no such criterion.", kept=_NOTHING_CHANGED, next_step="Open the work again.")


class LevelOutOfRange(BadInput):
    """The criterion has no such level."""

    slug = "level-out-of-range"
    title = "There is no such level"

    def __init__(self) -> None:
        super().__init__("There is no such level.", kept=_NOTHING_CHANGED, next_step="Choose a level from 1 to 4.")


class CommentTooLong(TooLarge):
    """A comment is longer than is accepted.

    Args:
        length: how many characters were sent.
        limit: how many are accepted.
    """

    slug = "comment-too-long"
    title = "This comment is too long"

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(
            f"The comment has {length:,} characters. At most {limit:,} can be saved.",
            kept="What was saved before is kept.",
            next_step="Shorten it and save again.",
        )
        self.length = length
        self.limit = limit


class CommentMissing(BadInput):
    """Returned work needs a word to the learner."""

    slug = "comment-missing"
    title = "Please tell the learner why"

    def __init__(self) -> None:
        super().__init__(
            "Work can only be returned with a comment that says what to change.",
            kept="Your marks are kept.",
            next_step="Write the comment and return the work again.",
        )


class TalkInFuture(BadInput):
    """The talk cannot have been held yet."""

    slug = "talk-in-future"
    title = "This date is still to come"

    def __init__(self) -> None:
        super().__init__(
            "The talk with the supervisor cannot have been held on a day that is still to come.",
            kept=_NOTHING_CHANGED,
            next_step="Enter the day on which it was held.",
        )


class SupervisorRoleUnusable(BadInput):
    """The supervisor's role is missing or too long."""

    slug = "supervisor-role-unusable"
    title = "Please say in what role the supervisor spoke"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The supervisor's role needs between 1 and {limit} characters on one line.",
            kept=_NOTHING_CHANGED,
            next_step="Enter a role such as “centre manager”. Leave out names.",
        )


class NotIndependent(Forbidden):
    """The assessor stands too near to the learner, or to the decision, to decide this work.

    Args:
        reasons: why, one sentence each.
    """

    slug = "not-independent"
    title = "Somebody else decides this work"

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(
            " ".join((*reasons, "So that nobody can doubt the decision, another assessor makes it.")),
            kept="Marks that were saved before are kept.",
            next_step="Take the next from the queue. Another assessor finds this one there.",
        )
        self.reasons = reasons


class WaitsForSecondMark(Forbidden):
    """Decided work that may come to this assessor for a blind second mark: they do not see the decision before."""

    slug = "waits-for-second-mark"
    title = "This work waits for a second mark"
    action: Mapping[str, str] | None = None  # set by the page that knows the way

    def __init__(self) -> None:
        super().__init__(
            "This work was decided, and waits for a second mark by somebody who has not seen the decision.",
            kept="The decision stands as it was made.",
            next_step="Open it under “Second marks” and mark it there. After that you see both.",
        )


class SecondMarkNotFound(NotFound):
    """There is no such second mark, or it is not for this person."""

    slug = "second-mark-not-found"
    title = "There is no such second mark"

    def __init__(self) -> None:
        super().__init__(
            "No second mark of this work waits for you.",
            next_step="Go back to the list of second marks.",
        )


class SecondMarkGiven(Conflict):
    """The second mark was given already; it is given once."""

    slug = "second-mark-given"
    title = "The second mark is given already"

    def __init__(self) -> None:
        super().__init__(
            "The second mark of this work was given already, by you in another window or by another assessor.",
            kept="The mark that was given first stands.",
            next_step="Take the next from the list of second marks.",
        )


class WorkPutAway(Conflict):
    """The texts are in quarantine or removed: nobody can judge them."""

    slug = "work-put-away"
    title = "The texts of this work are put away"

    def __init__(self) -> None:
        super().__init__(
            "The texts of this work were put away, because somebody could be recognised in them.",
            kept="What was decided stands.",
            next_step="Go back to the list.",
        )


class SecondMarkIncomplete(BadInput):
    """A second mark needs a level for each criterion, an outcome and a reason.

    Args:
        fields: what is missing or wrong, by field: `level-KEY`, `outcome` or `reason`.
    """

    slug = "second-mark-incomplete"
    title = "The second mark is not complete"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(
            " ".join(fields.values()),
            kept="What you chose is still on this page.",
            next_step="Complete it and send again.",
        )
        self.fields = fields


class AlreadyConcluded(Conflict):
    """What came of talking two marks over is written once."""

    slug = "already-concluded"
    title = "The conclusion is written already"

    def __init__(self) -> None:
        super().__init__(
            "The conclusion of this talk is written already, perhaps by the other assessor.",
            kept="The first one stands.",
            next_step="Open the page again to read it.",
        )


class SavedCommentNotFound(NotFound):
    """There is no such saved comment, or it is somebody else's."""

    slug = "saved-comment-not-found"
    title = "There is no such saved comment"

    def __init__(self) -> None:
        super().__init__("You have no such saved comment.", next_step="Go back to your saved comments.")


class CommentBankFull(Conflict):
    """More saved comments than anybody finds their way in."""

    slug = "comment-bank-full"
    title = "Your comment bank is full"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"You have {most} saved comments, and there is no room for more.",
            kept="All of them are kept, and so is what you typed.",
            next_step="Delete some that you no longer use.",
        )


class AppealNotPossible(Conflict):
    """This decision cannot be appealed against, or no more.

    Args:
        why: in words for the learner.
    """

    slug = "appeal-not-possible"
    title = "You cannot appeal here"

    def __init__(self, why: str) -> None:
        super().__init__(
            why,
            kept="Your work is kept.",
            next_step="Go back to the module. You can always change your work and hand in again.",
        )


class AppealNotFound(NotFound):
    """There is no such appeal, or it is not for this person."""

    slug = "appeal-not-found"
    title = "There is no such appeal"

    def __init__(self) -> None:
        super().__init__("We have no such appeal here.", next_step="Go back to the list.")


class AppealAnswered(Conflict):
    """An appeal is answered once."""

    slug = "appeal-answered"
    title = "This appeal is closed already"

    def __init__(self) -> None:
        super().__init__(
            "Another assessor answered this appeal, or the learner has handed in new work in the meantime.",
            kept="What was answered first stands.",
            next_step="Open the appeal again to see it.",
        )


class ReasonMissing(BadInput):
    """An appeal, and an answer to one, needs its reason."""

    slug = "reason-missing"
    title = "Please say why"

    def __init__(self) -> None:
        super().__init__(
            "Please say why, in a sentence or two.",
            kept="Nothing was sent yet.",
            next_step="Write the reason and send again.",
        )


class OwnAttendance(Forbidden):
    """Nobody confirms that they were there themselves."""

    slug = "own-attendance"
    title = "This is your own attendance"

    def __init__(self) -> None:
        super().__init__(
            "Nobody confirms their own attendance.",
            kept=_NOTHING_CHANGED,
            next_step="Ask another teacher of the course, or an assessor.",
        )


class AttendanceByOther(Conflict):
    """This session is confirmed in another way.

    Args:
        how: the way that was tried.
    """

    slug = "attendance-by-other"
    title = "This session is confirmed in another way"

    def __init__(self, how: str) -> None:
        other = "by name" if how == "code" else "by the code that is shown there"
        super().__init__(
            f"Who was at this session is confirmed {other}.",
            kept=_NOTHING_CHANGED,
            next_step="Ask who ran the session.",
        )


class AttendanceDateUnusable(BadInput):
    """The day of the session is still to come, or long ago."""

    slug = "attendance-date-unusable"
    title = "Please check the day"

    def __init__(self) -> None:
        super().__init__(
            "The day of the session must be today or within the last year.",
            kept=_NOTHING_CHANGED,
            next_step="Enter the day on which it was held.",
        )


class AttendanceSettled(Conflict):
    """The module was awarded, and this was part of it."""

    slug = "attendance-settled"
    title = "This can no longer be taken back"

    def __init__(self) -> None:
        super().__init__(
            "The module was awarded to this learner, and their attendance was part of that.",
            kept="The attendance stays as it was confirmed.",
            next_step="If it was wrong, tell the people who run Waymark: they can revoke the badge.",
        )


class CodeNotKnown(BadInput):
    """This is not the code that is shown."""

    slug = "attendance-code-unknown"
    title = "This is not the code that is shown"

    def __init__(self) -> None:
        super().__init__(
            "This is not the code that is shown in your course now.",
            kept=_NOTHING_CHANGED,
            next_step="Look at the screen again and type all six characters. If the session is over, its teacher can "
            "confirm you by name.",
        )


class TooManyCodes(Conflict):
    """Ten codes were typed within an hour."""

    slug = "attendance-too-many-codes"
    title = "Too many codes were tried"

    def __init__(self) -> None:
        super().__init__(
            "Ten codes were tried within an hour, so the next one has to wait.",
            kept=_NOTHING_CHANGED,
            next_step="Try again in an hour, or ask the teacher to confirm you by name.",
        )


class RenewalOver(Conflict):
    """The badge ended too long ago to be renewed."""

    slug = "renewal-over"
    title = "This badge can no longer be renewed"

    def __init__(self) -> None:
        super().__init__(
            "A badge can be renewed until twelve months after its end. After that the module is done as a whole again.",
            kept="Everything you wrote is kept, and the badge still shows what you did.",
            next_step="Ask the people who run your programme how to do the module again.",
        )


class NoSuchRenewal(NotFound):
    """There is no renewal of this module's badge by this person, or the module cannot be renewed that way."""

    slug = "no-such-renewal"
    title = "There is no such renewal"

    def __init__(self) -> None:
        super().__init__(
            "We have no such renewal of a badge of yours here.",
            kept=_NOTHING_CHANGED,
            next_step="Open My badges and choose Renew beside the badge.",
        )
