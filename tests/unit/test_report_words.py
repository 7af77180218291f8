"""What a report says in words: the facts of a session, its scores, its preview and what happened in it."""

import json
import math
from contextlib import closing
from dataclasses import fields, replace

import numpy as np
import pytest

from gatekeeper.core.axes import AXIAL
from gatekeeper.core.json_values import numbers
from gatekeeper.report import facts
from gatekeeper.report.charts import _edges
from gatekeeper.report.html import report_html
from gatekeeper.report.motion import ranges_of
from gatekeeper.report.words import SCORES, as_text, event_text, preview_rows, score_rows, score_tables
from gatekeeper.session.primary_limits import PrimaryLimits
from gatekeeper.tracking.preview.report import PreviewReport
from replay.formats.session import open_session
from replay.scores.gating import GatingScore
from replay.scores.structures import ZoneScore
from replay.scores.tracking import Score
from replay.sessions.report import session_data_of

PREVIEW = PreviewReport(
    frames=120,
    visible=0.958,
    contrast_to_noise=0.78,
    row_range_mm=(-9.27, 16.52),
    col_range_mm=(-4.26, 1.85),
    search_mm=(50.0, 20.0),
    go=True,
    reasons=(),
    stiff=True,
    evened=False,
    states_mm=(-6.51, -1.23, 8.7),
)


@pytest.fixture(scope="module")
def story(breathing_session):
    with closing(open_session(breathing_session)) as opened:
        yield session_data_of(opened)


def test_the_facts_are_those_of_the_session(story):
    told = dict(facts.facts_of(story))
    assert told["images"] == "sagittal, 72 × 60 pixels of 2.00 × 2.00 mm"
    assert told["frame rate"] == "4.00 per second; longest pause between two 250 ms"
    # A disc of radius 8 px of 2 mm.
    assert told["target"] == "7.9 cm², as a disc 32 mm across"
    assert told["envelope"] == "the target and 5 mm around it"
    assert told["beam held"] == "above 5 % outside, on again at 4 %; confidence below 0.5"
    assert told["frames not judged"] == "none"
    assert set(told) == {"images", "frame rate", "target", "envelope", "beam held", "prediction", "frames not judged"}


def test_the_envelope_and_limits_are_the_first_target_s_own(story):
    limits = PrimaryLimits(2.5, 3.0, 0.7, region=True)
    told = dict(facts.facts_of(replace(story, limits=limits)))
    assert told["envelope"] == "a region of its own, 2.5 mm or more around the target"
    assert told["beam held"] == "above 3 % outside, on again at 2 %; confidence below 0.7"


def test_frames_that_are_lacking_are_counted_by_why(story):
    changed = {5: {"sequence": 11, "skipped": 2}, 6: {"frame_row": None}}
    decisions = [{**entry, **changed.get(entry["sequence"], {})} for entry in story.decisions[:7]]
    told = dict(facts.facts_of(replace(story, decisions=decisions)))
    assert told["frames not judged"] == "2 skipped because a newer one was waiting, 4 missing, 1 not recorded"


def test_decisions_without_a_frame_are_told(eventful_session):
    with closing(open_session(eventful_session)) as opened:
        told = dict(facts.facts_of(session_data_of(opened)))
    assert int(told["frame timeouts"]) > 0
    assert told["frame rate"].startswith("4.00 per second; longest pause between two 1250 ms")


@pytest.mark.parametrize(
    ("armed", "by", "words"),
    [
        (True, {"operator": "kim", "door": "terminal"}, ("for 5.8 s", "kim (terminal)")),
        (False, None, ("never", "the source of the frames")),
    ],
)
def test_how_a_live_session_was_armed_and_ended_is_told(story, armed, by, words):
    duty = f"{100.0 * story.counts().armed_duty_cycle:.1f} %"
    summary = {**story.summary, "delivery": {"armed": armed}, "ended_by": by, "fault": None}
    live = replace(story, summary=summary)
    told = dict(facts.facts_of(live))
    assert (told["gate armed"], told["ended by"]) == words
    assert "fault" not in told
    assert f"<b>{duty}</b><span>duty cycle, of the time armed</span>" in report_html(live)
    assert dict(facts.facts_of(replace(live, summary={**summary, "fault": "disk full"})))["fault"] == "disk full"


def test_paths_and_addresses_are_no_settings():
    values = {"linac": {"host": "10.0.0.1", "key_file": "/somewhere", "port": 7400}, "gate": {"drift_mm": 3.0}}
    assert facts.settings_of(values) == [("linac.port", "7400"), ("gate.drift_mm", "3")]


def test_every_score_has_words_and_says_its_unit():
    there = {one.name for kind in (Score, GatingScore, ZoneScore) for one in fields(kind)} - {"frames"}
    assert set(SCORES) == there
    for name, (words, _) in SCORES.items():
        assert ("(mm)" in words) == name.endswith("_mm")
        assert ("(s)" in words) == name.endswith("_s")


def test_scores_keep_what_cannot_be_told_and_what_is_not_known():
    values = {"frames_scored": 66, "dsc": 0.98149, "d98_relative": None, "of_tomorrow": 1.234}
    assert [text for _, text in score_rows(values)] == ["66", "0.981", "–", "1.23"]
    assert score_rows(values)[-1][0] == "of_tomorrow"


def test_each_structure_has_scores_of_its_own_without_rows_of_nothing():
    one = {"role": "avoid", "score": {"dsc": 0.9, "frames_scored": 3}, "zone": {"missed": 2, "distance_mm": None}}
    tables = score_tables({"score": {"dsc": 0.5}, "gating": {"accuracy": 1.0}, "structure_scores": {"bowel": one}})
    assert [title for title, _ in tables] == ["tracking", "gating", "bowel"]
    assert [text for _, text in tables[2][1]] == ["0.900", "3", "2"]


@pytest.mark.parametrize(("axes", "first"), [(("SI", "RL"), "-16.5 to +9.3 mm"), (("AP", "RL"), "-9.3 to +16.5 mm")])
def test_the_preview_is_told_along_the_axes_of_its_images(axes, first):
    preview = replace(PREVIEW, axes=axes)
    values = numbers(preview.as_json())
    assert {f"{axis.lower()}_range_mm" for axis in axes} <= set(values)
    told = dict(preview_rows(values))
    assert told[axes[0]] == first
    assert told["RL"] == "-4.3 to +1.9 mm"
    assert told["search suggested"] == f"{axes[0]} 50 mm, RL 20 mm either way"
    assert f"motion      {axes[0]} {first}, RL -4.3 to +1.9 mm" in preview.as_text()


def test_sagittal_previews_keep_the_names_of_their_values():
    assert list(PREVIEW.as_json())[:6] == [
        "frames",
        "visible",
        "contrast_to_noise",
        "si_range_mm",
        "ap_range_mm",
        "search_mm",
    ]
    assert "axes" not in PREVIEW.as_json()


def test_a_preview_is_told_with_superior_positive_as_the_trace_has_it():
    told = dict(preview_rows(numbers(PREVIEW.as_json())))
    assert told["SI"] == "-16.5 to +9.3 mm"
    assert told["AP"] == "-4.3 to +1.9 mm"
    assert told["verdict"] == "go"
    assert told["frames"] == "120, target found with confidence on 96 %"
    assert told["contrast"] == "0.8 times the noise"
    assert told["learned"] == "templates at SI -8.7, +1.2, +6.5 mm; stiff anatomy"


def test_a_preview_that_forbids_gating_says_why():
    refused = replace(
        PREVIEW, go=False, reasons=("too short", "not seen"), contrast_to_noise=math.nan, states_mm=(0.0,)
    )
    told = dict(preview_rows(json.loads(json.dumps(numbers(replace(refused, stiff=False).as_json())))))
    assert told["verdict"] == "no-go: too short; not seen"
    assert told["contrast"] == "not measured"
    assert told["learned"] == "nothing"


def test_events_are_told_without_what_was_left_open():
    values = {"accepted": True, "note": "", "operator": None, "shift_mm": [0.123456, -1.0], "frames": 49}
    assert event_text(values) == "accepted: yes; shift_mm: 0.1 mm inferior, 1.0 mm anterior; frames: 49"


def test_an_event_has_the_signs_of_the_rest_of_the_report():
    learned = {
        "si_range_mm": [-1.0, 14.0],
        "ap_range_mm": [-0.5, 3.0],
        "states_mm": [0.0, 5.0, 11.0],
        "apart": [{"si_mm": [-1.0, 2.0], "ap_mm": [0.0, 1.0], "share": 0.5}],
        "search_mm": [45.0, 20.0],
    }
    told = event_text(learned)
    shown = (
        "si_range_mm: -14, 1; ap_range_mm: -0.5, 3; states_mm: -11, -5, 0; apart: si_mm -2, 1, ap_mm 0, 1, share 0.5"
    )
    assert told == f"{shown}; search_mm: 45, 20"
    # Axial images: rows are AP, whose index grows as a person counts.
    assert event_text({"ap_range_mm": [-0.5, 3.0]}, AXIAL.axes) == "ap_range_mm: -0.5, 3"
    assert event_text({"shift_mm": [2.0, 1.0]}, AXIAL.axes) == "shift_mm: 2.0 mm posterior, 1.0 mm left"
    assert [as_text(value) for value in (False, math.nan, None, {"a": 1.0})] == ["no", "–", "–", "a 1"]


def test_motion_counts_frames_on_which_the_target_was_surely_found_only(story):
    spoiled = [
        {**entry, "confidence": 0.1, "center_mm": [500.0, 500.0]} if number == 3 else entry
        for number, entry in enumerate(story.decisions)
    ]
    si, ap = ranges_of(replace(story, decisions=spoiled))
    # The target goes 6 px of 2 mm down, and nowhere else.
    assert (si.low, si.high) == (pytest.approx(-12.0, abs=0.4), pytest.approx(0.0, abs=0.4))
    assert max(abs(ap.low), abs(ap.high)) < 0.4


@pytest.mark.parametrize(("highest", "limit"), [(78.0, 5.0), (100.0, 20.0), (12.0, 0.1), (1.0, 0.0), (40.0, 3.7)])
def test_a_bin_of_the_histogram_ends_at_the_limit(highest, limit):
    edges = _edges(highest, limit)
    assert edges[0] == 0.0
    assert edges[-1] >= highest * (1.0 - 1e-9)
    assert 27 <= len(edges) - 1 <= 61
    assert limit < edges[1] or np.abs(edges - limit).min() < 1e-9
