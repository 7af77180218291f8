"""A source says what it took, left and refused, and keeps no more of a stranger's words than fits a line."""

from gatekeeper.sources.statistics import LONGEST_NOTE, SourceCounts, SourceStatistics


def test_what_was_counted_is_told_apart_by_where_and_kind():
    tally = SourceStatistics()
    tally.heard("connection", "127.0.0.1")
    tally.heard("refused", "busy")
    tally.heard("failed", "ValueError: bad luck")
    tally.frame()
    tally.add("ignored", "waveform")
    tally.add("ignored", "waveform")
    tally.add("unfit", "channels", "it has 3")
    assert tally.counts(dropped=4) == SourceCounts(
        connections=1,
        frames=1,
        dropped=4,
        refused={"busy": 1},
        ignored={"waveform": 2},
        unfit={"channels": 1},
        broken={"failed": 1},
        notes={"broken": "ValueError: bad luck", "unfit": "it has 3"},
    )


def test_counts_that_were_read_change_no_more():
    tally = SourceStatistics()
    before = tally.counts()
    tally.add("broken", "cut", "gone")
    assert before == SourceCounts()
    assert tally.counts().broken == {"cut": 1}


def test_a_long_note_is_cut():
    tally = SourceStatistics()
    tally.add("ignored", "text", "x" * 10_000)
    assert len(tally.counts().notes["ignored"]) == LONGEST_NOTE


def test_words_of_a_stranger_give_a_terminal_no_orders():
    tally = SourceStatistics()
    tally.add("ignored", "text", "hello\n\x1b[2Jworld")
    assert tally.counts().notes["ignored"] == "hello  [2Jworld"
