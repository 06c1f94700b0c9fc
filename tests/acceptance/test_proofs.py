"""A proof can be taken away, and verified by a stranger with a key and nothing else."""

from __future__ import annotations

import base64
import json
import random
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import PROJECT, command, entl, new_store, one_line, post

from entitlement_ledger.audit.notes import Checkpoint, NoteError, PublicKey, SigningKey
from entitlement_ledger.audit.proofs import INCLUSION, ProofError, verify_proof
from entitlement_ledger.domain.events import leaf_hash


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with three checkpoints: each session ends with one."""
    store = new_store(tmp_path)
    for part in range(3):
        lines = [command("issue", f"k{part}-{n}", quantity=n + 1) for n in range(5 + 200 * part)]
        post(store, lines)
    return store


def key_of(store: str) -> str:
    return str(json.loads(entl("checkpoint", "--json", store=store).stdout)["key"])


def sizes(store: str) -> list[int]:
    with duckdb.connect(store, read_only=True) as connection:
        return [row[0] for row in connection.execute("SELECT size FROM checkpoints").fetchall()]


def by_the_page(file: Path, key: str) -> subprocess.CompletedProcess[str]:
    """Verify with the page in the documentation, which knows nothing of the ledger's program."""
    page = str(PROJECT / "docs" / "verify.py")
    return subprocess.run(
        [sys.executable, "-I", page, str(file), key], capture_output=True, text=True, check=False
    )


def test_a_transaction_is_proved_to_a_stranger(store: str, tmp_path: Path) -> None:
    key, file = key_of(store), tmp_path / "one.tlog-proof"
    for name in ("k0-0", "k1-7", "k2-300"):
        done = entl("proof", name, "-o", str(file), store=store)
        assert done.returncode == 0, done.stderr
        proved = json.loads(entl("verify-proof", str(file), "--key", key, "--json").stdout)
        shown = json.loads(entl("show", name, "--json", store=store).stdout)
        assert proved["event"] == shown["event"]
        assert proved["sequence"] == shown["sequence"]
        told = by_the_page(file, key)
        assert told.returncode == 0, told.stderr
        assert told.stdout.splitlines()[1] == file_body(file)
    onto = entl("proof", "k0-0", "-o", store, store=store)
    assert onto.returncode == 2
    assert "is a part of the store itself" in one_line(onto.stderr)
    nothing = entl("proof", "nobody", store=store)
    assert nothing.returncode == 2
    assert "nobody" in one_line(nothing.stderr)


def file_body(file: Path) -> str:
    return base64.b64decode(file.read_text().split("\n")[1].removeprefix("extra ")).decode()


def test_a_later_journal_is_proved_to_begin_with_an_earlier_one(store: str, tmp_path: Path) -> None:
    key, file = key_of(store), tmp_path / "consistency"
    old, *_, new = sizes(store)
    assert entl("proof", "--consistency", str(old), str(new), "-o", str(file),
                store=store).returncode == 0  # fmt: skip
    proved = json.loads(entl("verify-proof", str(file), "--key", key, "--json").stdout)
    assert (proved["old_size"], proved["size"]) == (old, new)
    assert by_the_page(file, key).stdout.startswith("PROVED")
    none = entl("proof", "--consistency", str(old), str(new + 1), store=store)
    assert none.returncode == 2
    assert f"no checkpoint of size {new + 1}: the newest are {new}" in one_line(none.stderr)


def test_a_checkpoint_is_verified_by_the_page(store: str, tmp_path: Path) -> None:
    key, file = key_of(store), tmp_path / "note"
    note = entl("checkpoint", store=store).stdout
    file.write_text(note)
    assert by_the_page(file, key).stdout.startswith("PROVED")
    file.write_text(note.replace(note.split("\n")[1], "1", 1))
    wrong = by_the_page(file, key)
    assert wrong.returncode == 1
    assert "the signature is wrong" in one_line(wrong.stderr)


def test_somebody_elses_key_proves_nothing(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "one.tlog-proof"
    assert entl("proof", "k0-0", "-o", str(file), store=store).returncode == 0
    monkeypatch.setenv("ENTL_KEY", str(tmp_path / "other.key"))
    other = key_of(store)
    wrong = entl("verify-proof", str(file), "--key", other)
    assert wrong.returncode == 1
    assert "its checkpoint is not signed by" in one_line(wrong.stderr)
    assert by_the_page(file, other).returncode == 1
    broken = entl("verify-proof", str(file), "--key", other[:-3])
    assert broken.returncode == 2
    assert "--key: " in one_line(broken.stderr)


def _respelt(text: str) -> str:
    """Give other base64 for the same bytes, by the bits that are not used at an end in `=`."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    at = text.index("=") - 1
    return text[:at] + alphabet[alphabet.index(text[at]) ^ 1] + text[at + 1 :]


def test_a_proof_that_is_written_in_another_way_proves_nothing(store: str, tmp_path: Path) -> None:
    key, file = key_of(store), tmp_path / "one.tlog-proof"
    assert entl("proof", "k1-7", "-o", str(file), store=store).returncode == 0
    whole = file.read_text("utf-8")
    lines = whole.split("\n")
    altered = [
        "\n".join([*lines[:n], _respelt(line), *lines[n + 1 :]])
        for n, line in enumerate(lines)
        if line.endswith("=")
    ]
    altered += [whole + "\0", whole[:-1], whole[:-1] + "\v", whole.replace("\n", "\r\n")]
    for text in altered:
        file.write_bytes(text.encode())
        assert entl("verify-proof", str(file), "--key", key).returncode != 0, text
        told = by_the_page(file, key)
        assert told.returncode == 1, text
        assert one_line(told.stderr).startswith("NOT PROVED")
    assert len(altered) > 6
    file.write_bytes(b"\xff")
    assert one_line(by_the_page(file, key).stderr).startswith("NOT PROVED")


def damaged(text: str, chance: random.Random) -> str:
    """Change, cut, double or move a part of a text."""
    start, end = sorted(chance.sample(range(len(text)), 2))
    end = min(end, start + chance.choice((1, 1, 5, 90)))
    match chance.randrange(4):
        case 0:
            return text[:start] + chr(chance.choice((0, 10, 48, 65, 0x2014))) + text[start + 1 :]
        case 1:
            return text[:start] + text[end:]
        case 2:
            return text[:end] + text[start:]
        case _:
            return text[end:] + text[:end]


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_a_damaged_proof_proves_nothing_and_says_so(store: str, kind: str) -> None:
    key = PublicKey.read(key_of(store))
    old, *_, new = sizes(store)
    asked = ["k1-7"] if kind == "inclusion" else ["--consistency", str(old), str(new)]
    text = entl("proof", *asked, store=store).stdout
    whole: Any = verify_proof(text, key)
    chance = random.Random(11)
    refused = 0
    for _ in range(1500):
        other = damaged(text, chance)
        if other != text:
            try:
                assert verify_proof(other, key) == whole, other
            except ProofError as error:
                refused += 1
                assert "\n" not in str(error)
    assert refused > 1300


def test_an_event_that_says_it_stands_elsewhere_is_not_proved() -> None:
    signer = SigningKey.make()
    for body, why in ((b'{"sequence":7}', "the one that stands"), (b"[]", "is not an event")):
        note = signer.sign(Checkpoint("somewhere", 1, leaf_hash(body)).text())
        text = f"{INCLUSION}\nextra {base64.b64encode(body).decode()}\nindex 0\n\n{note}"
        with pytest.raises(ProofError, match=why):
            verify_proof(text, signer.public)


def test_a_damaged_file_is_refused_in_one_line(store: str, tmp_path: Path) -> None:
    key, file = key_of(store), tmp_path / "bad"
    text = entl("proof", "k1-7", store=store).stdout
    for content, code in (
        (b"", 2),
        (b"\xff\xfe", 2),
        (b"nothing", 2),
        (text[:200].encode(), 2),
        (text.replace("index ", "index 9", 1).encode(), 1),
    ):
        file.write_bytes(content)
        done = entl("verify-proof", str(file), "--key", key)
        assert done.returncode == code, done.stderr
        one_line(done.stderr)
    assert entl("verify-proof", str(tmp_path / "none"), "--key", key).returncode in (2, 3)


def test_a_key_that_was_cut_or_changed_is_not_a_key() -> None:
    for text in ("", "a+b", "name+00000000+AAAA", "x y+1+1", "n+12345678+" + "A" * 44):
        with pytest.raises(NoteError):
            PublicKey.read(text)
