"""Watching the themes' files: what is saved is seen at once, and what is broken changes nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from entitlement_ledger.console.contrast import warning_of
from entitlement_ledger.console.themes import FoundTheme, find_themes, own_themes

LOOK_SECONDS = 1.0
"""How often the files are looked at while the console is open."""

Stamps = dict[Path, tuple[int, int]]
"""When each file was last written to, in nanoseconds, and its size in bytes."""


@dataclass(slots=True)
class Themes:
    """The themes that can be chosen, kept up to date with their files.

    Attributes:
        found: by name; of a file that has been broken since, what it said before.
        problems: by file, a line that says what is wrong with it.
    """

    found: dict[str, FoundTheme] = field(default_factory=dict)
    problems: dict[Path, str] = field(default_factory=dict)
    _folder: Path = field(default_factory=own_themes)
    _stamps: Stamps = field(default_factory=dict)

    def read(self, in_use: str) -> None:
        """Read all of them for the first time."""
        self.found, self.problems = find_themes()
        self._stamps = self._look(in_use)

    def reread(self, in_use: str) -> tuple[list[str], list[str]] | None:
        """Read them again if a file of the user's, or of the theme in use, has changed.

        Returns:
            None where nothing has changed, else the names of themes that are new or look different,
            and a line for each fault that was not there before.
        """
        before, stamps = self._stamps, self._look(in_use)
        if stamps == before:
            return None
        self._stamps = stamps
        found, problems = find_themes()
        said = [
            f"{line}; what it said before stays" if path.stem in self.found else line
            for path, line in problems.items()
            if stamps.get(path) != before.get(path)
        ]
        for path in problems:
            last = self.found.get(path.stem)
            if last is not None and last.path == path:
                found[path.stem] = last
        used = self.found.get(in_use)
        if used is not None and used.path not in stamps and in_use not in found:
            found[in_use] = used
            if used.path in before:
                said.append(f"{used.path}: is gone; its theme stays until another is chosen")
        changed = [
            name
            for name, each in found.items()
            if name not in self.found or each.theme != self.found[name].theme
        ]
        warnings = [warning_of(found[name].theme) for name in changed]
        self.found, self.problems = found, problems
        return changed, [*said, *filter(None, warnings)]

    def _look(self, in_use: str) -> Stamps:
        """Look when the files were saved: one look at a folder, and one at a file."""
        stamps: Stamps = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.endswith(".toml"):
                        about = entry.stat()
                        stamps[Path(entry.path)] = about.st_mtime_ns, about.st_size
            used = self.found.get(in_use)
            if used is not None and not used.own:
                about = used.path.stat()
                stamps[used.path] = about.st_mtime_ns, about.st_size
        except OSError:
            # Gone, or going, while it was looked at: the next look tells.
            return stamps
        return stamps
