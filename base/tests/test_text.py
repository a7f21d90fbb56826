"""What people write is shown without what acts on a reader's screen."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rotunda_base.text import line_of, lines_of
from rotunda_contract.resources import RoomSpec
from rotunda_contract.signaling.requests import ChatRequest, JoinRequest


def name(text: str) -> str:
    return JoinRequest.model_validate({"room": "a", "displayName": text}).display_name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada\u202egnp.exe", "Adagnp.exe"),
        ("Ada\u2066\u2069\u200e\u200f\u061c", "Ada"),
        ("A\0d\x1b[31ma\x7f\x9b", "Ad[31ma"),
        ("Ada\nModerator\tBob\u2028x", "Ada Moderator Bob x"),
        ("e\u0301", "é"),
        ("\ufeffAda\n", "Ada"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("مرحبا", "مرحبا"),
    ],
)
def test_names(text: str, shown: str) -> None:
    assert name(text) == shown
    assert RoomSpec.model_validate({"displayName": text}).display_name.strip() == shown


def test_a_name_of_nothing_visible_is_refused() -> None:
    with pytest.raises(ValidationError, match="visible"):
        name("\u202e\0\n")


def test_chat_keeps_its_lines() -> None:
    request = ChatRequest.model_validate({"text": "a\r\nb\rc\n\td\u202e\x1b\0\u2029e"})
    assert request.text == "a\nb\nc\n\td\ne"


@given(st.text())
def test_what_is_shown_stays_as_it_is(text: str) -> None:
    shown = lines_of(text)
    assert lines_of(shown) == shown == unicodedata.normalize("NFC", shown)
    assert all(character in "\n\t" or unicodedata.category(character) != "Cc" for character in shown)
    assert line_of(line_of(text)) == line_of(text)
    assert not set(line_of(text)) & set("\n\t\u202e")
