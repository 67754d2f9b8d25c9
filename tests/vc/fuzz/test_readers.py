"""Every other reader of strangers' bytes: a refusal with a code, or a value, and that only where it can be trusted."""

from __future__ import annotations

import copy
import gzip
import struct
import zlib
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from app.vc import baking, did, json_text, status_list
from app.vc.baking_png import KEYWORD
from app.vc.keys import PublicKey, base64url, base64url_decode
from app.vc.timestamps import parse_rfc3339, rfc3339
from tests import zeros
from tests.vc.samples import CREATED, DID, ED25519, ED25519_ID, P256, issuer_document

from .documents import at, names, places, scalars, values
from .effort import outcome, tried

LIST_URL = "https://badges.example.au/status/1"
LIST = status_list.status_list_credential(
    list_url=LIST_URL, issuer=DID, encoded_list=status_list.encode_list([7, 81_234]), valid_from=CREATED
)


def packed(bits: bytes) -> str:
    return "u" + base64url(gzip.compress(bits, mtime=0))


def replaced(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Some bytes of it replaced: (where, from 0 to 1; how many; by what)."""
    for where, length, new in changes:
        start = int(where * len(data))
        data = data[:start] + new + data[start + length :]
    return data


splices = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8)), min_size=1, max_size=3)


@st.composite
def changed_objects(draw: st.DrawFn, original: dict[str, Any], most: int = 3) -> dict[str, Any]:
    """The same document with some members replaced, removed or added."""
    document = copy.deepcopy(original)
    for _ in range(draw(st.integers(0, most))):
        path = draw(st.sampled_from(places(document) or [("id",)]))
        holder, key = at(document, path[:-1]), path[-1]
        kind = draw(st.sampled_from(["set", "set", "remove", "add", "repeat"]))
        if kind == "remove" and (isinstance(holder, list) or key in holder):
            del holder[key]
        elif kind == "repeat" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif kind == "add" and isinstance(holder, dict):
            holder[draw(names)] = draw(values)
        elif kind == "set":
            holder[key] = draw(st.one_of(scalars, values))
    return document


@tried(300)
@given(changed_objects(LIST), st.sampled_from([0, 7, 8, 81_234, 131_071, 131_072, -1]), scalars)
@example(LIST, 7, "revocation")
def test_a_changed_status_list_gives_a_bit_or_a_refusal(document: dict[str, Any], index: int, purpose: Any) -> None:
    for asked in ("revocation", purpose):
        kind, found = outcome(status_list.read_bit, document, index, asked)
        if kind == "value":
            subject = document["credentialSubject"]
            subject = subject[0] if isinstance(subject, list) else subject
            bits = gzip.decompress(base64url_decode(subject["encodedList"][1:]))
            assert found is bool(int(bits.hex(), 16) >> (len(bits) * 8 - 1 - index) & 1)


lists = st.one_of(
    splices.map(lambda changes: replaced(status_list.encode_list([7]).encode(), changes).decode("latin-1")),
    st.binary(max_size=60).map(packed),
    st.sampled_from([16_383, 16_384, 1_000_000, 1_000_001, 0]).map(lambda size: packed(bytes(size))),
    st.builds(lambda data, text: packed(bytes(16_384))[:-4] + base64url(data) + text, st.binary(), st.text(max_size=3)),
    st.text(max_size=20).map(lambda text: "u" + text),
    st.text(max_size=20),
)


@tried(250)
@given(lists)
@example(packed(bytes(16_384)) + packed(bytes(16_384))[1:])
@example("u" + base64url(gzip.compress(bytes(16_384)) * 2))
@example("u" + base64url(gzip.compress(bytes(200_000_000 // 100))))
@example("u" + base64url(zlib.compress(bytes(16_384))))
def test_an_encoded_list_is_unpacked_whole_or_refused(text: str) -> None:
    kind, found = outcome(status_list.decode_list, text)
    if kind == "value":
        assert found == gzip.decompress(base64url_decode(text[1:]))
        assert 16_384 <= len(found) <= status_list.MAX_BYTES


DOCUMENT = issuer_document()


OF_SOMEBODY_ELSE = copy.deepcopy(DOCUMENT)
OF_SOMEBODY_ELSE["verificationMethod"][0]["controller"] = "did:web:somebody-else.example"


@tried(250)
@example(OF_SOMEBODY_ELSE, "assertionMethod")
@given(changed_objects(DOCUMENT), st.sampled_from(["assertionMethod", "authentication", "id", "@context"]))
def test_a_changed_did_document_gives_the_listed_key_or_none(document: dict[str, Any], purpose: str) -> None:
    kind, key = outcome(did.key_from_document, document, DID, ED25519_ID, purpose, at=datetime(2026, 1, 1, tzinfo=UTC))
    if kind == "value":
        assert ED25519_ID in document[purpose] or any(
            isinstance(item, dict) and item.get("id") == ED25519_ID for item in document[purpose]
        )
        assert document["id"] == DID
        listed = [item for value in document.values() if isinstance(value, list) for item in value]
        methods = [item for item in listed if isinstance(item, dict) and item.get("id") == ED25519_ID]
        assert [method["controller"] for method in methods] == [DID]
        shown = repr(document)
        assert key.multikey in shown or all(part in shown for part in key.to_jwk().values())


dids = st.one_of(
    st.text(max_size=30),
    st.text(st.sampled_from(list("abz019.:%3A2Fé/\\?#@[]-_ \x00")), max_size=30).map(lambda text: "did:web:" + text),
    st.sampled_from(["did:web:localhost%3A8000", "did:web:127.1", "did:web:0x7f.1", "did:web:e.org:..:x", "did:web:"]),
    st.text(max_size=60).map(lambda text: "did:key:z" + text),
    splices.map(
        lambda changes: replaced(b"did:key:" + ED25519.public_key.multikey.encode(), changes).decode("latin-1")
    ),
)


@tried(500)
@given(dids, st.booleans())
@example("did:key:" + ED25519.public_key.multikey, False)
def test_a_did_is_a_plain_address_a_key_or_refused(text: str, local: bool) -> None:
    kind, url = outcome(did.did_web_url, text, allow_http_localhost=local)
    if kind == "value":
        assert url.startswith("https://") or (local and ("localhost" in url or "127.0.0.1" in url))
        assert url.isascii()
        assert not {"@", "?", "#", "\\", " "} & set(url)
        assert "/../" not in url
    kind, key = outcome(did.did_key, text)
    if kind == "value" and key.algorithm != "RSA":
        assert text == "did:key:" + key.multikey, "one spelling only"


moments = st.one_of(
    scalars,
    st.text(st.sampled_from(list("0123456789-+:.TtZz ٣")), max_size=32),
    st.builds(
        lambda year, month, day, hour, minute, second, rest: (
            f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{rest}"
        ),
        st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32), st.integers(0, 25), st.integers(0, 61),
        st.integers(0, 61), st.sampled_from(["Z", "z", "+00:00", "-23:59", "+24:00", ".5Z", ".123456789Z", ""]),
    ),
)  # fmt: skip


@tried(1000)
@given(moments)
@example("0001-01-01T00:00:00+23:59")
@example("9999-12-31T23:59:59-23:59")
@example("2026-06-30T23:59:60Z")
def test_a_date_is_an_aware_moment_or_refused(text: Any) -> None:
    kind, moment = outcome(parse_rfc3339, text)
    if kind == "value":
        assert moment.utcoffset() is not None
        assert (moment <= CREATED) in (True, False)
        assert outcome(moment.timestamp)[0] == "value"
        if 1 < moment.year < 9999:  # the first and the last year may lie outside of what UTC can write here
            assert outcome(parse_rfc3339, rfc3339(moment)) == ("value", moment.replace(microsecond=0))


MULTIKEYS = [ED25519.public_key.multikey, P256.public_key.multikey]
JWKS: list[dict[str, Any]] = [
    ED25519.public_key.to_jwk(), P256.public_key.to_jwk(),
    {"kty": "RSA", "n": base64url(b"\xc3" + b"\x55" * 254 + b"\x01"), "e": "AQAB"},
]  # fmt: skip


@tried(600)
@given(st.one_of(st.text(max_size=60), st.builds(
    lambda key, changes: replaced(key.encode(), changes).decode("latin-1"), st.sampled_from(MULTIKEYS), splices
)))  # fmt: skip
@example("z" + "1" * 199)
@example("z" + "z" * 5000)
def test_a_multikey_has_one_spelling(text: str) -> None:
    kind, key = outcome(PublicKey.from_multikey, text)
    if kind == "value":
        assert key.multikey == text


@tried(250)
@given(st.sampled_from(JWKS).flatmap(changed_objects))
@example({"kty": "RSA", "n": base64url(b"\xff" * 1100), "e": "AQAB"})
@example({"kty": "RSA", "n": base64url(b"\xc3" + b"\x55" * 254 + b"\x01"), "e": base64url(b"\xff" * 300)})
@example({"kty": "RSA", "n": base64url(b"\xc3" + b"\x55" * 255), "e": ""})
@example({"kty": "EC", "crv": "P-256", "x": base64url(bytes(32)), "y": base64url(bytes(32))})
def test_a_jwk_is_a_sound_key_or_refused(jwk: dict[str, Any]) -> None:
    kind, key = outcome(PublicKey.from_jwk, jwk)
    if kind == "value":
        assert key.to_jwk().items() <= jwk.items()
        assert "d" not in jwk
        assert outcome(key.verify, bytes(64), b"data") == ("refused", "bad_signature")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


HEADER = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
PICTURE = (
    b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", HEADER) + _chunk(b"IDAT", zlib.compress(bytes(2))) + _chunk(b"IEND", b"")
)
BADGE = json_text.dumps({"a": "é" * 20})
BAKED = baking.bake_png(PICTURE, BADGE)
DRAWING = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><title>A</title></svg>'
DRAWN = baking.bake_svg(DRAWING, BADGE)
text_chunks = st.builds(
    lambda kind, keyword, rest: _chunk(kind, keyword + b"\0" + rest),
    st.sampled_from([b"iTXt", b"tEXt", b"zTXt", b"zzzz"]),
    st.sampled_from([KEYWORD, KEYWORD.upper(), b"openbadges", b""]),
    st.one_of(
        st.binary(max_size=20),
        st.binary(max_size=50).map(lambda data: b"\0\0\0\0" + data),
        st.binary(max_size=50).map(lambda data: b"\1\0\0\0" + zlib.compress(data)),
        st.integers(0, 3_000_000).map(lambda size: b"\0" + zlib.compress(bytes(size))),
    ),
)
pngs = st.one_of(
    st.binary(max_size=60),
    splices.map(lambda changes: replaced(BAKED, changes)),
    st.lists(text_chunks, max_size=3).map(lambda chunks: PICTURE[:33] + b"".join(chunks) + PICTURE[33:]),
)


@tried(400)
@given(pngs)
@example(PICTURE[:33] + _chunk(b"zTXt", KEYWORD + b"\0\0" + zeros.packed(100_000_000)) + PICTURE[33:])
@example(PICTURE[:33] + _chunk(b"tEXt", b"a\0b") * 10_001 + PICTURE[33:])
@example(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**32 - 1) + b"IDAT")
def test_a_hostile_png_gives_bounded_text_or_a_refusal(data: bytes) -> None:
    kind, found = outcome(baking.unbake_png, data)
    if kind == "value":
        assert len(found) <= 1_000_000
        found.decode()
    kind, baked = outcome(baking.bake_png, data, BADGE)
    if kind == "value":
        assert baking.unbake_png(baked) == BADGE


markup = st.lists(
    st.sampled_from(
        [
            "<svg", ">", "/>", "</svg>", ' xmlns="http://www.w3.org/2000/svg"', "<!--", "-->", "<![CDATA[", "]]>", "é",
            '<openbadges:credential xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0">', "</openbadges:credential>",
            "<!DOCTYPE svg", "[", "]", '<!ENTITY a "b">', "&a;", "&#0;", "&amp;", "<?xml version='1.0'?>", "<?", "?>",
            ' verify="x"', "x", " ", '"', "'", "\x00", "<!DOCTYPE svg SYSTEM 'file:///etc/passwd'>", "<a>", "</a>",
        ]
    ),
    max_size=12,
).map("".join)  # fmt: skip
svgs = st.one_of(
    splices.map(lambda changes: replaced(DRAWN, changes)),
    markup.map(str.encode),
    markup.map(lambda text: DRAWING.replace(b"<title>", text.encode() + b"<title>")),
    markup.map(lambda text: (text + DRAWING.decode().partition("?>")[2]).encode()),
    st.sampled_from(["utf-16", "utf-7", "latin-1", "utf-32"]).map(
        lambda name: DRAWN.decode().replace('"1.0"', f'"1.0" encoding="{name}"').encode(name)
    ),
)


@tried(500)
@given(svgs)
@example(b"<!--" * 200_000)
@example(b"<?" * 400_000)
@example(b" " * 900_000 + b"<svg")
@example(b"<svg " + b"a='" * 200_000)
@example(b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<g>" * 200_000)
@example(DRAWING.replace(b"<svg", b"<svg " + b" ".join(b"a%d='>'" % number for number in range(20_000))))
def test_a_hostile_svg_gives_bounded_text_or_a_refusal(data: bytes) -> None:
    kind, found = outcome(baking.unbake_svg, data)
    if kind == "value":
        assert 0 < len(found) <= 1_000_000
    kind, baked = outcome(baking.bake_svg, data, BADGE)
    if kind == "value":
        assert baking.unbake_svg(baked) == BADGE
        assert len(baked) < len(data) + len(BADGE) + 500, "everything else is as it was"
