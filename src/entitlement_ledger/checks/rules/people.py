"""Who does it, and for whom: approvals, limits, and actors who are their own customers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    FromClause,
    Integer,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union,
)

from entitlement_ledger.checks.rules.base import (
    DAY_US,
    GIVES,
    News,
    Parameters,
    Reach,
    Rule,
    Severity,
    beyond_chance,
    pattern,
    sessions,
    wide,
)
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.store.dialect import listed
from entitlement_ledger.store.functions import folded, sorted_words
from entitlement_ledger.store.tables import people, resolutions


def _given(acts: Any) -> Any:
    return and_(acts.done, or_(acts.gives > 0, acts.did == CommandType.PURCHASE))


def _words(text: Any) -> Any:
    """Give the words of a name in order: `maria.costa` is `costa maria`."""
    parts = func.regexp_replace(folded(text), "[^[:alnum:]]+", " ", "g")
    return sorted_words(func.trim(parts))


def _letters(text: Any) -> Any:
    """Give a name in one word, as many are called where they log in: `mariacosta`."""
    return func.regexp_replace(folded(text), "[^[:alnum:]]+", "", "g")


def _initialled(text: Any) -> Any:
    """Give a name as initial and surname, as many more are called: `mcosta`, for `m.costa` too."""
    surname = func.regexp_replace(func.trim(text), "^.*[[:space:]]", "")
    two_words = func.trim(text).regexp_match("[[:space:]]")
    return case((two_words, func.left(_letters(text), 1).concat(_letters(surname))))


def _namesakes(given: CTE) -> CTE:
    """Give the customers to whom an actor gave something, and who have a name or email of theirs.

    Names are taken apart once for each actor and each customer.
    """
    g, p = given.c, people.c
    of_actors = (
        select(
            g.actor,
            _words(func.split_part(g.actor, "@", 1)).label("words"),
            _letters(func.split_part(g.actor, "@", 1)).label("letters"),
        )
        .group_by(g.actor)
        .cte("of_actors")
    )
    of_people = (
        select(
            p.customer,
            _words(p.name).label("name"),
            _words(func.split_part(p.email, "@", 1)).label("local"),
            _letters(p.name).label("letters"),
            _initialled(p.name).label("initialled"),
            func.lower(p.email).label("email"),
        )
        .where(func.length(p.name) > 0, p.customer.in_(select(g.customer)))
        .cte("of_people")
    )
    a, c = of_actors.c, of_people.c
    alike = (
        a.words == c.name,
        a.letters == c.letters,
        and_(a.letters == c.initialled, func.length(a.letters) > 3),
        and_(a.words == c.local, func.length(a.words) > 3),
        func.lower(a.actor) == c.email,
    )
    pairs = (
        select(a.actor, c.customer).select_from(of_actors.join(of_people, each)) for each in alike
    )
    return union(*pairs).cte("namesakes")


def _own_beneficiary(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    given = select(acts).where(_given(acts.c)).cte("given")
    g, n = given.c, _namesakes(given)
    return (
        select(
            *pattern(
                g.actor,
                g.customer,
                customer=g.customer,
                actor=g.actor,
                transactions=listed(g.sequence),
                score=70 + func.count() * 5,
                number=func.count(),
            )
        )
        .select_from(given.join(n, and_(n.c.actor == g.actor, n.c.customer == g.customer)))
        .group_by(g.actor, g.customer)
    )


def _named_alike(news: News, _set_to: Parameters) -> Select[Any]:
    """Give the customers whose name somebody has who gave them something new."""
    given = select(news.acts).where(_given(news.acts.c)).cte("given")
    return select(_namesakes(given).c.customer)


def _decided(acts: FromClause) -> CTE:
    """Give approvals with the proposals that they decided on."""
    a = acts.c
    proposal = acts.alias("proposal")
    return (
        select(
            a.sequence,
            a.decided_by.label("actor"),
            a.customer,
            a.at,
            proposal.c.sequence.label("proposed"),
            proposal.c.actor.label("proposer"),
            (a.at - proposal.c.at).label("after"),
        )
        .select_from(
            acts.join(resolutions, resolutions.c.sequence == a.sequence).join(
                proposal, and_(proposal.c.sequence == resolutions.c.target, proposal.c.proposal)
            )
        )
        .where(a.done)
        .cte("decided")
    )


def _quick_approval(acts: FromClause, set_to: Parameters) -> Select[Any]:
    decided = _decided(acts)
    d = decided.c
    both = (
        select(d.actor, d.proposer, d.sequence, d.after)
        .where(d.after <= set_to["seconds"] * 1_000_000)
        .union_all(
            select(d.actor, d.proposer, d.proposed, d.after).where(
                d.after <= set_to["seconds"] * 1_000_000
            )
        )
        .cte("both")
    )
    b = both.c
    return (
        select(
            *pattern(
                b.actor,
                b.proposer,
                actor=b.actor,
                transactions=listed(b.sequence),
                score=40 + func.count() * 5,
                number=cast(func.count() / 2, Integer),
                proposer=b.proposer,
                seconds=cast(func.floor(func.min(b.after) / 1_000_000), Integer),
            )
        )
        .group_by(b.actor, b.proposer)
        .having(func.count() >= set_to["least"] * 2)
    )


def _mutual_approval(acts: FromClause, set_to: Parameters) -> Select[Any]:
    decided = _decided(acts)
    d = decided.c
    one, two = func.least(d.actor, d.proposer), func.greatest(d.actor, d.proposer)
    forth = func.sum(case((d.actor < d.proposer, 1), else_=0))
    back = func.sum(case((d.actor > d.proposer, 1), else_=0))
    # How much of what either of them decided on was the other's.
    own = select(d.actor, func.count().label("number")).group_by(d.actor).cte("own")
    pairs = (
        select(one.label("one"), two.label("two"), forth.label("forth"), back.label("back"),
               func.count().label("number"), listed(d.sequence).label("sequences"))
        .group_by(one, two)
        .cte("pairs")
    )  # fmt: skip
    p = pairs.c
    decided_by = func.sum(own.c.number)
    return (
        select(
            *pattern(
                p.one,
                p.two,
                actor=p.one,
                transactions=p.sequences,
                score=30 + p.number * 5,
                other=p.two,
                forth=p.forth,
                back=p.back,
            )
        )
        .select_from(pairs.join(own, or_(own.c.actor == p.one, own.c.actor == p.two)))
        .where(p.forth >= set_to["least"], p.back >= set_to["least"])
        .group_by(p.one, p.two, p.forth, p.back, p.number, p.sequences)
        .having(p.number * 100 >= decided_by * set_to["share_percent"])
    )


def _limited(acts: Any) -> Any:
    """Say what a limit can keep somebody from: how much an invoice is about, nobody chooses."""
    by_hand = or_(acts.reference.is_(None), acts.reference.not_like("invoice:%"))
    return and_(acts.did.in_(GIVES), acts.done, by_hand)


def _under_limit(acts: FromClause, set_to: Parameters) -> Select[Any]:
    a = acts.c
    limit = set_to["limit"]
    floor = limit * (100 - set_to["below_percent"]) / 100
    size = func.abs(wide(a.quantity))
    close = case((and_(size > floor, size <= limit), 1), else_=0)
    given = select(acts, close.label("close")).where(_limited(a), literal(limit) > 0).cte("given")
    runs = sessions(given, set_to["gap_days"] * DAY_US, "actor", where=given.c.close == 1)
    r = runs.c
    spans = (
        select(
            r.actor,
            r.session,
            func.min(r.at).label("begins"),
            func.max(r.at).label("ends"),
            func.count().label("number"),
        )
        .group_by(r.actor, r.session)
        .having(func.count() >= set_to["least"])
        .cte("spans")
    )
    s, g = spans.c, given.c
    within = and_(g.actor == s.actor, g.at >= s.begins, g.at <= s.ends)
    # How often others come so close by chance tells how often this actor would meanwhile.
    everybody = select(func.count().label("number"), func.sum(g.close).label("close")).cte(
        "everybody"
    )
    own = (
        select(g.actor, func.count().label("number"), func.sum(g.close).label("close"))
        .group_by(g.actor)
        .cte("own")
    )
    e, o = everybody.c, own.c
    kept = (
        select(s.actor, s.session, func.count().label("of"))
        .select_from(
            spans.join(given, within).join(own, o.actor == s.actor).join(everybody, literal(True))
        )
        .group_by(s.actor, s.session, s.number, e.number, e.close, o.number, o.close)
        .having(
            beyond_chance(
                s.number,
                func.count(),
                e.close - o.close,
                e.number - o.number,
                least=set_to["least"],
                times=set_to["times"],
            )
        )
        .cte("kept")
    )
    k = kept.c
    return (
        select(
            *pattern(
                r.actor,
                func.min(r.sequence),
                actor=r.actor,
                transactions=listed(r.sequence),
                score=30 + func.count() * 8,
                number=func.count(),
                limit=literal(limit),
                below=literal(set_to["below_percent"]),
                of=func.max(k.of),
            )
        )
        .select_from(runs.join(kept, and_(k.actor == r.actor, k.session == r.session)))
        .group_by(r.actor, r.session)
    )


RULES = (
    Rule(
        "own_beneficiary",
        Severity.HIGH,
        "a customer whose name or email is the actor's",
        "this customer has the actor's name or email, and was given something (acts: {number})",
        {},
        _own_beneficiary,
        _given,
        Reach.CUSTOMER,
        suspects=_named_alike,
        looks_at_people=True,
    ),
    Rule(
        "quick_approval",
        Severity.MEDIUM,
        "approvals within seconds",
        "{number} proposals of {proposer} were decided on within seconds, once within {seconds}",
        {"seconds": 30, "least": 1},
        _quick_approval,
        lambda a: a.decides,
        about_all=True,
    ),
    Rule(
        "mutual_approval",
        Severity.MEDIUM,
        "two people who approve each other",
        "{other} and this actor decided on each other's proposals, {forth} and {back} times",
        {"least": 2, "share_percent": 40},
        _mutual_approval,
        lambda a: a.decides,
        about_all=True,
    ),
    Rule(
        "under_limit",
        Severity.HIGH,
        "quantities kept just under what needs a second person",
        "{number} quantities within {below} per cent under the limit of {limit}, of {of} that this"
        " actor gave meanwhile",
        {"limit": 0, "below_percent": 10, "gap_days": 30, "least": 3, "times": 3},
        _under_limit,
        _limited,
    ),
)
