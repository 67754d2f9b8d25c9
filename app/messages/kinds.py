"""The kinds of mail there are: what each is for, why somebody gets it, and whether they may switch it off.

Codes, news about who can act on a badge, and what stops a person's own work, may not be switched off. None of them
advertises anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Kind:
    """One kind of mail.

    Attributes:
        key: stable: it stands in links of mails that went out long ago, and in what people switched off.
        title: what it is called on the page of switches.
        about: what it says, and what its reader can do with it.
        because: why somebody gets it, after "You get this mail because".
        where: what holds without the mail, as where to see the same; None for a kind that cannot be switched off.
        helper: who can answer questions, if the operator has named nobody.
    """

    key: str
    title: str
    about: str
    because: str
    where: str | None = None
    helper: str = "whoever runs your LMS"

    @property
    def switchable(self) -> bool:
        """Whether a person may do without it: only if they can see the same elsewhere, or nobody waits for them."""
        return self.where is not None


CODE = Kind(
    key="email_code",
    title="Codes",
    about="The six digits that show that an e-mail address is yours. Sent when you ask for one.",
    because="somebody asked for a code for this address.",
)
RETURNED = Kind(
    key="work_returned",
    title="Work that comes back",
    about="An assessor has read your work and asks for changes.",
    because="you handed in work in Waymark.",
    where="You also see the comments on the module’s page.",
)
APPEAL = Kind(
    key="appeal_decided",
    title="An appeal that was answered",
    about="Another assessor has looked at work that came back and that you appealed about.",
    because="you appealed against a decision in Waymark.",
    where="You also see the answer on the module’s page.",
)
AWARDED = Kind(
    key="credential_awarded",
    title="A new badge",
    about="You were awarded a badge. The mail holds your own link to it, which works without your LMS.",
    because="you were awarded a badge in Waymark.",
    where="You also see the badge under “My badges”.",
)
CLAIM = replace(
    AWARDED,
    because="somebody awarded you a badge and gave this address for it.",
    helper="the people who awarded it",
)
EXPIRING = Kind(
    key="expiring",
    title="A badge that expires soon",
    about="A reminder 90, 30 and 7 days before a badge of yours expires, and what renewing it asks for.",
    because="you hold a badge that expires.",
    where="You also see the date on each badge under “My badges”.",
)
GROUND_ENDED = Kind(
    key="ground_ended",
    title="A badge that another one rests on",
    about="A badge that one of yours rests on has ended, and until when you can put that right. Or an assessor "
    "suspended yours for that, or lifted the suspension.",
    because="you hold a badge that rests on another one.",
    where="You also see it on the badge under “My badges”.",
)
WALLET = Kind(
    key="wallet_bound",
    title="A wallet on your badge",
    about="A wallet was put on one of your badges. If it was not you, you can take it off.",
    because="a wallet was put on one of your badges.",
)
CONFIRMATION_ASKED = Kind(
    key="confirmation_asked",
    title="A colleague asks for your word",
    about="Somebody whom you manage asks you to confirm a step of their pathway.",
    because="a colleague whom you manage asked for your word.",
    where="You also see it under “My centre”, “To be confirmed”.",
    helper="your colleague",
)
PATHWAY_NEWS = Kind(
    key="pathway_news",
    title="News on your pathway",
    about="A word that you asked for was given or not, or a badge that was proposed for you is not awarded now.",
    because="you are on a pathway in Waymark.",
    where="You also see it on your pathway’s page.",
)
QUARANTINED = Kind(
    key="work_quarantined",
    title="Work that was put away",
    about="An assessor put a text of yours away to protect somebody, and what you can do now.",
    because="you handed in work in Waymark.",
)

OBSERVED = Kind(
    key="observed",
    title="An observation that was made",
    about="Somebody who observed you filled in the checklist, or it is settled whether they can be asked.",
    because="you asked somebody to observe you at work.",
    where="You also see it on the activity’s page.",
)
OBSERVER_ASKED = Kind(
    key="observer_asked",
    title="A request to observe",
    about="A colleague asks you to observe them at work, with your own link to the checklist.",
    because="a colleague named you as the person to observe them at work.",
    where="Without these mails you are not asked: your colleague is told at once to ask somebody else.",
    helper="your colleague",
)
OBSERVER_CODE = Kind(
    key="observer_code",
    title="Codes for a checklist",
    about="The six digits with which you send a checklist. Sent when you ask for one.",
    because="somebody asked for a code with the link of a request to observe.",
    helper="your colleague",
)

LINK_CODE = Kind(
    key="link_code",
    title="Codes to join your records",
    about="The six digits by which you bring together what you did from two LMSs. Sent when you ask for one.",
    because="somebody asked to join their record with the one of this address.",
)
LINKED = Kind(
    key="persons_linked",
    title="Your records were joined",
    about="Another login opens your work and your badges from now on. If it was not you, you can have it stopped.",
    because="your record in Waymark was joined by another login.",
)

# In the order in which they are shown.
KINDS: tuple[Kind, ...] = (
    RETURNED,
    APPEAL,
    OBSERVED,
    PATHWAY_NEWS,
    AWARDED,
    EXPIRING,
    GROUND_ENDED,
    QUARANTINED,
    OBSERVER_ASKED,
    CONFIRMATION_ASKED,
    WALLET,
    LINKED,
    CODE,
    LINK_CODE,
    OBSERVER_CODE,
)
_BY_KEY = {kind.key: kind for kind in KINDS}


def kind_of(key: str) -> Kind | None:
    """The kind of this key, or None: a link can name one that there never was, or is no more."""
    return _BY_KEY.get(key)
