"""The version we answer with: the distribution's own."""

from importlib.metadata import version
from typing import Final

VERSION: Final = version("fittingroom")
