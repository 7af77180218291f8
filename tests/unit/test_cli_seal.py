"""`gatekeeper seal` writes a countersigned head, and `verify --seal` compares with it."""

import json
import shutil
import subprocess

import pytest

from gatekeeper.recording.hash_chain import canonical
from gatekeeper.recording.signing import installation_key
from tests.support.command_line import gatekeeper
from tests.support.sessions import forge, lines

AUTHORITY = """
[req]
distinguished_name = dn
x509_extensions = v3
prompt = no
[dn]
CN = authority of the tests
[v3]
extendedKeyUsage = critical,timeStamping
[stamp]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


@pytest.fixture
def session(eventful_session, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(eventful_session, tmp_path / "s")


@pytest.fixture
def sealed(session, tmp_path, monkeypatch):
    """Its seal, countersigned by somebody else."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "physicist"))
    path = tmp_path / "elsewhere.seal.json"
    assert gatekeeper("seal", session, "--out", path) == 0
    return path


def test_seal_holds_the_head_and_verify_compares(session, sealed, capsys):
    seal = json.loads(sealed.read_text())
    assert (seal["complete"], seal["line"]) == (True, len(lines(session)) - 1)
    assert seal["key"] == installation_key().public != seal["signed_by"]
    assert json.loads(lines(session)[-1])["hash"] == seal["head"]
    capsys.readouterr()
    assert gatekeeper("verify", session, "--seal", sealed) == 0
    assert f"at line {seal['line']}, countersigned by {seal['key']}" in capsys.readouterr().out


def test_session_written_anew_does_not_fit_its_seal(session, sealed, capsys):
    forge(session, lambda entries: entries, installation_key(session.parent / "stranger"))
    assert gatekeeper("verify", session, "--seal", sealed) == 1
    assert "is not the one that was sealed" in capsys.readouterr().out


def test_session_without_its_end_does_not_fit_its_seal(session, sealed, capsys):
    (session / "decisions.jsonl").write_bytes(b"".join(lines(session)[:-2]))
    (session / "summary.json").unlink()
    (session / "signatures.jsonl").unlink()
    assert gatekeeper("verify", session) == 3
    assert gatekeeper("verify", session, "--seal", sealed) == 1
    assert "sealed was line" in capsys.readouterr().out


def test_partial_session_is_sealed_as_such_and_may_not_lose_a_line(session, tmp_path, capsys):
    forge(session, lambda entries: entries[:-1])
    (session / "summary.json").unlink()
    path = tmp_path / "partial.seal.json"
    assert gatekeeper("seal", session, "--out", path, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["complete"] is False
    assert gatekeeper("verify", session, "--seal", path) == 3
    forge(session, lambda entries: entries[:-1])
    assert gatekeeper("verify", session, "--seal", path) == 1


@pytest.mark.parametrize("text", ["", "{}", '{"kind": 1}', "[" * 100_000])
def test_what_is_no_seal_is_refused(session, tmp_path, capsys, text):
    (tmp_path / "x.seal.json").write_text(text)
    assert gatekeeper("verify", session, "--seal", tmp_path / "x.seal.json") == 2
    assert gatekeeper("verify", session, "--seal", tmp_path / "absent") == 2
    assert "Traceback" not in capsys.readouterr().err


def test_seal_that_was_changed_is_refused(session, sealed, capsys):
    sealed.write_text(sealed.read_text().replace('"complete": true', '"complete": false'))
    assert gatekeeper("verify", session, "--seal", sealed) == 2
    assert "does not fit its own signature" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [{"line": "1"}, {"line": -1}, {"line": None}, {"head": "ab"}, {"head": None}, {"complete": 1}, {"more": 1}],
)
def test_seal_by_an_unknown_key_is_read_with_care(session, sealed, capsys, change):
    values = json.loads(sealed.read_text()) | change
    plain = {name: value for name, value in values.items() if name != "signature"}
    values["signature"] = installation_key().sign(canonical(plain).encode())
    sealed.write_text(json.dumps(values))
    assert gatekeeper("verify", session, "--seal", sealed) == 2
    assert "is not a seal" in capsys.readouterr().err


def test_session_that_was_changed_or_is_unsigned_is_not_sealed(session, tmp_path, capsys):
    (session / "overview.png").write_bytes(b"another")
    assert gatekeeper("seal", session, "--out", tmp_path / "x.seal.json") == 2
    assert "overview.png: was changed" in capsys.readouterr().err
    assert not (tmp_path / "x.seal.json").exists()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_time_stamp_is_attached_when_it_is_over_the_head(session, sealed, tmp_path, capsys):
    head = json.loads(sealed.read_text())["head"]
    right, wrong = _stamped(tmp_path, head), _stamped(tmp_path, "00" * 32)
    assert gatekeeper("seal", session, "--out", sealed, "--timestamp-reply", wrong) == 2
    assert f"not the head {head}" in capsys.readouterr().err
    assert gatekeeper("seal", session, "--out", sealed, "--timestamp-reply", sealed) == 2
    assert gatekeeper("seal", session, "--out", sealed, "--timestamp-reply", tmp_path / "absent") == 2
    assert not sealed.with_name("elsewhere.seal.tsr").exists()
    assert gatekeeper("seal", session, "--out", sealed, "--timestamp-reply", right) == 0
    assert sealed.with_name("elsewhere.seal.tsr").read_bytes() == right.read_bytes()
    assert gatekeeper("verify", session, "--seal", sealed) == 0
    assert "time stamp: 20" in capsys.readouterr().out
    sealed.with_name("elsewhere.seal.tsr").write_bytes(wrong.read_bytes())
    assert gatekeeper("verify", session, "--seal", sealed) == 1


def _stamped(folder, digest):
    """Return the reply of an authority of our own over a digest."""
    (folder / "authority.cnf").write_text(AUTHORITY.format(folder=folder))
    (folder / "serial").write_text("01\n")
    reply = folder / f"{digest[:8]}.tsr"
    config = ["-config", "authority.cnf"]
    stamp = ["-section", "stamp", *config]
    for words in (
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", *config],
        ["ts", "-query", "-digest", digest, "-sha256", "-cert", "-out", "q.tsq"],
        ["ts", "-reply", "-queryfile", "q.tsq", "-signer", "c.pem", "-inkey", "k.pem", "-out", reply.name, *stamp],
    ):
        subprocess.run([shutil.which("openssl"), *words], cwd=folder, check=True, capture_output=True)
    return reply
