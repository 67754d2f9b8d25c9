"""What we tell of ourselves: to a platform that registers us, and to an administrator of Canvas who enters us by hand.

Everything follows from the base URL, so no template has to be kept in step with the server.
"""

from __future__ import annotations

from typing import Any, Final

from app.lti.openid_configuration import PlatformConfiguration
from app.lti.platform_families import OPEN_LABEL, PLACE_LABEL, Canvas, Family, logo_uri
from app.lti.schemas import DEEP_LINKING_REQUEST, RESOURCE_LINK_REQUEST

TOOL_CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-tool-configuration"
NAME: Final = "Waymark"
DESCRIPTION: Final = (
    "Modules and badges for vocational specialists in Individual Placement and Support (IPS). Assessors decide; the "
    "result goes to the gradebook, and the badge to its holder."
)

_AGS: Final = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCORE_SCOPE: Final = _AGS + "score"
LINE_ITEM_SCOPE: Final = _AGS + "lineitem"
RESULT_SCOPE: Final = _AGS + "result.readonly"
ROSTER_SCOPE: Final = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCOPES: Final = (LINE_ITEM_SCOPE, _AGS + "lineitem.readonly", RESULT_SCOPE, SCORE_SCOPE, ROSTER_SCOPE)
CLAIMS: Final = ("iss", "sub", "name", "given_name", "family_name", "email")

# Sent even to platforms that do not list these variables: one that learns them later fills them in by itself, and until
# then sends their names back, which are read as nothing.
HISTORY: Final = {
    "context_id_history": "$Context.id.history",
    "resource_link_id_history": "$ResourceLink.id.history",
}


def scopes_to_ask_for(supported: frozenset[str] | None) -> tuple[str, ...]:
    """The scopes we ask a platform for.

    Args:
        supported: what it lists. A list without any scope of a service, such as `["openid"]` alone, says nothing about
            services.
    """
    if supported is None or not any("/scope/" in each for each in supported):
        return SCOPES
    return tuple(scope for scope in SCOPES if scope in supported)


def tool_registration(base_url: str, family: Family, configuration: PlatformConfiguration) -> dict[str, Any]:
    """Our client metadata (LTI Dynamic Registration 1.0 §3.5; RFC 7591 §2).

    Args:
        base_url: our address.
        family: the kind of LMS that asks.
        configuration: what it says of itself.
    """
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["client_credentials", "implicit"],
        "initiate_login_uri": f"{base_url}/lti/login",
        "redirect_uris": [f"{base_url}/lti/launch"],
        "client_name": NAME,
        "client_uri": base_url,
        "logo_uri": logo_uri(base_url),
        "jwks_uri": f"{base_url}/lti/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(scopes_to_ask_for(configuration.scopes_supported)),
        TOOL_CONFIGURATION: {
            "domain": family.domain(base_url),
            "description": DESCRIPTION,
            # The list of modules: what a link without any module of its own opens. Moodle wants it on our domain.
            "target_link_uri": f"{base_url}/lti/launch",
            "custom_parameters": dict(HISTORY),
            "claims": list(CLAIMS),
            "messages": family.messages(base_url, configuration.messages),
        }
        | family.tool_extras(),
    }


def canvas_json(base_url: str) -> dict[str, Any]:
    """The same for Canvas's *Paste JSON* and *Enter URL*.

    https://developerdocs.instructure.com/services/canvas/external-tools/lti/file.lti_dev_key_config

    Args:
        base_url: our address.
    """
    target, icon = f"{base_url}/lti/launch", logo_uri(base_url)
    choosing = [
        {
            "placement": placement,
            "message_type": DEEP_LINKING_REQUEST,
            "target_link_uri": target,
            "text": PLACE_LABEL,
            "icon_url": icon,
            "enabled": True,
        }
        for placement in Canvas.choosing
    ]
    opening = {
        "placement": Canvas.opening,
        "message_type": RESOURCE_LINK_REQUEST,
        "target_link_uri": target,
        "text": OPEN_LABEL,
        "default": "disabled",
        "visibility": "members",
        "enabled": True,
    }
    return {
        "title": NAME,
        "description": DESCRIPTION,
        "oidc_initiation_url": f"{base_url}/lti/login",
        "target_link_uri": target,
        "public_jwk_url": f"{base_url}/lti/jwks",
        "scopes": list(SCOPES),
        "custom_fields": dict(HISTORY),
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": Canvas().domain(base_url),
                "tool_id": "waymark",
                "privacy_level": "public",
                "settings": {"text": NAME, "icon_url": icon, "placements": [*choosing, opening]},
            }
        ],
    }
