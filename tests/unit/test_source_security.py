"""Sources that are told to use TLS take frames from the sender with the known certificate alone."""

import shutil
import socket
import ssl
import subprocess
from contextlib import closing, suppress

import pytest

from gatekeeper.config.source import DicomSourceConfig, MrdSourceConfig, OpenIGTLinkSourceConfig, TlsConfig
from gatekeeper.core.clock import PacedClock
from gatekeeper.core.errors import ConfigError
from gatekeeper.sources.dicom.source import DicomSource
from gatekeeper.sources.mrd import MrdSource
from gatekeeper.sources.openigtlink import OpenIGTLinkSource
from gatekeeper.wire.security import security
from tests.support.dicom_objects import single
from tests.support.mrd_wire import image, session
from tests.support.openigtlink_messages import message
from tests.support.sources import answered, received
from tests.support.waiting import DEADLINE_S, until

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed, which makes the certificates")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Certificates of us, the sender and a stranger, each with its key."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("us", "sender", "stranger"):
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        subprocess.run(
            [OPENSSL, "req", "-x509", *kind, *files, "-subj", f"/CN={name}"], check=True, capture_output=True
        )
    return folder


def files(folder, own="us", peer="sender"):
    return TlsConfig(
        certificate_file=str(folder / f"{own}.pem"),
        private_key_file=str(folder / f"{own}.key"),
        peer_file=str(folder / f"{peer}.pem"),
    )


def client_context(folder, who):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_cert_chain(folder / f"{who}.pem", folder / f"{who}.key")
    context.load_verify_locations(folder / "us.pem")
    return context


def called(source, folder, who):
    """Return a link to a source, secured with someone's certificate."""
    return client_context(folder, who).wrap_socket(socket.create_connection(source.address, DEADLINE_S))


SOURCES = {
    "mrd": (MrdSource, MrdSourceConfig, session(image(index=1), image(index=2, stamp=14_400_050))),
    "openigtlink": (OpenIGTLinkSource, OpenIGTLinkSourceConfig, message(1) + message(2)),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_only_the_known_sender_is_heard(kind, certificates):
    make, config, sent = SOURCES[kind]
    settings = config(kind=kind, port=0, tls=files(certificates), read_deadline_s=DEADLINE_S)
    with closing(make(settings, PacedClock())) as source:
        # By TLS 1.3 a client learns of its refusal with the first answer, if at all.
        with called(source, certificates, "stranger") as link, suppress(OSError):
            link.sendall(sent)
            link.recv(4096)
        until(lambda: source.counts.broken == {"unknown": 1})
        with socket.create_connection(source.address, DEADLINE_S) as link:
            link.sendall(sent)
            answered(link)
        until(lambda: source.counts.broken == {"unknown": 2})
        assert source.next_frame(0.0) is None
        with called(source, certificates, "sender") as link:
            link.sendall(sent)
            assert len(received(source, 2)) == 2
        assert "by TLS" in source.counts.notes["broken"]


def test_a_source_that_calls_hears_the_known_sender_alone(certificates):
    for who, heard in (("stranger", False), ("sender", True)):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificates / f"{who}.pem", certificates / f"{who}.key")
        server.load_verify_locations(certificates / "us.pem")
        server.verify_mode = ssl.CERT_REQUIRED
        with socket.create_server(("127.0.0.1", 0)) as listening:
            settings = OpenIGTLinkSourceConfig(
                kind="openigtlink", role="client", port=listening.getsockname()[1], tls=files(certificates)
            )
            with closing(OpenIGTLinkSource(settings, PacedClock())) as source:
                link, _ = listening.accept()
                if not heard:
                    with link, pytest.raises(OSError, match=r"alert|reset|EOF"):
                        server.wrap_socket(link, server_side=True)
                    until(lambda: "unknown" in source.counts.broken)
                    continue
                with server.wrap_socket(link, server_side=True) as secured:
                    secured.sendall(message(1))
                    assert len(received(source, 1)) == 1


def test_dicom_over_tls(certificates):
    from pynetdicom.ae import ApplicationEntity
    from pynetdicom.sop_class import MRImageStorage

    settings = DicomSourceConfig(kind="dicom", port=0, tls=files(certificates))
    with closing(DicomSource(settings, PacedClock())) as source:
        with called(source, certificates, "stranger") as link, suppress(OSError):
            link.recv(4096)
        until(lambda: source.counts.broken == {"unknown": 1})
        entity = ApplicationEntity("SENDER")
        entity.add_requested_context(MRImageStorage)
        context = client_context(certificates, "sender")
        association = entity.associate(*source.address, ae_title="GATEKEEPER", tls_args=(context, None))
        for index in range(2):
            assert association.send_c_store(single(index)).Status == 0
        assert [one.connection for one in received(source, 2)] == [1, 1]
        association.release()
        assert source.connections[0].device == "SENDER"


def test_files_that_cannot_be_used_are_named(certificates, tmp_path):
    with pytest.raises(ConfigError, match=r"tls: .*stranger\.key.*belong together"):
        security(
            TlsConfig(
                certificate_file=str(certificates / "us.pem"),
                private_key_file=str(certificates / "stranger.key"),
                peer_file=str(certificates / "sender.pem"),
            )
        )
    with pytest.raises(ConfigError, match="cannot be used"):
        security(files(tmp_path))
