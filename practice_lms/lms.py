"""The whole state of one practice LMS, in memory. It is gone when the process ends, and that is meant."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_urlsafe

from practice_lms.catalogue import USERS, User
from practice_lms.errors import Refused
from practice_lms.gradebook import Gradebook
from practice_lms.keys import KeyRing
from practice_lms.mail import Mailbox
from practice_lms.settings import Settings

MOST_SESSIONS = 1000
MOST_REFUSALS = 50


@dataclass(frozen=True)
class Refusal:
    """One line of the log on Ali's page."""

    at: datetime
    part: str
    status: int
    reason: str


@dataclass(frozen=True)
class AccessToken:
    """What a bearer token allows, and until when (Unix seconds)."""

    scopes: frozenset[str]
    expires_at: float


@dataclass
class PracticeLms:
    """Sessions, tokens, grades, mail and keys of one practice LMS.

    All handlers run on one event loop, so nothing here needs a lock.
    """

    settings: Settings
    keys: KeyRing
    clock: Callable[[], float]
    gradebook: Gradebook = field(default_factory=Gradebook.with_course_items)
    mailbox: Mailbox = field(default_factory=Mailbox)
    refusals: deque[Refusal] = field(default_factory=lambda: deque(maxlen=MOST_REFUSALS))
    sessions: OrderedDict[str, str] = field(default_factory=OrderedDict)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    seen_assertions: dict[str, float] = field(default_factory=dict)
    used_hints: dict[str, float] = field(default_factory=dict)
    outage_until: float = 0.0

    def now(self) -> datetime:
        """The time by this LMS's clock, UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def sign_in(self, user: User) -> str:
        """Start a browser session and return its secret for the cookie."""
        secret = token_urlsafe(24)
        self.sessions[secret] = user.key
        while len(self.sessions) > MOST_SESSIONS:
            self.sessions.popitem(last=False)
        return secret

    def signed_in(self, secret: str | None) -> User | None:
        """Whose session this cookie is, if it is one."""
        return USERS.get(self.sessions.get(secret or "", ""))

    def sign_out(self, secret: str | None) -> None:
        """End a browser session."""
        self.sessions.pop(secret or "", None)

    def issue_access_token(self, scopes: frozenset[str]) -> str:
        """A new bearer token for these scopes."""
        now = self.clock()
        for old in [token for token, grant in self.access_tokens.items() if grant.expires_at <= now]:
            del self.access_tokens[old]
        token = token_urlsafe(32)
        self.access_tokens[token] = AccessToken(scopes, now + self.settings.access_token_seconds)
        return token

    def revoke_access_tokens(self) -> None:
        """Make every bearer token worthless, as an administrator of a real LMS can."""
        self.access_tokens.clear()

    def start_outage(self, seconds: float) -> None:
        """Let the grade service answer 503 for so many seconds; 0 ends an outage."""
        self.outage_until = self.clock() + seconds

    def outage_seconds_left(self) -> int:
        """Whole seconds until the grade service works again; 0 when it works."""
        return max(0, round(self.outage_until - self.clock()))

    def use_once(self, seen: dict[str, float], value: str, expires_at: float) -> bool:
        """Remember `value` in `seen` until it expires; False if it was there already."""
        now = self.clock()
        for old in [key for key, until in seen.items() if until < now]:
            del seen[old]
        if value in seen:
            return False
        seen[value] = expires_at
        return True

    def note_refusal(self, refused: Refused) -> None:
        """Put a refusal at the top of the log."""
        self.refusals.appendleft(Refusal(self.now(), refused.part, refused.status, refused.reason))
