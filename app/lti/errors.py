"""Every reason to refuse a login or a launch, each with a slug of its own and a sentence that a person understands."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode

from app.core.errors import AppError, BadInput

OPEN_AGAIN = "Go back to your LMS and open the activity again."
TELL = "tell your LMS administrator."
TELL_ADMIN = f"Please {TELL}"


class LtiRefused(AppError):
    """A login or launch that is not let in. Nothing was written.

    Args:
        detail: what happened, if the class's own sentence is not enough.
        technical: what an LMS administrator needs to know; never a claim's value that could name a person.
    """

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "lti-refused"
    title: ClassVar[str] = "This launch could not be opened"
    sentence: ClassVar[str] = "Your LMS sent something that Waymark cannot accept."
    advice: ClassVar[str] = f"{OPEN_AGAIN} If it happens again, {TELL}"

    def __init__(self, detail: str | None = None, *, technical: str | None = None) -> None:
        code = f"{self.slug}: {technical}" if technical else self.slug
        super().__init__(
            detail or self.sentence,
            kept="Nothing was changed, and everything you saved before is kept.",
            next_step=f"{self.advice} (Code for the administrator: {code}.)",
        )
        self.technical = technical
        self.return_url: str | None = None
        """Where the LMS wants people to go back to; only from a message whose signature was good."""

    @property
    def action(self) -> dict[str, str] | None:
        """A way back that tells the LMS what happened (LTI 1.3 core §5.4.4), for the error page."""
        if self.return_url is None:
            return None
        joint = "&" if "?" in self.return_url else "?"
        query = urlencode({"lti_errormsg": self.detail, "lti_errorlog": self.slug})
        return {"text": "Go back to your LMS", "href": f"{self.return_url}{joint}{query}"}


class RequestMalformed(LtiRefused):
    """The form is not one."""

    slug = "lti-request-malformed"
    sentence = "What your LMS sent could not be read."


class RequestTooLarge(LtiRefused):
    """More than any launch needs."""

    status = 413
    slug = "lti-request-too-large"
    title = "This launch is too large"
    sentence = "Your LMS sent more than 100 kB, which is more than any launch needs."
    advice = TELL_ADMIN


class LoginIncomplete(LtiRefused):
    """The login lacks a parameter it must have."""

    slug = "lti-login-incomplete"
    title = "Your LMS did not say enough"
    sentence = "The first step of opening this activity came without something it must have."
    advice = f"Open the activity from inside your LMS, not by its address. {TELL_ADMIN}"


class PlatformUnknown(LtiRefused):
    """No registration for this issuer and client."""

    slug = "lti-platform-unknown"
    title = "Waymark does not know this LMS"
    sentence = "The LMS you came from has not been connected to Waymark."
    advice = "Please ask your LMS administrator to connect it."


class ClientAmbiguous(LtiRefused):
    """Several registrations of one issuer, and no client id to choose by."""

    slug = "lti-client-ambiguous"
    sentence = "Your LMS is connected to Waymark more than once and did not say which connection this is."
    advice = f"{TELL_ADMIN} The LMS must send client_id, or use the login address of one connection."


class PlatformPending(LtiRefused):
    """An operator has not approved the registration yet."""

    status = 403
    slug = "lti-platform-pending"
    title = "Waiting for approval"
    sentence = "Your LMS is connected to Waymark, and the connection is waiting to be approved."
    advice = "Please try again once your LMS administrator tells you that it is approved."


class PlatformDisabled(LtiRefused):
    """An operator has switched the registration off."""

    status = 403
    slug = "lti-platform-disabled"
    title = "This connection is switched off"
    sentence = "The connection between your LMS and Waymark has been switched off."
    advice = TELL_ADMIN


class TargetForeign(LtiRefused):
    """The link points somewhere else."""

    slug = "lti-target-foreign"
    sentence = "The activity's link points to an address that is not Waymark's."
    advice = f"{TELL_ADMIN} The link's target must be on this server."


class PlatformError(LtiRefused):
    """The platform answered the login with an error (OpenID Connect Core 1.0 §3.1.2.6)."""

    slug = "lti-platform-error"
    title = "Your LMS stopped the launch"
    sentence = "Your LMS could not finish opening this activity. You may have been signed out there."
    advice = f"Sign in to your LMS and open the activity again. If it happens again, {TELL}"


class LaunchIncomplete(LtiRefused):
    """State or id_token is missing."""

    slug = "lti-launch-incomplete"
    sentence = "The launch arrived without something it must have."


class StateUnknown(LtiRefused):
    """No login of ours has this state."""

    slug = "lti-state-unknown"
    sentence = "This launch does not belong to any that Waymark started."


class StateExpired(LtiRefused):
    """The login was begun too long ago."""

    slug = "lti-state-expired"
    title = "That took too long"
    sentence = "This launch was begun more than ten minutes ago, so it is no longer accepted."


class TooManyLogins(LtiRefused):
    """One visitor began more logins in a minute than a large course does."""

    status = 429
    slug = "lti-too-many-logins"
    title = "Please wait a moment"
    sentence = "A great many launches were begun from your network within a minute."
    advice = "Wait a minute, then open the activity again."


class BrowserUnbound(LtiRefused):
    """The browser that brings the launch has not shown that it began the login."""

    status = 403
    slug = "lti-browser-unbound"
    sentence = "Waymark could not make sure that this launch was begun in this browser."
    advice = OPEN_AGAIN


class HandleUnknown(LtiRefused):
    """No launch waits under this handle any more."""

    status = 410
    slug = "lti-handle-unknown"
    title = "That took too long"
    sentence = "This launch is not waiting any more: it was opened already, or two minutes have passed."
    advice = OPEN_AGAIN


class LaunchReplayed(LtiRefused):
    """The login was used before: a reload, a double click, or somebody's copy."""

    status = 409
    slug = "lti-launch-replayed"
    title = "This launch was already used"
    sentence = "Each launch opens once, and this one has been opened. You may have reloaded the page."
    advice = OPEN_AGAIN


class TokenMalformed(LtiRefused):
    """The id_token is not a signed JWT in the compact form (RFC 7519 §7.2)."""

    slug = "lti-token-malformed"
    sentence = "The launch message from your LMS is damaged or has the wrong form."


class TokenAlgorithm(LtiRefused):
    """Signed in a way we do not take (1EdTech Security Framework 1.0 §5.1.3)."""

    slug = "lti-token-algorithm"
    sentence = "The launch message from your LMS is signed in a way Waymark does not accept."
    advice = f"{TELL_ADMIN} Messages must be signed with RS256 by a key that has an id."


class TokenKeyUnknown(LtiRefused):
    """The platform publishes no such key."""

    slug = "lti-token-key-unknown"
    sentence = "The launch message is signed with a key that your LMS does not publish."


class TokenSignature(LtiRefused):
    """The signature does not fit."""

    slug = "lti-token-signature"
    sentence = "The launch message was not signed by your LMS, or was changed on its way."


class TokenExpired(LtiRefused):
    """Too late."""

    slug = "lti-token-expired"
    title = "That took too long"
    sentence = "The launch message from your LMS has expired."


class TokenClock(LtiRefused):
    """From the future, or issued long ago."""

    slug = "lti-token-clock"
    sentence = "The launch message from your LMS bears a wrong time."
    advice = f"{OPEN_AGAIN} If it happens again, the LMS's clock may be wrong: {TELL}"


class TokenClaimMissing(LtiRefused):
    """A member that every id_token must have is not there."""

    slug = "lti-token-claim-missing"
    sentence = "The launch message from your LMS lacks something it must have."


class ClaimMalformed(LtiRefused):
    """A claim is there and has the wrong type or length."""

    slug = "lti-claim-malformed"
    sentence = "The launch message from your LMS has a part of the wrong form."


class WrongAudience(LtiRefused):
    """The message is meant for another tool."""

    slug = "lti-audience"
    sentence = "The launch message from your LMS is meant for another tool."
    advice = f"{TELL_ADMIN} In Moodle, an old consumer key left in the activity does this: clear it."


class WrongIssuer(LtiRefused):
    """The message comes from another platform than the login."""

    slug = "lti-issuer"
    sentence = "The launch message comes from another LMS than the one that began it."


class NonceWrong(LtiRefused):
    """The message answers another login, or none."""

    slug = "lti-nonce"
    sentence = "The launch message does not answer the login that Waymark began."


class TargetMismatch(LtiRefused):
    """The message leads elsewhere than the login."""

    slug = "lti-target-mismatch"
    sentence = "The launch leads to another place than the one it was begun for."


class WrongVersion(LtiRefused):
    """Not LTI 1.3."""

    slug = "lti-version"
    sentence = "The launch message is not LTI version 1.3.0, the only one Waymark speaks."
    advice = TELL_ADMIN


class MessageTypeUnknown(LtiRefused):
    """The kind of message is missing or not one of LTI's."""

    slug = "lti-message-type"
    sentence = "Your LMS asked for something that Waymark does not know."
    advice = TELL_ADMIN


class MessageTypeNotYet(LtiRefused):
    """A kind of message that this version does not answer."""

    slug = "lti-message-type-not-supported"
    title = "Waymark cannot do that yet"
    sentence = "Your LMS asked for something that Waymark does not offer."
    advice = "Open Waymark as an activity of a course."


class DeepLinkingInvalid(LtiRefused):
    """A deep linking request that cannot be answered (Deep Linking 2.0 §4.4.1)."""

    slug = "lti-deep-linking-invalid"
    title = "Nothing can be placed from here"
    sentence = "Your LMS asked Waymark for content, but did not say how to give it back."
    advice = TELL_ADMIN


class DeepLinkingNotAllowed(LtiRefused):
    """A learner asks to place content."""

    status = 403
    slug = "lti-deep-linking-not-allowed"
    title = "Only teachers can place content"
    sentence = "Placing Waymark's modules in a course is for its teachers, and your LMS says that you are not one."
    advice = "If you teach this course, ask your LMS administrator to check your role."


class PickInvalid(BadInput):
    """What was picked to be placed cannot be."""

    slug = "lti-pick-invalid"
    title = "That could not be placed"


class ReviewedUserMissing(LtiRefused):
    """A submission review that does not say whose (Submission Review 1.0 §3.2)."""

    slug = "lti-reviewed-user-missing"
    title = "Whose work is this?"
    sentence = "Your LMS asked to show somebody's work, but did not say whose."
    advice = TELL_ADMIN


class DeploymentMissing(LtiRefused):
    """No deployment id, or one of the wrong form (LTI 1.3 core §5.3.3)."""

    slug = "lti-deployment-missing"
    sentence = "The launch message does not say where in your LMS Waymark was added."
    advice = TELL_ADMIN


class DeploymentPending(LtiRefused):
    """The deployment is not approved; a launch never approves one."""

    status = 403
    slug = "lti-deployment-pending"
    title = "Waiting for approval"
    sentence = "Waymark was added to your LMS in a place that has not been approved yet."
    advice = "Please ask your LMS administrator to have it approved, then open the activity again."


class RolesMissing(LtiRefused):
    """No roles claim (LTI 1.3 core §5.3.7)."""

    slug = "lti-roles"
    sentence = "The launch message does not say what you are in this course."
    advice = TELL_ADMIN


class ResourceLinkMissing(LtiRefused):
    """No resource link id, or one that is too long (LTI 1.3 core §5.3.5)."""

    slug = "lti-resource-link"
    sentence = "The launch message does not say which activity was opened."
    advice = TELL_ADMIN


class UserMissing(LtiRefused):
    """No subject, or one that is too long (LTI 1.3 core §5.3.6)."""

    slug = "lti-user"
    title = "Please sign in to your LMS first"
    sentence = "Your LMS did not say who you are, so your work could not be kept for you."
    advice = f"Sign in to your LMS with your own account and open the activity again. If you did, {TELL}"


class ModuleUnknown(LtiRefused):
    """The link names a module that is not in the catalogue."""

    status = 404
    slug = "lti-module-unknown"
    title = "There is no such module"
    sentence = "The activity's link names a module that Waymark does not have."
    advice = "Please tell your course's teacher: the link's custom parameter “module” must be a key such as M01."


class CookiesBlocked(LtiRefused):
    """Also in a window of its own the browser did not return our cookie."""

    status = 403
    slug = "lti-cookies-blocked"
    title = "Your browser holds back what Waymark needs"
    sentence = "Waymark could not make sure that this launch was begun in this browser, also in a window of its own."
    advice = "Allow cookies for this site, or use another browser. Then open the activity again from your LMS."


class RestartUnknown(LtiRefused):
    """Nothing to begin again."""

    status = 410
    slug = "lti-restart-unknown"
    title = "That took too long"
    sentence = "This launch cannot be begun again, because it is over or too old."
    advice = OPEN_AGAIN


class RegistrationExists(AppError):
    """The issuer and client id are known already."""

    status = 409
    slug = "lti-registration-exists"
    title = "This LMS is connected already"


class RegistrationInvalid(AppError):
    """A setting of a registration cannot be used."""

    status = 400
    slug = "lti-registration-invalid"
    title = "That LMS cannot be connected like this"


class RegistrationNotFound(AppError):
    """No registration, deployment, link or course of that name."""

    status = 404
    slug = "lti-registration-not-found"
    title = "There is no such connection"


class ServiceFailed(AppError):
    """A platform's service did not do what was asked.

    Args:
        reason: short and technical, without personal data.
        status_code: the platform's HTTP status, if it answered.
        retry_after: seconds it asked us to wait.
    """

    status = 503
    slug = "lti-service-failed"
    title = "The LMS's service did not answer as it should"

    def __init__(self, reason: str, *, status_code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(reason, next_step="Try again later, or ask the LMS's administrator.")
        self.reason = reason
        self.status_code = status_code
        self.retry_after = retry_after
