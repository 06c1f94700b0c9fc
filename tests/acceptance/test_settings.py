"""`entl config` and `entl themes` as a user runs them, and what a faulty settings file is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support import PROJECT, entl

from entitlement_ledger.errors import InputError
from entitlement_ledger.settings import load_settings
from entitlement_ledger.settings_file import read_settings_file

SETTINGS = """\
# mine
store = "/nowhere/ledger.duckdb"
theme = "moss"

[roles]
"anna.berg" = "supervisor"

[[approval]]
types = ["issue"]
[[approval]]
types = ["adjust"]   # above = 1
above = 500

[suspicious.same_amount]
least = 10

[keys]
issue = "ctrl+n"
"ledger.search" = "f"
"""


def folder() -> Path:
    return Path(os.environ["ENTL_CONFIG"])


def write(text: str) -> Path:
    path = folder() / "settings.toml"
    path.write_text(text, "utf-8")
    return path


def test_each_setting_is_shown_with_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(SETTINGS)
    done = entl(
        "--actor", "sam", "config", "show", "--json", environment={"ENTL_WITNESS": "/elsewhere"}
    )
    assert done.returncode == 0, done.stderr
    rows = {row["setting"]: row for row in json.loads(done.stdout)}
    in_file = {"from": "file", "file": str(path)}
    assert rows["store"] == {
        "setting": "store", "value": "/nowhere/ledger.duckdb", **in_file, "line": 2
    }  # fmt: skip
    assert rows["actor"] == {"setting": "actor", "value": "sam", "from": "--actor"}
    assert rows["witness"]["from"] == "ENTL_WITNESS"
    assert rows["signing_key"]["from"] == "default"
    assert rows["reconcile"] == {"setting": "reconcile", "value": None, "from": "default"}
    lines = {
        'roles."anna.berg"': ("supervisor", 6),
        "approval.1.types": (["issue"], 9),
        "approval.2.types": (["adjust"], 11),
        "approval.2.above": (500, 12),
        "suspicious.same_amount.least": (10, 15),
        "keys.issue": ("ctrl+n", 18),
        'keys."ledger.search"': ("f", 19),
    }
    for name, (value, line) in lines.items():
        assert rows[name] == {"setting": name, "value": value, **in_file, "line": line}
    monkeypatch.setenv("ENTL_STORE", "/there.duckdb")
    assert load_settings().origins["store"] == "ENTL_STORE"
    assert load_settings(store="/here.duckdb").origins["store"] == "--store"


def test_it_is_shown_to_people_too_and_where_the_file_is() -> None:
    path = write('theme = "moss"\n')
    shown = entl("config", "show").stdout.splitlines()
    assert next(line for line in shown if line.startswith("theme")).split() == [
        "theme", "moss", f"{path},", "line", "1"
    ]  # fmt: skip
    assert "(beside the store)" in "".join(shown)
    assert entl("config", "path").stdout == f"{path}\n"


def test_a_setting_of_the_console_comes_from_the_environment_the_file_or_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = {row["setting"]: row for row in json.loads(entl("config", "show", "--json").stdout)}
    assert rows["console.clipboard"] == {
        "setting": "console.clipboard", "value": "both", "from": "default"
    }  # fmt: skip
    path = write('[console]\nclipboard = "file"\n')
    rows = {row["setting"]: row for row in json.loads(entl("config", "show", "--json").stdout)}
    assert rows["console.clipboard"] == {
        "setting": "console.clipboard", "value": "file",
        "from": "file", "file": str(path), "line": 2,
    }  # fmt: skip
    monkeypatch.setenv("ENTL_CLIPBOARD", "osc52")
    assert load_settings().console["clipboard"] == "osc52"
    assert load_settings().origins["console.clipboard"] == "ENTL_CLIPBOARD"
    monkeypatch.setenv("ENTL_CLIPBOARD", "fiel")
    with pytest.raises(InputError, match=r"ENTL_CLIPBOARD: fiel is not one of .*mean file"):
        load_settings()


def test_keys_are_listed_with_the_names_that_settings_use() -> None:
    write(SETTINGS)
    done = entl("config", "keys", "--json")
    rows = {row["action"]: row for row in json.loads(done.stdout)}
    assert rows["customers.issue"]["keys"] == "ctrl+n"
    assert rows["customers.issue"]["default"] == "i"
    assert rows["ledger.search"]["keys"] == "f"
    assert rows["audit.search"]["keys"] == "/"


def test_a_key_that_cannot_be_ends_in_one_line_before_anything_is_shown() -> None:
    path = write('[keys]\nissue = "a"\n')
    done = entl("config", "keys")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"entl: {path}: keys: a would do two things, customers.issue and customers.adjust: "
        "give one of them another key\n"
    )


def test_a_theme_that_there_is_not_ends_in_one_line_with_the_nearest_name() -> None:
    path = write('theme = "fjrod"\n')
    done = entl("config", "show")
    assert (done.returncode, done.stdout) == (2, "")
    told = f"entl: {path}: theme: there is no theme 'fjrod': did you mean fjord?\n"
    assert done.stderr == told
    (folder() / "themes").mkdir()
    own = folder() / "themes" / "fjrod.toml"
    own.write_text("primary = 1\n")
    done = entl("config", "show", "--json")
    assert done.returncode == 2
    assert f"{own}: primary must be a colour such as #1e222a" in done.stderr
    own.unlink()
    path.write_text('theme = "moss"\n')
    assert entl("config", "show").returncode == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stroe = 'x'", "stroe is not a setting: did you mean store?"),
        ("[kyes]\nissue = 'x'", "kyes is not a setting: did you mean keys?"),
        ("zzzz = 1", "zzzz is not a setting: store, "),
        ('[roles]\nsam = "suport"', "suport is not one of support, supervisor, auditor, finance,"),
        ('[roles]\nsam = "suport"', "system: did you mean support?"),
        ("[[approval]]\ntpyes = ['issue']", "approval 1: tpyes is not known: did you mean types?"),
        ("[[approval]]\ntypes = ['isue']", "isue is not one: did you mean issue?"),
        ("approval = [1]", "approval 1 must be a table"),
        ("keys = 1", "keys must be a table"),
        ("[keys]\nissue = 1", "keys: issue must be text"),
        ("[keys.ledger.search]\nf = 1", "keys: ledger.search must be text"),
        ("suspicious = 1", "suspicious must be tables"),
        ("theme = 1", "theme must be text"),
        ("console = 1", "console must be a table: [console]"),
        ("[console]\nclipbord = 'file'", "clipbord is not a setting: did you mean clipboard?"),
        ("[console]\nclipboard = 'fiel'", "console.clipboard must be one of both, osc52, file"),
        ("[console]\nclipboard = ['file']", "console.clipboard must be one of both, osc52, file"),
    ],
)
def test_what_cannot_be_used_says_what_was_probably_meant(text: str, message: str) -> None:
    path = write(text)
    with pytest.raises(InputError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_keys_may_be_written_with_and_without_quotation_marks() -> None:
    write('[keys]\nledger.search = "f"\n"audit.search" = "g"\n[keys.table]\nsort = "o"\n')
    assert load_settings().keys == {"ledger.search": "f", "audit.search": "g", "table.sort": "o"}


def test_lines_are_found_however_toml_is_written(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        'suspicious.same_amount.least = 10\n[ roles ]\n"a=b" = "support"\n[[approval]]\n'
    )
    file = read_settings_file(path)
    assert file.line("suspicious", "same_amount", "least") == 1
    assert file.line("roles") == 2
    assert file.line("roles", "a=b") == 3
    assert file.line("approval", "1") == 4
    assert file.line("approval", "2") is None


def test_themes_are_listed_copied_and_checked() -> None:
    write('theme = "fjord"\n')
    rows = json.loads(entl("themes", "--json").stdout)
    assert {row["name"] for row in rows if row["high_contrast"]} == {
        "contrast-dark", "contrast-light"
    }  # fmt: skip
    (fjord,) = (row for row in rows if row["in_use"])
    assert fjord == {
        "name": "fjord", "dark": True, "in_use": True, "own": False,
        "file": str(PROJECT / "themes" / "fjord.toml"), "contrast": "5.68",
        "lowest_pair": "secondary on panel", "high_contrast": False,
    }  # fmt: skip
    own = folder() / "themes" / "fjord.toml"
    done = entl("themes", "--copy", "fjord")
    assert (done.returncode, done.stdout) == (0, f"{own}\n")
    again = entl("themes", "--copy", "fjord")
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert entl("themes", "--check").returncode == 0
    own.write_text(own.read_text().replace("#93aebf", "#3a4a55"))
    low = entl("themes", "--check")
    assert low.returncode == 1
    assert [line.partition(" is ")[0] for line in low.stdout.splitlines()] == [
        f"{own}: secondary on {ground}" for ground in ("panel", "surface", "background")
    ]
    own.write_text("dark = maybe")
    for broken in (entl("themes", "--check"), entl("themes", str(own), "--check", "--json")):
        assert broken.returncode == 2
        assert f"{own}: cannot be read" in broken.stderr
