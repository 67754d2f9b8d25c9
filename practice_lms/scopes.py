"""Scopes and media types of the services."""

from typing import Final

_AGS: Final = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPE_ITEMS: Final = _AGS + "lineitem"
SCOPE_ITEMS_READ: Final = _AGS + "lineitem.readonly"
SCOPE_RESULTS_READ: Final = _AGS + "result.readonly"
SCOPE_SCORE: Final = _AGS + "score"
SCOPE_ROSTER: Final = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
AGS_SCOPES: Final = (SCOPE_ITEMS, SCOPE_ITEMS_READ, SCOPE_RESULTS_READ, SCOPE_SCORE)
ALL_SCOPES: Final = frozenset((*AGS_SCOPES, SCOPE_ROSTER))

LINE_ITEM: Final = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS: Final = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS: Final = "application/vnd.ims.lis.v2.resultcontainer+json"
SCORE: Final = "application/vnd.ims.lis.v1.score+json"
ROSTER: Final = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
