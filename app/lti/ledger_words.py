"""What the ledger says to a teacher: why a grade is not there, and what to do, for each problem there may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.lti import score_problems as problems


@dataclass(frozen=True)
class Words:
    """Why, and what to do; None where there is nothing to do."""

    why: str
    mend: str | None = None


KEEPS_TRYING = "Nothing to do: Waymark keeps trying."
GRADED = "Make it a graded activity in your LMS. The grade then goes out when the learner next opens it."

SOON = Words("It goes out in a moment.")
OVERDUE = Words(
    "It has been due for a while, and Waymark has not got to it.",
    "If this lasts, tell whoever runs Waymark: the program that sends grades may have stopped.",
)
GIVEN_UP = Words("Waymark tried for three days, and then stopped.", "Send it again once your LMS works.")

WORDS: Mapping[str, Words] = {
    problems.UNREACHABLE: Words("Your LMS did not answer.", KEEPS_TRYING),
    problems.TROUBLE: Words("Your LMS had a fault of its own.", KEEPS_TRYING),
    problems.BUSY: Words("Your LMS asked Waymark to wait.", KEEPS_TRYING),
    problems.NO_TOKEN: Words(
        "Your LMS did not let Waymark in.",
        "Waymark keeps trying. If this lasts for more than an hour, ask your LMS administrator to check the "
        "connection.",
    ),
    problems.CONFLICT: Words(
        "Your LMS says that it holds a later grade for this learner.",
        "Waymark keeps trying. If this lasts, look at the grade in your gradebook.",
    ),
    problems.CLOCK: SOON,
    problems.COLUMN_BUSY: Words("The column in your gradebook is just being made."),
    problems.NOT_TAKEN: Words(
        "Your LMS does not take a grade for this learner. Most often they are no longer enrolled as a student.",
        "Check their enrolment in your LMS, then send the grade again.",
    ),
    problems.NO_LEAVE: Words(
        "Your LMS does not let Waymark write grades.",
        "Ask your LMS administrator to allow the tool to send scores (Assignment and Grade Services). Then open the "
        "activity once and send the grade again.",
    ),
    problems.COLUMN_GONE: Words(
        "The column in your gradebook is gone, and Waymark may not make another.",
        GRADED,
    ),
    problems.COLUMN_REFUSED: Words("Your LMS did not let Waymark find or make a column in your gradebook.", GRADED),
    problems.REJECTED: Words(
        "Your LMS refused the grade in a way that Waymark does not know.",
        "Show your LMS administrator what it answered.",
    ),
    problems.NO_SERVICE: Words(
        "Your LMS offers Waymark no gradebook.",
        "Ask your LMS administrator to switch on grades for the tool (Assignment and Grade Services). The grade then "
        "goes out when the learner next opens the activity.",
    ),
    problems.NO_COLUMN: Words("The activity has no column in your gradebook.", GRADED),
    problems.PART_ONLY: Words(
        "The link opens one activity of the module. Grades go to links that open the whole module.",
        "Place the whole module in your course if you want its grade.",
    ),
    problems.OTHER_MODULE: Words(
        "The activity opens another module now, so its column is not for this grade.",
        "If that is a mistake, have the activity open the module again, open it once, then send the grade again.",
    ),
    problems.SWITCHED_OFF: Words(
        "The connection between your LMS and Waymark is switched off.", "Ask whoever runs Waymark for your programme."
    ),
}
