"""What goes into the verifier and what comes out: plain frozen dataclasses, no behaviour beyond reading them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Result = Literal["pass", "fail", "unknown"]
Securing = Literal["data-integrity", "jwt"]
Container = Literal["json", "jwt", "png", "svg"]
Verdict = Literal[
    "valid", "valid_unknown_issuer", "not_yet_valid", "expired", "suspended", "revoked", "invalid", "unknown"
]
CheckName = Literal[
    "read",
    "form",
    "signature",
    "issuer_binding",
    "refresh",
    "dates",
    "status",
    "host_status",
    "issuer_known",
    "chain",
    "endorsements",
]
EndorsedPart = Literal["credential", "achievement", "issuer"]

OK = "ok"
NOT_CHECKED = "not_checked"


@dataclass(frozen=True)
class Presented:
    """A badge as somebody handed it over.

    `data`: the bytes of a JSON or JWT text, a PNG or an SVG; or `address`: where such bytes are to be fetched. Exactly
    one of the two is set: use `from_bytes`, `from_url` or, where a person typed it, `from_text`.
    """

    data: bytes | None = None
    address: str | None = None

    @classmethod
    def from_bytes(cls, data: bytes) -> Presented:
        """A file or a request body, of any of the four kinds."""
        return cls(data=data)

    @classmethod
    def from_url(cls, url: str) -> Presented:
        """An address at which the badge is to be found."""
        return cls(address=url.strip())

    @classmethod
    def from_text(cls, text: str) -> Presented:
        """What a person pasted: an address if it begins like one, otherwise the badge itself."""
        text = text.strip()
        if text.lower().startswith(("https://", "http://")) and not any(c.isspace() for c in text):
            return cls.from_url(text)
        return cls.from_bytes(text.encode("utf-8", "replace"))


@dataclass(frozen=True)
class Check:
    """One named step.

    `result`: pass, fail or unknown (could not be checked); `code`: a stable word for programs, listed in
    docs/verification.md; `detail`: one plain sentence, written by us and free of anything the badge says of itself.
    """

    name: CheckName
    result: Result
    code: str
    detail: str


@dataclass(frozen=True)
class IssuerFacts:
    """What the badge says of its issuer, and what is certain: its identifier and the domain that controls its keys."""

    id: str
    domain: str | None
    claimed_name: str | None
    claimed_url: str | None
    claimed_description: str | None


@dataclass(frozen=True)
class LevelFact:
    """One rubric criterion and the level reached in it.

    `scale`: the names of all its levels, lowest first; empty where the badge does not number them.
    """

    criterion: str
    level: str | None
    description: str | None
    value: str | None
    status: str | None
    scale: tuple[str, ...]


@dataclass(frozen=True)
class AlignmentFact:
    """One competency the achievement is aligned to."""

    name: str
    url: str
    code: str | None
    description: str | None
    framework: str | None


@dataclass(frozen=True)
class AchievementFacts:
    """What the badge says was achieved. Texts are as signed: `criteria` may be Markdown and must be cleaned to show.

    Of very long criteria only the beginning is here.
    """

    id: str
    name: str
    description: str
    achievement_type: str | None
    criteria: str | None
    criteria_url: str | None
    image: str | None
    credits: str | None
    tags: tuple[str, ...]
    version: str | None


@dataclass(frozen=True)
class Identifier:
    """One identifier of the holder: `value` is the plain text, or with `hashed` a salted hash (IdentityObject)."""

    kind: str
    hashed: bool
    value: str = field(repr=False)
    salt: str = field(repr=False)


@dataclass(frozen=True)
class HolderFacts:
    """How the badge names its holder: `subject_id` is a DID, a URN or None."""

    subject_id: str | None
    name: str | None
    identifiers: tuple[Identifier, ...]

    @property
    def has_email(self) -> bool:
        """Whether an e-mail address can be compared with the badge."""
        is_address = self.subject_id is not None and self.subject_id.lower().startswith("mailto:")
        return is_address or any(identifier.kind == "emailAddress" for identifier in self.identifiers)


@dataclass(frozen=True)
class Facts:
    """What the badge says, for showing. Exists only when the signature and the issuer's hold on the key passed."""

    credential_id: str
    name: str
    issuer: IssuerFacts
    achievement: AchievementFacts
    levels: tuple[LevelFact, ...]
    alignments: tuple[AlignmentFact, ...]
    holder: HolderFacts
    awarded_at: datetime | None
    valid_from: datetime | None
    valid_until: datetime | None
    status_list_at: datetime | None
    narrative: str | None


@dataclass(frozen=True)
class KnownIssuer:
    """One entry of the register of known issuers; `listed_by` names who keeps the entry."""

    id: str
    name: str
    listed_by: str
    legal_name: str | None = None
    url: str | None = None
    ours: bool = False


@dataclass(frozen=True)
class LookAlike:
    """An issuer that is not in the register and could be taken for one that is.

    `issuer`: the known one; `detail`: one sentence, in which of the unknown one no more than its address is repeated.
    """

    issuer: KnownIssuer
    detail: str


@dataclass(frozen=True)
class EndorsementFacts:
    """What an endorsement says. Exists only when its own signature passed and it endorses what it hangs on."""

    issuer: IssuerFacts
    comment: str | None
    valid_from: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True)
class EndorsementReport:
    """One endorsement and its own verdict.

    `of`: what it hangs on; `code` and `detail`: of the check that settled it; `issuer`: who gave it, if we know them;
    `facts`: what it says, None unless its signature held.
    """

    of: EndorsedPart
    verdict: Verdict
    code: str
    detail: str
    issuer: KnownIssuer | None = None
    facts: EndorsementFacts | None = None


@dataclass(frozen=True)
class ChainLink:
    """One document that the badge rests on and names by address and digest.

    `kind`: a badge, or another document, such as a framework; `badge` also where it could not be had and is said to be
    one. `verdict`: the badge's own, None for other documents and for what could not be had; `facts` and `issuer`: as in
    a Report.
    """

    url: str
    kind: Literal["badge", "document"]
    result: Result
    code: str
    detail: str
    verdict: Verdict | None = None
    issuer: KnownIssuer | None = None
    facts: Facts | None = None


@dataclass(frozen=True)
class Technical:
    """Details for people who know the trade; each is None until the badge's signature has passed."""

    container: Container | None = None
    securing: Securing | None = None
    verification_method: str | None = None
    suite: str | None = None
    status_list: str | None = None


@dataclass(frozen=True)
class Report:
    """The outcome: one verdict, the checks behind it in order, and what may be shown.

    `facts` and `issuer` are None, and `chain` and `endorsements` empty, unless the signature passed and the key is the
    issuer's. `refreshed`: what was judged is the newer copy that its issuer offers, not the one presented. `newer_at`:
    where the newer version of a superseded badge of ours is, if its holder shares it.
    """

    verdict: Verdict
    checked_at: datetime
    checks: tuple[Check, ...]
    technical: Technical = Technical()
    issuer: KnownIssuer | None = None
    facts: Facts | None = None
    chain: tuple[ChainLink, ...] = ()
    endorsements: tuple[EndorsementReport, ...] = ()
    refreshed: bool = False
    newer_at: str | None = None

    @property
    def is_superseded(self) -> bool:
        """Whether a later version of the badge stands in the place of the copy that was judged."""
        check = self.check("refresh")
        return check is not None and check.code == "superseded"

    @property
    def is_valid(self) -> bool:
        """Whether everything that was to be checked passed; the issuer may still be one we do not know."""
        return self.verdict in ("valid", "valid_unknown_issuer")

    def check(self, name: CheckName) -> Check | None:
        """The check of that name, if it belongs to this report."""
        return next((check for check in self.checks if check.name == name), None)

    def as_dict(self) -> dict[str, object]:
        """The public JSON shape of `POST /api/v1/verify` and `waymark verify --json`."""
        return {
            "verdict": self.verdict,
            "checked_at": self.checked_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "checks": [{"name": c.name, "result": c.result, "code": c.code, "detail": c.detail} for c in self.checks],
            "chain": [
                {
                    "url": c.url,
                    "kind": c.kind,
                    "result": c.result,
                    "verdict": c.verdict,
                    "code": c.code,
                    "detail": c.detail,
                }
                for c in self.chain
            ],
            "endorsements": [
                {"of": e.of, "verdict": e.verdict, "code": e.code, "detail": e.detail} for e in self.endorsements
            ],
        }
