"""Reading what a tool says of itself when it registers (LTI Dynamic Registration 1.0 §3.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from practice_lms.errors import RegistrationRefused
from practice_lms.tools import PERSONAL_CLAIMS

CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-tool-configuration"


@dataclass(frozen=True)
class Registration:
    """What is kept of a tool's own description."""

    name: str
    login_url: str
    redirect_uris: tuple[str, ...]
    target_link_uri: str
    jwks_url: str
    scopes: frozenset[str]
    shared: frozenset[str]
    custom: Mapping[str, str]
    deep_linking_url: str
    domain: str
    messages: tuple[str, ...]


def refuse(reason: str, *, status: int = 400) -> RegistrationRefused:
    """A refusal under the code of RFC 7591 §3.2.2."""
    return RegistrationRefused(reason, status=status, code="invalid_client_metadata")


def text(members: Mapping[str, Any], name: str) -> str:
    """A text member that must be there."""
    value = members.get(name)
    if not isinstance(value, str) or not value.strip():
        raise refuse(f"{name} is missing or not text.")
    return value


def address(members: Mapping[str, Any], name: str) -> str:
    """An absolute http(s) address that must be there."""
    value = text(members, name)
    if not is_address(value):
        raise refuse(f"{name} is not an absolute http or https address.")
    return value


def is_address(value: object) -> bool:
    """Whether it is an absolute http(s) address."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def texts(members: Mapping[str, Any], name: str, *, required: bool = False) -> list[str]:
    """A list of texts; empty if it is absent and may be."""
    value = members.get(name)
    if value is None and not required:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value) or (required and not value):
        raise refuse(f"{name} must be a list of texts.")
    return value


def host_of(url_or_host: str) -> str:
    """Host, and port where one is named, of an address or of a bare domain."""
    try:
        return urlsplit(url_or_host if "://" in url_or_host else f"//{url_or_host}").netloc.lower()
    except ValueError:
        return ""


def read(document: Mapping[str, Any], *, scopes: frozenset[str]) -> Registration:
    """The rules all platforms share. Raises RegistrationRefused."""
    if document.get("application_type", "web") != "web":
        raise refuse("application_type must be web.")
    if "id_token" not in texts(document, "response_types", required=True):
        raise refuse("response_types must hold id_token.")
    if document.get("token_endpoint_auth_method") != "private_key_jwt":
        raise refuse("token_endpoint_auth_method must be private_key_jwt.")
    if not {"client_credentials", "implicit"} <= set(texts(document, "grant_types", required=True)):
        raise refuse("grant_types must hold client_credentials and implicit.")
    redirect_uris = texts(document, "redirect_uris", required=True)
    if not all(map(is_address, redirect_uris)):
        raise refuse("Each of redirect_uris must be an absolute address.")
    tool = document.get(TOOL_CONFIGURATION)
    if not isinstance(tool, dict):
        raise refuse(f"{TOOL_CONFIGURATION} is missing.")
    domain, target = text(tool, "domain"), address(tool, "target_link_uri")
    if host_of(domain) != host_of(target):
        raise refuse("domain must be the host of target_link_uri.")
    messages = messages_in(tool)
    asked = document.get("scope", "")
    if not isinstance(asked, str):
        raise refuse("scope must be text.")
    return Registration(
        name=text(document, "client_name"),
        login_url=address(document, "initiate_login_uri"),
        redirect_uris=tuple(redirect_uris),
        target_link_uri=target,
        jwks_url=address(document, "jwks_uri"),
        scopes=scopes & set(asked.split()),
        shared=PERSONAL_CLAIMS & set(texts(tool, "claims", required=True)),
        custom=custom_in(tool),
        deep_linking_url=_deep_linking_target(messages),
        domain=domain,
        messages=tuple(message["type"] for message in messages),
    )


def custom_in(tool: Mapping[str, Any]) -> dict[str, str]:
    """Custom parameters: names and texts."""
    value = tool.get("custom_parameters", {})
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise refuse("custom_parameters must hold texts only.")
    return value


def messages_in(tool: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages a tool takes; each has a type."""
    value = tool.get("messages")
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise refuse("messages must be a list of objects.")
    for message in value:
        text(message, "type")
        if message.get("target_link_uri") is not None:
            address(message, "target_link_uri")
    return value


def _deep_linking_target(messages: list[dict[str, Any]]) -> str:
    for message in messages:
        if message["type"] == "LtiDeepLinkingRequest":
            return str(message.get("target_link_uri") or "")
    return ""
