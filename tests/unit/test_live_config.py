"""SESSION.toml is strict, says what is wrong, and finds its files beside itself."""

import pytest

from gatekeeper.config import SessionConfig, load_live
from gatekeeper.core.errors import ConfigError

WHOLE = """
[source]
kind = "mrd"
frames_per_s = 8
[target]
kind = "rtstruct"
file = "plan/rs.dcm"
roi = "GTV"
reference = "plan/cine.mha"
[[avoid]]
kind = "rtstruct"
file = "plan/rs.dcm"
roi = "Duodenum"
[[avoid]]
name = "stomach"
kind = "points"
points_mm = [[0, 1, 2], [0, 3.5, 2], [0, 3, 9]]
[envelope]
margin_mm = 3.0
[linac]
port = 7400
key_file = "/keys/lease.key"
[preview]
seconds = 12
"""
LEAST = '[source]\nkind = "mrd"\n[target]\nkind = "trackrad"\ncase = "liver"\n'


DRAWN = LEAST.replace('"trackrad"\ncase = "liver"', '"drawn"')


def written(folder, text):
    path = folder / "session.toml"
    path.write_text(text)
    return path


def test_names_of_files_are_beside_the_session_file_unless_they_are_absolute(tmp_path):
    config = load_live(written(tmp_path, WHOLE))
    assert config.target[0].file == str(tmp_path / "plan/rs.dcm")
    assert config.target[0].reference == str(tmp_path / "plan/cine.mha")
    assert config.avoid[0].file == str(tmp_path / "plan/rs.dcm")
    assert config.linac.key_file == "/keys/lease.key"
    assert config.recording.folder == str(tmp_path / "sessions")


def test_structures_are_called_by_their_name_or_that_of_their_region(tmp_path):
    assert [outline.called for outline in load_live(written(tmp_path, WHOLE)).avoid] == ["Duodenum", "stomach"]


def test_settings_are_those_of_any_session(tmp_path):
    config = load_live(written(tmp_path, WHOLE))
    settings = config.settings()
    assert type(settings) is SessionConfig
    assert settings.envelope.margin_mm == 3.0
    assert settings.linac == config.linac


def test_what_is_not_given_has_its_default(tmp_path):
    config = load_live(written(tmp_path, LEAST))
    assert config.settings() == SessionConfig()
    assert config.source.frames_per_s is None
    assert config.preview.seconds == 20.0


SEVERAL = (
    LEAST.split("[target]", maxsplit=1)[0]
    + """
[[target]]
name = "GTV1"
kind = "mask"
file = "labels.mha"
label = 1
margin_mm = 3
[[target]]
kind = "rtstruct"
file = "rs.dcm"
roi = "GTV2"
required = false
outside_percent = 2
min_confidence = 0.6
colour = "#0088ff"
envelope = { kind = "rtstruct", file = "rs.dcm", roi = "PTV2" }
[[oar]]
kind = "rtstruct"
file = "rs.dcm"
roi = "Duodenum"
nearer_mm = 2.5
slides = false
zone = { kind = "rtstruct", file = "rs.dcm", roi = "PRV" }
[[avoid]]
name = "Stomach"
kind = "mask"
file = "labels.mha"
label = 4
zone_margin_mm = 4
overlap_mm2 = 20
"""
)


def test_several_targets_and_organs_have_limits_and_zones_of_their_own(tmp_path):
    config = load_live(written(tmp_path, SEVERAL))
    assert [one.called for one in (*config.target, *config.organs)] == ["GTV1", "GTV2", "Duodenum", "Stomach"]
    assert config.target[1].envelope.file == config.organs[0].zone.file == str(tmp_path / "rs.dcm")
    assert [one.required for one in config.target] == [True, False]
    structures = config.settings().structures
    assert structures.target["GTV1"].margin_mm == 3.0
    assert (structures.target["GTV2"].outside_percent, structures.target["GTV2"].min_confidence) == (2.0, 0.6)
    assert structures.oar["Duodenum"].nearer_mm == 2.5
    assert not structures.oar["Duodenum"].slides
    assert (structures.oar["Stomach"].zone_margin_mm, structures.oar["Stomach"].overlap_mm2) == (4.0, 20.0)
    assert config.warnings() == ()


def test_a_limit_of_one_structure_beyond_its_safe_range_is_warned_of(tmp_path):
    config = load_live(written(tmp_path, SEVERAL.replace("margin_mm = 3\n", "margin_mm = 20\n")))
    (line,) = config.warnings()
    assert "structures.target.GTV1.margin_mm = 20 mm, safe is at most 8 mm" in line


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ('name = "GTV1"', 'name = "GTV2"', "target.1.name is 'GTV2'; give each structure a unique name"),
        ('roi = "Duodenum"', 'roi = "GTV2"', "target.1.name is 'GTV2'; give"),
        ('name = "GTV1"', 'name = "GTV1"\nrequired = false', "target.required: a session needs its first target"),
        ("required = false", "adjust = true", "target.1.envelope: the operator who draws or adjusts it"),
        ("required = false", 'reference = "a.mha"', "target.1.reference: only the first"),
        ("nearer_mm = 2.5", "nearer_mm = 2.5\noverlap_percent = 2", "oar.0.rtstruct = .*exclude each other"),
        ("overlap_mm2 = 20", "nearer_mm = 20", "avoid.0.mask = .*nearer_mm: needs a zone"),
        ("nearer_mm = 2.5", "margin_mm = 2.5", "oar.0.rtstruct = .*zone_margin_mm is of organs"),
        ("margin_mm = 3\n", "zone_margin_mm = 3\n", "target.0.zone_margin_mm = 3: is no setting"),
        ("[[oar]]", "[structures.target.GTV1]\nmargin_mm = 2\n[[oar]]", "structures: the limits .* move them"),
        ('colour = "#0088ff"', 'colour = "blue"', "target.1.colour = 'blue'"),
    ],
)
def test_what_is_wrong_with_one_of_several_structures_is_named(tmp_path, was, now, says):
    assert was in SEVERAL
    with pytest.raises(ConfigError, match=says) as told:
        load_live(written(tmp_path, SEVERAL.replace(was, now, 1)))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "source = .*Field required"),
        (LEAST.replace('"mrd"', '"usb"'), "source kind 'usb': is not there"),
        (LEAST + "[console]\nport = 1\n", "console = .*is no setting here"),
        (
            LEAST + "[gate]\noutside_precent = 1\n",
            "gate.outside_precent = 1: is no setting here; did you mean outside_percent",
        ),
        (LEAST + "[preview]\nseconds = 1e9\n", "preview.seconds = 1000000000.0"),
        (LEAST + 'reference = "x.mha"\n', "target.reference: .*leave it out"),
        (LEAST + '[[avoid]]\nkind = "mask"\nfile = "a.mha"\n', "avoid.0.name is ''"),
        (LEAST + '[[avoid]]\nname = "a\\u001b[2J"\nkind = "mask"\nfile = "a.mha"\n', "avoid.0.name = .*x1b"),
        (LEAST + '[[avoid]]\nroi = "a\\u009b"\nkind = "rtstruct"\nfile = "a.dcm"\n', "avoid.0.roi = .*x9b"),
        (LEAST + '[[avoid]]\nname = "target"\nkind = "mask"\nfile = "a.mha"\n', "avoid.0.name is 'target'"),
        (
            LEAST + '[[avoid]]\nname = "b"\nkind = "mask"\nfile = "a.mha"\nreference = "r.mha"\n',
            "avoid.0.mask = .*reference: ",
        ),
        (LEAST.replace('"trackrad"\ncase = "liver"', '"points"\npoints_mm = [[0, 0, 0], [1, 1, 1]]'), "points_mm"),
        (LEAST.replace('"trackrad"\ncase = "liver"', '"points"\npoints_mm = [[0, 0, nan], [1, 1, 1], [0,0,1]]'), "nan"),
        (LEAST + "[gate]\nretrospective = true\n", "gate.retrospective: only a replay .*leave it out"),
        ("[source", "cannot be read as TOML"),
        (DRAWN + "margin_mm = 3\n", "target: the operator who draws or adjusts it gives its margin"),
        (LEAST + "adjust = true\nmargin_mm = 3\n", "target: the operator who draws or adjusts it gives its margin"),
        (DRAWN + "adjust = true\n", "target.adjust = True: is no setting here"),
        (
            LEAST + '[[oar]]\nname = "b"\nkind = "drawn"\nrequired = false\n',
            "required: the session begins once all that is drawn and required is confirmed; require one",
        ),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path, text, says):
    with pytest.raises(ConfigError, match=says) as told:
        load_live(written(tmp_path, text))
    assert "\n" not in str(told.value)
    assert "session.toml" in str(told.value)


@pytest.mark.parametrize(
    ("text", "by_hand"), [(LEAST, False), (LEAST + "adjust = true\n", True), (DRAWN, True), (WHOLE, False)]
)
def test_the_target_may_be_left_to_an_operator(tmp_path, text, by_hand):
    assert load_live(written(tmp_path, text)).by_hand is by_hand


def test_any_structure_may_be_left_to_an_operator(tmp_path):
    second = '[[target]]\nname = "b"\nkind = "drawn"\nmargin_mm = 3\n'
    organ = '[[oar]]\nname = "c"\nkind = "mask"\nfile = "a.mha"\nadjust = true\n'
    config = load_live(written(tmp_path, LEAST.replace("[target]", "[[target]]") + second + organ))
    assert [one.by_hand for one in (*config.target, *config.organs)] == [False, True, True]
    assert config.by_hand


def test_an_image_to_draw_on_is_beside_the_session_file(tmp_path):
    assert load_live(written(tmp_path, DRAWN + 'reference = "x.mha"\n')).target[0].reference == str(tmp_path / "x.mha")
