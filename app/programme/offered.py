"""What the files can say and the learning room cannot do yet: drafts may hold it, published modules may not."""

from __future__ import annotations

from collections.abc import Iterator

from app.programme.errors import Problem
from app.programme.files import ModuleFile, OptionWithFeedback
from app.programme.loader import ModuleFolder, Sheet

OPTION_FEEDBACK = "feedback for each option"
FILE_FIELD = "a field for a file"
# Take an entry out as soon as learners can do it; nothing else has to change.
NOT_OFFERED_YET: frozenset[str] = frozenset()


def not_offered_yet(module: ModuleFolder) -> Iterator[Problem]:
    """A problem for each place of a published module that learners could not do."""
    sheet: Sheet[ModuleFile] = module.sheet
    for index, activity in enumerate(sheet.content.activities):
        if activity.kind in NOT_OFFERED_YET:
            yield sheet.problem(_told(f"an activity of the kind `{activity.kind}`"), "activities", index, "kind")
    for form in module.forms.values():
        for index, field in enumerate(form.content.fields):
            if field.kind == "file" and FILE_FIELD in NOT_OFFERED_YET:
                yield form.problem(_told(FILE_FIELD), "fields", index, "kind")
    for bank in module.questions.values():
        for index, question in enumerate(bank.content.questions):
            for letter, option in question.options.items():
                if isinstance(option, OptionWithFeedback) and OPTION_FEEDBACK in NOT_OFFERED_YET:
                    yield bank.problem(_told(OPTION_FEEDBACK), "questions", index, "options", letter)


def _told(what: str) -> str:
    return f"{what} is not offered yet: learners could not do it, so keep the module a draft (`status: draft`)"
