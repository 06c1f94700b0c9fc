"""The ledger as slowly and obviously as it can be said: what every quick answer is held against.

It knows no sweep, no cache, no batch and no postings, only lots, the moves on them and open holds.
Times are instants; a lot's `live` quantity is what it would hold if nothing ever expired. Periods
of products are fixed lengths here: calendars have tests of their own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MINUTE = 60_000_000
FOREVER = 2**70

Line = dict[str, Any]


@dataclass
class Hold:
    start: int
    end: int | None
    quantity: int
    until: int | None = None
    """When it was captured or released; None while nobody has."""
    came_back: bool | None = None
    """Whether its end gave anything back that was drawn on, said when its lot was ended before that
    end but heard of later; None where time alone tells."""


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
    sub: Sub | None = None
    period: int | None = None
    rollover: int | None = None
    moves: list[tuple[int, int]] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    ended: int | None = None

    def usable(self, at: int) -> bool:
        return self.start <= at and (self.end is None or at < self.end)

    def live(self, at: int) -> int:
        moved = sum(quantity for moment, quantity in self.moves if moment <= at)
        return moved - sum(hold.quantity for hold in self.holds if self.kept(hold, at))

    def kept(self, hold: Hold, at: int) -> bool:
        """An open hold keeps its quantity until its end, and for good if the lot has ended."""
        if hold.until is not None or at < hold.start:
            return False
        return hold.end is None or at < hold.end or not self.lapses_back(hold)

    def lapses_back(self, hold: Hold) -> bool:
        """What comes back at the instant at which the lot ends was still there to be taken."""
        end = FOREVER if hold.end is None else hold.end
        if hold.came_back is not None:
            return hold.came_back
        return self.ended is None or end <= self.ended

    def comes_back(self, at: int) -> bool:
        return self.ended is None or at < self.ended

    def lowest(self, at: int) -> int:
        moments = [moment for moment, _ in self.moves]
        moments += [moment for hold in self.holds for moment in (hold.start, hold.end or 0)]
        return min(self.live(moment) for moment in [at, *(m for m in moments if m > at)])

    def gives(self, at: int) -> int:
        return self.lowest(at) if self.usable(at) else 0

    def held(self, at: int) -> int:
        total = 0
        for hold in self.holds:
            end = hold.until if hold.until is not None else hold.end
            if hold.start <= at and (end is None or at < end):
                total += hold.quantity
        return total

    def back(self, at: int, quantity: int, awaited: int | None = None) -> None:
        """Take back a quantity; a lot that has ended passes it on, unless it was awaited anyway."""
        if quantity and self.comes_back(at):
            self.moves.append((at, quantity))
            if self.ended is not None and awaited is None:
                self.moves.append((self.ended, -quantity))
        elif quantity and awaited is not None:
            self.moves.append((awaited, quantity))

    def order(self) -> tuple[int, int, int, int, int]:
        end = FOREVER if self.end is None else self.end
        return (self.priority, end, 0 if self.category == "promo" else 1, self.start, self.number)


@dataclass
class Sub:
    customer: str
    product: str
    anchor: int
    length: int | None
    number: int
    opened: int = 1
    rolled: int = 0
    ended: int | None = None
    pending: tuple[int, Line] | None = None

    def over(self, at: int) -> bool:
        """One that ended before it began never lived."""
        return self.ended is not None and self.ended <= max(at, self.anchor)

    def starts(self, period: int) -> int:
        if period == 1:
            return self.anchor
        if self.length is None:
            raise No("not_subscribed")
        return self.anchor + (period - 1) * self.length


@dataclass
class Answer:
    status: str
    code: str | None = None
    draws: list[tuple[int, int]] = field(default_factory=list)
    balance: tuple[int, int] | None = None
    duplicate: bool = False


@dataclass
class Done:
    line: Line
    answer: Answer
    at: int
    given: list[Lot] = field(default_factory=list)
    taken: list[tuple[Lot, int]] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    undone: int = 0
    hold: list[tuple[Lot, Hold]] = field(default_factory=list)
    sub: Sub | None = None
    proposes: bool = False
    rejected: bool = False
    approved: Done | None = None
    """What carried this proposal out."""
    does: Line = field(default_factory=dict)
    """The line that was carried out: of an approval, the one that was proposed."""

    def __post_init__(self) -> None:
        self.does = self.line

    @property
    def quantity(self) -> int:
        if self.does["type"] == "capture":
            return sum(quantity for _, quantity in self.taken)
        return abs(int(self.does["quantity"]))

    def can_be_undone(self) -> bool:
        reversible = ("issue", "consume", "adjust", "capture", "purchase")
        if self.answer.status == "refused" or self.proposes:
            return False
        return self.does["type"] in reversible


class No(Exception):
    pass


@dataclass
class Model:
    """`customers` by status, `entitlements` by (kind, status), `products` as the tests say them.

    `watched` gives the types that need a second person, with the quantity from which they do.
    """

    customers: dict[str, str]
    entitlements: dict[str, tuple[str, str]]
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    watched: Mapping[str, int] = field(default_factory=dict)
    lots: list[Lot] = field(default_factory=list)
    subs: list[Sub] = field(default_factory=list)
    done: dict[str, Done] = field(default_factory=dict)
    closed: int | None = None

    def balance(self, customer: str, entitlement: str, at: int) -> tuple[int, int]:
        lots = [
            lot
            for lot in self.lots
            if (lot.customer, lot.entitlement) == (customer, entitlement) and lot.usable(at)
        ]
        return sum(lot.live(at) for lot in lots), sum(lot.held(at) for lot in lots)

    def post(self, line: Line, now: int) -> Answer:
        """Answer one line of right shape, with `at` and `until` as instants."""
        first = self.done.get(line["key"])
        if first is not None:
            if first.line != line:
                return Answer("refused", "key_conflict")
            told = first.answer
            return Answer(told.status, told.code, told.draws, told.balance, duplicate=True)
        record = Done(line, Answer("completed"), line.get("at", now))
        try:
            if self.needs_another(line):
                self.propose(line, now)
                record.answer.status, record.proposes = "pending", True
            else:
                self.carry_out(line, record, now)
        except No as no:
            record = Done(line, Answer("refused", str(no)), record.at)
        if len(record.touched) == 1:
            (entitlement,) = record.touched
            record.answer.balance = self.balance(line["customer"], entitlement, record.at)
        self.done[line["key"]] = record
        return record.answer

    def carry_out(self, line: Line, record: Done, now: int) -> None:
        rule: Callable[[Line, Done, int], None] = getattr(self, line["type"])
        rule(line, record, now)

    def original(self, name: str) -> Done | None:
        """Find what a key stands for: an approved proposal stands for what was then done."""
        found = self.done.get(name)
        return found.approved if found and found.approved else found

    # A second person

    def needs_another(self, line: Line) -> bool:
        least = self.watched.get(line["type"])
        return least is not None and abs(line.get("quantity", 0)) >= least

    def propose(self, line: Line, now: int) -> None:
        """Do it in a copy of everything, to hear whether it would be refused."""
        copy.deepcopy(self).carry_out(
            line, Done(line, Answer("completed"), line.get("at", now)), now
        )

    def proposal(self, line: Line) -> Done:
        self.ask(line)
        proposal = self.done.get(line["transaction"])
        if proposal is None or proposal.line["customer"] != line["customer"]:
            raise No("unknown_transaction")
        if not line["reason"].strip():
            raise No("reason_required")
        if not proposal.proposes or proposal.approved or proposal.rejected:
            raise No("not_pending")
        if proposal.line.get("actor") == line.get("actor"):
            raise No("own_proposal")
        return proposal

    def approve(self, line: Line, record: Done, now: int) -> None:
        proposal = self.proposal(line)
        record.does, record.at = proposal.line, proposal.line.get("at", now)
        self.carry_out(record.does, record, now)
        proposal.approved = record

    def reject(self, line: Line, record: Done, _now: int) -> None:
        proposal = self.proposal(line)
        self.is_open(record.at)
        proposal.rejected = True

    def ask(self, line: Line, *refused: str) -> None:
        if line["customer"] not in self.customers:
            raise No("unknown_customer")
        status = self.customers[line["customer"]]
        if status in refused:
            raise No(f"customer_{status}")

    def catalogue(self, line: Line) -> tuple[str, str]:
        if line["entitlement"] not in self.entitlements:
            raise No("unknown_entitlement")
        return self.entitlements[line["entitlement"]]

    def in_time(self, record: Done, now: int) -> None:
        if record.at > now + 5 * MINUTE:
            raise No("invalid_time")

    def is_open(self, at: int) -> None:
        if self.closed is not None and at < self.closed:
            raise No("period_closed")

    def close(self, until: int) -> None:
        self.due(until - 1)
        self.closed = until

    # Single grants

    def issue(self, line: Line, record: Done, _now: int) -> None:
        self.ask(line, "closed")
        if self.catalogue(line)[1] == "retired":
            raise No("entitlement_retired")
        if line["quantity"] <= 0:
            raise No("invalid_quantity")
        if "until" in line and line["until"] <= record.at:
            raise No("invalid_time")
        self.is_open(record.at)
        category, priority = line.get("category", "paid"), line.get("priority", 100)
        self.give(record, line["entitlement"], line["quantity"], priority, category, record.at,
                  line.get("until"))  # fmt: skip

    def give(
        self,
        record: Done,
        entitlement: str,
        quantity: int,
        priority: int,
        category: str,
        start: int,
        end: int | None,
    ) -> Lot:
        customer = record.line["customer"]
        lot = Lot(customer, entitlement, quantity, priority, category, start, end, len(self.lots))
        lot.moves.append((start, quantity))
        self.lots.append(lot)
        record.given.append(lot)
        record.touched.add(entitlement)
        return lot

    def consume(self, line: Line, record: Done, now: int) -> None:
        self.ask(line, "closed", "suspended")
        if self.catalogue(line)[0] == "feature":
            raise No("not_consumable")
        if line["quantity"] <= 0:
            raise No("invalid_quantity")
        self.in_time(record, now)
        self.is_open(record.at)
        for lot, drawn in self.draw(line, line["quantity"], record):
            lot.moves.append((record.at, -drawn))

    def draw(self, line: Line, quantity: int, record: Done) -> list[tuple[Lot, int]]:
        pair = (line["customer"], line["entitlement"])
        lots = [
            lot
            for lot in self.lots
            if (lot.customer, lot.entitlement) == pair and lot.gives(record.at) > 0
        ]
        if sum(lot.gives(record.at) for lot in lots) < quantity:
            raise No("insufficient_balance")
        for lot in sorted(lots, key=Lot.order):
            drawn = min(quantity, lot.gives(record.at))
            if drawn:
                record.taken.append((lot, drawn))
                quantity -= drawn
        record.touched.add(line["entitlement"])
        record.answer.draws = [(lot.number, drawn) for lot, drawn in record.taken]
        return record.taken

    def adjust(self, line: Line, record: Done, now: int) -> None:
        self.ask(line, "closed")
        if self.catalogue(line)[1] == "retired" and line["quantity"] > 0:
            raise No("entitlement_retired")
        if not line.get("reason", "").strip():
            raise No("reason_required")
        if line["quantity"] == 0:
            raise No("invalid_quantity")
        self.in_time(record, now)
        self.is_open(record.at)
        if line["quantity"] > 0:
            self.give(record, line["entitlement"], line["quantity"], 100, "promo", record.at, None)
        else:
            for lot, drawn in self.draw(line, -line["quantity"], record):
                lot.moves.append((record.at, -drawn))

    # Holds

    def hold(self, line: Line, record: Done, now: int) -> None:
        self.ask(line, "closed", "suspended")
        if self.catalogue(line)[0] == "feature":
            raise No("not_consumable")
        if line["quantity"] <= 0:
            raise No("invalid_quantity")
        self.in_time(record, now)
        if "until" in line and line["until"] <= record.at:
            raise No("invalid_time")
        self.is_open(record.at)
        record.answer.status = "pending"
        for lot, drawn in self.draw(line, line["quantity"], record):
            hold = Hold(record.at, line.get("until"), drawn)
            lot.holds.append(hold)
            record.hold.append((lot, hold))

    def the_hold(self, line: Line) -> Done:
        original = self.original(line["transaction"])
        if original is None or original.line["customer"] != line["customer"]:
            raise No("unknown_transaction")
        if not original.hold:
            raise No("not_a_hold")
        return original

    def resolvable(self, original: Done, record: Done, now: int) -> None:
        self.in_time(record, now)
        if record.at < original.at:
            raise No("invalid_time")
        self.is_open(record.at)
        _, hold = original.hold[0]
        if hold.until is not None or (hold.end is not None and record.at >= hold.end):
            raise No("already_resolved")

    def capture(self, line: Line, record: Done, now: int) -> None:
        self.ask(line, "closed")
        original = self.the_hold(line)
        if line.get("quantity", 1) <= 0:
            raise No("invalid_quantity")
        self.resolvable(original, record, now)
        held = original.quantity
        quantity = line.get("quantity", held)
        left = min(quantity, held)
        parts = []
        for lot, hold in original.hold:
            captured = min(left, hold.quantity)
            left -= captured
            parts.append((lot, hold, captured))
            late = hold.end is not None and lot.lapses_back(hold)
            if late and lot.lowest(hold.end or 0) < captured:
                raise No("already_resolved")
        if quantity > held:
            raise No("exceeds_held")
        for lot, hold, captured in parts:
            self.resolve(lot, hold, captured, record)
            if captured:
                record.taken.append((lot, captured))
        record.answer.draws = [(lot.number, drawn) for lot, drawn in record.taken]

    def resolve(self, lot: Lot, hold: Hold, captured: int, record: Done) -> None:
        awaited = hold.end if lot.lapses_back(hold) else None
        hold.until = record.at
        lot.moves.append((hold.start, -hold.quantity))
        lot.back(record.at, hold.quantity - captured, awaited)
        record.touched.add(lot.entitlement)

    def release(self, line: Line, record: Done, now: int) -> None:
        self.ask(line)
        original = self.the_hold(line)
        self.resolvable(original, record, now)
        for lot, hold in original.hold:
            record.answer.draws.append((lot.number, hold.quantity))
            self.resolve(lot, hold, 0, record)

    # Undoing

    def reverse(self, line: Line, record: Done, now: int) -> None:
        self.ask(line)
        original = self.original(line["transaction"])
        if original is None or original.line["customer"] != line["customer"]:
            raise No("unknown_transaction")
        self.undoable(line, original, record, now)
        if line.get("quantity", 1) <= 0:
            raise No("invalid_quantity")
        scheduled = bool(original.given) and original.at > now
        self.in_time(record, now)
        if record.at < original.at and not scheduled:
            raise No("invalid_time")
        self.is_open(record.at)
        if original.does["type"] == "purchase":
            self.unpurchase(original, record, now)
            return
        left = original.quantity - original.undone
        if left == 0:
            raise No("already_resolved")
        quantity = line.get("quantity", left)
        if quantity > left:
            raise No("exceeds_original")
        if original.given:
            (lot,) = original.given
            at = max(record.at, original.at)
            if lot.gives(at) < quantity:
                raise No("insufficient_balance")
            lot.moves.append((at, -quantity))
            record.answer.draws = [(lot.number, quantity)]
            record.touched.add(lot.entitlement)
        else:
            self.put_back(original, quantity, record)
        original.undone += quantity

    def undoable(self, line: Line, original: Done, record: Done, now: int) -> None:
        if not original.can_be_undone():
            raise No("not_reversible")
        if original.does["type"] == "purchase":
            at = min(record.at, now + 5 * MINUTE)
            untouched = all(lot.gives(max(at, lot.start)) == lot.quantity for lot in original.given)
            if "quantity" in line or not (untouched or original.undone):
                raise No("not_reversible")

    def put_back(self, original: Done, quantity: int, record: Done) -> None:
        """Give one unit at a time back to the lot that the last unit still out came from."""
        out = [lot for lot, drawn in original.taken for _ in range(drawn)]
        revoked = original.does["type"] == "adjust"
        for lot in reversed(out[: len(out) - original.undone][-quantity:]):
            if lot.comes_back(record.at) or not revoked:
                record.touched.add(lot.entitlement)
            lot.back(record.at, 1)
            if record.answer.draws and record.answer.draws[-1][0] == lot.number:
                _, so_far = record.answer.draws.pop()
                record.answer.draws.append((lot.number, so_far + 1))
            else:
                record.answer.draws.append((lot.number, 1))

    def unpurchase(self, original: Done, record: Done, now: int) -> None:
        if original.undone:
            raise No("already_resolved")
        original.undone = 1
        assert original.sub is not None
        if original.sub.ended is None:
            self.end_sub(original.sub, record.at, record, now)
            return
        for lot in [each for each in self.lots if each.sub is original.sub]:
            moment = max(record.at, lot.start)
            rest = lot.gives(moment)
            if rest > 0:
                lot.moves.append((moment, -rest))
                record.answer.draws.append((lot.number, rest))
                record.touched.add(lot.entitlement)

    # Subscriptions

    def product(self, code: str) -> dict[str, Any]:
        if code not in self.products:
            raise No("unknown_product")
        return self.products[code]

    def sold(self, product: dict[str, Any]) -> None:
        if product["status"] == "retired":
            raise No("entitlement_retired")
        if any(self.entitlements[line[0]][1] == "retired" for line in product["lines"]):
            raise No("entitlement_retired")

    def has(self, customer: str, code: str, at: int) -> bool:
        return any(
            sub.product == code and not sub.over(at)
            for sub in self.subs
            if sub.customer == customer
        )

    def live_sub(self, customer: str, code: str, at: int, now: int) -> Sub:
        for sub in self.subs:
            if (sub.customer, sub.product) == (customer, code):
                begun = sub.anchor <= at or sub.anchor > now
                if begun and sub.ended is None:
                    return sub
        raise No("not_subscribed")

    def open_sub(self, customer: str, code: str, at: int, record: Done) -> Sub:
        sub = Sub(customer, code, at, self.products[code]["length"], len(self.subs))
        self.subs.append(sub)
        self.open_period(sub, record)
        return sub

    def open_period(self, sub: Sub, record: Done) -> None:
        start = sub.starts(sub.opened)
        for entitlement, quantity, valid, priority, category, rollover in self.products[
            sub.product
        ]["lines"]:
            end = None if valid is None else start + valid if valid != "period" else None
            if valid == "period" and sub.length is not None:
                end = sub.starts(sub.opened + 1)
            lot = self.give(record, entitlement, quantity, priority, category, start, end)
            lot.sub, lot.period, lot.rollover = sub, sub.opened, rollover

    def end_sub(
        self, sub: Sub, at: int, record: Done, now: int, carry_to: Sub | None = None
    ) -> None:
        for lot in [each for each in self.lots if each.sub is sub]:
            rest = self.end_lot(lot, at, record, now)
            if rest and carry_to is not None:
                start = max(at, lot.start)
                carried = self.give(
                    record, lot.entitlement, rest, lot.priority, lot.category, start, lot.end
                )
                carried.sub = carry_to
        sub.ended = max(at, sub.anchor)
        sub.pending = None

    def end_lot(self, lot: Lot, at: int, record: Done, now: int) -> int:
        moment = max(at, lot.start)
        if lot.ended is not None or (lot.end is not None and lot.end <= moment):
            return 0
        rest = lot.gives(moment)
        if rest:
            lot.moves.append((moment, -rest))
            record.answer.draws.append((lot.number, rest))
            record.touched.add(lot.entitlement)
        heard = now + 5 * MINUTE
        moments = {when for when, _ in lot.moves} | {hold.end or 0 for hold in lot.holds}
        for when in sorted(each for each in moments if moment < each <= heard):
            before = len(lot.moves)
            for hold in lot.holds:
                if hold.until is None and hold.end == when:
                    spendable = min(hold.quantity, lot.lowest(when))
                    hold.came_back = spendable < hold.quantity
                    if hold.came_back and spendable > 0:
                        lot.moves.append((when, -spendable))
                    if spendable > 0:
                        record.touched.add(lot.entitlement)
            if lot.lowest(when) > 0:
                lot.moves.append((when, -lot.lowest(when)))
            if len(lot.moves) > before:
                record.touched.add(lot.entitlement)
        lot.ended = moment
        return rest

    def purchase(self, line: Line, record: Done, _now: int) -> None:
        self.ask(line, "closed")
        self.sold(self.product(line["product"]))
        self.is_open(record.at)
        if self.has(line["customer"], line["product"], record.at):
            raise No("already_subscribed")
        record.sub = self.open_sub(line["customer"], line["product"], record.at, record)

    def renew(self, line: Line, record: Done, now: int) -> None:
        self.ask(line, "closed")
        self.product(line["product"])
        self.is_open(record.at)
        sub = self.live_sub(line["customer"], line["product"], record.at, now)
        sub.starts(2)
        sub.opened += 1
        self.open_period(sub, record)

    def upgrade(self, line: Line, record: Done, now: int) -> None:
        self.ask(line, "closed")
        old, new = self.product(line["from"]), self.product(line["to"])
        self.sold(new)
        self.in_time(record, now)
        self.is_open(record.at)
        sub = self.live_sub(line["customer"], line["from"], record.at, now)
        if self.has(line["customer"], line["to"], record.at):
            raise No("already_subscribed")
        higher = new["tier"] > old["tier"]
        lower = new["tier"] < old["tier"]
        if not (higher if line["type"] == "upgrade" else lower):
            raise No("wrong_tier")
        if line.get("timing") == "period_end":
            self.later(sub, line, record)
        else:
            self.change(sub, line, record.at, record, now)

    downgrade = upgrade

    def later(self, sub: Sub, line: Line, record: Done) -> None:
        period = 1
        while sub.starts(period + 1) <= record.at:
            period += 1
        record.answer.status = "pending"
        sub.pending = (sub.starts(period + 1), line)

    def change(self, sub: Sub, line: Line, at: int, record: Done, now: int) -> None:
        new = Sub(sub.customer, line["to"], at, self.products[line["to"]]["length"],
                  len(self.subs))  # fmt: skip
        carry = new if line.get("carry_over") == "remaining" else None
        self.end_sub(sub, at, record, now, carry)
        self.subs.append(new)
        self.open_period(new, record)

    def cancel(self, line: Line, record: Done, now: int) -> None:
        self.ask(line)
        if "grant" in line:
            self.cancel_lot(line, record, now)
            return
        self.product(line["product"])
        self.in_time(record, now)
        self.is_open(record.at)
        sub = self.live_sub(line["customer"], line["product"], record.at, now)
        if line.get("timing") == "period_end":
            self.later(sub, line, record)
        else:
            self.end_sub(sub, record.at, record, now)

    def cancel_lot(self, line: Line, record: Done, now: int) -> None:
        named = self.done.get(line["grant"])
        if named is None or not named.given or named.line["customer"] != line["customer"]:
            raise No("unknown_transaction")
        lot = named.given[0]
        self.in_time(record, now)
        if record.at < lot.start <= now:
            raise No("invalid_time")
        self.is_open(record.at)
        if lot.ended is not None or (lot.end is not None and lot.end <= record.at):
            raise No("already_resolved")
        self.end_lot(lot, record.at, record, now)

    # What time alone brings about

    def due(self, until: int) -> None:
        """Do what is due for each customer, the earliest first, until nothing is."""
        for customer in self.customers:
            while self.next_due(customer, until):
                pass

    def next_due(self, customer: str, until: int) -> bool:
        waiting: list[tuple[int, int, str, Callable[[], None]]] = []
        for sub in self.subs:
            if sub.customer == customer and sub.ended is None:
                waiting += [each for each in self.of_sub(sub, until) if each[0] <= until]
        if not waiting:
            return False
        min(waiting, key=lambda each: each[:3])[3]()
        return True

    def of_sub(self, sub: Sub, until: int) -> list[tuple[int, int, str, Callable[[], None]]]:
        """Give what will be due for a subscription: when, changes first, by name, and how."""
        name = f"{sub.number:09}"
        found: list[tuple[int, int, str, Callable[[], None]]] = []
        if sub.pending is not None:
            found.append((sub.pending[0], 0, name, lambda: self.do_pending(sub, until)))
        if sub.length is not None and self.customers[sub.customer] != "closed":
            found.append((sub.starts(sub.opened + 1), 1, name, lambda: self.do_renew(sub)))
        rolling = [
            lot.period
            for lot in self.lots
            if lot.sub is sub and lot.rollover is not None and lot.period is not None
            and sub.rolled < lot.period < sub.opened
        ]  # fmt: skip
        if rolling:
            first = min(rolling)
            found.append((sub.starts(first + 1), 2, name, lambda: self.do_roll(sub, first)))
        return found

    def by_system(self, sub: Sub) -> Done:
        return Done({"type": "due", "customer": sub.customer}, Answer("completed"), 0)

    def do_renew(self, sub: Sub) -> None:
        sub.opened += 1
        self.open_period(sub, self.by_system(sub))

    def do_roll(self, sub: Sub, period: int) -> None:
        sub.rolled = period
        start = sub.starts(period + 1)
        for lot in [each for each in self.lots if each.sub is sub and each.period == period]:
            lapsed = lot.end is not None and lot.end < start
            if lot.rollover is None or lot.ended is not None or lapsed:
                continue
            quantity = min(lot.lowest(start), lot.rollover)
            if quantity > 0:
                lot.moves.append((start, -quantity))
                end = None if lot.end is None else sub.starts(period + 2)
                rolled = self.give(self.by_system(sub), lot.entitlement, quantity, lot.priority,
                                   lot.category, start, end)  # fmt: skip
                rolled.sub = sub

    def do_pending(self, sub: Sub, now: int) -> None:
        assert sub.pending is not None
        at, line = sub.pending
        sub.pending = None
        if line["type"] == "cancel":
            self.end_sub(sub, at, self.by_system(sub), now)
        elif self.customers[sub.customer] != "closed" and not self.has(
            sub.customer, line["to"], at
        ):
            self.change(sub, line, at, self.by_system(sub), now)
