"""What whole numbers in an event can be: a body in which one is beyond its range is no event."""

from __future__ import annotations

from typing import Annotated

import msgspec

from entitlement_ledger.domain.instants import INSTANT_MAX, INSTANT_MIN
from entitlement_ledger.domain.quantities import QUANTITY_MAX, QUANTITY_MIN

Moment = Annotated[int, msgspec.Meta(ge=INSTANT_MIN, le=INSTANT_MAX)]
"""An `Instant` of the years 0001 to 9999."""
Whole = Annotated[int, msgspec.Meta(ge=QUANTITY_MIN, le=QUANTITY_MAX)]
"""A number of 64 bits, with its sign."""
