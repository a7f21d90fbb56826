"""Entry point of `python -m rotunda_operator`, by environment variables alone."""

import sys

from rotunda_operator.app import main
from rotunda_operator.settings import SettingsError, load_settings

if __name__ == "__main__":
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(f"rotunda: {error}")
    sys.exit(main(settings))
