"""Settings: a flag wins over the environment, that over the file, that over the default."""

from __future__ import annotations

import getpass
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from entitlement_ledger.errors import InputError

_APP = "entitlement-ledger"


@dataclass(frozen=True, slots=True)
class Settings:
    """What was set.

    Attributes:
        store: path or URL of the store.
        actor: who is asking.
        roles: actor to role; an actor without one has none.
        theme: name of the console's theme; None is the default.
    """

    store: str
    actor: str
    roles: Mapping[str, str] = field(default_factory=dict)
    theme: str | None = None


def config_folder() -> Path:
    """Give the user's folder for settings and themes."""
    import platformdirs

    return Path(os.environ.get("ENTL_CONFIG") or platformdirs.user_config_path(_APP))


def load_settings(*, store: str | None = None, actor: str | None = None) -> Settings:
    """Read the settings; `store` and `actor` are flags.

    Raises:
        InputError: the settings file is not TOML, or says something that is not a setting.
    """
    path = config_folder() / "settings.toml"
    said = _read(path)
    for name in said:
        if name not in ("store", "theme", "roles"):
            raise InputError(f"{path}: {name} is not a setting: store, theme or roles are")
    roles = said.get("roles", {})
    if not isinstance(roles, dict) or not all(isinstance(role, str) for role in roles.values()):
        raise InputError(f"{path}: roles must give each actor a role in text")
    return Settings(
        store=store or os.environ.get("ENTL_STORE") or _text(said, "store", path) or _default(),
        actor=actor or getpass.getuser(),
        roles=roles,
        theme=_text(said, "theme", path),
    )


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def _text(said: Mapping[str, object], name: str, path: Path) -> str | None:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{path}: {name} must be text")
    return value


def _default() -> str:
    import platformdirs

    return str(platformdirs.user_data_path(_APP) / "ledger.duckdb")
