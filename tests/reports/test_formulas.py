"""What a spreadsheet takes for a formula, told alike by the program and the database."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import String, column, select

from entitlement_ledger.formulas import without_formula
from entitlement_ledger.store import copying
from entitlement_ledger.store.dialect import beside, make_engine

DANGEROUS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example","x")',
    "+1",
    "-1",
    "-",
    "@SUM(A1)",
    " =1",
    "\t=1",
    "\r=1",
    "\n=1",
    "\t",
    "\ttext",
    "\rtext",
    "\ntext",
    "\x00=1",
    "\x1b=1",
    "\xa0=1",
    "\xad=1",
    "\u200b=1",
    "\ufeff=1",
    "\u202e=1",
    "\u3000\u2003 -1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20A1",
    "\U000e0041=1",
    "=\"a,b\"\n'c'",
]
HARMLESS = [
    "",
    " ",
    "text",
    "Zoe",
    "0",
    "9:=1",
    "a=1",
    " a",
    "'=1",
    '"=1"',
    "\u200b",
    "é=1",
    "(1)",
    "[=1]",
    "{=1}",
    "/=1",
    ":=1",
    "_-1",
    "`=1",
    "中=1",
    "entl:12",
    "G42.1",
]


def by_database(texts: Sequence[str]) -> list[str]:
    values: Any = column("text", String())
    place: Any = column("place", String())
    engine = make_engine(":memory:", read_only=False)
    numbers = [f"{number:08}" for number in range(len(texts))]
    with (
        engine.connect() as connection,
        beside(connection, [values, place], {"text": list(texts), "place": numbers}) as rows,
    ):
        query = select(copying.without_formula(rows.c.text)).order_by(rows.c.place)
        return [text for some in copying.streamed(connection, query) for (text,) in some]


@pytest.mark.parametrize("way", [by_database, lambda texts: [*map(without_formula, texts)]])
def test_a_mark_stands_before_what_is_dangerous_and_before_nothing_else(way: Any) -> None:
    assert way(DANGEROUS) == ["'" + text for text in DANGEROUS]
    assert way(HARMLESS) == HARMLESS


def test_both_ways_agree_on_every_character_before_a_sign_and_none_unseen_hides_it() -> None:
    planes = (range(0xD800), range(0xE000, 0x20000), range(0xE0000, 0xE1000), [sys.maxunicode])
    characters = [chr(number) for plane in planes for number in plane]
    texts = [f"{each}=1" for each in characters]
    marked = [without_formula(text) for text in texts]
    assert by_database(texts) == marked
    unseen = {"Cc", "Cf", "Zs", "Zl", "Zp", "Co"}
    hiding = [
        f"U+{ord(each):04X}"
        for each, text, told in zip(characters, texts, marked, strict=True)
        if text == told and unicodedata.category(each) in unseen
    ]
    assert hiding == []
