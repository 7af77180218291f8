"""The key is a secret, and long enough to be one."""

import os

import pytest

from gatekeeper.core.errors import ConfigError
from gatekeeper.linac.lease.key import load_key


def key_file(folder, size=32, mode=0o600):
    path = folder / "key"
    path.write_bytes(bytes(k % 256 for k in range(size)))
    path.chmod(mode)
    return path


@pytest.mark.parametrize("size", [32, 33, 4096])
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_key_is_every_byte_of_its_file(tmp_path, size, mode):
    assert load_key(key_file(tmp_path, size, mode)) == bytes(k % 256 for k in range(size))


@pytest.mark.parametrize("size", [0, 1, 31, 4097])
def test_key_that_is_too_short_or_too_long_is_refused(tmp_path, size):
    with pytest.raises(ConfigError, match="it needs 32 to 4096"):
        load_key(key_file(tmp_path, size))


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o666])
def test_key_that_others_can_get_at_is_refused(tmp_path, mode):
    with pytest.raises(ConfigError, match=f"mode {mode:03o}.*chmod 600"):
        load_key(key_file(tmp_path, mode=mode))


def test_key_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_key(tmp_path / "none")


def test_key_that_is_no_file_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ConfigError, match="not a regular file"):
            load_key(path)


@pytest.mark.parametrize("key", [bytes(32), b"a" * 64, b"abc" * 20, b"1234567" * 5])
def test_key_that_is_not_random_is_refused(tmp_path, key):
    path = key_file(tmp_path)
    path.write_bytes(key)
    with pytest.raises(ConfigError, match=f"{len(set(key))} different bytes"):
        load_key(path)


def test_key_in_hexadecimal_digits_is_taken(tmp_path):
    path = key_file(tmp_path)
    path.write_bytes(b"00ff17a9" * 4 + b"8b3c5d\n")
    assert len(load_key(path)) == 39


def test_key_of_another_user_is_refused(tmp_path, monkeypatch):
    path = key_file(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(ConfigError, match="whoever reads it must own it"):
        load_key(path)
