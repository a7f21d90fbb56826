"""Which version this is."""

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """The distribution's version; 0 where it runs without being installed."""
    try:
        return version("rotunda")
    except PackageNotFoundError:
        return "0"
