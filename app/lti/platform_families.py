"""Where the families of LMSs differ at registration: one small class for each, everything else is the standard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from app.lti.openid_configuration import CANVAS, PlatformConfiguration, host_of
from app.lti.schemas import DEEP_LINKING_REQUEST, RESOURCE_LINK_REQUEST, SUBMISSION_REVIEW_REQUEST

_MEMBERSHIP: Final = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
TEACHERS: Final = tuple(_MEMBERSHIP + role for role in ("Instructor", "ContentDeveloper", "Administrator"))
OPEN_LABEL: Final = "Waymark"
PLACE_LABEL: Final = "Add Waymark modules"
REVIEW_LABEL: Final = "Review work in Waymark"


class Family:
    """An LMS of the standard.

    Attributes:
        codes: values of `product_family_code` by which it is known, in lower case.
        label: what people call it.
        activate: what its administrator does next there, in its own words; follows “In Moodle:”.
        deployment: where its administrator finds the deployment id, if the LMS does not tell it at registration.
        framed_by_anybody: whether its pages may be seen under addresses that it does not name.
    """

    codes: ClassVar[tuple[str, ...]] = ()
    label: ClassVar[str] = "your LMS"
    activate: ClassVar[str] = (
        "look for Waymark among the external tools and switch it on. Let it use grades and course lists, and share "
        "people’s names and e-mail addresses with it."
    )
    deployment: ClassVar[str] = "Your LMS shows the deployment id on its page about the tool."
    framed_by_anybody: ClassVar[bool] = False

    def domain(self, base_url: str) -> str:
        """Our host, and port if it is not the scheme's own, as the LMS compares it with links."""
        return urlsplit(base_url).netloc

    def messages(self, base_url: str, supported: Mapping[str, frozenset[str] | None] | None) -> list[dict[str, Any]]:
        """The kinds of messages we take (LTI Dynamic Registration 1.0 §3.5.1), of those the LMS has.

        Args:
            base_url: our address.
            supported: what the LMS says it has; None if it does not say.
        """
        target = f"{base_url}/lti/launch"
        wanted: list[dict[str, Any]] = [
            {"type": RESOURCE_LINK_REQUEST, "target_link_uri": target, "label": OPEN_LABEL},
            {"type": DEEP_LINKING_REQUEST, "target_link_uri": target, "label": PLACE_LABEL, "roles": list(TEACHERS)},
        ]
        if supported is None:
            return wanted
        review = {"type": SUBMISSION_REVIEW_REQUEST, "target_link_uri": target, "label": REVIEW_LABEL}
        return [each for each in (*wanted, review) if each["type"] in supported]

    def tool_extras(self) -> dict[str, Any]:
        """Members of the tool configuration beyond the standard's."""
        return {}

    def audience(self, configuration: PlatformConfiguration) -> str | None:
        """What token requests must name, if not the token endpoint."""
        return configuration.audience


class Moodle(Family):
    """Moodle, which knows one place to choose content from, and compares hosts without a leading `www.`."""

    codes = ("moodle",)
    label = "Moodle"
    activate = (
        "choose Activate on the card that says Waymark, in the list of tools. To offer it in every course, open its "
        "settings and set the tool configuration usage to “Show in activity chooser”."
    )

    def domain(self, base_url: str) -> str:
        """As Moodle's own function makes it of an address."""
        return super().domain(base_url).removeprefix("www.")

    def messages(self, base_url: str, supported: Mapping[str, frozenset[str] | None] | None) -> list[dict[str, Any]]:
        """Choosing content happens in the activity's form."""
        messages = super().messages(base_url, supported)
        for each in messages:
            if each["type"] == DEEP_LINKING_REQUEST:
                each["placements"] = ["ContentArea"]
        return messages


class Canvas(Family):
    """Canvas, which wants a placement for each message and has keys of its own.

    https://developerdocs.instructure.com/services/canvas/external-tools/lti/file.registration
    """

    codes = ("canvas",)
    label = "Canvas"
    activate = (
        "close this page and look through what Waymark asks for. Leave the scopes and the privacy level as they are, "
        "install it and switch it on."
    )
    deployment = "In Canvas, choose Settings, then Apps, and Deployment Id in the app’s own menu."
    framed_by_anybody = True
    choosing: ClassVar[tuple[str, ...]] = ("assignment_selection", "link_selection", "module_index_menu_modal")
    opening: ClassVar[str] = "course_navigation"

    def messages(self, base_url: str, supported: Mapping[str, frozenset[str] | None] | None) -> list[dict[str, Any]]:
        """Choosing content in assignments and modules; a link in the course's menu, switched off until wanted."""
        messages = []
        for each in super().messages(base_url, supported):
            wanted = self.choosing if each["type"] == DEEP_LINKING_REQUEST else (self.opening,)
            placements = _offered(wanted, (supported or {}).get(each["type"]))
            if not placements:
                continue
            extras = {} if each["type"] == DEEP_LINKING_REQUEST else self._menu()
            messages.append(each | {"placements": placements, "icon_uri": logo_uri(base_url)} | extras)
        return messages

    def tool_extras(self) -> dict[str, Any]:
        """Names and e-mail addresses come along; the tool has one name wherever it is installed."""
        return {CANVAS + "privacy_level": "public", CANVAS + "tool_id": "waymark"}

    def audience(self, configuration: PlatformConfiguration) -> str | None:
        """Its token endpoint, whatever else it names."""
        return None

    @staticmethod
    def _menu() -> dict[str, Any]:
        return {
            CANVAS + "course_navigation/default_enabled": False,
            CANVAS + "visibility": "members",
            CANVAS + "display_type": "full_width_in_context",
        }


class D2l(Family):
    """D2L Brightspace, whose token requests all name the same audience."""

    codes = ("desire2learn", "d2l", "brightspace")
    label = "Brightspace"
    activate = (
        "choose Admin Tools, Manage Extensibility, LTI Advantage. Open Waymark there, enable it, and make a deployment "
        "with the extensions and the user information that it asks for."
    )
    deployment = "Brightspace shows the deployment id under External Learning Tools, LTI Advantage."
    service_host: ClassVar[str] = "auth.brightspace.com"
    one_audience: ClassVar[str] = "https://api.brightspace.com/auth/token"

    def audience(self, configuration: PlatformConfiguration) -> str | None:
        """The one that all its customers share, if the configuration does not name it."""
        if configuration.audience is None and host_of(configuration.token_endpoint) == self.service_host:
            return self.one_audience
        return configuration.audience


class Blackboard(Family):
    """Blackboard Learn, where a tool is registered once in the developer portal and each site adds it by client id."""

    codes = ("blackboardlearn", "blackboard")
    label = "Blackboard"
    activate = (
        "choose LTI Tool Providers in the Administrator Panel, then Register LTI 1.3/Advantage Tool, and enter the "
        "client id. Approve it with name, role, e-mail address, grades and membership."
    )
    deployment = "Blackboard shows the deployment id on the page of the tool, once it is registered on your site."
    framed_by_anybody = True


class Sakai(Family):
    """Sakai."""

    codes = ("sakai", "sakailms.org")
    label = "Sakai"
    activate = (
        "choose External Tools in the Administration Workspace, open Waymark, and switch on names, e-mail addresses, "
        "the roster and grades."
    )


STANDARD: Final = Family()
FAMILIES: Final[Sequence[Family]] = (Moodle(), Canvas(), D2l(), Blackboard(), Sakai())
_BY_CODE: Final[Mapping[str, Family]] = {code: family for family in FAMILIES for code in family.codes}


def family_of(product_family: str | None) -> Family:
    """The family of a `product_family_code` (LTI 1.3 core §5.4.5)."""
    return _BY_CODE.get((product_family or "").lower(), STANDARD)


def logo_uri(base_url: str) -> str:
    """Our mark, as LMSs show it beside the name."""
    return f"{base_url}/static/img/favicon.svg"


def _offered(wanted: Sequence[str], listed: frozenset[str] | None) -> list[str]:
    """Those placements that the LMS has; names may be written with Canvas's prefix."""
    if listed is None:
        return list(wanted)
    return [each for each in wanted if each in listed or CANVAS + each in listed]
