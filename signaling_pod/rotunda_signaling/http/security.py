"""Headers that every HTTP answer carries."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rotunda_signaling.http.hosts import OwnNames

# connect-src names the WebSocket schemes because not every browser counts them under 'self'.
# style-src allows inline styles, which components set on elements; scripts stay strict.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob: mediastream:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self' ws: wss:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), "
    "fullscreen=(self), picture-in-picture=(self), screen-wake-lock=(self), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


HSTS = "max-age=31536000"
"""A year. Subdomains are not ours to speak for (RFC 6797 section 6.1.2)."""
_LOCAL = OwnNames()


class SecurityHeaders:
    """ASGI middleware that sets them; with `https`, which is our own, also that nothing else is here."""

    def __init__(self, app: ASGIApp, https: bool = False) -> None:
        self._app = app
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # On localhost it would keep browsers from what other programs serve on other ports.
        strict = self._https and not _LOCAL.include(Headers(scope=scope).get("host"))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if strict:
                    headers["Strict-Transport-Security"] = HSTS
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
