"""Every reason why an LMS could not be connected by its one address, in words for its administrator."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import AppError

NOTHING = "Nothing was entered in Waymark."
HALF_MADE = (
    "Nothing was entered in Waymark. Your LMS may hold an unfinished tool called Waymark: delete it there before you "
    "start again."
)
START_AGAIN = "Start the registration again in your LMS, with Waymark’s address."
BY_HAND = "Whoever runs Waymark can also connect your LMS by hand, by the values its own page shows."


class ConnectionRefused(AppError):
    """An LMS that is not connected, because of what it said or did.

    Never a 5xx: servers in front of us like to put a page of their own in the place of such an answer.

    Args:
        detail: what happened, if the class's own sentence is not enough.
        kept: what was kept, if not the class's own sentence.
        next_step: what to do, if not the class's own advice.
        said: the LMS's own words, cleaned and short.
    """

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "connect-refused"
    title: ClassVar[str] = "Your LMS could not be connected"
    sentence: ClassVar[str] = "Something in the registration cannot be accepted."
    advice: ClassVar[str] = START_AGAIN
    left: ClassVar[str] = NOTHING

    def __init__(
        self,
        detail: str | None = None,
        *,
        kept: str | None = None,
        next_step: str | None = None,
        said: str | None = None,
    ) -> None:
        super().__init__(detail or self.sentence, kept=kept or self.left, next_step=next_step or self.advice)
        self.said = said


class RequestUnusable(ConnectionRefused):
    """The LMS opened our page with parameters that are not addresses or tokens."""

    slug = "connect-request-unusable"
    sentence = "Your LMS opened this page, but did not say in a usable way where its own settings are."


class ConfigurationUnreachable(ConnectionRefused):
    """The configuration could not be fetched."""

    slug = "connect-configuration-unreachable"
    title = "Waymark cannot reach your LMS"
    sentence = "Waymark’s server could not read the settings of your LMS."


class ConfigurationRefused(ConnectionRefused):
    """The LMS does not show its configuration."""

    slug = "connect-configuration-refused"
    title = "Your LMS did not show its settings"
    advice = f"Wait a minute. The link from your LMS works for an hour at most. {START_AGAIN}"


class ConfigurationUnusable(ConnectionRefused):
    """The configuration lacks what it must have, or has it in a wrong form (LTI Dynamic Registration 1.0 §3.4)."""

    slug = "connect-configuration-unusable"
    title = "The settings of your LMS cannot be used"
    advice = f"This needs a change in the LMS; its makers want to know. {BY_HAND}"


class IssuerElsewhere(ConnectionRefused):
    """A configuration that speaks for a platform on another host."""

    slug = "connect-issuer-elsewhere"
    title = "These settings speak for another LMS"
    advice = f"Compare the LMS’s own address in its settings with the one you see in your browser. {BY_HAND}"


class EndpointElsewhere(ConnectionRefused):
    """An address in the configuration lies where it must not."""

    slug = "connect-endpoint-elsewhere"
    title = "An address in your LMS’s settings leads elsewhere"
    advice = f"Check that these are the settings of your own LMS. {BY_HAND}"


class TokenUsed(ConnectionRefused):
    """The one-time token was used, or is too old."""

    slug = "connect-token-used"
    title = "This link was already used"
    sentence = "Each link that an LMS makes for a registration works once and for about an hour, and this one is over."
    left = (
        "Nothing new was entered in Waymark. If you saw the page that says your LMS is connected, that connection "
        "stands, and there is nothing more to do here."
    )


class LmsRefused(ConnectionRefused):
    """The LMS does not take the tool."""

    slug = "connect-lms-refused"
    title = "Your LMS did not accept Waymark"
    sentence = "Waymark told your LMS what it is, and the LMS refused to enter it."
    advice = f"If Waymark is in your LMS already, delete or update it there. {START_AGAIN} {BY_HAND}"


class AnswerUnusable(ConnectionRefused):
    """The LMS took the tool, or may have, and did not say under which client id."""

    slug = "connect-answer-unusable"
    title = "Your LMS’s answer cannot be used"
    sentence = "Your LMS took the registration, but did not say under which client id Waymark is known there."
    left = HALF_MADE


class KnownOtherwise(ConnectionRefused):
    """The client id is connected already, with other addresses; a stranger's request does not change those."""

    status = 409
    slug = "connect-known-otherwise"
    title = "This connection is known with other addresses"
    sentence = (
        "Your LMS is connected under this client id already, and its settings now name other addresses than those that "
        "were entered then."
    )
    left = "The connection stands as it was; people can go on using it."
    advice = (
        "If the LMS has moved, ask whoever runs Waymark to remove the connection (waymark platform remove), then start "
        "the registration again."
    )


class TooManyRegistrations(ConnectionRefused):
    """One visitor registers again and again."""

    status = 429
    slug = "connect-too-often"
    title = "Please wait a moment"
    sentence = "Many registrations were begun from your network within a minute."
    advice = f"Wait a minute. {START_AGAIN}"


class TooBusy(ConnectionRefused):
    """As many registrations are under way as this server carries at a time."""

    status = 429
    slug = "connect-busy"
    title = "Please wait a moment"
    sentence = "Waymark is busy with other registrations just now."
    advice = f"Wait a minute. {START_AGAIN}"
