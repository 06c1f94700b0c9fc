"""Writing the working paper of a sample into a new folder; then what was written."""

from __future__ import annotations

import re
from pathlib import Path

from textual.content import Content

from entitlement_ledger.console.screens.working import Work
from entitlement_ledger.console.screens.writing import WritingScreen
from entitlement_ledger.counted import counted
from entitlement_ledger.reviews import Sample, WorkingPaper

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_SEED_MAX = 20


class PaperScreen(WritingScreen):
    """A working paper into a folder."""

    path_name = "folder"

    def __init__(self, sample: Sample) -> None:
        super().__init__()
        self._sample = sample

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Audit", "Sample", "Working paper")

    def heading(self) -> str:
        """Say what is to be written."""
        count = len(self._sample.chosen)
        return f"Write {counted(count, 'event')}, with the proof of each, into a new folder"

    def place(self) -> str:
        """Propose a folder that says how the sample was drawn."""
        return _name(self._sample)

    def begin_writing(self, path: Path) -> None:
        """Write the working paper in a worker."""
        assert self.session is not None
        actor, sample = self.session.actor, self._sample
        self.begin(
            lambda ledger, progress: ledger.write_working_paper(
                sample, path, actor=actor, progress=progress
            ),
            self._written,
        )

    def far(self, work: Work) -> str:
        """Say how many proofs have been written."""
        return f"{work.done:,} of {work.total:,}"

    def _written(self, paper: WorkingPaper) -> None:
        said = [
            Content(f"{paper.events:,} events; README.txt says how to check them"),
            Content.assemble(("SHA256SUMS ", "$secondary"), paper.sha256),
        ]
        if paper.unsealed:
            lacking = f"✗ {paper.unsealed:,} have no proof: no signed checkpoint covers them."
            said.append(Content.assemble((lacking, "bold $warning")))
        self.wrote(paper.folder, *said)


def _name(sample: Sample) -> str:
    """Call a folder by how the sample was drawn: `working-paper-monetary-42`."""
    parts = ["working-paper", sample.method, sample.seed[:_SEED_MAX]]
    clean = (_NOT_IN_NAMES.sub("_", part).strip("._-") for part in parts)
    return "-".join(part for part in clean if part)
