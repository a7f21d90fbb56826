"""Entry point of `python -m rotunda_operator`, by environment variables alone."""

import sys

from rotunda_base.settings import SettingsError
from rotunda_operator.app import main
from rotunda_operator.settings import OperatorSettings

if __name__ == "__main__":
    try:
        settings = OperatorSettings.load()
    except SettingsError as error:
        sys.exit(f"rotunda: {error}")
    sys.exit(main(settings))
