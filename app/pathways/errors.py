"""What can be wrong with a rule that somebody's progress is asked of. The files are checked before they are loaded, so
whoever meets one of these has built a rule in another way."""

from __future__ import annotations

from app.core.errors import BadInput, Conflict, Forbidden, NotFound

_NEXT = "Tell whoever looks after the programme: `waymark programme check` names the place in the files."


class RuleImpossible(Conflict):
    """Nobody can ever meet this rule."""

    slug = "pathway-rule-impossible"
    title = "Nobody can meet this rule"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, kept="Nothing was changed.", next_step=_NEXT)


class RuleNamesItself(RuleImpossible):
    """A rule that waits for itself, straight away or by way of others.

    Args:
        way: keys of achievements from one to the next, the first of them again at the end.
    """

    slug = "pathway-rule-names-itself"
    title = "This rule waits for itself"

    def __init__(self, way: tuple[str, ...]) -> None:
        self.way = way
        super().__init__(f"These badges wait for each other: {' → '.join(way)}.")


_NOTHING_CHANGED = "Nothing was changed."


class StepUnknown(NotFound):
    """The pathway does not ask for this."""

    slug = "pathway-step-unknown"
    title = "The pathway has no such step"

    def __init__(self) -> None:
        super().__init__(
            "This pathway, as it is now, does not ask for that.",
            kept=_NOTHING_CHANGED,
            next_step="Look at the pathway again: it may have changed.",
        )


class NotForYourself(Forbidden):
    """Nobody vouches for themselves."""

    slug = "not-for-yourself"
    title = "Somebody else has to do this"

    def __init__(self) -> None:
        super().__init__(
            "Nobody confirms, judges or recognises anything for themselves.",
            kept=_NOTHING_CHANGED,
            next_step="Ask somebody else who may do it.",
        )


class NotYoursToConfirm(Forbidden):
    """The pathway asks somebody else for this word.

    Args:
        who: who may give it, in words.
    """

    slug = "not-yours-to-confirm"
    title = "This is for somebody else to confirm"

    def __init__(self, who: str) -> None:
        super().__init__(
            f"This can be confirmed by {who}.",
            kept=_NOTHING_CHANGED,
            next_step="Ask the person whose work it is who that is for them.",
        )


class TooNear(Forbidden):
    """The assessor is the person's line manager or mentor, or above them at their centre."""

    slug = "too-near"
    title = "Another assessor has to do this"

    def __init__(self) -> None:
        super().__init__(
            "You are this person's line manager or mentor, or manage, supervise or mentor at a centre where they work, "
            "or did so until a short while ago.",
            kept=_NOTHING_CHANGED,
            next_step="Ask an assessor who is none of these.",
        )


class NotConfirmed(Conflict):
    """There is no word in force that could be taken back."""

    slug = "not-confirmed"
    title = "This is not confirmed"

    def __init__(self) -> None:
        super().__init__(
            "No confirmation of this step is in force.", kept=_NOTHING_CHANGED, next_step="Look at the page again."
        )


class ConversationNotUsable(BadInput):
    """A conversation cannot be recorded as it was entered."""

    slug = "conversation-not-usable"
    title = "The conversation could not be recorded"

    def __init__(self, detail: str, next_step: str) -> None:
        super().__init__(detail, kept="Nothing was recorded.", next_step=next_step)


class ReasonMissing(BadInput):
    """A decision of this kind needs its reason in words."""

    slug = "reason-missing"
    title = "A reason is missing"

    def __init__(self) -> None:
        super().__init__(
            "This is kept with its reason, so that others can understand it later.",
            kept=_NOTHING_CHANGED,
            next_step="Say in a sentence or two why.",
        )


class NotRecognisable(BadInput):
    """A step of this kind cannot be recognised."""

    slug = "not-recognisable"
    title = "This step cannot be recognised"

    def __init__(self) -> None:
        super().__init__(
            "A conversation cannot be recognised: the badge tells which levels it reached, so it has to be held.",
            kept=_NOTHING_CHANGED,
            next_step="Hold the conversation and record it.",
        )


class RecognitionNotFound(NotFound):
    """No recognition has this id, or it was withdrawn."""

    slug = "recognition-not-found"
    title = "There is no such recognition"

    def __init__(self) -> None:
        super().__init__(
            "No recognition in force has this id.", kept=_NOTHING_CHANGED, next_step="Look at the page again."
        )


class ExternalBadgeNotValid(BadInput):
    """Another issuer's badge is not in force, or could not be checked.

    Args:
        verdict: the verifier's.
        why: one plain sentence of the verifier's; may be empty.
    """

    slug = "external-badge-not-valid"
    title = "This badge does not count"

    def __init__(self, verdict: str, why: str) -> None:
        self.verdict = verdict
        if verdict == "unknown":
            detail, step = (
                "The badge could not be checked just now.",
                "Try again later, or give us the badge as a file.",
            )
        else:
            detail, step = "The badge is not in force.", "Ask whoever issued it, or choose another badge."
        super().__init__(" ".join(filter(None, (detail, why))), kept="Nothing was kept of it.", next_step=step)


class ExternalBadgeOurs(BadInput):
    """It is one of this server's own badges."""

    slug = "external-badge-ours"
    title = "This badge was issued here"

    def __init__(self) -> None:
        super().__init__(
            "Badges that were issued here count without being added.",
            kept="Nothing was changed.",
            next_step="If it is missing among your badges, confirm the address that it was sent to.",
        )


class ExternalBadgeNotYours(BadInput):
    """The badge names somebody else, or nobody."""

    slug = "external-badge-not-yours"
    title = "This badge does not say that it is yours"

    def __init__(self) -> None:
        super().__init__(
            "The badge does not name the address that you confirmed here, nor a wallet that you bound.",
            kept="Nothing was kept of it.",
            next_step="Confirm here the address that the badge was issued to, then add it again.",
        )


class ExternalBadgeNotFound(NotFound):
    """The person has no such badge."""

    slug = "external-badge-not-found"
    title = "There is no such badge"

    def __init__(self) -> None:
        super().__init__(
            "You have added no such badge.", kept="Nothing was changed.", next_step="Look at the list again."
        )


class TooManyExternalBadges(Conflict):
    """There is no room for more.

    Args:
        most: how many there may be.
    """

    slug = "too-many-external-badges"
    title = "You have added enough badges"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"You can add {most} badges of others.",
            kept="Those you added are as they were.",
            next_step="Take away one that no pathway asks for.",
        )
