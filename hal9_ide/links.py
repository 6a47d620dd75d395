"""Addresses that people are given."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from hal9_ide.settings import Settings
from hal9_ide.store.bots import Bot


def link(settings: Settings, share_key: str) -> str:
    """Return the address behind a share key."""
    return f"{settings.link_base}/b/{share_key}"


def share_url(settings: Settings, bot: Bot) -> str | None:
    """Return a bot's link; None before its first deploy."""
    return link(settings, bot.share_key) if bot.live_number is not None else None


def has_qr(settings: Settings) -> bool:
    """Tell whether a phone could follow a link of ours: not when it names this very machine."""
    host = urlsplit(settings.link_base).hostname or ""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")
