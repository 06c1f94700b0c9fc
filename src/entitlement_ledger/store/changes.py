"""What transactions changed, with what is needed to write the quantities down."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from entitlement_ledger.answers import BalanceChange
from entitlement_ledger.domain.events import TransactionEvent
from entitlement_ledger.store.tables import entitlements


def balance_changes(
    connection: Connection, events: Iterable[TransactionEvent]
) -> dict[int, tuple[BalanceChange, ...]]:
    """Give the balances that each event touched, by its sequence, with one statement for all."""
    changes = {event.sequence: event.balances for event in events}
    codes = {change.entitlement for touched in changes.values() for change in touched}
    known = select(entitlements.c.code, entitlements.c.scale, entitlements.c.unit).where(
        entitlements.c.code.in_(sorted(codes))
    )
    units = {row.code: row for row in connection.execute(known).all()} if codes else {}
    return {
        sequence: tuple(
            BalanceChange(
                entitlement=change.entitlement,
                scale=units[change.entitlement].scale,
                unit=units[change.entitlement].unit,
                available_before=change.before.available,
                available_after=change.after.available,
                held_before=change.before.held,
                held_after=change.after.held,
            )
            for change in touched
        )
        for sequence, touched in changes.items()
    }
