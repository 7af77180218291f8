"""A source says what it took, left and refused, and keeps no more of a stranger's words than fits a line."""

from gatekeeper.sources.statistics import LONGEST_NOTE, SourceCounts, SourceStatistics


def test_what_was_counted_is_told_apart_by_where_and_kind():
    statistics = SourceStatistics()
    statistics.count_connection("connection", "127.0.0.1", "127.0.0.1")
    statistics.count_connection("refused", "busy", "10.0.0.3")
    statistics.count_connection("failed", "ValueError: bad luck", "10.0.0.3")
    statistics.frame()
    statistics.add("ignored", "waveform")
    statistics.add("ignored", "waveform")
    statistics.add("unfit", "channels", "it has 3")
    assert statistics.counts(dropped=4) == SourceCounts(
        connections=1,
        frames=1,
        dropped=4,
        refused={"busy": 1},
        ignored={"waveform": 2},
        unfit={"channels": 1},
        broken={"failed": 1},
        notes={
            "refused": "10.0.0.3: another sender has the place",
            "broken": "10.0.0.3: ValueError: bad luck",
            "unfit": "it has 3",
        },
        details={
            "refused busy": "10.0.0.3: another sender has the place",
            "broken failed": "10.0.0.3: ValueError: bad luck",
            "unfit channels": "it has 3",
        },
    )


def test_counts_that_were_read_change_no_more():
    statistics = SourceStatistics()
    before = statistics.counts()
    statistics.add("broken", "cut", "gone")
    assert before == SourceCounts()
    assert statistics.counts().broken == {"cut": 1}


def test_a_long_note_is_cut():
    statistics = SourceStatistics()
    statistics.add("ignored", "text", "x" * 10_000)
    assert len(statistics.counts().notes["ignored"]) == LONGEST_NOTE


def test_words_of_a_stranger_give_a_terminal_no_orders():
    statistics = SourceStatistics()
    statistics.add("ignored", "text", "hello\n\x1b[2Jworld")
    assert statistics.counts().notes["ignored"] == "hello  [2Jworld"
