"""One console as a process of its own, between a browser's websocket and its pipes."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import WSMsgType
from aiohttp.web import WebSocketResponse
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from entitlement_ledger.console.web.driver import SERVED_DRIVER

_READY = b"__GANGLION__\n"
"""What Textual writes before its first packet."""

_PATIENCE_SECONDS = 10
_CELLS_MAX = 1000


class ServedConsole(AppService):
    """A console's process. It ends when its browser goes away, and the browser's page with it."""

    def __init__(self, command: Sequence[str], socket: WebSocketResponse) -> None:
        super().__init__(
            " ".join(command),
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=self._close,
            download_manager=DownloadManager(),
        )
        self._arguments = command
        self._socket = socket

    @property
    def process_id(self) -> int | None:
        """Which process it is, once there is one."""
        return None if self._process is None else self._process.pid

    async def _close(self) -> None:
        await self._socket.close()

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        return super()._build_environment(width, height) | {"TEXTUAL_DRIVER": SERVED_DRIVER}

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """Start the console: without a shell, and apart from the server's Ctrl-C."""
        self._process = process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=PIPE,
            stdout=PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        self._stdin = process.stdin
        return process

    async def run(self) -> None:
        """Pass on what the console shows, until it has ended."""
        assert self._process is not None
        out = self._process.stdout
        assert out is not None
        try:
            # A browser that is gone is noticed where its messages are read. ValueError: a line
            # without an end came, so that it is not our console that writes there.
            with suppress(asyncio.IncompleteReadError, ConnectionError, ValueError):
                await self._show(out)
        finally:
            if self._task is not None:  # otherwise it is being stopped, which closes it at its end
                await self._close()

    async def _show(self, out: asyncio.StreamReader) -> None:
        while (line := await out.readline()) != _READY:
            if not line:
                return
        while True:
            kind = await out.readexactly(1)
            size = int.from_bytes(await out.readexactly(4), "big")
            packet = await out.readexactly(size)
            if kind == b"D":
                await self._socket.send_bytes(packet)

    async def stop(self) -> None:
        """End the process, if need be by force, and wait until it has ended."""
        process, passing_on = self._process, self._task
        if process is None or passing_on is None:
            return
        self._task = None
        passing_on.cancel()
        await asyncio.gather(passing_on, return_exceptions=True)
        await self.send_meta({"type": "quit"})
        self.stdin.close()
        assert process.stdout is not None
        # What it still shows has to be read by somebody, or it waits for that.
        draining = asyncio.create_task(process.stdout.read())
        for force in (None, signal.SIGTERM, signal.SIGKILL):
            if force is not None:
                with suppress(ProcessLookupError):
                    process.send_signal(force)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _PATIENCE_SECONDS)
                break
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        await self._close()

    async def obey(self) -> None:
        """Pass on what is typed, until the browser or the console is gone."""
        async for message in self._socket:
            if message.type == WSMsgType.TEXT:
                await self._pass_on(message.data)

    async def _pass_on(self, text: str) -> None:
        """Pass on one message; one that makes no sense is left out."""
        try:
            kind, *rest = json.loads(text)
        except (TypeError, ValueError):
            return
        match kind, rest:
            case "stdin", [str(typed)]:
                await self.send_bytes(typed.encode("utf-8", "replace"))
            case "resize", [{"width": int(width), "height": int(height)}]:
                await self.set_terminal_size(cells(width), cells(height))
            case "ping", [sent]:
                await self._socket.send_json(["pong", sent])
            case "blur", []:
                await self.blur()
            case "focus", []:
                await self.focus()


def cells(asked: int) -> int:
    """Give a width or height that a terminal can have."""
    return min(max(asked, 1), _CELLS_MAX)
