"""Settings: a flag wins over the environment, that over the file, that over the default."""

from __future__ import annotations

import getpass
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from entitlement_ledger.errors import InputError

if TYPE_CHECKING:
    from entitlement_ledger.domain.policy import ApprovalRule

_APP = "entitlement-ledger"
_NAMES = ("store", "theme", "witness", "signing_key", "roles", "approval", "suspicious")
_ROLES = ("support", "supervisor", "auditor", "finance", "system")
_KINDS = ("points", "credits", "quota", "feature", "offer")
_TYPES = (
    "issue", "consume", "hold", "capture", "release", "adjust", "reverse",
    "purchase", "renew", "upgrade", "downgrade", "cancel",
)  # fmt: skip


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
    """

    store: str
    actor: str
    roles: Mapping[str, str] = field(default_factory=dict)
    theme: str | None = None
    witness: Path | None = None
    signing_key: Path | None = None
    approvals: tuple[ApprovalRule, ...] = ()
    suspicious: Mapping[str, object] = field(default_factory=dict)


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
        if name not in _NAMES:
            raise InputError(f"{path}: {name} is not a setting: {', '.join(_NAMES)} are")
    roles = said.get("roles", {})
    if not isinstance(roles, dict) or not all(isinstance(role, str) for role in roles.values()):
        raise InputError(f"{path}: roles must give each actor a role in text")
    unknown = sorted(set(roles.values()) - set(_ROLES))
    if unknown:
        raise InputError(f"{path}: roles: {unknown[0]} is not one of {', '.join(_ROLES)}")
    suspicious = said.get("suspicious", {})
    if not isinstance(suspicious, dict):
        raise InputError(f"{path}: suspicious must be tables: [suspicious.RULE]")
    return Settings(
        suspicious=suspicious,
        approvals=_approvals(said.get("approval", []), path),
        store=store or os.environ.get("ENTL_STORE") or _text(said, "store", path) or _default(),
        actor=actor or getpass.getuser(),
        roles=roles,
        theme=_text(said, "theme", path),
        witness=_path(os.environ.get("ENTL_WITNESS") or _text(said, "witness", path)),
        signing_key=_path(os.environ.get("ENTL_KEY") or _text(said, "signing_key", path))
        or config_folder() / "signing.key",
    )


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def _approvals(said: object, path: Path) -> tuple[ApprovalRule, ...]:
    """Read the tables `[[approval]]`."""
    from entitlement_ledger.domain.policy import ApprovalRule

    if not isinstance(said, list):
        raise InputError(f"{path}: approval must be a list of tables: [[approval]]")
    rules = []
    for number, table in enumerate(said, 1):
        where = f"{path}: approval {number}"
        if not isinstance(table, dict) or set(table) - {"types", "kinds", "above", "approvers"}:
            raise InputError(f"{where} may have types, kinds, above and approvers")
        above = table.get("above")
        if above is not None and (isinstance(above, bool) or not isinstance(above, int)):
            raise InputError(f"{where}: above must be a whole number in the smallest unit")
        rules.append(
            ApprovalRule(
                types=_names(table.get("types"), where, "types", _TYPES),
                kinds=None
                if "kinds" not in table
                else _names(table["kinds"], where, "kinds", _KINDS),
                above=above,
                approvers=_names(
                    table.get("approvers", ["supervisor"]), where, "approvers", _ROLES
                ),
            )
        )
    return tuple(rules)


def _names(said: object, where: str, name: str, known: tuple[str, ...]) -> frozenset[str]:
    if not isinstance(said, list) or not said or not all(each in known for each in said):
        raise InputError(f"{where}: {name} must list some of {', '.join(known)}")
    return frozenset(said)


def _text(said: Mapping[str, object], name: str, path: Path) -> str | None:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{path}: {name} must be text")
    return value


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _default() -> str:
    import platformdirs

    return str(platformdirs.user_data_path(_APP) / "ledger.duckdb")
