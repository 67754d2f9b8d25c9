"""Peers that run on Node: installed once into a folder that git ignores, asked over a pipe."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from openvc.multibase import encode_multibase

from app.cli.bench_sample import DID, EMBEDDED_ID, SampleIssuer
from app.cli.bench_timing import Subject
from app.core.clock import now
from app.vc import contexts, json_text
from app.vc.contexts import CREDENTIAL_CONTEXTS
from app.vc.keys import Ed25519Signer
from bench.shape import Plan

HERE: Final = Path(__file__).resolve().parent
FOLDER: Final = HERE.parent / ".node"
HOME: Final = FOLDER / "bench"
STACKS: Final = ("@digitalbazaar", "@digitalcredentials")
INSTALL_SECONDS: Final = 300
WARM_UP: Final = 40
_SECRET_PREFIX: Final = b"\x80\x26"
_MULTIKEY_CONTEXT: Final = "https://w3id.org/security/multikey/v1"
_DID_CONTEXT: Final = "https://www.w3.org/ns/did/v1"


class PeerAbsent(Exception):
    """The peer cannot be had here; the message says why."""


class PeerFailed(Exception):
    """The peer answered with an error: what it was to measure was not measured."""


def stack_name(stack: str) -> str:
    """The peer's name in tables, e.g. `@digitalbazaar/vc`."""
    return f"{stack}/vc"


def install() -> None:
    """Install the pinned peers, unless they are there already.

    Raises:
        PeerAbsent: there is no Node or npm, or the installation failed.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise PeerAbsent("there is no Node with npm on this machine")
    wanted = (HERE / "node" / "package.json").read_text(encoding="utf-8")
    done = HOME / "installed.json"
    HOME.mkdir(parents=True, exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n", encoding="utf-8")
    shutil.copy(HERE / "node" / "peer.mjs", HOME / "peer.mjs")
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return
    (HOME / "package.json").write_text(wanted, encoding="utf-8")
    command = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent",
               "--fetch-retries=1"]  # fmt: skip
    try:
        subprocess.run(command, cwd=HOME, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerAbsent(f"npm could not install the peers ({type(error).__name__})") from error
    done.write_text(wanted, encoding="utf-8")


def versions() -> dict[str, str]:
    """The versions of Node and of the peers that are installed."""
    if not (HOME / "installed.json").exists():
        return {}
    node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    pinned: dict[str, str] = json.loads((HOME / "installed.json").read_text(encoding="utf-8"))["dependencies"]
    return {"node": node.removeprefix("v"), **pinned}


class NodePeer:
    """One stack in one Node process, warm.

    Args:
        stack: the npm scope, one of `STACKS`.
        badges: unsigned credentials that it signs in turn.
        secured: signed credentials that it verifies in turn.
        signer: the key it signs with.
        controller: the issuer's DID; `method_id` the key's full id.
        method_id: see above.
    """

    def __init__(
        self,
        stack: str,
        *,
        badges: Sequence[Mapping[str, Any]],
        secured: Sequence[bytes],
        signer: Ed25519Signer,
        controller: str = DID,
        method_id: str = EMBEDDED_ID,
    ) -> None:
        self.stack = stack
        self._process = subprocess.Popen(
            ["node", "peer.mjs", stack], cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        public = {
            "@context": _MULTIKEY_CONTEXT,
            "id": method_id,
            "type": "Multikey",
            "controller": controller,
            "publicKeyMultibase": signer.public_key.multikey,
        }
        secret = encode_multibase(_SECRET_PREFIX + signer.private_bytes())
        self._set_up: dict[str, Any] = {
            "documents": _documents(public, controller),
            "key": {**public, "secretKeyMultibase": secret},
            "badges": badges,
            "secured": [text.decode() for text in secured],
        }

    def __enter__(self) -> NodePeer:
        """Use it; it ends with the block."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def subject(self, op: str, *, warm_up: int = WARM_UP) -> Subject:
        """`sign` or `verify` as a subject, after so many operations that are not counted.

        Raises:
            PeerFailed: the peer cannot do it.
        """
        self._prepare()
        self._ask(op=op, count=warm_up)
        return Subject(stack_name(self.stack), lambda count: self._ask(op=op, count=count)["seconds"])

    def sign_one(self) -> bytes:
        """One badge as this stack signs it; raises PeerFailed."""
        self._prepare()
        return str(self._ask(op="sign", count=1)["text"]).encode()

    def _prepare(self) -> None:
        if self._set_up:
            self._ask(op="setup", **self._set_up)
            self._set_up = {}

    def _ask(self, **request: Any) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:  # pragma: no cover - both were asked for
            raise PeerFailed("no pipe")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        reply: dict[str, Any] = json.loads(line) if line else {"error": "it ended"}
        if "error" in reply:
            raise PeerFailed(f"{self.stack}: {reply['error']} {reply.get('causes', '')}")
        return reply


def sample_subjects(
    stack: ExitStack, plan: Plan, issuer: SampleIssuer, op: str, absent: dict[str, str]
) -> list[Subject]:
    """Every stack that can be had, warm, on sample badges; the others are noted in `absent`. `op`: sign or verify."""
    if not plan.node:
        return []
    try:
        install()
    except PeerAbsent as error:
        absent.update({stack_name(each): str(error) for each in STACKS})
        return []
    badges = [issuer.unsigned() for _ in range(16)]
    secured = [json_text.dumps(issuer.sign(badge, now())) for badge in badges]
    subjects = []
    for each in STACKS:
        peer = stack.enter_context(NodePeer(each, badges=badges, secured=secured, signer=issuer.embedded))
        try:
            subjects.append(peer.subject(op))
        except PeerFailed as error:
            absent[stack_name(each)] = str(error)
    return subjects


def _documents(public: Mapping[str, Any], controller: str) -> dict[str, Any]:
    """Everything the peers would fetch: contexts, the issuer's DID document, its key."""
    urls = (*CREDENTIAL_CONTEXTS, "https://w3id.org/security/data-integrity/v2", _MULTIKEY_CONTEXT)
    document = {
        "@context": [_DID_CONTEXT, _MULTIKEY_CONTEXT],
        "id": controller,
        "verificationMethod": [{name: value for name, value in public.items() if name != "@context"}],
        "assertionMethod": [public["id"]],
    }
    return {**{url: contexts.load(url) for url in urls}, controller: document, str(public["id"]): dict(public)}
