"""The server of `entl console --web`: one browser at a time, on 127.0.0.1 alone."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from string import Template

import textual_serve
from aiohttp import web

from entitlement_ledger.clock import system_clock
from entitlement_ledger.console.web.gate import HOST, Gate
from entitlement_ledger.console.web.session import ServedConsole, cells
from entitlement_ledger.console.wording import when_exactly
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.harmless import harmless

_HEARTBEAT_SECONDS = 15
"""How often a browser is asked whether it is still there."""

_CLOSING_SECONDS = 3
"""How long a browser may take to say that it has seen the end."""

_LEAVING_SECONDS = 1
"""How long a page that is loaded again may come before the one that it replaces is gone."""

_NOT_ALLOWED = "403: open the whole address, with its token, that `entl console --web` printed\n"
_FOREIGN = "403: not from here: this server answers at its own address only\n"


@dataclass
class _Session:
    """A browser that has the console.

    Attributes:
        leaving: set once the browser is gone.
        ended: set once the console's process is gone, too.
    """

    since: Instant
    console: ServedConsole
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class WebConsole:
    """Serves the console that a command starts.

    `store` is what the store is called where somebody is told that it is taken.
    """

    def __init__(self, command: Sequence[str], store: str, port: int) -> None:
        self._command = command
        self._store = harmless(store)
        self._gate = Gate(port)
        self._session: _Session | None = None
        self._stopping = asyncio.Event()

    async def serve(self, listening: socket.socket, ready: Callable[[str], None]) -> None:
        """Serve until a signal says to stop; `ready` is told the address to be opened."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(each, self._stopping.set)
        # No request is logged: an address holds the token.
        runner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=_CLOSING_SECONDS
        )
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            ready(self._gate.url)
            await self._stopping.wait()
        finally:
            try:
                if self._session is not None:
                    await self._session.console.stop()
            finally:
                await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard])
        application.on_response_prepare.append(self._tell_policy)
        path = self._gate.path
        application.router.add_get("/", self._let_in)
        application.router.add_get(path, self._page)
        application.router.add_get(f"{path}page.js", self._script)
        application.router.add_get(f"{path}ws", self._websocket)
        application.router.add_static(f"{path}static", str(files(textual_serve) / "static"))
        return application

    async def _tell_policy(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._gate.policy)

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Let through who was let in; who has the token may ask to be."""
        gate = self._gate
        if gate.is_foreign(request.headers, asks_origin=request.path == f"{gate.path}ws"):
            return web.Response(status=403, text=_FOREIGN)
        asks = request.path == "/" and gate.is_token(request.query.get("token"))
        if not asks and not gate.is_pass(self._pass_of(request)):
            return web.Response(status=403, text=_NOT_ALLOWED)
        return await handler(request)

    def _pass_of(self, request: web.Request) -> str | None:
        return request.cookies.get(self._gate.cookie)

    def _give_pass(self, response: web.Response) -> web.Response:
        gate = self._gate
        response.set_cookie(
            gate.cookie, gate.let_in(), path=gate.path, httponly=True, samesite="Strict"
        )
        return response

    async def _let_in(self, _request: web.Request) -> web.Response:
        """Let a browser in, and lead it away from the address that has the token."""
        if not await self._is_free():
            said = escape(self._taken())
            return _html("taken.html", status=409, title=escape(self._store), said=said)
        return self._give_pass(web.Response(status=303, headers={"Location": self._gate.path}))

    async def _page(self, request: web.Request) -> web.Response:
        """Show the page; loaded again, it needs a new pass, since its console takes the old one."""
        return self._give_pass(
            _html("page.html", title=escape(self._store), host=request.host, path=self._gate.path)
        )

    async def _script(self, _request: web.Request) -> web.Response:
        return web.Response(text=_text("page.js"), content_type="text/javascript")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        let_in_by = self._pass_of(request)
        if not await self._is_free():
            self._gate.end(let_in_by)
            return web.Response(status=409, text=f"{self._taken()}\n")
        if not self._gate.is_pass(let_in_by):
            return web.Response(status=403, text=_NOT_ALLOWED)
        width, height = (_asked(request, name) for name in ("width", "height"))
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_SECONDS, timeout=_CLOSING_SECONDS)
        session = _Session(system_clock(), ServedConsole(self._command, socket))
        self._session = session
        try:
            await socket.prepare(request)
            await session.console.start(width, height)
            await session.console.obey()
        finally:
            session.leaving.set()
            try:
                await session.console.stop()
            finally:
                self._session = None
                self._gate.end(let_in_by)
                session.ended.set()
        return socket

    async def _is_free(self) -> bool:
        """Say whether nobody has the console; wait for somebody who is about to leave."""
        session = self._session
        if session is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(session.leaving.wait(), _LEAVING_SECONDS)
                await session.ended.wait()
        return self._session is None and not self._stopping.is_set()

    def _taken(self) -> str:
        session = self._session
        if session is None:
            return "The server is about to end."
        return (
            f"The store {self._store} is taken: another browser has had its console open since "
            f"{when_exactly(session.since)} (process {session.console.process_id}). "
            "Leave it there, then open this address again."
        )


def _asked(request: web.Request, name: str) -> int:
    """Read a width or height; one that is none is that of a small terminal."""
    text = request.query.get(name, "")
    usual = {"width": 80, "height": 24}[name]
    return cells(int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else usual


def _html(name: str, *, status: int = 200, **said: str) -> web.Response:
    page = Template(_text(name))
    return web.Response(status=status, text=page.substitute(said), content_type="text/html")


def _text(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def serve(command: Sequence[str], store: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve the console that a command starts until Ctrl-C; port 0 takes a free one.

    Raises:
        InputError: the port cannot be listened at.
    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"port {port} cannot be listened at ({error.strerror}): name another with --port"
            ) from None
        own = listening.getsockname()[1]

        async def run() -> None:
            await WebConsole(command, store, own).serve(listening, ready)

        asyncio.run(run())
