"""Read the journal of a session as columns: every line is parsed and its hash checked at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatekeeper.analysis.extra import needed
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.session_counts import ALLOWED
from gatekeeper.recording.hash_chain import LINK_FIELDS, START, line_hashes, read_chain
from gatekeeper.recording.journal import LATENCY
from gatekeeper.recording.session_setup import READABLE

if TYPE_CHECKING:
    import pyarrow as pa

DECIDED = ("frame", "silence")
"""Kinds of the lines that are decisions."""
BLOCK = 2**31 - 1
"""Longest journal that is parsed at once, in bytes; longer ones are read line by line."""


@dataclass(frozen=True, slots=True, eq=False)
class JournalColumns:
    """A journal, as far as it is intact.

    Attributes
    ----------
    header : dict
        First line.
    decisions : pyarrow.Table
        Lines about frames and silences, with the fields of the journal that tables need.
    events : list of dict
        All other lines but the last one of a sealed session, oldest first.
    end : dict or None
        Last line of a session that reached its end, with the hashes of its files.
    finding : str or None
        What is wrong with the next line; None when every byte is as it was written.
    cut : bool
        Whether the finding is no more than a last line without its end, as a crash leaves it.
    head : str
        Hash of the last intact line.
    """

    header: dict[str, Any]
    decisions: "pa.Table"
    events: list[dict[str, Any]]
    end: dict[str, Any] | None
    finding: str | None
    cut: bool
    head: str


def read_columns(data: bytes) -> JournalColumns:
    """Return the columns of a journal, up to the first line that was changed.

    Parameters
    ----------
    data : bytes
        Content of `decisions.jsonl`.

    Returns
    -------
    JournalColumns

    Raises
    ------
    RecordingError
        When it has no header that this version can read, or its lines are no decisions.
    """
    (read,) = read_several([data])
    if isinstance(read, RecordingError):
        raise read
    return read


def read_several(journals: Sequence[bytes]) -> "list[JournalColumns | RecordingError]":
    """Return the columns of several journals, which are parsed together.

    Parameters
    ----------
    journals : sequence of bytes
        Contents of `decisions.jsonl`.

    Returns
    -------
    list of JournalColumns or RecordingError
        For each, what `read_columns` would return or raise.
    """
    found: list[JournalColumns | RecordingError] = []
    for data, read in zip(journals, _at_once(journals), strict=True):
        try:
            found.append(_readable(_line_by_line(data) if read is None else read))
        except RecordingError as error:
            found.append(error)
    return found


def _readable(read: JournalColumns) -> JournalColumns:
    """Return a journal that this version can read, or raise RecordingError."""
    schema = read.header.get("schema")
    if read.header.get("kind") != "header" or schema not in READABLE:
        raise RecordingError(
            f"has no header of a schema that this version reads ({schema!r:.40}, not one of {READABLE}); "
            f"{read.finding or 'use the version that wrote it'}"
        )
    return read


def _at_once(journals: Sequence[bytes]) -> list[JournalColumns | None]:
    """Parse all lines at once; None for a journal with a line that is not as it was written."""
    arrow, read_json = needed("pyarrow"), needed("pyarrow.json")
    hashes = [line_hashes(data) for data in journals]
    data = b"".join(data for data, known in zip(journals, hashes, strict=True) if known is not None)
    if not 0 < len(data) < BLOCK:
        return [None] * len(journals)
    links = [arrow.field("line", arrow.int64()), arrow.field("previous", arrow.string())]
    try:
        lines = read_json.read_json(
            arrow.BufferReader(data),
            read_options=read_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=read_json.ParseOptions(
                explicit_schema=arrow.schema([*_line_schema(), *links]), unexpected_field_behavior="ignore"
            ),
        )
    except arrow.ArrowInvalid:
        # One of them has an odd line; the others are read on their own.
        return [None] * len(journals) if len(journals) == 1 else [_at_once([one])[0] for one in journals]
    if lines.num_rows != sum(len(known) for known in hashes if known is not None):
        return [None] * len(journals)
    found: list[JournalColumns | None] = []
    begin = 0
    for journal, known in zip(journals, hashes, strict=True):
        found.append(None if known is None else _linked(journal, lines.slice(begin, len(known)), known))
        begin += 0 if known is None else len(known)
    return found


def _linked(data: bytes, lines: "pa.Table", hashes: list[str]) -> JournalColumns | None:
    """Return the columns of a journal whose lines follow each other; None where they do not."""
    arrow = needed("pyarrow")
    previous = arrow.chunked_array([arrow.array([START, *hashes[:-1]])])
    numbers = arrow.chunked_array([arrow.array(range(len(hashes)), arrow.int64())])
    if not (lines["line"].equals(numbers) and lines["previous"].equals(previous)):
        return None
    decided = needed("pyarrow.compute").is_in(lines["kind"], value_set=arrow.array(DECIDED))
    others = [place for place, one in enumerate(decided.to_pylist()) if not one]
    texts = data.split(b"\n")
    try:
        entries = [_unlinked(json.loads(texts[place])) for place in others]
    except (ValueError, RecursionError):
        return None
    return _columns(entries, lines.select(_line_schema().names).filter(decided), None, False, hashes[-1])


def _unlinked(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in LINK_FIELDS}


def _line_by_line(data: bytes) -> JournalColumns:
    """Parse the lines one by one, up to the first that is not as it was written."""
    arrow = needed("pyarrow")
    chain = read_chain(data)
    decided = [entry for entry in chain.entries if entry.get("kind") in DECIDED]
    try:
        table = arrow.Table.from_pylist(decided, schema=_line_schema())
    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
        raise RecordingError(f"its lines are no decisions ({' '.join(str(error).split()):.200})") from None
    others = [entry for entry in chain.entries if entry.get("kind") not in DECIDED]
    return _columns(others, table, chain.finding, chain.cut, chain.head)


def _columns(
    others: Sequence[dict[str, Any]], decisions: "pa.Table", finding: str | None, cut: bool, head: str
) -> JournalColumns:
    header = others[0] if others else {}
    end = others[-1] if others and others[-1].get("kind") == "end" else None
    events = [one for one in others[1:] if one.get("kind") == "event"]
    return JournalColumns(header, decisions, events, end, finding, cut, head)


def _line_schema() -> "pa.Schema":
    """Return the fields of a line that tables need."""
    arrow = needed("pyarrow")
    real, text, count = arrow.float64(), arrow.string(), arrow.int64()
    schema: pa.Schema = arrow.schema(
        [
            ("kind", text),
            ("sequence", count),
            ("acquired_s", real),
            ("decided_s", real),
            ("state", text),
            ("reasons", arrow.list_(text)),
            ("outside_percent", real),
            ("predicted_percent", real),
            ("center_mm", arrow.list_(real)),
            ("confidence", real),
            (LATENCY, arrow.struct([("total", real)])),
            (ALLOWED, real),
        ]
    )
    return schema
