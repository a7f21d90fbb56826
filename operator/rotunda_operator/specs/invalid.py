"""What a spec says and no builder can make something of."""

import re

from pydantic import ValidationError

_WORD = re.compile(r"[!-~]+")


class InvalidSpec(ValueError):
    """The message says which value, and why not."""


def one_word(value: str, *, of: str) -> str:
    """The value, which goes into a file as a line or a part of one. Raises InvalidSpec for all that could end
    the line or begin another one there."""
    if not _WORD.fullmatch(value):
        raise InvalidSpec(
            f"{of} cannot be written: {value[:100]!r} has spaces, line breaks or signs beyond ASCII."
        )
    return value


def told(error: ValidationError) -> str:
    """What is wrong, field by field."""
    fields = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}, not {str(each['input'])[:100]!r}."
        for each in error.errors(include_url=False)
    ]
    return " ".join(fields)[:1000]
