"""One Node process that answers many questions, and what its verifiers' answers amount to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

from .tools import HERE, node_program

TIME_LIMIT = 60
Documents = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Verdict:
    """Whether a careful reader of a verifier's answer accepts the credential, and the answer itself."""

    accepted: bool
    answer: dict[str, Any]

    @property
    def errors(self) -> str:
        """What the verifier complained of."""
        return " | ".join(self.answer["errors"])


class Node:
    """The running process; `close` ends it."""

    def __init__(self, folder: Path) -> None:
        # Beside the packages, because that is where Node looks for them; replaced whole, for another run may read it.
        copy = folder / f"verify-{os.getpid()}.mjs"
        shutil.copyfile(HERE / "verify.mjs", copy)
        copy.replace(folder / "verify.mjs")
        self._noise = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process; `close` closes it
        self._process = subprocess.Popen(
            [node_program(), "verify.mjs"], cwd=folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._noise,
        )  # fmt: skip

    def ask(self, verifier: str, documents: Documents, **job: Any) -> dict[str, Any]:
        """Put one question and wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = json.dumps({"verifier": verifier, "documents": documents, **job})
        alarm = Timer(TIME_LIMIT, self._process.kill)
        alarm.start()
        try:
            self._process.stdin.write(question.encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        finally:
            alarm.cancel()
        if not answer:
            self._noise.seek(0)
            raise RuntimeError(f"Node gave no answer: {self._noise.read()[-2000:].decode(errors='replace')}")
        return dict(json.loads(answer))

    def judge(self, verifier: str, document: bytes, documents: Documents, **job: Any) -> Verdict:
        """What `vc` or `verifier-core` thinks of a document with an embedded proof."""
        job = {"registries": []} | job
        answer = self.ask(verifier, documents, document=document.decode(), **job)
        has_status = "credentialStatus" in json.loads(document)
        return Verdict((_reading_vc if verifier == "vc" else _reading_core)(answer, has_status), answer)

    def judge_token(self, token: str, documents: Documents, **job: Any) -> Verdict:
        """What jose thinks of a VC-JWT, and then the status list of what it carries."""
        answer = self.ask("jose", documents, token=token, **job)
        return Verdict(_reading_vc(answer, has_status=True), answer)

    def close(self) -> None:
        """End the process: it stops by itself when nobody asks any more."""
        self._process.communicate(timeout=TIME_LIMIT)
        self._noise.close()


def _reading_vc(answer: dict[str, Any], has_status: bool) -> bool:
    """`verified` alone would pass a revoked badge: it tells that the list holds, not what the list says."""
    bits = answer.get("bits", [])
    return bool(
        answer["verified"] and not answer["errors"] and bool(bits) == has_status and not any(bit["set"] for bit in bits)
    )


def _reading_core(answer: dict[str, Any], has_status: bool) -> bool:
    """Each step must be there and valid; one that is missing was not made. Who vouches for the issuer is left out."""
    steps = {"valid_signature", "expiration"} | ({"revocation_status"} if has_status else set())
    log = [entry for entry in answer.get("log", []) if entry["id"] != "registered_issuer"]
    return (
        not answer["errors"]
        and sorted(entry["id"] for entry in log) == sorted(steps)
        and all(entry.get("valid") is True and "error" not in entry for entry in log)
    )
