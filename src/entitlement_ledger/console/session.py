"""The session: an open ledger, who is asking, and what may be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entitlement_ledger.console.moment import NOW, Moment

if TYPE_CHECKING:
    from entitlement_ledger.answers import Vouched
    from entitlement_ledger.ledger import Ledger


@dataclass(slots=True)
class Session:
    """What every screen works with.

    Attributes:
        name: how the store is called on the status line.
        vouched: how many transactions and findings there were, and whether the seal held, when
            last looked.
        moment: as of when everything is shown.
    """

    ledger: Ledger
    name: str
    actor: str
    role: str | None = None
    read_only: bool = False
    demo: bool = False
    vouched: Vouched | None = None
    moment: Moment = NOW

    @property
    def who(self) -> str:
        """Who is asking, with the role if there is one."""
        return f"{self.actor} ({self.role})" if self.role else self.actor
