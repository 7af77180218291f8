"""What an operator types: every word, and one clear line for whatever is none."""

import pytest

from gatekeeper.core.axes import AXIAL, CORONAL, SAGITTAL
from gatekeeper.core.command import Action
from gatekeeper.core.errors import InputError
from gatekeeper.operator.request import END, HOLDING, NOTED, UNNAMED, WORDS, request_from_json
from gatekeeper.operator.terminal import Line, help_lines, parse, wants_help


def typed(line, operator="Anna"):
    return parse(line, operator, "terminal")


def test_every_action_of_the_gate_has_a_word():
    assert set(WORDS) == {*Action, END, *NOTED}


@pytest.mark.parametrize("word", [word for word in WORDS if word not in ("rebase", *NOTED)])
def test_a_word_is_what_it_says(word):
    request = typed(f"  {word.upper()} ")
    assert (request.word, request.operator, request.origin, request.shift_mm) == (word, "Anna", "terminal", (0.0, 0.0))


@pytest.mark.parametrize(("word", "action"), [("pause", Action.HOLD), ("resume", Action.RELEASE)])
def test_other_words_mean_the_same(word, action):
    assert typed(word).word == action


def test_to_end_is_to_hold_first():
    assert typed("end").command(3.0).action is Action.HOLD


@pytest.mark.parametrize(("word", "holds"), [("hold", True), ("disarm", True), ("end", True)])
def test_what_only_holds_says_so(word, holds):
    assert typed(word).holds
    assert not any(typed(other).holds for other in ("arm", "release", "reset", "rebase 1 0"))


def test_rebase_takes_two_distances_superior_and_posterior_positive():
    request = typed("rebase 2 -0.5")
    assert request.shift_mm == (-2.0, -0.5), "rows run from superior to inferior"
    assert SAGITTAL.in_words(request.shift_mm) == "2.0 mm superior, 0.5 mm anterior"
    assert request.command(1.0).shift_mm == (-2.0, -0.5)
    assert SAGITTAL.in_words(typed("rebase 0 0").shift_mm) == "0.0 mm inferior, 0.0 mm posterior"


def test_rebase_takes_a_place_instead_which_the_session_finds():
    request = typed("rebase HOLD confirm")
    assert (request.place, request.confirmed, request.shift_mm) == ("hold", True, (0.0, 0.0))
    assert typed("rebase baseline").place == "baseline"
    with pytest.raises(InputError, match="or rebase hold or rebase baseline"):
        typed("rebase bed")


@pytest.mark.parametrize(("orientation", "shift_mm"), [(CORONAL, (-2.0, -0.5)), (AXIAL, (2.0, -0.5))])
def test_rebase_names_the_axes_of_the_images(orientation, shift_mm):
    request = parse("rebase 2 -0.5", "Anna", "terminal", orientation)
    assert request.shift_mm == shift_mm
    assert orientation.in_words(shift_mm) == f"2.0 mm {orientation.rows.positive}, 0.5 mm right"
    with pytest.raises(InputError, match=rf"rebase 2 0 \({' '.join(orientation.names)}, mm\)"):
        parse("rebase 2", "Anna", "terminal", orientation)
    line, _ = (line for line in help_lines(orientation) if line.startswith("rebase"))
    assert line.startswith(f"rebase {' '.join(orientation.names)} ")
    assert f"{orientation.positive} > 0" in line


def test_another_operator_can_be_named():
    assert typed("hold by Ben Ohm").operator == "Ben Ohm (typed; login Anna)"
    assert typed("rebase 1 0 by Ben").operator == "Ben (typed; login Anna)"
    assert typed("hold by Anna").operator == "Anna"


@pytest.mark.parametrize("line", ["", "   ", "help", " HELP ", "?"])
def test_nothing_is_asked_for(line):
    assert typed(line) is None
    assert wants_help(line) == bool(line.strip())


def test_help_has_every_word():
    lines = help_lines()
    assert list(dict.fromkeys(line.split()[0] for line in lines)) == [*WORDS, "...", "patient", "help"]
    assert all(len(line) < 80 for line in lines)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fire", "'fire' is not a command; use one of arm, hold"),
        ("arm now", "arm: 'now' is not expected; use arm alone"),
        ("rebase", "not two distances"),
        ("rebase 1", "not two distances"),
        ("rebase 1 2 3", "not two distances"),
        ("rebase one two", "not two distances"),
        ("rebase nan 0", "not two distances"),
        ("rebase 0 inf", "not two distances"),
        ("by Anna", "no command is given"),
        ("release by " + "x" * 65, "1 to 64 printable characters"),
        ("arm by A\x00B", "printable"),
        ("arm by", "operator is ''"),
        ("\N{SNOWMAN}" * 500, "is not a command"),
    ],
)
def test_refusals_are_one_line_that_says_what_to_do(line, said):
    with pytest.raises(InputError) as refused:
        typed(line)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("keys", "lines", "left"),
    [
        (b"arm\r", ["arm"], ""),
        (b"hold\nrelease\nar", ["hold", "release"], "ar"),
        (b"armm\x7f\n", ["arm"], ""),
        (b"\x7f\x7fhold\x08\n", ["hol"], ""),
        (b"nonsense\x15hold\n", ["hold"], ""),
        (b"ar\x1b[Am\x1b[1;5C\x1bOP\n", ["arm"], ""),
        (b"\x1ba", [], "a"),
        (b"h\x04\x00old\n", ["hold"], ""),
        ("by Müller\n".encode(), ["by Müller"], ""),
        (b"\xff\n", ["�"], ""),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_keys_become_lines(keys, lines, left, at_once):
    line = Line()
    found = line.take(keys) if at_once else [one for key in keys for one in line.take(bytes([key]))]
    assert (found, line.text) == (lines, left)


def test_a_line_without_end_does_not_grow():
    line = Line()
    for _ in range(100):
        line.take(b"x" * 1000)
    assert len(line.text) == 200


@pytest.mark.parametrize("line", ["hold by", "hold now!", "pause by " + "x" * 65, "hold by A\x00B", "hold rebase 1"])
def test_a_hold_is_a_hold_whatever_else_is_typed_with_it(line):
    assert typed(line).word == "hold"
    assert typed(line).operator in ("Anna", UNNAMED)


@pytest.mark.parametrize("operator", ["", "  ", "x" * 65, "A\x00B"])
def test_what_only_holds_needs_no_name_and_anything_else_does(operator):
    for word in HOLDING:
        request = request_from_json([word], operator, "console")
        assert (request.operator, request.holds) == (UNNAMED, True)
        assert request.command(1.0).operator == UNNAMED
    for word in ("arm", "release", "reset"):
        with pytest.raises(InputError, match="give a name"):
            request_from_json([word], operator, "console")


@pytest.mark.parametrize("keys", [b" ", b"\x1b", b"arm\x1b", b"reb\x1bx", b"\x1b\n"])
def test_space_and_escape_of_a_keyboard_hold_at_once(keys):
    line = Line(keys=True)
    assert line.take(keys)[:1] == ["hold"]
    assert line.take(b"release\n")[-1] in ("release", "xrelease"), "what was typed before is forgotten"


@pytest.mark.parametrize("keys", [b"rebase 2 0\n", b"\x1b[A\x1b[1;5Chelp\n"])
def test_spaces_within_a_line_and_cursor_keys_hold_nothing(keys):
    assert "hold" not in Line(keys=True).take(keys)


def test_a_file_may_begin_its_lines_with_spaces():
    assert Line().take(b"  arm\n") == ["  arm"]
