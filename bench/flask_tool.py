"""The peer of the launch bench: a Flask tool as the library's examples build it, in a process of its own.

`python -m bench.flask_tool PORT fetched|cached`, with `{"jwks_url": ...}` on standard input. `fetched` is the library
as it comes: it asks the platform for its keys at every launch. `cached` switches its key cache on. The launch's data
goes into a dictionary where the examples use Flask-Caching, and connections are kept, which is kinder than real life.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from bench.platform_stub import CLIENT_ID, DEPLOYMENT, ISSUER
from flask import Flask
from pylti1p3.contrib.flask import FlaskCacheDataStorage, FlaskMessageLaunch, FlaskOIDCLogin, FlaskRequest
from pylti1p3.tool_config import ToolConfDict
from werkzeug.serving import WSGIRequestHandler


class Memory:
    """A cache in the form of Flask-Caching."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """What was kept, or None."""
        return self._kept.get(key)

    def set(self, key: str, value: Any, _seconds: int | None = None) -> None:
        """Keep it."""
        self._kept[key] = value


def create(jwks_url: str, port: int, *, cached: bool) -> Flask:
    """The tool: login, launch, nothing else."""
    app = Flask(__name__)
    app.secret_key = "only-for-benches"  # noqa: S105 - it protects nothing
    configuration = ToolConfDict(
        {
            ISSUER: {
                "default": True,
                "client_id": CLIENT_ID,
                "auth_login_url": ISSUER + "/auth",
                "auth_token_url": ISSUER + "/token",
                "key_set_url": jwks_url,
                "deployment_ids": [DEPLOYMENT],
            }
        }
    )
    storage = FlaskCacheDataStorage(Memory())

    @app.post("/lti/login")
    def login() -> Any:
        request = FlaskRequest()
        started = FlaskOIDCLogin(request, configuration, launch_data_storage=storage)
        return started.redirect(f"http://127.0.0.1:{port}/lti/launch")

    @app.post("/lti/launch")
    def launch() -> Any:
        message = FlaskMessageLaunch(FlaskRequest(), configuration, launch_data_storage=storage)
        if cached:
            message.set_public_key_caching(storage, cache_lifetime=7200)
        return {"name": message.get_launch_data().get("name"), "launch": message.get_launch_id()}

    return app


def main() -> None:
    """Serve until it is ended."""
    port, mode = int(sys.argv[1]), sys.argv[2]
    jwks_url = json.loads(sys.stdin.read())["jwks_url"]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    create(jwks_url, port, cached=mode == "cached").run("127.0.0.1", port, threaded=True)


if __name__ == "__main__":
    main()
