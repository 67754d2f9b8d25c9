"""The whole state of one practice LMS, in memory. It is gone when the process ends, and that is meant."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

from practice_lms.campus import Campus
from practice_lms.catalogue import USERS, Activity, Course, User
from practice_lms.errors import Refused
from practice_lms.gradebook import Gradebook
from practice_lms.keys import KeyRing
from practice_lms.mail import Mailbox
from practice_lms.scopes import ALL_SCOPES
from practice_lms.settings import Settings
from practice_lms.tool_keys import JwksFetcher, ToolKeys, fetch_by_http
from practice_lms.tools import ACTIVE, Tool
from practice_lms.trouble import GRADE_SERVICES, Troubles

if TYPE_CHECKING:
    from practice_lms.deep_linking import DeepLinkOutcome, DeepLinkRequest
    from practice_lms.openings import Kept

MOST_SESSIONS = 1000
MOST_REFUSALS = 50
DROP: Any = object()
"""As the value of a claim, header member or setting: leave it out altogether."""


@dataclass(frozen=True)
class Refusal:
    """One line of the log on Ali's page."""

    at: datetime
    part: str
    status: int
    reason: str
    code: str = ""


@dataclass(frozen=True)
class AccessToken:
    """What a bearer token allows, until when (Unix seconds), and which tool has it."""

    scopes: frozenset[str]
    expires_at: float
    client_id: str = ""


@dataclass
class PracticeLms:
    """Sessions, tokens, courses, grades, mail and keys of one practice LMS.

    All handlers run on one event loop, so nothing here needs a lock.
    """

    settings: Settings
    keys: KeyRing
    clock: Callable[[], float]
    fetch_jwks: JwksFetcher = fetch_by_http
    campus: Campus = field(default_factory=Campus.of_the_catalogue)
    gradebook: Gradebook = field(default_factory=Gradebook)
    mailbox: Mailbox = field(default_factory=Mailbox)
    refusals: deque[Refusal] = field(default_factory=lambda: deque(maxlen=MOST_REFUSALS))
    counts: Counter[str] = field(default_factory=Counter)
    sessions: OrderedDict[str, str] = field(default_factory=OrderedDict)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    seen_assertions: dict[str, float] = field(default_factory=dict)
    used_hints: dict[str, float] = field(default_factory=dict)
    openings: dict[str, "Kept"] = field(default_factory=dict)
    tools: dict[str, Tool] = field(default_factory=dict)
    withheld_scopes: frozenset[str] = frozenset()
    """Scopes the administrator does not grant at a registration, whatever is asked."""
    registrations_begun: dict[str, float] = field(default_factory=dict)
    deep_link_requests: dict[str, "DeepLinkRequest"] = field(default_factory=dict)
    deep_links: deque["DeepLinkOutcome"] = field(default_factory=lambda: deque(maxlen=MOST_REFUSALS))
    seen_nonces: dict[str, float] = field(default_factory=dict)
    trouble: Troubles = field(init=False)
    _deep_linking: dict[str, Any] = field(default_factory=dict)
    _keys_of: dict[str, ToolKeys] = field(default_factory=dict)
    _used_tool: str = ""

    def __post_init__(self) -> None:
        """Enter the tool as an administrator would by hand, and give graded activities their columns."""
        self.trouble = Troubles(self.clock)
        settings = self.settings
        self.enter_tool(
            Tool(
                client_id=settings.client_id,
                deployment_id=settings.deployment_id,
                name="Waymark",
                login_url=settings.login_url,
                redirect_uris=(settings.redirect_uri,),
                target_link_uri=settings.target_link_uri,
                jwks_url=settings.tool_jwks_url,
                scopes=ALL_SCOPES,
                custom=dict(settings.custom_parameters),
            )
        )
        self._used_tool = settings.client_id
        for course in self.campus.courses.values():
            for activity in course.activities:
                self.make_column(course, activity)

    def now(self) -> datetime:
        """The time by this LMS's clock, UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    @property
    def tool(self) -> Tool:
        """The tool that launches use."""
        return self.tools[self._used_tool]

    def enter_tool(self, tool: Tool) -> None:
        """Add a registration, or put it in the place of the one with the same client id."""
        self.tools[tool.client_id] = tool
        self._keys_of.pop(tool.client_id, None)

    def use_tool(self, client_id: str) -> Tool:
        """Activate a registration and launch it from now on. Raises KeyError if there is none."""
        tool = self.tools[client_id]
        tool.state = ACTIVE
        self._used_tool = client_id
        return tool

    def keys_of(self, tool: Tool) -> ToolKeys:
        """The public keys of a tool."""
        if tool.client_id not in self._keys_of:
            self._keys_of[tool.client_id] = ToolKeys(self.settings.seen_from_here(tool.jwks_url), self.fetch_jwks)
        return self._keys_of[tool.client_id]

    def make_column(self, course: Course, activity: Activity) -> None:
        """Give a graded activity its line item, on platforms that do so themselves."""
        if activity.score_maximum is None or not self.settings.plays.has_columns:
            return
        item = self.gradebook.add(course.key, activity.title, activity.score_maximum)
        item.resource_link_id, item.resource_id, item.tag = (
            activity.resource_link_id,
            activity.resource_id,
            activity.tag,
        )
        item.review = activity.review

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

    def issue_access_token(self, scopes: frozenset[str], client_id: str) -> str:
        """A new bearer token for these scopes."""
        now = self.clock()
        for old in [token for token, grant in self.access_tokens.items() if grant.expires_at <= now]:
            del self.access_tokens[old]
        token = token_urlsafe(32)
        self.access_tokens[token] = AccessToken(scopes, now + self.settings.access_token_seconds, client_id)
        return token

    def revoke_access_tokens(self) -> None:
        """Make every bearer token worthless, as an administrator of a real LMS can."""
        self.access_tokens.clear()

    def start_outage(self, seconds: float) -> None:
        """Let the grade service answer 503 for so many seconds; 0 ends an outage."""
        for service in GRADE_SERVICES:
            self.trouble.start(service, seconds=seconds)

    def outage_seconds_left(self) -> int:
        """Whole seconds until the grade service works again; 0 when it works."""
        return max(map(self.trouble.seconds_left, GRADE_SERVICES))

    def ask_deep_linking(self, **settings: Any) -> None:
        """Change the deep linking settings of later requests; DROP leaves one out, nothing at all resets them."""
        self._deep_linking = settings

    def deep_linking_settings(self) -> Mapping[str, Any]:
        """What a deep linking request says it takes; `data` is new each time, where the platform sends any."""
        settings = self.settings.plays.deep_linking_settings()
        if "data" in settings:
            settings["data"] = f"opaque {token_urlsafe(18)} <&\"'>"
        settings |= self._deep_linking
        return {name: value for name, value in settings.items() if value is not DROP}

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
        self.refusals.appendleft(Refusal(self.now(), refused.part, refused.status, refused.reason, refused.code))
