"""The clock: one of the two seams. The rules never look at it; the façade is given one."""

from __future__ import annotations

import time
from collections.abc import Callable

from entitlement_ledger.domain.instants import Instant

Clock = Callable[[], Instant]
"""Gives the present as microseconds since 1970, UTC."""


def system_clock() -> Instant:
    """Read the system's clock. It may go back; the ledger's own time does not."""
    return time.time_ns() // 1000
