"""Names and Role Provisioning Services: pages, filters, refusals."""

import pytest

from practice_lms import PracticeLms
from practice_lms.scopes import SCOPE_SCORE
from tests.practice_lms.conftest import Clock
from tests.practice_lms.stub_tool import LTI, StubTool

URL = "http://127.0.0.1:8100/nrps/foundations/memberships"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"


@pytest.fixture
def bearer(tool: StubTool, clock: Clock) -> dict[str, str]:
    return tool.bearer(clock.now)


def test_the_roster_of_a_launch_has_everybody(tool: StubTool, bearer: dict[str, str]) -> None:
    content = tool.roster(URL, bearer).json()

    assert content["context"]["title"] == "IPS foundations"
    assert [member["given_name"] for member in content["members"]] == ["Ali", "Tess", "Priya"]
    assert content["members"][1]["roles"] == [LEARNER]
    assert content["members"][1]["email"] == "tess.nguyen@example.org"


def test_pages_follow_the_next_link_to_the_end_and_keep_the_filters(tool: StubTool, bearer: dict[str, str]) -> None:
    names: list[str] = []
    url: str | None = f"{URL}?limit=1&rlid=link-5501"
    while url:
        page = tool.roster(url, bearer)
        names += [member["given_name"] for member in page.json()["members"]]
        assert page.json()["members"][0]["message"][0][LTI + "custom"] == {"module": "M01"}
        url = page.links.get("next", {}).get("url")

    assert names == ["Ali", "Tess", "Priya"]


@pytest.mark.parametrize(("role", "names"), [(LEARNER, ["Tess"]), ("Learner", ["Tess"]), ("Mentor", [])])
def test_the_role_filter_takes_both_forms(tool: StubTool, bearer: dict[str, str], role: str, names: list[str]) -> None:
    answer = tool.client.get(URL, params={"role": role}, headers=bearer | {"Accept": tool_accept()})

    assert [member["given_name"] for member in answer.json()["members"]] == names


def tool_accept() -> str:
    return "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_the_roster_wants_its_own_accept_header(tool: StubTool, bearer: dict[str, str], accept: str) -> None:
    assert tool.roster(URL, bearer, accept).status_code == 400


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"{URL}?limit=0", 400),
        (f"{URL}?limit=x", 400),
        (f"{URL}?rlid=link-7302", 404),
        (URL.replace("foundations", "nowhere"), 404),
    ],
)
def test_a_wrong_question_is_refused(
    tool: StubTool, lms: PracticeLms, bearer: dict[str, str], url: str, status: int
) -> None:
    assert tool.roster(url, bearer).status_code == status
    assert lms.refusals[0].part == "roster"


def test_the_roster_wants_a_token_its_scope_and_a_user_agent(
    tool: StubTool, clock: Clock, bearer: dict[str, str]
) -> None:
    assert tool.roster(URL, {}).status_code == 401
    assert tool.roster(URL, tool.bearer(clock.now, SCOPE_SCORE)).status_code == 403
    assert tool.roster(URL, bearer | {"User-Agent": ""}).status_code == 403
