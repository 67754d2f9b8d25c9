"""The peer of the launch bench: a Flask tool built as the library's own example is, in a process of its own.

`python -m bench.flask_tool PORT fetched|cached FOLDER`, with `{"jwks_url": ...}` on standard input. `fetched` is the
library as it comes: it asks the platform for its keys at every launch. `cached` switches its key cache on. As in the
example the configuration is a file that each request reads, the server is Flask's own, and the launch's data goes into
a cache in memory: nothing of it outlives the process, and no person is looked up.
"""

# The library exports nothing by name and its Flask part has no types.
# mypy: disable-error-code="attr-defined,no-untyped-call"

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from flask import Flask
from pylti1p3.contrib.flask import FlaskCacheDataStorage, FlaskMessageLaunch, FlaskOIDCLogin, FlaskRequest
from pylti1p3.tool_config import ToolConfJsonFile

from bench.platform_stub import CLIENT_ID, DEPLOYMENT, ISSUER


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


def configure(folder: Path, jwks_url: str) -> str:
    """Write the tool's configuration and its keys, and say where the configuration is."""
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (folder / "private.key").write_bytes(private)
    (folder / "public.key").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    platform = {
        "default": True,
        "client_id": CLIENT_ID,
        "auth_login_url": ISSUER + "/auth",
        "auth_token_url": ISSUER + "/token",
        "key_set_url": jwks_url,
        "private_key_file": "private.key",
        "public_key_file": "public.key",
        "deployment_ids": [DEPLOYMENT],
    }
    (folder / "tool.json").write_text(json.dumps({ISSUER: [platform]}), encoding="utf-8")
    return str(folder / "tool.json")


def create(configuration: str, port: int, *, cached: bool) -> Flask:
    """The tool: login, launch, nothing else."""
    app = Flask(__name__)
    app.secret_key = "only-for-benches"  # noqa: S105 - it protects nothing
    storage = FlaskCacheDataStorage(Memory())

    @app.post("/lti/login")
    def login() -> Any:
        request = FlaskRequest()
        started = FlaskOIDCLogin(request, ToolConfJsonFile(configuration), launch_data_storage=storage)
        return started.redirect(f"http://127.0.0.1:{port}/lti/launch")

    @app.post("/lti/launch")
    def launch() -> Any:
        known = ToolConfJsonFile(configuration)
        message = FlaskMessageLaunch(FlaskRequest(), known, launch_data_storage=storage)
        if cached:
            message.set_public_key_caching(storage, cache_lifetime=7200)
        return {"name": message.get_launch_data().get("name"), "launch": message.get_launch_id()}

    return app


def main() -> None:
    """Serve until it is ended."""
    port, mode, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    jwks_url = json.loads(sys.stdin.read())["jwks_url"]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    create(configure(folder, jwks_url), port, cached=mode == "cached").run("127.0.0.1", port)


if __name__ == "__main__":
    main()
