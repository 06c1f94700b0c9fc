"""The settings file: read as TOML, looked at setting by setting, each fault told in one line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from entitlement_ledger.errors import InputError
from entitlement_ledger.nearest import nearest

if TYPE_CHECKING:
    from entitlement_ledger.domain.policy import ApprovalRule

_ROLES = ("support", "supervisor", "auditor", "finance", "system")
_KINDS = ("points", "credits", "quota", "feature", "offer")
_TYPES = (
    "issue", "consume", "hold", "capture", "release", "adjust", "reverse",
    "purchase", "renew", "upgrade", "downgrade", "cancel",
)  # fmt: skip
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+|[.\s])+?)\s*=""")
_APPROVAL = ("types", "kinds", "above", "approvers")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What the file says.

    Attributes:
        content: its text; empty where there is no file.
        said: what that text says, as TOML.
    """

    path: Path
    content: str
    said: Mapping[str, object]

    def text(self, name: str) -> str | None:
        """Give a setting that is text, or None where the file does not name it.

        Raises:
            InputError: it is something else.
        """
        value = self.said.get(name)
        if value is not None and not isinstance(value, str):
            raise InputError(f"{self.path}: {name} must be text")
        return value

    def tables(self, name: str, each: str) -> Mapping[str, object]:
        """Give a table of tables; what may stand in them, those say whom it is for.

        Raises:
            InputError: it is something else.
        """
        value = self.said.get(name, {})
        if not isinstance(value, dict):
            raise InputError(f"{self.path}: {name} must be tables: [{name}.{each}]")
        return value

    def roles(self) -> Mapping[str, str]:
        """Give the table `[roles]`.

        Raises:
            InputError: it is no table, or gives somebody what is not a role.
        """
        roles = self.said.get("roles", {})
        if not isinstance(roles, dict) or not all(isinstance(role, str) for role in roles.values()):
            raise InputError(f"{self.path}: roles must give each actor a role in text")
        unknown = sorted(set(roles.values()) - set(_ROLES))
        if unknown:
            role, known = unknown[0], ", ".join(_ROLES)
            near = nearest(role, _ROLES, otherwise="")
            raise InputError(f"{self.path}: roles: {role} is not one of {known}{near}")
        return roles

    def keys(self) -> Mapping[str, str]:
        """Give the table `[keys]`: by the name of an action, alone or as `PLACE.NAME`, its keys.

        Which actions and keys there are, the console knows.

        Raises:
            InputError: it is no table, or a key is not text.
        """
        said = self.said.get("keys", {})
        if not isinstance(said, dict):
            raise InputError(
                f'{self.path}: keys must be a table: [keys], with lines as issue = "i"'
            )
        keys: dict[str, str] = {}
        for name, value in said.items():
            # A dot without quotation marks makes a table in TOML: ledger.search = "f".
            below = value.items() if isinstance(value, dict) else [("", value)]
            for inner, key in below:
                whole = f"{name}.{inner}" if inner else name
                if not isinstance(key, str):
                    raise InputError(f"{self.path}: keys: {whole} must be text such as ctrl+n")
                keys[whole] = key
        return keys

    def choices(self, name: str, known: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
        """Give a table of settings that are each one of a few words; `known` says of which.

        Raises:
            InputError: it is no table, or has another setting or word.
        """
        said = self.said.get(name, {})
        if not isinstance(said, dict):
            raise InputError(f"{self.path}: {name} must be a table: [{name}]")
        for each, value in said.items():
            if each not in known:
                may = f"it may have {', '.join(known)}"
                near = nearest(each, tuple(known), otherwise=may)
                raise InputError(f"{self.path}: {name}: {each} is not a setting{near}")
            if value not in known[each]:
                may = ", ".join(known[each])
                near = nearest(str(value), known[each], otherwise="")
                raise InputError(f"{self.path}: {name}.{each} must be one of {may}{near}")
        return said

    def approvals(self) -> tuple[ApprovalRule, ...]:
        """Give the tables `[[approval]]`.

        Raises:
            InputError: one of them says what a rule cannot say.
        """
        said = self.said.get("approval", [])
        if said == []:
            return ()  # the rules' own imports take longer than all other settings
        from entitlement_ledger.domain.policy import ApprovalRule

        if not isinstance(said, list):
            raise InputError(f"{self.path}: approval must be a list of tables: [[approval]]")
        rules = []
        for number, table in enumerate(said, 1):
            where = f"{self.path}: approval {number}"
            if not isinstance(table, dict):
                raise InputError(f"{where} must be a table: [[approval]]")
            for name in table:
                if name not in _APPROVAL:
                    may = f"it may have {', '.join(_APPROVAL)}"
                    raise InputError(
                        f"{where}: {name} is not known{nearest(name, _APPROVAL, otherwise=may)}"
                    )
            above = table.get("above")
            if above is not None and (isinstance(above, bool) or not isinstance(above, int)):
                raise InputError(f"{where}: above must be a whole number in the smallest unit")
            approvers = table.get("approvers", ["supervisor"])
            rules.append(
                ApprovalRule(
                    types=_some(table.get("types"), where, "types", _TYPES),
                    kinds=None
                    if "kinds" not in table
                    else _some(table["kinds"], where, "kinds", _KINDS),
                    above=above,
                    approvers=_some(approvers, where, "approvers", _ROLES),
                )
            )
        return tuple(rules)

    def line(self, *names: str) -> int | None:
        """Give the number, from 1, of the line that says a setting; None where none is found.

        `names` lead to it: a table's, then the setting's. A table of a list has its number, from 1,
        for a name behind the list's.
        """
        path: tuple[str, ...] = ()
        numbers: dict[tuple[str, ...], int] = {}
        for number, line in enumerate(self.content.splitlines(), 1):
            header = re.match(r"\s*(\[\[?)([^]]*)\]", line)
            if header:
                path = _parts(header[2])
                if header[1] == "[[":
                    numbers[path] = numbers.get(path, 0) + 1
                    path = (*path, str(numbers[path]))
                if path == names:
                    return number
                continue
            key = _KEY.match(line)
            if key and (*path, *_parts(key[1]))[: len(names)] == names:
                return number
        return None


def read_settings_file(path: Path) -> SettingsFile:
    """Read the file; one that is not there says nothing.

    Raises:
        InputError: it cannot be read, or is not TOML.
    """
    try:
        content = path.read_text("utf-8")
        return SettingsFile(path, content, tomllib.loads(content))
    except FileNotFoundError:
        return SettingsFile(path, "", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def _some(said: object, where: str, name: str, known: tuple[str, ...]) -> frozenset[str]:
    must = f"{where}: {name} must list some of {', '.join(known)}"
    if not isinstance(said, list) or not said or not all(isinstance(each, str) for each in said):
        raise InputError(must)
    for each in said:
        if each not in known:
            raise InputError(f"{must}; {each} is not one{nearest(each, known, otherwise='')}")
    return frozenset(said)


def _parts(name: str) -> tuple[str, ...]:
    """Take a TOML key apart at its dots, those in quotation marks aside."""
    found = re.findall(r'"([^"]*)"|\'([^\']*)\'|([^.\s"\']+)', name)
    return tuple(double or single or bare for double, single, bare in found)
