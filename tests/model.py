"""The ledger as slowly and obviously as it can be said: what every quick answer is held against.

It knows no sweep, no cache, no batch and no postings, only lots and the moves on them. Times are
instants; a lot's `live` quantity is what it would hold if nothing ever expired.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MINUTE = 60_000_000
QUANTITY_MAX = 2**63 - 1
FOREVER = 2**70


@dataclass
class Lot:
    customer: str
    entitlement: str
    quantity: int
    priority: int
    category: str
    start: int
    end: int | None
    number: int
    moves: list[tuple[int, int]] = field(default_factory=list)

    def usable(self, at: int) -> bool:
        return self.start <= at and (self.end is None or at < self.end)

    def live(self, at: int) -> int:
        return sum(quantity for moment, quantity in self.moves if moment <= at)

    def gives(self, at: int) -> int:
        if not self.usable(at):
            return 0
        return min(self.live(moment) for moment in [at, *(m for m, _ in self.moves if m > at)])

    def order(self) -> tuple[int, int, int, int, int]:
        end = FOREVER if self.end is None else self.end
        return (self.priority, end, 0 if self.category == "promo" else 1, self.start, self.number)


@dataclass
class Answer:
    status: str
    code: str | None = None
    draws: list[tuple[int, int]] = field(default_factory=list)
    balance: int | None = None
    duplicate: bool = False


@dataclass
class Done:
    line: dict[str, Any]
    answer: Answer
    at: int
    given: Lot | None = None
    taken: list[tuple[Lot, int]] = field(default_factory=list)
    undone: int = 0


class No(Exception):
    pass


@dataclass
class Model:
    """`customers` by status, `entitlements` by (kind, status)."""

    customers: dict[str, str]
    entitlements: dict[str, tuple[str, str]]
    lots: list[Lot] = field(default_factory=list)
    done: dict[str, Done] = field(default_factory=dict)

    def balance(self, customer: str, entitlement: str, at: int) -> int:
        return sum(
            lot.live(at)
            for lot in self.lots
            if (lot.customer, lot.entitlement) == (customer, entitlement) and lot.usable(at)
        )

    def post(self, line: dict[str, Any], now: int) -> Answer:
        """Answer one line of right shape, with `at` and `until` as instants."""
        first = self.done.get(line["key"])
        if first is not None:
            if first.line != line:
                return Answer("refused", "key_conflict")
            return Answer(
                first.answer.status,
                first.answer.code,
                first.answer.draws,
                first.answer.balance,
                duplicate=True,
            )
        record = Done(line, Answer("completed"), line.get("at", now))
        try:
            entitlement = getattr(self, line["type"])(line, record, now)
            record.answer.balance = self.balance(line["customer"], entitlement, record.at)
        except No as no:
            record.answer = Answer("refused", str(no))
        self.done[line["key"]] = record
        return record.answer

    def ask(self, line: dict[str, Any], *refused: str) -> None:
        if line["customer"] not in self.customers:
            raise No("unknown_customer")
        status = self.customers[line["customer"]]
        if status in refused:
            raise No(f"customer_{status}")

    def catalogue(self, line: dict[str, Any]) -> tuple[str, str]:
        if line["entitlement"] not in self.entitlements:
            raise No("unknown_entitlement")
        return self.entitlements[line["entitlement"]]

    def issue(self, line: dict[str, Any], record: Done, _now: int) -> str:
        self.ask(line, "closed")
        if self.catalogue(line)[1] == "retired":
            raise No("entitlement_retired")
        if line["quantity"] <= 0:
            raise No("invalid_quantity")
        if "until" in line and line["until"] <= record.at:
            raise No("invalid_time")
        self.give(line, record, line.get("category", "paid"), line.get("until"))
        return str(line["entitlement"])

    def give(self, line: dict[str, Any], record: Done, category: str, until: int | None) -> None:
        record.given = Lot(
            line["customer"],
            line["entitlement"],
            line["quantity"],
            line.get("priority", 100),
            category,
            record.at,
            until,
            len(self.lots),
            [(record.at, line["quantity"])],
        )
        self.lots.append(record.given)

    def consume(self, line: dict[str, Any], record: Done, now: int) -> str:
        self.ask(line, "closed", "suspended")
        if self.catalogue(line)[0] == "feature":
            raise No("not_consumable")
        if line["quantity"] <= 0:
            raise No("invalid_quantity")
        if record.at > now + 5 * MINUTE:
            raise No("invalid_time")
        self.take(line["customer"], line["entitlement"], line["quantity"], record)
        return str(line["entitlement"])

    def take(self, customer: str, entitlement: str, quantity: int, record: Done) -> None:
        lots = [
            lot
            for lot in self.lots
            if (lot.customer, lot.entitlement) == (customer, entitlement)
            and lot.gives(record.at) > 0
        ]
        if sum(lot.gives(record.at) for lot in lots) < quantity:
            raise No("insufficient_balance")
        for lot in sorted(lots, key=Lot.order):
            drawn = min(quantity, lot.gives(record.at))
            if drawn:
                lot.moves.append((record.at, -drawn))
                record.taken.append((lot, drawn))
                quantity -= drawn
        record.answer.draws = [(lot.number, drawn) for lot, drawn in record.taken]

    def adjust(self, line: dict[str, Any], record: Done, now: int) -> str:
        self.ask(line, "closed")
        if self.catalogue(line)[1] == "retired" and line["quantity"] > 0:
            raise No("entitlement_retired")
        if not line.get("reason", "").strip():
            raise No("reason_required")
        if line["quantity"] == 0:
            raise No("invalid_quantity")
        if record.at > now + 5 * MINUTE:
            raise No("invalid_time")
        if line["quantity"] > 0:
            self.give(line, record, "promo", None)
        else:
            self.take(line["customer"], line["entitlement"], -line["quantity"], record)
        return str(line["entitlement"])

    def reverse(self, line: dict[str, Any], record: Done, now: int) -> str:
        self.ask(line)
        original = self.done.get(line["transaction"])
        if original is None or original.line["customer"] != line["customer"]:
            raise No("unknown_transaction")
        if original.answer.status == "refused" or original.line["type"] == "reverse":
            raise No("not_reversible")
        if "quantity" in line and line["quantity"] <= 0:
            raise No("invalid_quantity")
        scheduled = original.given is not None and original.at > now
        if record.at > now + 5 * MINUTE or (record.at < original.at and not scheduled):
            raise No("invalid_time")
        left = abs(original.line["quantity"]) - original.undone
        if left == 0:
            raise No("already_resolved")
        quantity = line.get("quantity", left)
        if quantity > left:
            raise No("exceeds_original")
        if original.given is not None:
            at = max(record.at, original.at)
            if original.given.gives(at) < quantity:
                raise No("insufficient_balance")
            original.given.moves.append((at, -quantity))
            record.answer.draws = [(original.given.number, quantity)]
        else:
            self.put_back(original, quantity, record)
        original.undone += quantity
        return str(original.line["entitlement"])

    def put_back(self, original: Done, quantity: int, record: Done) -> None:
        """Give one unit at a time back to the lot that the last unit still out came from."""
        out = [lot for lot, drawn in original.taken for _ in range(drawn)]
        for lot in reversed(out[: len(out) - original.undone][-quantity:]):
            lot.moves.append((record.at, 1))
            if record.answer.draws and record.answer.draws[-1][0] == lot.number:
                _, so_far = record.answer.draws.pop()
                record.answer.draws.append((lot.number, so_far + 1))
            else:
                record.answer.draws.append((lot.number, 1))
