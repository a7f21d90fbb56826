"""What people write and others are shown: composed, and without what acts on a reader's screen. Pure."""

import re
import unicodedata

# Directional embeddings, overrides and isolates with their ends, and the marks (Unicode Annex 9).
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# C0 and C1 without tab and line feed, the deprecated format characters, interlinear annotations, a byte order
# mark, and halves of surrogate pairs.
_CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f\u206a-\u206f\ufff9-\ufffb\ufeff\ud800-\udfff"
_ACTING = re.compile(f"[{_BIDI}{_CONTROL}]")
_LINE_END = re.compile("\r\n?|[\u0085\u2028\u2029]")


def lines_of(text: str) -> str:
    """Text of several lines in NFC, without control and bidi characters; each line ends in a line feed."""
    return unicodedata.normalize("NFC", _ACTING.sub("", _LINE_END.sub("\n", text)))


def line_of(text: str) -> str:
    """The same as one line: tabs and ends of lines become spaces."""
    return lines_of(text).replace("\n", " ").replace("\t", " ")
