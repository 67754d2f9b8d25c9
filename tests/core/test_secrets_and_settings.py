"""Sealing, deriving, and settings that refuse to start."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import ConfigurationError, Settings, load_settings
from app.core.secrets import SecretBox, SecretUnreadable

OLD, NEW = "o" * 40, "n" * 40


@given(st.binary(max_size=500), st.text(max_size=20))
def test_what_is_sealed_opens_again(plain: bytes, purpose: str) -> None:
    box = SecretBox([NEW])
    assert box.decrypt(purpose, box.encrypt(purpose, plain)) == plain


def test_an_old_key_still_opens_and_the_new_one_seals() -> None:
    sealed = SecretBox([OLD]).encrypt("p", b"x")
    both = SecretBox([NEW, OLD])
    assert both.decrypt("p", sealed) == b"x"
    assert SecretBox([NEW]).decrypt("p", both.encrypt("p", b"y")) == b"y"


def test_another_key_another_purpose_and_altered_text_do_not_open() -> None:
    box = SecretBox([NEW])
    sealed = box.encrypt("p", b"x")
    altered = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    for other, purpose, text in (
        (SecretBox([OLD]), "p", sealed),
        (box, "q", sealed),
        (box, "p", altered),
        (box, "p", ""),
    ):
        with pytest.raises(SecretUnreadable):
            other.decrypt(purpose, text)


def test_tokens_match_for_their_purpose_and_message_only() -> None:
    box = SecretBox([NEW])
    token = box.token("claim", "1")
    assert box.token_matches("claim", "1", token)
    assert SecretBox([OLD, NEW]).token_matches("claim", "1", token)
    assert not box.token_matches("claim", "2", token)
    assert not box.token_matches("other", "1", token)
    assert not box.token_matches("claim", "1", "é")


@given(st.text(max_size=40))
def test_a_code_is_six_digits_and_is_taken_as_people_type_it(message: str) -> None:
    box = SecretBox([NEW])
    code = box.code("mail", message)
    assert len(code) == 6
    assert code.isdecimal()
    assert box.code_matches("mail", message, f" {code[:3]} {code[3:]}\n")
    assert SecretBox([OLD, NEW]).code_matches("mail", message, code)
    assert not box.code_matches("mail", message, code[:5])
    assert not box.code_matches("mail", message, "é" + code[1:])


def test_a_code_opens_one_message_for_one_purpose() -> None:
    box = SecretBox([NEW])
    code = box.code("mail", "1")
    assert not box.code_matches("mail", "2", code)
    assert not box.code_matches("other", "1", code)
    assert not SecretBox([OLD]).code_matches("mail", "1", code)


def test_production_refuses_to_start_without_a_secret_key(tmp_path: Path) -> None:
    settings = Settings(env="production", base_url="https://waymark.example.org", data_dir=tmp_path)
    with pytest.raises(ConfigurationError, match="WAYMARK_SECRET_KEY"):
        _ = settings.secret_keys


def test_production_refuses_to_start_without_an_address(tmp_path: Path) -> None:
    with pytest.raises(pydantic.ValidationError, match="WAYMARK_BASE_URL"):
        Settings(env="production", data_dir=tmp_path)


def test_a_short_secret_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="too short"):
        _ = Settings(secret_key="short", data_dir=tmp_path).secret_keys


def test_development_makes_a_key_once_and_keeps_it_to_its_owner(tmp_path: Path) -> None:
    first = Settings(data_dir=tmp_path).secret_keys
    assert Settings(data_dir=tmp_path).secret_keys == first
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "url", ["waymark.example.org", "https://a.example/path", "https://u@a.example", "https://a.example?x"]
)
def test_an_address_that_is_not_an_origin_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(pydantic.ValidationError):
        Settings(base_url=url, data_dir=tmp_path)


def test_the_settings_file_of_the_data_folder_lies_below_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "waymark.env").write_text("WAYMARK_PORT=8123\nWAYMARK_ALLOW_PRIVATE_NETWORKS=1\n")
    monkeypatch.setenv("WAYMARK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WAYMARK_ALLOW_PRIVATE_NETWORKS", "0")
    settings = load_settings()
    assert (settings.port, settings.allow_private_networks) == (8123, False)
