"""An app with our themes: they can be chosen, and are seen as their files are saved."""

from __future__ import annotations

from textual.app import App
from textual.theme import Theme

from entitlement_ledger.console.contrast import warning_of
from entitlement_ledger.console.styling import LastingStylesheet
from entitlement_ledger.console.themes import DEFAULT_THEME, problem_of
from entitlement_ledger.console.watching import LOOK_SECONDS, Themes
from entitlement_ledger.harmless import harmless


class ThemedApp(App[None]):
    """Uses the themes of files, whatever becomes of these."""

    def use_themes(self, wanted: str | None) -> None:
        """Read the themes and begin with one; what is wrong with them is told later."""
        self.stylesheet = LastingStylesheet(variables=self.get_css_variables())
        self._themes = Themes()
        self._themes.read(wanted or DEFAULT_THEME)
        for each in self._themes.found.values():
            self.register_theme(each.theme)
        self._theme_problems = list(self._themes.problems.values())
        if wanted is not None and wanted not in self._themes.found:
            problem = problem_of(wanted, self.our_themes, self._themes.problems)
            if problem is not None and problem not in self._theme_problems:
                self._theme_problems.append(problem)
            wanted = None
        self.theme = wanted or DEFAULT_THEME

    @property
    def our_themes(self) -> tuple[str, ...]:
        """The names of the themes that can be chosen now."""
        return tuple(sorted(self._themes.found))

    def watch_themes(self) -> None:
        """Tell what is wrong with the themes, and go on looking at their files."""
        self._warn(self._theme_problems)
        self._theme_chosen(self.current_theme)
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        self.set_interval(LOOK_SECONDS, self._look_at_themes)

    def _look_at_themes(self) -> None:
        seen = self._themes.reread(self.theme)
        if seen is None:
            return
        changed, said = seen
        for name in changed:
            self.register_theme(self._themes.found[name].theme)
        if self.theme in changed:
            self._warned = self.theme
            self.mutate_reactive(ThemedApp.theme)
        self._warn(said)

    _warned = ""
    """The theme whose contrast was warned of last: once is enough."""

    def _theme_chosen(self, theme: Theme) -> None:
        warning = warning_of(theme) if theme.name in self._themes.found else None
        if warning is not None and theme.name != self._warned:
            self._warn([warning])
        self._warned = theme.name

    def _warn(self, lines: list[str]) -> None:
        for line in lines:
            self.notify(harmless(line), title="Theme", severity="warning", markup=False, timeout=10)
