"""A tool a browser can visit: keeps a secret in platform storage across a launch, registers itself, is picked from."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet

from practice_lms import PracticeLms, Settings
from tests.practice_lms.stub_tool import DL, TOOL_KEY, StubTool

ASK = """
const asked = [];
window.addEventListener("message", (event) => {
  if (event.origin !== LMS) return;
  const at = asked.findIndex(({ id }) => id === event.data.message_id);
  if (at >= 0) asked.splice(at, 1)[0].done(event.data);
});
function ask(frame, message, wait = 15000) {
  const id = String(Math.random());
  return new Promise((done) => {
    asked.push({ id, done });
    setTimeout(() => done(null), wait);
    frame.postMessage({ ...message, message_id: id }, LMS);
  });
}
// A frame beside this one is known to this one's process a moment after it is there.
async function frameNamed(name) {
  for (;;) {
    try {
      const found = name === "_parent" ? parent : parent.frames[name];
      if (found) return found;
    } catch { /* there is none of that name yet */ }
    await new Promise((done) => setTimeout(done, 50));
  }
}
"""


@dataclass
class BrowserTool:
    """The tool's state: which LMS it serves, and what it learnt."""

    port: int = 0
    lms: PracticeLms | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://tool.localhost:{self.port}"

    @property
    def settings(self) -> Settings:
        assert self.lms is not None
        return self.lms.settings

    def page(self, script: str, body: str = "") -> str:
        head = f"const LMS = {json.dumps(self.settings.front_url)};{ASK}"
        return f"<!doctype html><title>Tool</title>{body}<script>{head}{script}</script>"

    def login(self, fields: dict[str, str]) -> str:
        query = urlencode(
            {
                "scope": "openid",
                "response_type": "id_token",
                "response_mode": "form_post",
                "prompt": "none",
                "client_id": fields["client_id"],
                "redirect_uri": f"{self.url}/lti/launch",
                "login_hint": fields["login_hint"],
                "lti_message_hint": fields["lti_message_hint"],
                "nonce": "n-1",
                "state": "s-1",
            }
        )
        target = json.dumps(fields.get("lti_storage_target", ""))
        return self.page(
            f"""
const target = {target}, auth = {json.dumps(f"{self.settings.auth_url}?{query}")};
(async () => {{
  if (target) await ask(await frameNamed(target), {{ subject: "lti.put_data", key: "state_s-1", value: "secret" }});
  location.replace(auth);
}})();"""
        )

    def launch(self, fields: dict[str, str]) -> str:
        assert self.lms is not None
        claims = jwt.decode(fields["id_token"], KeySet([self.lms.keys.current]), ["RS256"]).claims
        settings = claims.get(DL + "deep_linking_settings")
        if settings is not None:
            return self.picker(claims, settings)
        return self.page(
            """
(async () => {
  const report = { capabilities: await ask(parent, { subject: "lti.capabilities" }, 4000) };
  const frames = report.capabilities?.supported_messages.find(({ subject }) => subject === "lti.get_data");
  if (frames) {
    const store = await frameNamed(frames.frame);
    report.get = await ask(store, { subject: "lti.get_data", key: "state_s-1" });
    report.missing = await ask(store, { subject: "lti.get_data", key: "nothing" });
    report.number = await ask(store, { subject: "lti.put_data", key: "k", value: 7 });
    report.long = await ask(store, { subject: "lti.put_data", key: "k", value: "x".repeat(5000) });
    report.gone = await ask(store, { subject: "lti.put_data", key: "state_s-1", value: null });
    report.after = await ask(store, { subject: "lti.get_data", key: "state_s-1" });
    report.parent = await ask(parent, { subject: "lti.get_data", key: "nothing" });
    report.unheard = await ask(parent, { subject: "lti.unheard_of" });
  }
  report.resize = await ask(parent, { subject: "lti.frameResize", height: 777 }, 4000);
  const out = document.createElement("pre");
  out.id = "report";
  out.textContent = JSON.stringify(report);
  document.body.append(out);
})();""",
            "<h1>Launched</h1>",
        )

    def picker(self, claims: dict[str, Any], settings: dict[str, Any]) -> str:
        item = {"type": "ltiResourceLink", "title": "Picked in a browser", "url": f"{self.url}/x"}
        now = self.lms.clock() if self.lms else 0
        token = StubTool(None, self.settings).chosen(claims, now, [item])  # type: ignore[arg-type]
        action = settings["deep_link_return_url"].replace("&", "&amp;")
        return f"""<!doctype html><title>Pick</title><form method="post" action="{action}">
<input type="hidden" name="JWT" value="{token}"><button>Take it</button></form>"""

    def register(self, query: dict[str, list[str]]) -> str:
        def here(url: str) -> str:
            return url.replace("lms.localhost", "127.0.0.1")

        token = query.get("registration_token", [""])[0]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with httpx2.Client(trust_env=False, headers=headers, timeout=60) as client:
            found = client.get(here(query["openid_configuration"][0])).json()
            document = StubTool(None, self.settings).description(  # type: ignore[arg-type]
                redirect_uris=[f"{self.url}/lti/launch"], initiate_login_uri=f"{self.url}/lti/login"
            )
            self.answers.append(client.post(here(found["registration_endpoint"]), json=document).json())
        script = "document.querySelector('button').onclick = () => "
        script += "(opener || parent).postMessage({ subject: 'org.imsglobal.lti.close' }, '*');"
        return self.page(script, "<h1>Registered</h1><button>Done</button>")


@contextmanager
def browser_tool() -> Iterator[BrowserTool]:
    """Serve the tool on a free port until the block ends."""
    tool = BrowserTool()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/lti/jwks":
                self._answer(json.dumps({"keys": [TOOL_KEY.as_dict(private=False)]}))
            elif parts.path == "/lti/register":
                self._answer(tool.register(parse_qs(parts.query)))
            else:
                self._answer("", 404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fields = dict(parse_qsl(body))
            self._answer(tool.login(fields) if self.path == "/lti/login" else tool.launch(fields))

        def _answer(self, text: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        tool.port = int(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tool
        server.shutdown()
