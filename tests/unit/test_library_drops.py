"""What is dropped on the library: taken in under names that are safe, within bounds, and removed."""

import stat
import zipfile

import pytest

from gatekeeper.core.errors import InputError
from replay.library import archive, drops
from replay.library.drops import NAME, Drops
from replay.library.file_names import LONGEST_NAME, MOST_FILES, parts_of


@pytest.fixture
def taken():
    with Drops() as opened:
        yield opened


def sent(taken, files):
    """Send files, as (path, content), and return the key of the recording."""
    key = taken.begin([(name, len(data)) for name, data in files])
    for number, (_, data) in enumerate(files):
        with taken.writing(key, number) as file:
            file.write(data)
    return key


def packed(tmp_path, members):
    """Return the bytes of an archive of members, as (name or ZipInfo, content)."""
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members:
            opened.writestr(name, data)
    return path.read_bytes()


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


LONG = ["x" * (LONGEST_NAME + 1), "/".join("a" * 17)]
ELSEWHERE = ["", "/etc/passwd", "../up", "a/../../up", "a\\..\\up", "C:up", "a\x00b", "a\nb", "\u202egpj", 3, None]


@pytest.mark.parametrize("name", [*LONG, *ELSEWHERE])
def test_names_that_lead_elsewhere_are_refused(taken, name):
    with pytest.raises(InputError, match="is not the name of a file in it"):
        taken.begin([(name, 1)])


def test_a_dropped_file_and_folder_lose_their_own_names(taken):
    file = taken.finish(sent(taken, [("Doe, Jane.nii.gz", b"x")]))
    assert file.name == f"{NAME}.nii.gz"
    assert taken.finish(sent(taken, [("Doe.Jane", b"x")])).name in (NAME, f"{NAME}.jane")
    folder = taken.finish(sent(taken, [("Doe/a/1.dcm", b"x"), ("Doe/2.dcm", b"yy")]))
    assert (folder.name, files_below(folder)) == (NAME, ["2.dcm", "a/1.dcm"])
    loose = taken.finish(sent(taken, [("1.dcm", b"x"), ("2.dcm", b"y")]))
    assert (loose.name, files_below(loose)) == (NAME, ["1.dcm", "2.dcm"])


@pytest.mark.parametrize("names", [["a", "A"], ["x/a", "x/a"], ["a", "a/b"]])
def test_two_files_of_one_name_are_refused(taken, names):
    with pytest.raises(InputError, match="same name"):
        taken.begin([(name, 1) for name in [*names, "other"]])


def test_no_more_is_taken_than_was_told_and_than_there_is_room(taken, monkeypatch):
    key = taken.begin([("a", 3)])
    with pytest.raises(InputError, match="more than the 3 bytes"), taken.writing(key, 0) as file:
        file.write(b"1234")
    with taken.writing(key, 0) as file:
        file.write(b"12")
    with pytest.raises(InputError, match="1 files have not arrived"):
        taken.finish(key)
    for names in ([], [("a", 1)] * (MOST_FILES + 1), [("a", -1)], [("a", True)], [("a", "1")]):
        with pytest.raises(InputError):
            taken.begin(names)
    with Drops(largest=10) as small, pytest.raises(InputError, match="can be taken"):
        small.begin([("a", 6), ("b", 6)])
    monkeypatch.setattr(drops, "SPARED", 10**18)
    with pytest.raises(InputError, match="can be taken"):
        taken.begin([("a", 1)])


def test_an_archive_is_unpacked_as_the_folder_that_it_holds(taken, tmp_path):
    members = [("Doe/a/1.dcm", b"x"), ("Doe/2.dcm", b"y"), ("__MACOSX/2.dcm", b"z"), ("Doe/.hidden", b"h")]
    folder = taken.finish(sent(taken, [("Doe.zip", packed(tmp_path, members))]))
    assert (folder.name, files_below(folder)) == (NAME, ["2.dcm", "a/1.dcm"])


def link():
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([("../../up", b"x")], "is not the name of a file in it"),
        ([("/etc/up", b"x")], "is not the name of a file in it"),
        ([(link(), b"/etc/passwd")], "link or device"),
        ([("a", b"x"), ("A", b"y")], "same name"),
        ([(".hidden", b"x")], "no file but hidden ones"),
        ([], "holds 0 files"),
    ],
)
def test_hostile_archives_are_refused_and_write_nothing(taken, tmp_path, members, why):
    key = sent(taken, [("recording.zip", packed(tmp_path, members))])
    with pytest.raises(InputError, match=why):
        taken.finish(key)
    assert files_below(taken.of(key).folder) == [f"{NAME}.zip"]


def test_an_archive_that_unpacks_to_far_more_than_its_size_is_refused(taken, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "WORTH_A_LOOK", 2**16)
    key = sent(taken, [("recording.zip", packed(tmp_path, [("a", bytes(2**20))]))])
    with pytest.raises(InputError, match="times its size"):
        taken.finish(key)
    monkeypatch.setattr(archive, "LARGEST_RATIO", 10**6)
    assert files_below(taken.finish(key)) == ["a"]


def test_all_is_removed_at_the_end_and_the_oldest_that_is_not_in_use_before(monkeypatch):
    monkeypatch.setattr(drops, "MOST_DROPS", 2)
    with Drops() as opened:
        first, second = sent(opened, [("a", b"1")]), sent(opened, [("b", b"2")])
        opened.hold(first)
        third = sent(opened, [("c", b"3")])
        with pytest.raises(InputError, match="drop it again"):
            opened.of(second)
        opened.hold(third)
        with pytest.raises(InputError, match="wait for one"):
            opened.begin([("d", 1)])
        kept = opened.of(first).folder
        opened.discard(third)
        assert list(kept.parent.iterdir()) == [kept]
    assert not kept.parent.exists()


def test_a_name_keeps_its_folders():
    assert parts_of("a/b c/1.dcm") == ("a", "b c", "1.dcm")
