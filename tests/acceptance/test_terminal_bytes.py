"""Hostile text on every screen, in a terminal of its own: what arrives there are only our bytes."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from billing_support import sold, write
from program import ENTL
from support import command, new_store, write_feeds

from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reconciliations import Against

MARK = "PWN"
ESC = "\x1b"
PAYLOADS = {
    "c0": f"{MARK}\x07\x08\x0b\x0c\x0e\x1b\x7f\r",
    "c1": f"{MARK}\x9b31m\x9d52;c;UFdO\x9c\x90q\x85\x8e",
    "csi": f"{MARK}\x1b[666;13m\x1b[2J\x1b[?1049l\x1b[6n\x1bc",
    "osc8": f"{MARK}\x1b]8;;https://evil.example/\x1b\\link\x1b]8;;\x1b\\",
    "osc52": f"{MARK}\x1b]52;c;UFdORUQ=\x07\x1b]0;title\x07",
    "dcs": f'{MARK}\x1bP$q"p\x1b\\\x1b_Gf=24\x1b\\\x1b^x\x1b\\',
    "bidi": f"{MARK}\u202egnp.exe\u202c\u2066\u2067\u2069\u200e\u200f\u061c",
    "zero": f"{MARK}\u200b\u200c\u200d\u2060\ufeff\u00ad\u2028\u2029",
    "zalgo": f"{MARK}{'e' + chr(0x301) * 40}",
    "wide": f"{MARK}\uff21\u6f22\u5b57\U0001f469\u200d\U0001f4bb\U0001f1e9",
    "close": f"{MARK}[/red][/][/b]",
    "click": f"{MARK}[@click=app.leave]x[/][link=https://evil.example]y[/link]",
    "lines": f"{MARK}\nsecond\tline",
}
SIZE, SMALL = (40, 120), (24, 60)
QUIET_SECONDS = 0.08
ESC_SECONDS = 0.12
BEGINS_SECONDS = 0.5
PATIENCE_SECONDS = 8.0

ESCAPES = re.compile(rb"\x1b\[[0-9;:<=>?$ ]*[A-Za-z@`^{|}~]")
"""What the console may write: sequences that move, colour and set modes, and none that say more."""

SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
COLOURS = {str(n).encode() for n in (*range(30, 50), *range(90, 108))}
"""What sets how letters look, and the numbers in it that set a colour."""

OUR_OSC = re.compile(rb"\x1b\]22;[a-z-]*(?:\x07|\x1b\\)")
"""The shape of the mouse pointer, which Textual sets."""

OUR_COPY = re.compile(rb"\x1b\]52;c;(?!UFdO)[A-Za-z0-9+/=]*\x07")
"""What is copied, unless it is what the hostile text would have copied."""

FORBIDDEN = {
    "a control character": re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]"),
    "a C1 control": re.compile("[\x80-\x9f]"),
    "a format character": re.compile("[\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"),
}


class Terminal:
    """A terminal of 120 columns and 40 lines with the console in it."""

    def __init__(self, ours: int, process: subprocess.Popen[bytes]) -> None:
        self._ours = ours
        self._process = process
        self.said = b""

    def read(self, wanted: bytes = b"") -> bytes:
        """Read until nothing more comes; with words, until they have come."""
        begun, latest = time.monotonic(), b""
        while time.monotonic() - begun < PATIENCE_SECONDS:
            if not select.select([self._ours], [], [], QUIET_SECONDS)[0]:
                begins = time.monotonic() - begun > BEGINS_SECONDS
                if wanted in latest and (latest or begins):
                    break
                continue
            try:
                latest += os.read(self._ours, 1 << 16)
            except OSError:
                break
        self.said += latest
        assert wanted in latest, latest[-2000:]
        return latest

    def press(self, keys: str, wanted: str = "") -> bytes:
        """Press keys; give what was shown then."""
        os.write(self._ours, keys.encode())
        if keys == ESC:
            # What comes right behind it would belong to it.
            time.sleep(ESC_SECONDS)
        return self.read(wanted.encode())

    def leave(self) -> int:
        """Leave by the key for it; give the exit code."""
        os.write(self._ours, b"\x11")
        self.read()
        return self._process.wait(timeout=20)


@contextmanager
def console(
    folder: Path, *arguments: str, size: tuple[int, int] = SIZE, no_color: str | None = None
) -> Iterator[Terminal]:
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environment.pop(name, None)
    if no_color is not None:
        environment["NO_COLOR"] = no_color
    process = subprocess.Popen(
        [*ENTL, *arguments],
        cwd=folder,
        env=environment,
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def check(said: bytes) -> None:
    """Take away what the console means to write: the rest is text, and must be nothing else."""
    rest = OUR_OSC.sub(b"", ESCAPES.sub(b"", said)).decode("utf-8")
    for name, pattern in FORBIDDEN.items():
        found = pattern.search(rest)
        assert not found, (name, rest[max(found.start() - 60, 0) : found.end() + 60])
    for wrong in (b"\x1b[666", b"\x1b[6n", b"\x1b]8", b"\x1b]52", b"\x1b]0", b"\x1bc", b"\x1bP"):
        assert wrong not in said, wrong


def write_csv(path: Path, head: str, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head.split(","), *rows])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in which everything that people type is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    store = new_store(folder)
    feeds = write_feeds(folder / "hostile")
    write_csv(
        feeds / "customers.csv",
        "id,name,email,segment,status,created_at",
        [
            [f"C{n}", text, f"{text}@example.com", text, "active", "2025-01-01T00:00:00Z"]
            for n, text in enumerate(PAYLOADS.values())
        ],
    )
    write_csv(
        feeds / "entitlements.csv",
        "code,name,description,kind,unit,scale,resources,status",
        [["PTS", PAYLOADS["osc52"], PAYLOADS["csi"], "points", "pt", "0", "", "active"],
         ["CRD", PAYLOADS["click"], PAYLOADS["bidi"], "credits", "pt", "2", "", "active"]],
    )  # fmt: skip
    write_csv(
        feeds / "tickets.csv",
        "id,customer,status,subject,opened_at,closed_at",
        [
            [f"T{n}", f"C{n}", "open", text, "2026-01-01T00:00:00Z", ""]
            for n, text in enumerate(PAYLOADS.values())
        ],
    )
    with Ledger.open(store) as ledger:
        loaded = ledger.import_files([feeds], actor="setup")
        assert not any(each.problems for each in loaded), [each.problems for each in loaded]
        for n, text in enumerate(PAYLOADS.values()):
            said = {"customer": f"C{n}", "reason": text, "reference": f"order:{text}"[:200]}
            outcomes = ledger.post(
                [
                    command("issue", f"{text}i", quantity=10, **said),
                    command("consume", f"{text}c", quantity=4, **said),
                    command("consume", f"{text}r", quantity=99, **said),
                    command("hold", f"{text}h", quantity=1, **said),
                ],
                actor=text,
            )
            assert {each.code for each in outcomes} == {None, "insufficient_balance"}, outcomes
        lines = [
            sold(f'"{text.replace(chr(34), chr(34) * 2)}"', 7, customer=f"C{n}")
            for n, text in enumerate(PAYLOADS.values())
        ]
        ledger.reconcile(write(folder / "sales.csv", lines), Against.BILLING, actor="setup")
        ledger.suspicious()
    for text in PAYLOADS.values():
        name = text.replace("/", "_").replace("\0", "_")
        (folder / f"{name}.csv").write_text("x")
    return folder


WALK: tuple[tuple[str, str], ...] = (
    ("jjjjj", ""), ("jjjjjjj", ""),
    ("/", ""), (MARK.lower(), f"found: {MARK.lower()}"), ("\r", ""), ("\r", ""), ("\r", ""),
    ("w", "Why?"), (ESC, ""), (ESC, ""), ("i", "Preview"), (ESC, ""), ("=", ""), (ESC, ""),
    ("@", ""), (ESC, ""), (" ", ""), (ESC, ""), ("S", "statement"), ("e", "path"), (ESC, ""),
    (ESC, ""), ("?", "Keys on this screen"), ("issue", ""), (ESC, ""),
    (":", ""), (MARK, "Customer C"), (ESC, ""), (ESC, ""),
    ("2", "filter"), ("\r", MARK), (ESC, ""), (" ", MARK), (ESC, ""),
    ("/", ""), ("status:refused", "match"), ("\r", ""), ("w", "Why?"), (ESC, ""), (ESC, ""),
    ("3", "filter"), ("jjj", ""),
    ("4", "rule"), ("r", ""), ("\r", "actor"), (ESC, ""),
    ("5", "holds"), ("6", "billing"), ("\r", MARK), ("\r", ""), (ESC, ""), (ESC, ""),
    ("n", "mapping"), (MARK[:2], ""), (ESC, ""),
    ("7", "rollforward"), ("\r", MARK), ("e", "path"), (ESC, ""), (ESC, ""),
    ("8", "in all"), ("G", MARK), (" ", MARK), (ESC, ""),
    ("1", "customer"),
)  # fmt: skip
"""Keys, and words that show that the screen they lead to is there."""


PASTED = f"\x1b[200~{PAYLOADS['osc52']}{PAYLOADS['bidi']}{PAYLOADS['click']}\x1b[201~"
DEEPER: tuple[tuple[str, str], ...] = (
    ("\r", ""), ("o", "Situation"), (ESC, ""), ("v", "week of"), ("\r", "left"), (ESC, ""),
    (ESC, ""), ("l", "Enter lists"), ("\r", ""), (ESC, ""), ("L", "Enter lists"), (ESC, ""),
    ("=", ""), ("-1h\r", ""), (ESC, ""),
    ("i", "Preview"), ("5\t\t\t", ""), (PASTED, MARK), ("\t", ""), (PASTED, MARK),
    ("\x13", "would do"), ("\t\r", "Recorded"), (ESC, ""),
    ("2", "filter"), ("v", "over"), ("j", ""), (ESC, ""), ("c", ""),
    ("3", "filter"), ("F", "wrong?"), (PASTED, MARK), ("\t\t\r", ""), ("x", ""), ("A", ""),
    ("d", ""), (ESC, ""), ("m", "Sample"), ("\x13", "in the sample"),
    ("e", "Write"), ("\x13", "Written"), (ESC, ""), (ESC, ""),
    ("4", "rule"), ("t", ""), (PASTED, MARK), ("\t\t\r", ""), ("\r", "actor"), ("\r", ""),
    (ESC, ""), (ESC, ""),
    ("T", "TOUR"), ("\x07", ""), ("\x07", ""), ("\x14", ""),
    ("2", "filter"), ("@", "known at"), ("2030-01-01\r", "AS OF"), ("3", ""), ("1", ""),
)  # fmt: skip
"""What the first walk passes by: use and burn-down, calendars, marks, samples, the tour, travel."""


def test_hostile_text_is_harmless_deeper_in_a_small_terminal(hostile: Path, tmp_path: Path) -> None:
    shutil.copytree(hostile, tmp_path / "mine")
    opened = ("--store", "ledger.duckdb", "console")
    with console(tmp_path / "mine", *opened, size=SMALL) as terminal:
        terminal.read(b"customers")
        for keys, wanted in DEEPER:
            try:
                terminal.press(keys, wanted)
            except AssertionError as error:
                raise AssertionError((keys, wanted)) from error
            # The path of a working paper is copied, which is what the console means to write.
            terminal.said = OUR_COPY.sub(b"", terminal.said)
            check(terminal.said)
        assert terminal.said.count(MARK.encode()) > 100
        assert terminal.leave() == 0


def test_hostile_text_is_harmless_on_every_screen(hostile: Path) -> None:
    with console(hostile, "--store", "ledger.duckdb", "console") as terminal:
        terminal.read(b"customers")
        for keys, wanted in WALK:
            try:
                terminal.press(keys, wanted)
            except AssertionError as error:
                raise AssertionError((keys, wanted)) from error
            check(terminal.said)
        assert terminal.said.count(MARK.encode()) > 100
        terminal.said = b""
        assert terminal.leave() == 0
        check(terminal.said)


def test_what_is_pasted_is_harmless_where_it_is_typed(hostile: Path) -> None:
    pasted = "".join(PAYLOADS[name] for name in ("c1", "bidi", "zero", "click"))
    with console(hostile, "--store", "ledger.duckdb", "console", "--read-only") as terminal:
        terminal.read(b"customers")
        for key in ("/", ":"):
            terminal.press(key)
            terminal.press(f"\x1b[200~{pasted}\x1b[201~", MARK)
            check(terminal.said)
            terminal.press("\r" if key == "/" else ESC)


def test_a_path_is_harmless_on_the_first_screen(tmp_path: Path) -> None:
    name = "".join(PAYLOADS[each] for each in ("osc52", "csi", "c1", "bidi")).translate(
        {ord(c): "_" for c in "/?"}
    )
    with console(tmp_path, "--store", f"{name}.duckdb", "console") as terminal:
        terminal.read(b"no store yet")
        terminal.press("n", MARK)
        # Its key is in the footer again: `q` right behind Esc would be another key.
        terminal.press(ESC, "Demo")
        check(terminal.said)
        terminal.press("q", "no store at")
        check(terminal.said)


@pytest.mark.parametrize("theme", ["ledger-dark", "glacier"])
def test_without_colours_no_colour_is_sent(
    hostile: Path, theme: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "settings.toml").write_text(f'theme = "{theme}"\n')
    monkeypatch.setenv("ENTL_CONFIG", str(tmp_path))
    opened = ("--store", "ledger.duckdb", "console", "--read-only")
    with console(hostile, *opened, no_color="1") as terminal:
        terminal.read(b"customers")
        for keys, wanted in (
            ("/", ""), (MARK.lower(), "found"), ("\r", ""), ("2", "filter"), ("j", ""),
            ("\r", MARK), (ESC, ""), ("?", "Keys on this screen"), (ESC, ""), ("3", "filter"),
            ("4", "rule"), ("7", "rollforward"), (":", ""), (MARK, "Customer C"), (ESC, ""),
        ):  # fmt: skip
            terminal.press(keys, wanted)
        sent = {number for each in SGR.findall(terminal.said) for number in each.split(b";")}
        assert not {number for number in sent if number in COLOURS}, sent
        assert b"7" in sent, "the cursor is reversed"
        assert terminal.leave() == 0


def test_an_empty_no_color_is_no_wish(hostile: Path) -> None:
    opened = ("--store", "ledger.duckdb", "console", "--read-only")
    with console(hostile, *opened, no_color="") as terminal:
        terminal.read(b"customers")
        sent = {number for each in SGR.findall(terminal.said) for number in each.split(b";")}
        assert {number for number in sent if number in COLOURS}


def test_copying_writes_what_it_means_to_and_nothing_else(hostile: Path) -> None:
    with console(hostile, "--store", "ledger.duckdb", "console", "--read-only") as terminal:
        terminal.read(b"customers")
        said = terminal.press("y", "Copied")
        found = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", said)
        assert len(found) == 1
        check(said.replace(b"\x1b]52;c;" + found[0] + b"\x07", b""))


def test_the_check_notices_each_payload() -> None:
    for name, text in PAYLOADS.items():
        if name in ("zalgo", "close", "click"):
            continue
        with pytest.raises(AssertionError):
            check(text.replace("\n", "\x0b").encode())
    check(json.dumps(PAYLOADS).encode())
