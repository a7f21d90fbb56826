"""Values of a spec that cannot be used."""

import re

from pydantic import ValidationError

_WORD = re.compile(r"[!-~]+")


class InvalidSpec(ValueError):
    """No object can be built from the spec. The message says from which value, and why."""


def one_word(value: str, *, of: str) -> str:
    """The value itself. It becomes a line of a file, or a part of one: raises InvalidSpec for characters that
    could end the line or begin another one."""
    if not _WORD.fullmatch(value):
        raise InvalidSpec(
            f"{of} cannot be written: {value[:100]!r} has spaces, line breaks or signs beyond ASCII."
        )
    return value


def describe(error: ValidationError) -> str:
    """What is wrong, field by field, in at most 1000 characters."""
    fields = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}, not {str(each['input'])[:100]!r}."
        for each in error.errors(include_url=False)
    ]
    return " ".join(fields)[:1000]
