"""The page at `/`: the node at a glance, for a person."""

from importlib import resources
from typing import Final

from exporter.page.document import render_page as render_page


def _asset(name: str) -> bytes:
    return resources.files(__name__).joinpath(name).read_bytes()


ASSETS: Final = {
    "/page.css": ("text/css; charset=utf-8", _asset("page.css")),
    "/page.js": ("text/javascript; charset=utf-8", _asset("page.js")),
    "/favicon.svg": ("image/svg+xml", _asset("favicon.svg")),
}
"""Path -> content type and bytes. Everything the page needs, so that it works without internet."""
