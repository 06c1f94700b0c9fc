"""Functions that databases spell in their own way: DuckDB's spelling, and PostgreSQL's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    LargeBinary,
    String,
    literal,
    literal_column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

_POSTGRESQL = "postgresql"


class _Microseconds(FunctionElement[int]):
    type = BigInteger()
    inherit_cache = True


class _HoursLater(FunctionElement[Any]):
    type = DateTime()
    inherit_cache = True


class _SortedWords(FunctionElement[str]):
    type = String()
    inherit_cache = True


class _Quotient(FunctionElement[int]):
    type = BigInteger()
    inherit_cache = True


class _Folded(FunctionElement[str]):
    type = String()
    inherit_cache = True


class _Holds(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


class _AnyOf(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


class _HashOfLeaf(FunctionElement[bytes]):
    type = LargeBinary()
    inherit_cache = True


class _ReadJson(FunctionElement[Any]):
    type = NullType()
    inherit_cache = True


class _Texts(FunctionElement[Any]):
    type = ARRAY(String())
    inherit_cache = True


class _EachOf(FunctionElement[Any]):
    type = NullType()
    inherit_cache = True


class _PlaceOfEach(FunctionElement[int]):
    type = BigInteger()
    inherit_cache = True


def microseconds(instant: ColumnElement[Any]) -> ColumnElement[int]:
    """Give a column of instants as numbers, which costs less where there are many."""
    return _Microseconds(instant)


def hours_later(instant: ColumnElement[Any], hours: int) -> ColumnElement[Any]:
    """Give instants so many hours after those of a column."""
    return _HoursLater(instant, _whole(hours))


def sorted_words(text: ColumnElement[str]) -> ColumnElement[str]:
    """Give the words of a text in alphabetical order: `maria costa` is `costa maria`."""
    return _SortedWords(text)


def quotient(number: ColumnElement[Any], by: int) -> ColumnElement[int]:
    """Give whole numbers divided by one, without the rest."""
    return _Quotient(number, _whole(by))


def folded(text: ColumnElement[str]) -> ColumnElement[str]:
    """Give a text column without case and accents, for searching."""
    return _Folded(text)


def holds(text: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Say whether a text holds a part, as it is written."""
    return _Holds(text, literal(part))


def any_of(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say of a group whether a condition holds of any of its rows; of no rows nothing."""
    return _AnyOf(condition)


def hash_of_leaf(body: ColumnElement[bytes]) -> ColumnElement[bytes]:
    """Give the hash of a body as a leaf of the tree (RFC 6962, section 2.1)."""
    return _HashOfLeaf(body)


def read_json(body: ColumnElement[bytes]) -> ColumnElement[Any]:
    """Give bytes as JSON; of what is none, nothing."""
    return _ReadJson(body)


def texts_of(json: ColumnElement[Any], keys: Sequence[str | int]) -> list[ColumnElement[str]]:
    """Give fields of a JSON object, or elements of an array from 0, as texts; null is nothing.

    They are read together: each by itself would take as long as all of them.
    """
    texts = _Texts(json, *(_whole(key) if isinstance(key, int) else _written(key) for key in keys))
    return [texts[place] for place in range(1, len(keys) + 1)]


def each_of(json: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """Give a row for each element of an array that is a field of a JSON object."""
    return _EachOf(json, _written(name))


def place_of_each(json: ColumnElement[Any], name: str) -> ColumnElement[int]:
    """Number the rows that `each_of` gives beside it, from 1."""
    return _PlaceOfEach(json, _written(name))


def _written(name: str) -> ColumnElement[str]:
    assert name.isidentifier(), "the name of a field"
    return literal_column(f"'{name}'")


def _whole(number: int) -> ColumnElement[int]:
    return literal_column(str(int(number)))


def _arguments(element: Any, compiler: Any, **more: Any) -> list[str]:
    return [compiler.process(each.self_group(), **more) for each in element.clauses]


@compiles(_Microseconds)
def _microseconds(element: Any, compiler: Any, **more: Any) -> str:
    (instant,) = _arguments(element, compiler, **more)
    return f"epoch_us({instant})"


@compiles(_Microseconds, _POSTGRESQL)
def _microseconds_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    (instant,) = _arguments(element, compiler, **more)
    return f"CAST(EXTRACT(EPOCH FROM {instant}) * 1000000 AS BIGINT)"


@compiles(_HoursLater)
def _hours(element: Any, compiler: Any, **more: Any) -> str:
    instant, hours = _arguments(element, compiler, **more)
    return f"({instant} + to_hours({hours}))"


@compiles(_HoursLater, _POSTGRESQL)
def _hours_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    instant, hours = _arguments(element, compiler, **more)
    return f"({instant} + make_interval(hours => {hours}))"


@compiles(_SortedWords)
def _sorted_words(element: Any, compiler: Any, **more: Any) -> str:
    (text,) = _arguments(element, compiler, **more)
    return f"array_to_string(list_sort(string_split({text}, ' ')), ' ')"


@compiles(_SortedWords, _POSTGRESQL)
def _sorted_words_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    (text,) = _arguments(element, compiler, **more)
    sort = "SELECT string_agg(word, ' ' ORDER BY word) FROM unnest(string_to_array("
    return f"({sort}{text}, ' ')) AS word)"


@compiles(_Quotient)
def _quotient(element: Any, compiler: Any, **more: Any) -> str:
    number, by = _arguments(element, compiler, **more)
    return f"({number} // {by})"


@compiles(_Quotient, _POSTGRESQL)
def _quotient_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    number, by = _arguments(element, compiler, **more)
    return f"({number} / {by})"


@compiles(_Folded)
def _folded(element: Any, compiler: Any, **more: Any) -> str:
    (text,) = _arguments(element, compiler, **more)
    return f"strip_accents(lower({text}))"


@compiles(_Folded, _POSTGRESQL)
def _folded_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    # PostgreSQL's own way without an extension: take the accents off what is decomposed.
    (text,) = _arguments(element, compiler, **more)
    return f"regexp_replace(normalize(lower({text}), NFKD), '[\\u0300-\\u036f]', '', 'g')"


@compiles(_Holds)
def _holds(element: Any, compiler: Any, **more: Any) -> str:
    text, part = _arguments(element, compiler, **more)
    return f"contains({text}, {part})"


@compiles(_Holds, _POSTGRESQL)
def _holds_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    text, part = _arguments(element, compiler, **more)
    return f"strpos({text}, {part}) > 0"


@compiles(_AnyOf)
def _any_of(element: Any, compiler: Any, **more: Any) -> str:
    (condition,) = _arguments(element, compiler, **more)
    return f"bool_or({condition})"


@compiles(_HashOfLeaf)
def _hash_of_leaf(element: Any, compiler: Any, **more: Any) -> str:
    (body,) = _arguments(element, compiler, **more)
    return f"unhex(sha256('\\x00'::BLOB || {body}))"


@compiles(_HashOfLeaf, _POSTGRESQL)
def _hash_of_leaf_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    (body,) = _arguments(element, compiler, **more)
    return f"sha256('\\x00'::bytea || {body})"


@compiles(_ReadJson)
def _read_json(element: Any, compiler: Any, **more: Any) -> str:
    (body,) = _arguments(element, compiler, **more)
    text = f"TRY(decode({body}))"
    return f"CASE WHEN json_valid({text}) THEN {text} END"


@compiles(_ReadJson, _POSTGRESQL)
def _read_json_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    (body,) = _arguments(element, compiler, **more)
    return f"CAST(convert_from({body}, 'UTF8') AS jsonb)"


@compiles(_Texts)
def _texts(element: Any, compiler: Any, **more: Any) -> str:
    json, *keys = _arguments(element, compiler, **more)
    paths = (f"'$.{key[1:-1]}'" if key.startswith("'") else f"'$[{key}]'" for key in keys)
    return f"json_extract_string({json}, [{', '.join(paths)}])"


@compiles(_Texts, _POSTGRESQL)
def _texts_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    json, *keys = _arguments(element, compiler, **more)
    return f"(ARRAY[{', '.join(f'{json} ->> {key}' for key in keys)}])"


@compiles(_EachOf)
def _each_of(element: Any, compiler: Any, **more: Any) -> str:
    json, name = _arguments(element, compiler, **more)
    return f"unnest(CAST(json_extract({json}, {name}) AS JSON[]))"


@compiles(_EachOf, _POSTGRESQL)
def _each_of_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    json, name = _arguments(element, compiler, **more)
    return f"jsonb_array_elements({json} -> {name})"


@compiles(_PlaceOfEach)
def _place_of_each(element: Any, compiler: Any, **more: Any) -> str:
    json, name = _arguments(element, compiler, **more)
    return f"generate_subscripts(CAST(json_extract({json}, {name}) AS JSON[]), 1)"


@compiles(_PlaceOfEach, _POSTGRESQL)
def _place_of_each_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    json, name = _arguments(element, compiler, **more)
    return f"generate_series(1, jsonb_array_length({json} -> {name}))"
