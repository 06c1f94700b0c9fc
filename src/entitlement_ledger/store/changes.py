"""What transactions changed, with what is needed to write the quantities down."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, select

from entitlement_ledger.answers import BalanceChange
from entitlement_ledger.domain.events import TransactionEvent
from entitlement_ledger.store.tables import entitlements


def scales_and_units(connection: Connection, codes: Collection[str]) -> dict[str, tuple[int, str]]:
    """Say how quantities of entitlements are written."""
    if not codes:
        return {}
    known = select(entitlements.c.code, entitlements.c.scale, entitlements.c.unit)
    rows = connection.execute(known.where(entitlements.c.code.in_(sorted(codes)))).all()
    return {row.code: (row.scale, row.unit) for row in rows}


def balance_changes(
    connection: Connection, events: Iterable[TransactionEvent]
) -> dict[int, tuple[BalanceChange, ...]]:
    """Give the balances that each event touched, by its sequence, with one statement for all."""
    changes = {event.sequence: event.balances for event in events}
    codes = {change.entitlement for touched in changes.values() for change in touched}
    written = scales_and_units(connection, codes)
    return {
        sequence: tuple(
            BalanceChange(
                entitlement=change.entitlement,
                scale=written[change.entitlement][0],
                unit=written[change.entitlement][1],
                available_before=change.before.available,
                available_after=change.after.available,
                held_before=change.before.held,
                held_after=change.after.held,
            )
            for change in touched
        )
        for sequence, touched in changes.items()
    }
