"""The program as processes of its own, without the imports of each: they are forked from one.

Most of a short command is importing. One process imports once, opens nothing and waits; what it is
asked to run is run in a child with its own arguments, environment, folder and streams. Where that
cannot be, and for what has to be begun anew, the program is started as a user starts it.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

ENTL = [sys.executable, "-m", "entitlement_ledger.cli"]
_SECONDS = 600
"""Longer than anything takes, on a machine that does much else."""
_AT_START = ("PYTHON", "LC_", "LANG")
"""What begins a name in the environment that Python reads once, at its start."""
_waiting: list[tuple[int, subprocess.Popen[bytes], socket.socket]] = []


def run(
    arguments: list[str], given: bytes, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """Run the program in a process of its own; give what it said and its exit code."""
    whole = {**os.environ, **environment}
    if any(name.startswith(_AT_START) for name in environment) or not hasattr(os, "fork"):
        return subprocess.run(
            [*ENTL, *arguments],
            input=given,
            capture_output=True,
            env=whole,
            timeout=_SECONDS,
            check=False,
        )
    with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
        stdin.write(given)
        stdin.seek(0)
        asked = {"arguments": arguments, "environment": whole, "folder": str(Path.cwd())}
        code = _ask(asked, [stdin, stdout, stderr])
        said = [_whole(each) for each in (stdout, stderr)]
    return subprocess.CompletedProcess([*ENTL, *arguments], code, *said)


def _whole(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _ask(asked: object, files: list[IO[bytes]]) -> int:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            fds = [theirs.fileno(), *(each.fileno() for each in files)]
            socket.send_fds(_first(), [b"."], fds)
        ours.settimeout(_SECONDS)
        ours.sendall(json.dumps(asked).encode())
        ours.shutdown(socket.SHUT_WR)
        return int(ours.recv(20))


def _first() -> socket.socket:
    """Give the way to the process that waits; begin it where there is none."""
    # Where it has ended, only whoever asked it then should fail.
    if not _waiting or _waiting[0][0] != os.getpid() or _waiting[0][1].poll() is not None:
        ours, theirs = socket.socketpair()
        process = subprocess.Popen([sys.executable, __file__], stdin=theirs.fileno())
        theirs.close()
        _waiting[:] = [(os.getpid(), process, ours)]
        # It ends by itself when nobody can ask any more.
        atexit.register(process.wait)
        atexit.register(ours.close)
    return _waiting[0][2]


def _wait() -> None:
    """Run what is asked for, one after another, until nobody can ask any more."""
    from entitlement_ledger.cli import main

    _import_what_is_imported_late()
    asking = socket.socket(fileno=os.dup(0))
    while True:
        data, fds, _, _ = socket.recv_fds(asking, 1, 4)
        if not data:
            return
        child = os.fork()
        if child == 0:
            asking.close()
            _be(main.run, fds)
        with socket.socket(fileno=fds[0]) as told:
            for fd in fds[1:]:
                os.close(fd)
            _, status = os.waitpid(child, 0)
            # Who asked may have given up: the next one asks all the same.
            with suppress(OSError):
                told.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _be(run: object, fds: list[int]) -> None:
    """Become the program, and leave with its exit code."""
    code = 1
    try:
        with socket.socket(fileno=fds[0]) as told:
            asked = json.loads(b"".join(iter(lambda: told.recv(65536), b"")))
        for target, fd in enumerate(fds[1:]):
            os.dup2(fd, target)
            os.close(fd)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        assert callable(run)
        code = run(asked["arguments"])
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _import_what_is_imported_late() -> None:
    import entitlement_ledger.ledger
    import entitlement_ledger.reports.html
    import entitlement_ledger.reports.writing
    import entitlement_ledger.reports.xlsx  # noqa: F401


if __name__ == "__main__":
    _wait()
