"""Who may ask: this machine's own programs, and a browser that shows our own page.

A browser also sends requests to loopback on behalf of whatever other page it shows. Facts (Fetch standard; W3C, "Fetch
Metadata Request Headers"; 2026-11):
    1. A page whose name was pointed to 127.0.0.1 (DNS rebinding) still sends that name as Host.
    2. A browser sends Origin with every POST, and Sec-Fetch-Site with every request; a page cannot change either.
    3. "same-site" ignores ports: another server on this machine is of the same site, and still not us.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

# For our own page: nothing from elsewhere, nothing inline, in no frame.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def find_objection(method: str, host: str, headers: Mapping[str, str]) -> str:
    """Why a request is not answered; empty if it is."""
    if _name(host) not in NAMES:
        return f"this server is known as 127.0.0.1 or localhost, not as {host}"
    origin = headers.get("Origin")
    if origin is not None and origin != f"http://{host}":
        return f"requests of pages from {origin} are not answered"
    followed_link = (
        method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    )
    if headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none") and not followed_link:
        return "requests of other pages are not answered"
    return ""


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Holds for the whole server: the Web API's tokens are the same in every lab, so they keep no page away."""
    if objection := find_objection(request.method, request.host, request.headers):
        return web.Response(status=403, text=objection)
    return await handler(request)


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
