"""The installation's key is made once, kept from others, and its public half is what checkers trust."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.errors import ConfigError, OutputError
from gatekeeper.recording import signing
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.recording.signatures import signed_text
from gatekeeper.recording.signing import (
    PRIVATE,
    PUBLIC,
    installation_key,
    is_signed_by,
    keys_folder,
    own_public,
    read_trusted,
    session_key,
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user without a key."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "gatekeeper"


def test_key_is_made_on_first_use_and_stays(home):
    assert own_public() is None
    key = installation_key()
    assert stat.S_IMODE((home / PRIVATE).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert installation_key().public == key.public == own_public()
    assert read_trusted(home / PUBLIC) == {key.public}
    assert sorted(path.name for path in home.iterdir()) == [PRIVATE, PUBLIC]


def test_settings_folder_is_the_users(home, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", str(home.parent))
    assert keys_folder() == home.parent / ".config" / "gatekeeper"


def test_without_a_home_a_session_is_signed_with_a_key_that_is_not_kept(tmp_path, monkeypatch):
    def none(*_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(signing.Path, "home", none)
    assert keys_folder() == Path("/.config/gatekeeper")
    monkeypatch.setattr(signing, "_home", lambda: tmp_path / "nobody's")
    monkeypatch.setattr(signing, "_make", lambda *_: (tmp_path / "not there" / "a").mkdir())
    key = session_key()
    assert is_signed_by(key.public, key.sign(b"a"), b"a")
    assert session_key().public != key.public
    with pytest.raises(OutputError, match="name another folder with XDG_CONFIG_HOME"):
        installation_key()


def test_with_a_home_or_a_named_folder_a_key_that_cannot_be_kept_is_refused(home, tmp_path, monkeypatch):
    (tmp_path / "gatekeeper").write_text("")
    with pytest.raises(OutputError, match="name another folder with XDG_CONFIG_HOME"):
        session_key()
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".config").write_text("")
    with pytest.raises(OutputError, match="name another folder with XDG_CONFIG_HOME"):
        session_key()


def test_key_open_to_others_is_refused(home):
    installation_key()
    (home / PRIVATE).chmod(0o640)
    with pytest.raises(ConfigError, match="mode 640, open to others"):
        installation_key()


@pytest.mark.parametrize("data", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_key_that_is_none_is_refused(home, data):
    installation_key()
    (home / PRIVATE).write_bytes(data)
    with pytest.raises(ConfigError, match="is not an Ed25519 key"):
        installation_key()


def test_folder_that_cannot_be_made_is_refused(home):
    home.write_text("a file")
    with pytest.raises(OutputError, match="the signing key cannot be made or read"):
        installation_key()


def test_signature_is_of_one_message_by_one_key(home, tmp_path):
    key, other = installation_key(), installation_key(tmp_path / "other")
    message = signed_text(7, "ab" * 32)
    signature = key.sign(message)
    assert is_signed_by(key.public, signature, message)
    assert not is_signed_by(other.public, signature, message)
    assert not is_signed_by(key.public, signature, signed_text(8, "ab" * 32))
    assert not is_signed_by(key.public, signed_text(7, "").decode(), message)
    assert not is_signed_by("no key", signature, message)


def test_keys_of_a_folder_and_of_one_file_are_trusted(home, tmp_path):
    keys = [installation_key(tmp_path / name) for name in ("a", "b")]
    folder = tmp_path / "trusted"
    folder.mkdir()
    for name in ("a", "b"):
        shutil.copy(tmp_path / name / PUBLIC, folder / f"{name}.pub")
    assert read_trusted(folder) == {key.public for key in keys}
    (tmp_path / "all").write_bytes(b"".join(path.read_bytes() for path in folder.iterdir()))
    assert read_trusted(tmp_path / "all") == {key.public for key in keys}


@pytest.mark.parametrize("text", ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_file_without_a_key_is_refused(tmp_path, text):
    (tmp_path / "keys").write_text(text)
    with pytest.raises(ConfigError, match="public key"):
        read_trusted(tmp_path / "keys")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_trusted(tmp_path / "absent")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_public_half_is_what_openssl_says(home):
    installation_key()
    command = [shutil.which("openssl"), "pkey", "-in", home / PRIVATE, "-pubout"]
    assert subprocess.run(command, check=True, capture_output=True).stdout == (home / PUBLIC).read_bytes()


def test_session_that_cannot_be_signed_does_not_begin(home, tmp_path):
    home.write_text("a file")
    with pytest.raises(OutputError, match="the signing key cannot be made or read"):
        SessionRecorder(tmp_path / "s", SessionConfig())
