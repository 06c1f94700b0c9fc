"""Settings: a flag wins over the environment, that over the file, that over the default."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from entitlement_ledger.domain.texts import NAME_LENGTH_MAX, clean
from entitlement_ledger.errors import InputError
from entitlement_ledger.nearest import nearest
from entitlement_ledger.settings_file import SettingsFile, read_settings_file

if TYPE_CHECKING:
    from entitlement_ledger.domain.policy import ApprovalRule

_APP = "entitlement-ledger"
NAMES = (
    "store",
    "theme",
    "witness",
    "signing_key",
    "roles",
    "approval",
    "suspicious",
    "reconcile",
    "keys",
    "console",
)
"""What may stand in the settings file."""

CONSOLE: dict[str, tuple[str, ...]] = {
    "clipboard": ("both", "osc52", "file"),
    "graphics": ("auto", "blocks", "ascii"),
}
"""What may stand in its table `[console]`, and what each may be: the first unless it is said.

A variable of the environment wins over the file: `ENTL_CLIPBOARD` and so on.
"""

FILE, DEFAULT = "file", "default"
"""Where a setting can come from, besides a flag and a variable of the environment by its name."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was set.

    Attributes:
        store: path or URL of the store.
        actor: who is asking.
        roles: actor to role; an actor without one has none.
        approvals: what needs a second person.
        theme: name of the console's theme; None is the default.
        witness: the folder of witnesses; None is beside the store.
        signing_key: the file of the key that signs checkpoints.
        suspicious: parameters of the rules of suspicious activity, by rule; whether there are such
            rules and parameters, the rules say.
        reconcile: what is allowed when outside files are matched, by kind of file.
        keys: keys of the console's actions, by `NAME` or `PLACE.NAME`; the console judges them.
        console: what is set of `CONSOLE`; a name that is missing is as its first value says.
        file: the settings file, or None where the settings were not read from one.
        origins: where each setting that is no table came from: a flag, the name of a variable of
            the environment, `FILE` or `DEFAULT`.
    """

    store: str
    actor: str
    roles: Mapping[str, str] = field(default_factory=dict)
    theme: str | None = None
    witness: Path | None = None
    signing_key: Path | None = None
    approvals: tuple[ApprovalRule, ...] = ()
    suspicious: Mapping[str, object] = field(default_factory=dict)
    reconcile: Mapping[str, object] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    console: Mapping[str, str] = field(default_factory=dict)
    file: SettingsFile | None = None
    origins: Mapping[str, str] = field(default_factory=dict)


def config_folder() -> Path:
    """Give the user's folder for settings and themes."""
    import platformdirs

    return Path(os.environ.get("ENTL_CONFIG") or platformdirs.user_config_path(_APP))


def settings_path() -> Path:
    """Say where the settings file is, or would be."""
    return config_folder() / "settings.toml"


def state_folder() -> Path:
    """Give the user's folder for what the program leaves behind and nobody has to keep."""
    import platformdirs

    return Path(os.environ.get("ENTL_STATE") or platformdirs.user_state_path(_APP))


def _actor(name: str) -> str:
    try:
        return clean(name, NAME_LENGTH_MAX)
    except ValueError as error:
        raise InputError(f"--actor {error}") from None


def _user() -> str:
    """Give the name that the operating system has for whoever asks, or their number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def load_settings(*, store: str | None = None, actor: str | None = None) -> Settings:
    """Read the settings; `store` and `actor` are flags.

    Raises:
        InputError: the settings file is not TOML, or says something that is not a setting.
    """
    file = read_settings_file(settings_path())
    for name in file.said:
        if name not in NAMES:
            all_of_them = f"{', '.join(NAMES)} are"
            near = nearest(name, NAMES, otherwise=all_of_them)
            raise InputError(f"{file.path}: {name} is not a setting{near}")
    origins: dict[str, str] = {}

    def first(name: str, *sources: tuple[str, str | None]) -> str | None:
        """Give the first value that there is, and remember where it came from."""
        for origin, value in sources:
            if value:
                origins[name] = origin
                return value
        origins[name] = DEFAULT
        return None

    environment = os.environ.get
    said = file.choices("console", CONSOLE)
    console: dict[str, str] = {}
    for name, known in CONSOLE.items():
        variable = f"ENTL_{name.upper()}"
        value = first(f"console.{name}", (variable, environment(variable)), (FILE, said.get(name)))
        if value is not None and value not in known:
            near = nearest(value, known, otherwise="")
            raise InputError(f"{variable}: {value} is not one of {', '.join(known)}{near}")
        console[name] = value or known[0]
    return Settings(
        store=first("store", ("--store", store), ("ENTL_STORE", environment("ENTL_STORE")),
                    (FILE, file.text("store"))) or _default_store(),
        actor=_actor(first("actor", ("--actor", actor)) or _user()),
        theme=first("theme", (FILE, file.text("theme"))),
        witness=_path(first("witness", ("ENTL_WITNESS", environment("ENTL_WITNESS")),
                            (FILE, file.text("witness")))),
        signing_key=_path(first("signing_key", ("ENTL_KEY", environment("ENTL_KEY")),
                                (FILE, file.text("signing_key"))))
        or config_folder() / "signing.key",
        roles=file.roles(),
        approvals=file.approvals(),
        suspicious=file.tables("suspicious", "RULE"),
        reconcile=file.tables("reconcile", "KIND"),
        keys=file.keys(),
        console=console,
        file=file,
        origins=origins,
    )  # fmt: skip


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _default_store() -> str:
    import platformdirs

    return str(platformdirs.user_data_path(_APP) / "ledger.duckdb")
