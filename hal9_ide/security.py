"""What every request must satisfy and every answer must carry: Host, Origin, and the headers that bind the browser."""

import secrets
from typing import Protocol
from urllib.parse import urlsplit

from hal9_ide.errors import NotAllowed, WrongHost
from hal9_ide.parsing import normal_origin
from hal9_ide.settings import PREFIX, Settings


class Headers(Protocol):
    """The headers of a request."""

    def get(self, key: str, /) -> str | None:
        """Return a header's value, or None."""


def check_host(settings: Settings, host: str) -> None:
    """Refuse a Host that is not ours. Raises WrongHost naming the setting.

    A page of another site can point its own name at our address (DNS rebinding); its requests carry that name here.
    With a public URL nothing is built from Host and sessions are bound to that name, so any Host may ask.
    """
    if settings.public_url or _origin_of_host(host) in settings.origins:
        return
    raise WrongHost(
        f"This server answers at {settings.link_base}. To reach it as {host[:100]}, start it with "
        f"{PREFIX}PUBLIC_URL=http://{host[:100]}.",
        code="wrong_host",
    )


def _origin_of_host(host: str) -> str | None:
    return normal_origin(f"http://{host}")


def is_content_host(settings: Settings, host: str) -> bool:
    """Tell whether a request came to the second host name, which serves files made by bots and nothing else."""
    return bool(settings.content_url) and host.lower() == urlsplit(settings.content_url or "").netloc


def is_same_origin(settings: Settings, headers: Headers) -> bool:
    """Tell whether a browser says that a page of ours made this request.

    Sec-Fetch-Site compares with the Host that was asked, so it counts only where that Host is ours.
    """
    origin = headers.get("Origin")
    if origin is not None and normal_origin(origin) in settings.origins:
        return True
    hosts = {urlsplit(origin).netloc for origin in settings.origins}
    return headers.get("Sec-Fetch-Site") == "same-origin" and (headers.get("Host") or "").lower() in hosts


def check_same_origin(settings: Settings, headers: Headers) -> None:
    """Refuse what a page of ours did not ask for: the browser adds the cookie whoever asks. Raises NotAllowed."""
    if not is_same_origin(settings, headers):
        raise NotAllowed("This request did not come from a page of this server.", code="wrong_origin")


def new_nonce() -> str:
    """Return what marks the scripts of one page as ours."""
    return secrets.token_urlsafe(16)


def page_policy(settings: Settings, nonce: str) -> str:
    """Return the content security policy of our own pages."""
    content = f" {settings.content_url}" if settings.content_url else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            f"img-src 'self' data: blob:{content}",
            "connect-src 'self'",
            f"frame-src 'self'{content}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


ANSWER_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""For what is no page: JSON, images of ours, downloads."""


def file_policy(settings: Settings) -> str:
    """Return the policy of files made by bots.

    `sandbox` without allow-same-origin gives the document an origin of its own: it can read no cookie, no storage and
    no answer of ours, also when it is opened in a tab. What it may load is free, as a page of any other site would be.
    """
    ours = " ".join(origin for origin in settings.origins if "[" not in origin)  # CSP has no word for IPv6 addresses
    return (
        "sandbox allow-scripts; default-src 'self' https: data: blob: 'unsafe-inline' 'unsafe-eval'; "
        f"form-action 'none'; base-uri 'none'; object-src 'none'; frame-ancestors {ours}"
    )


COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
