"""Who may come in: one browser at a time, with the token, by this server's own address."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

HOST = "127.0.0.1"
_TOKEN_BYTES = 32


def _secret() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


@dataclass
class Gate:
    """What is let in, and what a request that is not is told.

    Attributes:
        port: where the server listens.
        token: what is printed in the address; it is good for a cookie, and for nothing else.
        path: what everything lies below. Browsers send a cookie to all ports of a host, and so to
            servers of others, but only below the cookie's own path: nobody else has this one.
    """

    port: int
    token: str = field(default_factory=_secret, repr=False)
    path: str = field(default_factory=lambda: f"/{_secret()}/", repr=False)
    _pass: str | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address to be opened, with the token."""
        return f"http://{HOST}:{self.port}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """The cookie's name: browsers share cookies between the ports of one host."""
        return f"entl-{self.port}"

    def is_token(self, given: str | None) -> bool:
        """Compare in a time that tells nothing of where it differs."""
        return _is_same(given, self.token)

    def let_in(self) -> str:
        """Give a new pass for the cookie; an older one is not good any more."""
        self._pass = _secret()
        return self._pass

    def is_pass(self, given: str | None) -> bool:
        """Say whether it is the pass of the browser that was let in last."""
        return self._pass is not None and _is_same(given, self._pass)

    def end(self, given: str | None) -> None:
        """Let nobody in with a pass any more; a newer one stays good."""
        if self.is_pass(given):
            self._pass = None

    def is_foreign(self, headers: Mapping[str, str], *, asks_origin: bool) -> bool:
        """Say whether a request names another host, or was made by another site's page.

        A name of somebody else's that leads to this machine shows in `Host`; a page of theirs that
        opens a websocket here shows in `Origin`, which has to be there where it is asked for.
        """
        host = headers.get("Host", "").lower()
        if host not in (f"{HOST}:{self.port}", f"localhost:{self.port}"):
            return True
        origin = headers.get("Origin")
        return asks_origin if origin is None else origin.lower() != f"http://{host}"

    @property
    def policy(self) -> dict[str, str]:
        """What every answer tells the browser: nothing from elsewhere, nothing kept."""
        sockets = f"ws://{HOST}:{self.port} ws://localhost:{self.port}"
        return {
            "Content-Security-Policy": (
                "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
                f"font-src 'self'; img-src 'self' data:; connect-src 'self' {sockets}; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "Cache-Control": "no-store",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }


def _is_same(given: str | None, expected: str) -> bool:
    return secrets.compare_digest(
        (given or "").encode("utf-8", "replace"), expected.encode("ascii")
    )
