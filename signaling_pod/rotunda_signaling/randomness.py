"""Ids that nobody can guess."""

import secrets

_ID_BYTES = 12


def new_id() -> str:
    """A fresh opaque id: 96 random bits as 24 hexadecimal digits."""
    return secrets.token_hex(_ID_BYTES)
