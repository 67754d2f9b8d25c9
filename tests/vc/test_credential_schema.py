"""Our JSON Schemas judge as the official ones do, on samples and on thousands of spoilt documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.vc import credential_schema, status_list
from app.vc.contexts import CREDENTIAL_CONTEXTS
from app.vc.credential_schema import FOLDER, FORMS, KINDS, Form, Kind, check
from app.vc.errors import ModelError
from tests.vc import mutations, schema_examples
from tests.vc.samples import REFERENCE_DATA, unsigned

OFFICIAL = REFERENCE_DATA / "schemas/json-schema"
SAMPLES = REFERENCE_DATA / "ob3-samples"
OFFICIAL_FILES: dict[Kind, Path] = {
    "badge": OFFICIAL / "ob_v3p0_achievementcredential_schema.json",
    "endorsement": OFFICIAL / "derived_ob_v3p0_endorsementcredential_schema.json",
}
needs_official = pytest.mark.skipif(
    not all(path.exists() for path in OFFICIAL_FILES.values()),
    reason="the official 1EdTech schemas are not in WAYMARK_TEST_DATA",
)
needs_samples = pytest.mark.skipif(
    not SAMPLES.exists(), reason="the 1EdTech sample badges are not in WAYMARK_TEST_DATA"
)
MAKERS = {"badge": mutations.badge, "endorsement": mutations.endorsement}
ANY: dict[str, Any] = {}
PAIRS = [(kind, form) for kind in OFFICIAL_FILES for form in FORMS]


class Official:
    """The official schema of one kind, in both forms.

    Of its form `json-ld` no text is at hand. What it adds is known: `type`, `proof`, `credentialSchema` and
    `termsOfUse` may be written without their list. So a document is put into lists where that schema wants lists, and
    then judged by the form `json`.
    """

    def __init__(self, kind: Kind) -> None:
        self.schema: dict[str, Any] = json.loads(OFFICIAL_FILES[kind].read_text(encoding="utf-8"))
        # In its dialect a format is a note only. The standard's text demands dates with a zone, so both are asserted.
        self._validator = jsonschema_rs.validator_for(self.schema, validate_formats=True)
        self._in_lists_already: dict[tuple[int, int], Any] = {}

    def accepts(self, document: Any, form: Form) -> bool:
        if form == "compact":
            document = self._in_lists(document, self.schema)
        return self._validator.is_valid(document)

    def remember(self, document: dict[str, Any]) -> None:
        """Put the parts of a document into lists once, for the many documents that share them. It must stay alive."""
        pending = [(document, self.schema)]
        while pending:
            value, schema = pending.pop()
            self._in_lists_already[id(value), id(self._resolved(schema))] = self._in_lists(value, schema)
            pending += [(each, at) for each, at in self._parts(value, schema) if isinstance(each, (dict, list))]

    def words(self) -> list[str]:
        """Every word that it lists anywhere."""
        return sorted({word for schema in _objects(self.schema) for word in schema.get("enum", ())})

    def members(self) -> set[str]:
        """Every member that it knows."""
        return {name for schema in _objects(self.schema) for name in schema.get("properties", ())}

    def _in_lists(self, value: Any, schema: Any) -> Any:
        if not isinstance(value, (dict, list)):
            return value
        schema = self._resolved(schema)
        done = self._in_lists_already.get((id(value), id(schema)))
        if done is not None:
            return done
        if isinstance(value, list):
            return [self._in_lists(each, at) for each, at in self._parts(value, schema)]
        return {
            name: self._member(name, each, at)
            for (name, each), (_, at) in zip(value.items(), self._parts(value, schema), strict=True)
        }

    def _parts(self, value: Any, schema: Any) -> list[tuple[Any, Any]]:
        """Each member or item with the schema of its place."""
        schema = self._resolved(schema)
        if isinstance(value, list):
            items = schema.get("items")
            return [(each, items if isinstance(items, dict) else ANY) for each in value]
        known = schema.get("properties", ANY)
        return [(each, known.get(name, ANY)) for name, each in value.items()]

    def _member(self, name: str, value: Any, schema: Any) -> Any:
        if name in credential_schema.MAY_STAND_ALONE and schema.get("type") == "array" and not isinstance(value, list):
            value = [value]
        return self._in_lists(value, schema)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            return self._resolved(self.schema["$defs"][schema["$ref"].rsplit("/", 1)[1]])
        references = [each for each in schema.get("oneOf", ()) if "$ref" in each]
        return self._resolved(references[0]) if references else schema


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(member)


def _complaint(document: Any, kind: Kind, form: Form) -> str | None:
    try:
        check(document, kind, form)
    except ModelError as error:
        return error.detail
    return None


def _ours(document: Any, kind: Kind, form: Form) -> bool:
    return _complaint(document, kind, form) is None


def _samples() -> list[Path]:
    return sorted(SAMPLES.rglob("*.json"))


@pytest.fixture
def official() -> dict[Kind, Official]:
    return {kind: Official(kind) for kind in OFFICIAL_FILES}


@needs_official
@pytest.mark.parametrize(("kind", "form"), PAIRS)
def test_the_document_that_is_spoilt_is_sound_and_uses_every_member_there_is(
    official: dict[Kind, Official], kind: Kind, form: Form
) -> None:
    document = MAKERS[kind]()
    check(document, kind, form)
    assert official[kind].accepts(document, form)
    used = {step for path, _ in mutations.places(mutations.badge()) for step in path if isinstance(step, str)}
    assert official[kind].members() <= used


@needs_official
@pytest.mark.parametrize(("kind", "form"), PAIRS)
def test_every_document_spoilt_in_one_place_gets_the_official_verdict(
    official: dict[Kind, Official], kind: Kind, form: Form
) -> None:
    theirs, sound, count, accepted = official[kind], MAKERS[kind](), 0, 0
    theirs.remember(sound)
    for note, document in mutations.spoiled(sound, theirs.words()):
        verdict = theirs.accepts(document, form)
        assert _ours(document, kind, form) == verdict, note
        count, accepted = count + 1, accepted + verdict
    assert count > 1000
    assert 0.05 < accepted / count < 0.95


@needs_official
@pytest.mark.parametrize(("kind", "form"), PAIRS)
def test_documents_spoilt_in_two_places_get_the_official_verdict(
    official: dict[Kind, Official], kind: Kind, form: Form
) -> None:
    theirs, sound = official[kind], MAKERS[kind]()
    theirs.remember(sound)
    for document in mutations.spoiled_twice(sound, theirs.words(), count=1500, seed=20_260_115):
        assert _ours(document, kind, form) == theirs.accepts(document, form), json.dumps(document)


@needs_official
@needs_samples
@pytest.mark.parametrize(("kind", "form"), PAIRS)
def test_every_sample_and_each_of_its_parts_left_out_gets_the_official_verdict(
    official: dict[Kind, Official], kind: Kind, form: Form
) -> None:
    theirs, verdicts = official[kind], set()
    for path in _samples():
        document = json.loads(path.read_text(encoding="utf-8"))
        for each in (document, *(mutations.without(document, place) for place, _ in mutations.places(document))):
            verdict = theirs.accepts(each, form)
            verdicts.add(verdict)
            assert _ours(each, kind, form) == verdict, path.name
    assert verdicts == {True, False}


@needs_samples
def test_the_sample_of_a_status_list_keeps_to_the_schema_of_ours() -> None:
    check(json.loads((SAMPLES / "valid/bitstring-testlist.json").read_text(encoding="utf-8")), "status-list")


@pytest.mark.parametrize("form", FORMS)
def test_what_the_engine_builds_keeps_to_the_schema(form: Form) -> None:
    check(unsigned(), "badge", form)


@pytest.mark.parametrize("member", ["proof", "credentialSchema", "termsOfUse"])
def test_shorthand_is_for_strangers_only(member: str) -> None:
    document = mutations.badge()
    shortened = {**document, member: document[member][0]}
    check(shortened, "badge", "compact")
    with pytest.raises(ModelError, match="must be a list"):
        check(shortened, "badge", "arrays")


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("issuer",), 7, "issuer must be an object."),
        (("issuer", "image", "colour"), "red", "issuer.image holds something that the standard does not allow there."),
        (("credentialSubject", "achievement", "tag", 0), 7, "credentialSubject.achievement.tag[0] must be text."),
        (("type",), ["VerifiableCredential"], "type does not name the type that belongs there."),
        (("validUntil",), "tomorrow", "validUntil is not a date and time with its zone."),
        (("issuer", "dateOfBirth"), "yesterday", "issuer.dateOfBirth is not a date."),
        (("credentialSubject", "result", 0, "status"), "Done", "credentialSubject.result[0].status is not one of"),
        (("credentialSubject", "achievement", "achievementType"), "Medal", "achievementType is not one of the words"),
        (("credentialSubject", "achievement", "inLanguage"), "en-au", "inLanguage does not have the form"),
        (("@context",), [CREDENTIAL_CONTEXTS[0]], "@context must hold 2 or more."),
    ],
)
def test_the_reason_names_the_place_in_plain_words(path: mutations.Path, value: Any, reason: str) -> None:
    with pytest.raises(ModelError) as caught:
        check(mutations.replaced(mutations.badge(), path, value))
    assert caught.value.code == "schema_invalid"
    assert reason in caught.value.detail


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ModelError, match=r"credentialSubject\.achievement has no criteria\."):
        check(mutations.without(mutations.badge(), ("credentialSubject", "achievement", "criteria")))


def test_no_reason_repeats_a_word_of_the_document() -> None:
    marker = "ZEBRA"
    for path, value in mutations.places(mutations.badge()):
        for other in (marker, [marker], {marker: marker}, [{marker: marker}]):
            spoilt = {**value, marker: marker} if isinstance(value, dict) else other
            complaint = _complaint(mutations.replaced(mutations.badge(), path, spoilt), "badge", "arrays")
            assert marker not in (complaint or "")


def _nested(levels: int) -> dict[str, Any]:
    profile: dict[str, Any] = {"id": "urn:uuid:1", "type": ["Profile"]}
    for _ in range(levels):
        profile = {"id": "urn:uuid:1", "type": ["Profile"], "parentOrg": profile}
    return unsigned() | {"issuer": profile}


def test_a_document_that_nests_too_deeply_is_refused_and_kills_nothing() -> None:
    check(_nested(50))
    document = _nested(100_000)
    with pytest.raises(ModelError, match="nests deeper"):
        check(document)
    while document:  # taken apart from the outside: freed at once, it would use up the stack by itself
        document = document.pop("issuer", None) or document.pop("parentOrg", None)


@pytest.mark.parametrize(
    "change",
    [
        {"evidence": [{}] * 100_000},
        {"type": ["x"] * 300_000},
        {"endorsementJwt": ["a" * 1_000_000]},
        {"@context": [CREDENTIAL_CONTEXTS[0], f"{CREDENTIAL_CONTEXTS[1][:-11]}{'-3.0.3' * 100_000}"]},
        {"validFrom": "2" * 1_000_000},
    ],
)
def test_large_documents_are_refused_like_small_ones(change: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as caught:
        check(unsigned() | change)
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize("document", [[], "text", None, 7])
def test_what_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(ModelError, match="must be an object"):
        check(document)


@pytest.mark.parametrize("name", [*KINDS, "parts"])
def test_each_file_is_a_schema_that_refers_to_our_files_only(name: str) -> None:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(schema)
    references = {each["$ref"].partition("#")[0] for each in _objects(schema) if "$ref" in each}
    assert references <= {"", "parts.schema.json"}


def test_a_part_that_nothing_uses_is_not_kept() -> None:
    files = [json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")) for name in (*KINDS, "parts")]
    used = {each["$ref"].rsplit("/", 1)[1] for file in files for each in _objects(file) if "$ref" in each}
    assert used == set(files[-1]["$defs"])


@pytest.mark.parametrize("name", schema_examples.NAMES)
def test_each_example_is_what_its_script_makes(name: str) -> None:
    assert (schema_examples.FOLDER / name).read_bytes() == schema_examples.examples()[name]


def test_no_example_is_left_over() -> None:
    names = {path.name for path in schema_examples.FOLDER.iterdir()}
    assert names == {*schema_examples.examples(), "README.md"} == {*schema_examples.NAMES, "README.md"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ending", ["", ".signed"])
@pytest.mark.parametrize(("name", "kind"), schema_examples.KINDS.items())
def test_each_example_keeps_to_the_schema_of_its_kind_and_to_no_other(
    name: str, kind: Kind, ending: str, form: Form
) -> None:
    document = json.loads((schema_examples.FOLDER / f"{name}{ending}.json").read_bytes())
    assert [each for each in KINDS if _ours(document, each, form)] == [kind]


def test_the_bits_of_the_example_list_are_those_it_is_said_to_hold() -> None:
    bits = status_list.decode_list(schema_examples.ENCODED_LIST)
    assert status_list.decode_list(status_list.encode_list([4711])) == bits


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("type",), ["VerifiableCredential"]),
        (("@context", 0), "https://www.w3.org/2018/credentials/v1"),
        (("credentialSubject", "type"), "BitstringStatusListEntry"),
        (("credentialSubject", "statusPurpose"), "curiosity"),
        (("credentialSubject", "encodedList"), "zH4sI"),
        (("credentialSubject", "encodedList"), "uH4sI="),
        (("validFrom",), "2025-03-02"),
    ],
)
def test_a_status_list_that_we_would_not_issue_is_refused(path: mutations.Path, value: Any) -> None:
    document = json.loads((schema_examples.FOLDER / "status-list.signed.json").read_bytes())
    with pytest.raises(ModelError):
        check(mutations.replaced(document, path, value), "status-list")


@pytest.mark.parametrize("content", [None, "{", '{"$ref": "https://example.com/schema.json"}', '{"type": "badge"}'])
def test_without_its_files_in_order_the_engine_says_so(tmp_path: Path, content: str | None) -> None:
    for path in FOLDER.glob("*.schema.json"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    credential_schema.load(tmp_path)
    credential_schema.load.cache_clear()
    broken = tmp_path / "badge.schema.json"
    if content is None:
        broken.unlink()
    else:
        broken.write_text(content, encoding="utf-8")
    with pytest.raises(RuntimeError, match="cannot be read"):
        credential_schema.load(tmp_path)
