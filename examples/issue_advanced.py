"""Award badges through Waymark's API: one, or a file full of them. Needs Python 3.11 and nothing else.

    export ISSUER_URL=https://waymark.example.org CLIENT_ID=… CLIENT_SECRET=…
    python examples/issue_advanced.py one --achievement X1 --email tess@example.org \
        --decided-by "Priya Raman" --role "panel chair"
    python examples/issue_advanced.py batch examples/batch.csv

What to take over into a program of your own: the key of an award is made and written down before it is first sent, and
every repeat has the same one. So a call may be repeated after whatever went wrong, and nothing is awarded twice.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

TRIES = 6
SECONDS_FOR_AN_ANSWER = 60.0
LONGEST_PAUSE = 60.0
EARLIER = 30.0  # seconds before a token is over, to get the next
OVER = ("done", "failed", "cancelled")


class Refused(Exception):
    """Waymark said no (RFC 9457). A repeat of the same request would be refused again.

    Args:
        problem: as Waymark told it; act on `type`, show `detail`.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail", "refused"))
        self.status = int(problem.get("status", 0))
        self.kind = str(problem.get("type", "")).removeprefix("urn:waymark:error:")
        self.problem = problem


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers with names in lower case, and the JSON object."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Waymark:
    """A server, and a client that is known there.

    Attributes:
        url: of the server.
        client_id, secret: as `waymark client add` printed them.
    """

    url: str
    client_id: str
    secret: str = field(repr=False)
    _token: str = field(default="", repr=False)
    _token_ends: float = 0.0

    def issue(self, award: dict[str, Any], key: str) -> dict[str, Any]:
        """Issue one badge.

        Args:
            award: the body of POST /api/v1/credentials.
            key: of this award; written down before the first call, and the same for every repeat.

        Returns:
            id, url, status, credential, jwt: the same for the first call and for every repeat.

        Raises:
            Refused: `kind` says why, e.g. `prerequisite-missing`.
        """
        return self._call("POST", "/api/v1/credentials", json.dumps(award).encode(), key=key).body

    def send_batch(self, data: bytes, kind: str, key: str, *, all_or_nothing: bool = False) -> str:
        """Send a file of awards; returns the batch's id.

        Args:
            data: JSON Lines or CSV, up to 100,000 rows.
            kind: `application/jsonl` or `text/csv`.
            key: of this batch, as for `issue`.
            all_or_nothing: issue none if one row is wrong.
        """
        mode = "all_or_nothing" if all_or_nothing else "good_rows"
        answer = self._call("POST", f"/api/v1/batches?mode={mode}", data, kind=kind, key=key)
        return str(answer.body["id"])

    def batch(self, batch_id: str) -> dict[str, Any]:
        """How a batch stands."""
        return self._call("GET", f"/api/v1/batches/{batch_id}").body

    def batch_errors(self, batch_id: str) -> list[dict[str, Any]]:
        """Every row that was refused, with its line."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            query = urllib.parse.urlencode({"limit": 200} | ({"cursor": cursor} if cursor else {}))
            page = self._call("GET", f"/api/v1/batches/{batch_id}/errors?{query}").body
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def _call(
        self, method: str, path: str, data: bytes | None = None, *, kind: str = "application/json", key: str = ""
    ) -> Answer:
        """One call, repeated while that may help: it is always the same call, so that is safe."""
        headers = {"Content-Type": kind} if data is not None else {}
        if key:
            headers["Idempotency-Key"] = key
        for attempt in range(1, TRIES + 1):
            try:
                answer = self._renewed() or self._send(method, path, data, headers | self._bearer())
            except (OSError, HTTPException) as error:  # no answer: nobody knows whether it was done, so ask again
                pause, why = 2.0**attempt, f"no answer ({reason_of(error)})"
                if is_unknown_name(error) and not self._token:  # never once found: a slip, and no hiccup
                    raise SystemExit(f"{why}. Is ISSUER_URL right? It says {self.url}. Nothing was sent.") from None
            else:
                if answer.status < 400:
                    return answer
                if answer.status == 401 and attempt == 1:
                    self._token = ""  # it ended earlier than it said: the client's secret was changed, say
                    continue
                if answer.status != 429 and answer.status < 500:
                    raise Refused(answer.body)
                pause, why = float(answer.headers.get("retry-after", 2.0**attempt)), f"status {answer.status}"
            if attempt < TRIES:
                tell(f"{why}; trying again in {min(pause, LONGEST_PAUSE):.0f} s with the same key")
                time.sleep(min(pause, LONGEST_PAUSE))
        raise SystemExit(f"{method} {path}: {why}, {TRIES} times. Run this again with the same key later.")

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _renewed(self) -> Answer | None:
        """See to it that the token is good for a while yet; an answer if there is none just now: ask again later."""
        if self._token and time.monotonic() < self._token_ends - EARLIER:
            return None
        # Without a scope the token has all that the client may do, whatever that is.
        form = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
        told = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {told}"}
        answer = self._send("POST", "/oauth/token", form, headers)
        if answer.status == 429 or answer.status >= 500:
            return answer
        if answer.status != 200:  # RFC 6749 §5.2: these have a form of their own
            raise SystemExit(f"No token: {answer.body.get('error')}: {answer.body.get('error_description')}")
        self._token = str(answer.body["access_token"])
        self._token_ends = time.monotonic() + float(answer.body["expires_in"])
        return None

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_FOR_AN_ANSWER) as response:  # noqa: S310
                return _answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            return _answer(error.code, error.headers, error.read())


def _answer(status: int, headers: Any, body: bytes) -> Answer:
    try:
        members = json.loads(body or b"{}")
    except ValueError:
        members = {"status": status, "detail": f"an answer that is no JSON, status {status}"}
    return Answer(status, {name.lower(): value for name, value in headers.items()}, members)


def reason_of(error: Exception) -> str:
    """Why there was no answer, in words; urllib wraps most reasons in one error of its own."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(reason) or type(reason).__name__


def is_unknown_name(error: Exception) -> bool:
    """Whether the name of the server was not found."""
    return isinstance(error, urllib.error.URLError) and isinstance(error.reason, socket.gaierror)


def tell(text: str) -> None:
    """Say something to whoever watches, beside the result."""
    sys.stderr.write(text + "\n")


def one(waymark: Waymark, given: argparse.Namespace) -> None:
    """Issue one badge, and print its id and address."""
    award: dict[str, Any] = {
        "achievement": given.achievement,
        "recipient": {"email": given.email} | ({"name": given.name} if given.name else {}),
        "decided_by": {"name": given.decided_by, "role": given.role},
    }
    if given.awarded_at:
        award["awarded_at"] = given.awarded_at
    if given.override_reason:
        award["override"] = {"reason": given.override_reason}
    key = given.key or str(uuid.uuid4())
    tell(f"key of this award: {key} (to repeat it: --key {key})")
    try:
        issued = waymark.issue(award, key)
    except Refused as refused:
        if refused.kind == "idempotency-conflict":  # status 409: a slip in our own books, and nothing was issued
            raise SystemExit(f"{refused} Use the award that the key was made for, or a new key.") from None
        for missing in refused.problem.get("missing", ()):
            tell(f"prerequisite {missing['achievement']}: {missing['why']}")
        raise SystemExit(f"{refused.kind}: {refused}") from None
    sys.stdout.write(json.dumps({"id": issued["id"], "url": issued["url"], "status": issued["status"]}) + "\n")


def batch(waymark: Waymark, given: argparse.Namespace) -> None:
    """Send a file, watch it, and print what became of it."""
    path: Path = given.file
    kind = "text/csv" if path.suffix == ".csv" else "application/jsonl"
    data = path.read_bytes()
    # A key made from the file: whoever sends the same file again by mistake issues nothing twice.
    key = given.key or hashlib.sha256(data).hexdigest()
    try:
        batch_id = waymark.send_batch(data, kind, key, all_or_nothing=given.all_or_nothing)
        stands = waymark.batch(batch_id)
        while stands["state"] not in OVER:
            eta = stands["eta_seconds"]
            settled = stands["issued"] + stands["failed"]
            tell(f"{settled:,} of {stands['total']:,}" + (f", {eta:,} s to go" if eta is not None else ""))
            time.sleep(min(max(eta or 1, 1), 30))
            stands = waymark.batch(batch_id)
        wrong = waymark.batch_errors(batch_id)
    except Refused as refused:
        raise SystemExit(f"{refused.kind}: {refused}") from None
    for row in wrong:
        for problem in row["problems"]:
            tell(f"line {row['line']}: {problem['field']} {problem['message']}")
    told = {name: stands[name] for name in ("id", "state", "total", "issued", "failed")}
    sys.stdout.write(json.dumps(told) + "\n")
    if stands["state"] != "done" or stands["failed"]:
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Award badges through Waymark's API.")
    kinds = parser.add_subparsers(required=True)
    single = kinds.add_parser("one", help="one badge")
    for option in ("--achievement", "--email", "--decided-by", "--role"):
        single.add_argument(option, required=True)
    for option in ("--name", "--awarded-at", "--override-reason", "--key"):
        single.add_argument(option)
    single.set_defaults(do=one)
    many = kinds.add_parser("batch", help="a file of awards, .csv or .jsonl")
    many.add_argument("file", type=Path)
    many.add_argument("--all-or-nothing", action="store_true")
    many.add_argument("--key")
    many.set_defaults(do=batch)
    return parser.parse_args()


def main() -> None:
    """Do what the command line asks for."""
    given = _arguments()
    try:
        url, client_id, secret = (os.environ[name] for name in ("ISSUER_URL", "CLIENT_ID", "CLIENT_SECRET"))
    except KeyError as missing:
        raise SystemExit(f"Set {missing.args[0]} in the environment.") from None
    given.do(Waymark(url.rstrip("/"), client_id, secret), given)


if __name__ == "__main__":
    main()
