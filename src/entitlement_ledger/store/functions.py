"""Functions that databases spell in their own way: DuckDB's spelling, and PostgreSQL's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def _spell(kind: type[FunctionElement[Any]], *, duckdb: str, postgresql: str) -> None:
    """Say how databases write a function: `{0}` is its first argument."""

    def writing(spelling: str) -> Callable[..., str]:
        def write(element: Any, compiler: Any, **more: Any) -> str:
            return spelling.format(*_arguments(element, compiler, **more))

        return write

    compiles(kind)(writing(duckdb))
    compiles(kind, _POSTGRESQL)(writing(postgresql))


_spell(
    _Microseconds,
    duckdb="epoch_us({0})",
    postgresql="CAST(EXTRACT(EPOCH FROM {0}) * 1000000 AS BIGINT)",
)
_spell(
    _HoursLater,
    duckdb="({0} + to_hours({1}))",
    postgresql="({0} + make_interval(hours => {1}))",
)
_spell(
    _SortedWords,
    duckdb="array_to_string(list_sort(string_split({0}, ' ')), ' ')",
    postgresql="(SELECT string_agg(word, ' ' ORDER BY word)"
    " FROM unnest(string_to_array({0}, ' ')) AS word)",
)
_spell(_Quotient, duckdb="({0} // {1})", postgresql="({0} / {1})")
_spell(
    _Folded,
    duckdb="strip_accents(lower({0}))",
    # PostgreSQL's own way without an extension: take the accents off what is decomposed.
    postgresql="regexp_replace(normalize(lower({0}), NFKD), '[\\u0300-\\u036f]', '', 'g')",
)
_spell(_Holds, duckdb="contains({0}, {1})", postgresql="strpos({0}, {1}) > 0")
_spell(_AnyOf, duckdb="bool_or({0})", postgresql="bool_or({0})")
_spell(
    _HashOfLeaf,
    duckdb="unhex(sha256('\\x00'::BLOB || {0}))",
    postgresql="sha256('\\x00'::bytea || {0})",
)
_spell(
    _ReadJson,
    duckdb="CASE WHEN json_valid(TRY(decode({0}))) THEN TRY(decode({0})) END",
    postgresql="CAST(convert_from({0}, 'UTF8') AS jsonb)",
)
_spell(
    _EachOf,
    duckdb="unnest(CAST(json_extract({0}, {1}) AS JSON[]))",
    postgresql="jsonb_array_elements({0} -> {1})",
)
_spell(
    _PlaceOfEach,
    duckdb="generate_subscripts(CAST(json_extract({0}, {1}) AS JSON[]), 1)",
    postgresql="generate_series(1, jsonb_array_length({0} -> {1}))",
)


@compiles(_Texts)
def _texts(element: Any, compiler: Any, **more: Any) -> str:
    json, *keys = _arguments(element, compiler, **more)
    paths = (f"'$.{key[1:-1]}'" if key.startswith("'") else f"'$[{key}]'" for key in keys)
    return f"json_extract_string({json}, [{', '.join(paths)}])"


@compiles(_Texts, _POSTGRESQL)
def _texts_in_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    json, *keys = _arguments(element, compiler, **more)
    return f"(ARRAY[{', '.join(f'{json} ->> {key}' for key in keys)}])"
