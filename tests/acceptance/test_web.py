"""`entl console --web` as a browser sees it: who is let in, who is told what, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import (
    ClientSession,
    ClientWebSocketResponse,
    CookieJar,
    WSMsgType,
    WSServerHandshakeError,
)
from aiohttp.web import WebSocketResponse
from program import ENTL
from support import entl, one_line

from entitlement_ledger.console.web.gate import Gate
from entitlement_ledger.console.web.serving import WebConsole
from entitlement_ledger.console.web.session import ServedConsole

ENDS_SECONDS = 20


@contextmanager
def serving(store: str, *flags: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve a console; give the address that is printed, and the server's process."""
    with subprocess.Popen(
        [*ENTL, "--store", store, "--actor", "sam", "console", "--web", *flags],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        try:
            printed = server.stderr.readline()
            found = re.fullmatch(
                r"entl: the console is at (http://127\.0\.0\.1:\d+/\?token=\S+)\n", printed
            )
            assert found, printed
            yield found[1], server
        finally:
            if server.poll() is None:
                server.send_signal(signal.SIGINT)
                server.communicate(timeout=ENDS_SECONDS)


@asynccontextmanager
async def browser(url: str | None = None) -> AsyncIterator[ClientSession]:
    """Give a browser of its own; with an address, it has been there."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        if url is not None:
            async with client.get(url) as page:
                assert page.status == 200, await page.text()
        yield client


def site(url: str) -> str:
    return url.partition("/?")[0]


def place(client: ClientSession) -> str:
    """Give the path of what a browser was let in to."""
    return next((cookie["path"] for cookie in client.cookie_jar), "/")


def websocket(client: ClientSession, url: str, path: str = "", **headers: str) -> Any:
    """Open the console as the page does."""
    return client.ws_connect(
        f"{site(url)}{path or place(client)}ws?width=100&height=30",
        headers={"Origin": site(url), **headers},
    )


async def refused(client: ClientSession, url: str, path: str = "", **headers: str) -> int:
    """Ask for the console where it is refused; give the status."""
    with pytest.raises(WSServerHandshakeError) as told:
        async with websocket(client, url, path, **headers):
            pass
    return told.value.status


async def shown(console: ClientWebSocketResponse, words: bytes) -> bytes:
    """Read what the console shows until it has shown some words."""
    said = b""
    async with asyncio.timeout(ENDS_SECONDS):
        while words not in said:
            message = await console.receive()
            assert message.type in (WSMsgType.BINARY, WSMsgType.TEXT), (message, said[-300:])
            said += message.data if message.type == WSMsgType.BINARY else b""
    return said


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def gone(process: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(ENDS_SECONDS):
        while alive(process):
            await asyncio.sleep(0.02)


async def taken_by(client: ClientSession, url: str) -> int:
    """Ask for the page while another has the console; give the process that is named."""
    async with client.get(url) as page:
        said = await page.text()
        assert page.status == 409, said
    assert "The store ledger.duckdb is taken" in said
    assert "textual.js" not in said
    found = re.search(r"\(process (\d+)\)", said)
    assert found, said
    return int(found[1])


async def test_who_has_no_token_is_told_so_in_a_line_and_gets_nothing(store: str) -> None:
    with serving(store) as (url, _):
        async with browser() as client:
            for path in ("/", "/?token=", "/?token=wrong", "/static/js/textual.js", "/nowhere"):
                async with client.get(f"{site(url)}{path}") as page:
                    said = await page.text()
                    assert page.status == 403, path
                    assert said.startswith("403: open the whole address")
                    assert said.count("\n") == 1
                    assert not page.cookies
            async with browser(url) as let_in:
                path, (cookie,) = place(let_in), let_in.cookie_jar
            token = url.partition("token=")[2]
            for wrong in ({}, *({"Cookie": f"{cookie.key}={it}"} for it in ("wrong", token, ""))):
                assert await refused(client, url, path, **wrong) == 403
                async with client.get(f"{site(url)}{path}", headers=wrong) as page:
                    assert page.status == 403


async def test_the_token_goes_from_the_address_into_a_cookie(store: str) -> None:
    with serving(store) as (url, _):
        async with browser() as client:
            async with client.get(url, allow_redirects=False) as page:
                (cookie,) = page.cookies.values()
                path = page.headers["Location"]
                assert (page.status, cookie["path"]) == (303, path)
                # Browsers send it to the servers of others on this machine, but not elsewhere.
                assert len(path) >= 43
                assert cookie["httponly"]
                assert cookie["samesite"] == "Strict"
                assert page.headers["Referrer-Policy"] == "no-referrer"
                token = url.partition("token=")[2]
                assert token not in str(page.headers)
            async with client.get(f"{site(url)}{path}") as page:
                said = await page.text()
                assert page.status == 200
                assert token not in said
                # Nothing comes from another host, and the browser would not fetch it.
                hosts = set(re.findall(r"\w+://([^/\"]+)", said))
                assert hosts == {site(url).removeprefix("http://")}
                assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
                assert page.headers["X-Frame-Options"] == "DENY"
            assets = re.findall(r'(?:src|href)="([^"]+)"|url\("([^"]+)"\)', said)
            from_here = [name for name in map("".join, assets) if not name.startswith("data:")]
            assert len(from_here) == 4
            assert "page.js" in from_here, "it gives the console the keyboard"
            for asset in from_here:
                async with client.get(f"{site(url)}{path}{asset}") as page:
                    assert page.status == 200, asset
                    # Told what they are to be: the browser takes a script as nothing else.
                    assert page.content_type.endswith("javascript") == asset.endswith(".js")
                async with browser() as other, other.get(f"{site(url)}{path}{asset}") as page:
                    assert page.status == 403, asset


async def test_other_hosts_and_pages_of_other_sites_are_refused(store: str) -> None:
    with serving(store) as (url, _):
        port = url.split(":")[2].partition("/")[0]
        async with browser(url) as client:
            for headers in (
                {"Host": f"evil.example:{port}"},
                {"Host": "127.0.0.1"},
                {"Origin": "http://evil.example"},
                {"Origin": "null"},
                {"Origin": f"http://127.0.0.1:{int(port) - 1}"},
            ):
                for address in (f"{site(url)}{place(client)}", url):
                    async with client.get(address, headers=headers) as page:
                        assert page.status == 403, headers
                        assert (await page.text()).startswith("403: not from here")
                assert await refused(client, url, **headers) == 403
            with pytest.raises(WSServerHandshakeError) as told:
                async with client.ws_connect(f"{site(url)}{place(client)}ws"):
                    pass
            assert told.value.status == 403


def test_it_listens_on_this_machine_alone(store: str) -> None:
    with serving(store) as (url, server):
        port = int(url.split(":")[2].partition("/")[0])
        bound = {
            line.split()[1].partition(":")[0]
            for name in ("tcp", "tcp6")
            for line in Path(f"/proc/{server.pid}/net/{name}").read_text().splitlines()[1:]
            if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
        }
        assert bound == {"0100007F"}


async def test_one_browser_has_the_console_and_the_next_is_told(store: str) -> None:
    with serving(store, "--read-only") as (url, server):
        async with browser(url) as first, browser() as second:
            async with websocket(first, url) as console:
                said = await shown(console, b"10 customers")
                assert b"READ-ONLY" in said
                assert b"sam" in said
                process = await taken_by(second, url)
                assert alive(process)
                assert not list(second.cookie_jar)
                assert await refused(second, url, place(first)) == 403
                for nonsense in ("", "[]", "{", '["stdin", 1]', '["resize", {"width": "x"}]', "7"):
                    await console.send_str(nonsense)
                await console.send_json(["stdin", "2"])
                await shown(console, b"effective")
            await gone(process)
            assert entl("history", store=store).returncode == 0
            assert await refused(first, url) == 403
            async with second.get(url) as page:
                assert page.status == 200
            async with websocket(second, url) as console:
                await shown(console, b"10 customers")
                await console.send_json(["stdin", "q"])
                async with asyncio.timeout(ENDS_SECONDS):
                    while not console.closed:
                        await console.receive()
            async with first.get(url) as page:
                assert page.status == 200
            async with second.get(f"{site(url)}{place(second)}") as page:
                assert page.status == 403
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=ENDS_SECONDS)
        assert (server.returncode, out) == (0, "")
        assert "token" not in err
        assert "Traceback" not in err


async def test_a_page_that_is_loaded_again_has_the_console_again(store: str) -> None:
    with serving(store) as (url, _):
        async with browser(url) as client:
            async with websocket(client, url) as console:
                await shown(console, b"10 customers")
                (before,) = (cookie.value for cookie in client.cookie_jar)
                # A browser leaves its page once the new one has begun to come.
                async with client.get(f"{site(url)}{place(client)}") as page:
                    assert page.status == 200
            (after,) = (cookie.value for cookie in client.cookie_jar)
            assert after != before
            async with websocket(client, url) as console:
                await shown(console, b"10 customers")
                assert await refused(client, url) == 409


async def test_the_footer_is_there_before_anybody_has_clicked_on_the_page(store: str) -> None:
    with serving(store) as (url, _):
        async with browser(url) as client, websocket(client, url) as console:
            await shown(console, b"Quit")


async def test_who_is_let_in_later_takes_the_place_of_one_who_has_not_begun(store: str) -> None:
    with serving(store) as (url, _):
        async with browser(url) as first, browser(url) as second:
            assert await refused(first, url) == 403
            async with websocket(second, url) as console:
                await shown(console, b"10 customers")


async def test_a_console_that_cannot_be_ended_does_not_keep_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(ServedConsole):
        async def start(self, width: int, height: int) -> None:
            await self._socket.send_str("begun")

        async def stop(self) -> None:
            raise OSError("no")

    monkeypatch.setattr("entitlement_ledger.console.web.serving.ServedConsole", Broken)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        console = WebConsole([], "ledger", listening.getsockname()[1])
        served = asyncio.create_task(console.serve(listening, address.set_result))
        try:
            url = await address
            for _ in range(2):
                async with browser(url) as client, websocket(client, url) as open_one:
                    assert await open_one.receive_str() == "begun"
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await served


async def test_a_process_that_is_no_console_closes_the_page() -> None:
    closed = asyncio.Event()

    class Page:
        async def close(self) -> None:
            closed.set()

        send_bytes = send_str = close

    writes = "import sys; sys.stdout.write('x' * 200_000); sys.stdout.flush(); sys.stdin.read()"
    console = ServedConsole([sys.executable, "-c", writes], cast("WebSocketResponse", Page()))
    await console.start(80, 24)
    try:
        async with asyncio.timeout(ENDS_SECONDS):
            await closed.wait()
    finally:
        await console.stop()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_the_console_ends_with_its_server_however_that_ends(
    store: str, how: signal.Signals
) -> None:
    with serving(store) as (url, server):
        async with browser(url) as client, websocket(client, url) as console:
            await shown(console, b"10 customers")
            async with browser() as other:
                process = await taken_by(other, url)
            server.send_signal(how)
            await gone(process)
            async with asyncio.timeout(ENDS_SECONDS):
                while not console.closed:
                    await console.receive()
        server.communicate(timeout=ENDS_SECONDS)
        assert server.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 0)
    assert entl("history", store=store).returncode == 0


def test_what_cannot_be_served_is_told_in_a_line(store: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = entl("console", "--web", "--port", port, store=store)
        assert done.returncode == 2
        assert f"port {port} cannot be listened at" in one_line(done.stderr)
    done = entl("console", "--port", "8000", store=store)
    assert done.returncode == 2
    assert "--web" in one_line(done.stderr)
    settings = Path(os.environ["ENTL_CONFIG"]) / "settings.toml"
    settings.write_text('[keys]\nissue = "a"\n')
    done = entl("console", "--web", store=store)
    assert done.returncode == 2
    assert "a would do two things" in one_line(done.stderr)


def test_where_it_is_not_installed_a_line_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['textual_serve'] = None\n", "utf-8"
    )
    done = entl("console", "--web", environment={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert "pip install 'entitlement-ledger[web]'" in one_line(done.stderr)


def test_nothing_of_it_is_imported_unless_it_is_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import entitlement_ledger.cli.main, entitlement_ledger.console.app;"
         "import sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not {"aiohttp", "textual_serve"} & set(done.stdout.split())


def test_a_token_is_long_new_each_time_and_never_shown_by_accident() -> None:
    one, other = Gate(1), Gate(1)
    assert one.token != other.token
    assert len(one.token) >= 43
    assert one.token not in repr(one)
    assert one.is_token(one.token)
    assert not any(one.is_token(wrong) for wrong in (None, "", one.token[:-1], "é", other.token))
    assert not one.is_pass(None)
    older, newer = one.let_in(), one.let_in()
    assert len({older, newer, one.token, one.path.strip("/")}) == 4
    assert newer not in repr(one)
    assert one.path not in repr(one)
    assert (one.is_pass(older), one.is_pass(newer), one.is_pass(one.token)) == (False, True, False)
    one.end(older)
    assert one.is_pass(newer)
    one.end(newer)
    assert not one.is_pass(newer)
    assert json.dumps(one.url)[1:-1] == one.url
