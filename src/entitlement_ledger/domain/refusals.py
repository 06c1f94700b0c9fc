"""Refusals: the codes, and the error that carries one out of a rule."""

from __future__ import annotations

from enum import StrEnum

from entitlement_ledger.domain.catalogue import Entitlement
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.domain.quantities import format_quantity


class Code(StrEnum):
    """Why a command was refused. When several apply, the rules are asked in the domain's order."""

    INVALID_FIELD = "invalid_field"
    MISSING_FIELD = "missing_field"
    KEY_CONFLICT = "key_conflict"
    UNKNOWN_CUSTOMER = "unknown_customer"
    CUSTOMER_SUSPENDED = "customer_suspended"
    CUSTOMER_CLOSED = "customer_closed"
    UNKNOWN_ENTITLEMENT = "unknown_entitlement"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_TRANSACTION = "unknown_transaction"
    ENTITLEMENT_RETIRED = "entitlement_retired"
    NOT_CONSUMABLE = "not_consumable"
    NOT_A_HOLD = "not_a_hold"
    NOT_REVERSIBLE = "not_reversible"
    REASON_REQUIRED = "reason_required"
    INVALID_QUANTITY = "invalid_quantity"
    INVALID_TIME = "invalid_time"
    PERIOD_CLOSED = "period_closed"
    ALREADY_RESOLVED = "already_resolved"
    EXCEEDS_HELD = "exceeds_held"
    EXCEEDS_ORIGINAL = "exceeds_original"
    NOT_SUBSCRIBED = "not_subscribed"
    ALREADY_SUBSCRIBED = "already_subscribed"
    WRONG_TIER = "wrong_tier"
    NOT_PERMITTED = "not_permitted"
    OWN_PROPOSAL = "own_proposal"
    NOT_PENDING = "not_pending"
    INSUFFICIENT_BALANCE = "insufficient_balance"


class Refused(Exception):
    """A rule said no: `code` for programs, `message` for people, with the numbers in it."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def too_little(asked: int, can_give: int, at: Instant, entitlement: Entitlement) -> str:
    """Say that less can be given at an instant than is asked for, in the entitlement's unit."""
    wanted, there = (format_quantity(n, entitlement.scale) for n in (asked, can_give))
    return f"{wanted} {entitlement.unit} asked for, {there} can be given at {format_instant(at)}"
