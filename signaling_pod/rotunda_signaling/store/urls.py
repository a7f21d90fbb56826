"""Which databases there are, by their URL. Pure, and imports nothing that settings do not need."""

from urllib.parse import urlsplit

IN_MEMORY = "sqlite://"
_POSTGRESQL = ("postgresql", "postgres", "postgresql+asyncpg")
_SQLITE = ("sqlite", "sqlite+aiosqlite")


def check_url(url: str) -> str:
    """The URL; raises ValueError saying which are accepted."""
    scheme = url.partition("://")[0]
    if scheme in _SQLITE:
        if url.partition("://")[2] not in ("", "/") and not url.partition("://")[2].startswith("/"):
            raise ValueError("an SQLite URL has three slashes and the path, such as sqlite:////var/chat.db")
        return url
    if scheme not in _POSTGRESQL or not urlsplit(url).path.strip("/"):
        raise ValueError(
            "is no database URL: give postgresql://user:password@host:5432/database, "
            "or for one process sqlite:////path/of/a/file"
        )
    return url


def is_sqlite(url: str) -> bool:
    return url.partition("://")[0] in _SQLITE


def is_in_memory(url: str) -> bool:
    return is_sqlite(url) and url.partition("://")[2].strip("/") in ("", ":memory:")
