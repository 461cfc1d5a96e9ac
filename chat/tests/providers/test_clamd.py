"""Against a daemon on the loopback that speaks clamd's published protocol."""

import io
import socketserver
import struct
import threading

import pytest

from chat.providers import clamd
from ops.kernel.errors import TemporaryFailure

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd(socketserver.BaseRequestHandler):
    """`zINSTREAM`, pieces with their length, a length of zero; answers ended by NUL."""

    limit = 1_000_000

    def handle(self):
        line = self.request.makefile("rb")
        assert line.read(10) == b"zINSTREAM\0"
        body = b""
        while length := struct.unpack("!I", line.read(4))[0]:
            piece = line.read(length)
            assert len(piece) == length
            body += piece
            if len(body) > self.limit:
                self.request.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.request.sendall(b"stream: Eicar-Test-Signature FOUND\0" if EICAR in body else b"stream: OK\0")


@pytest.fixture
def daemon():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Clamd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_clean_file_has_no_finding(daemon):
    assert clamd.scan(io.BytesIO(b"hello" * 50_000), address=daemon) == ""


def test_a_finding_is_named(daemon):
    assert clamd.scan(io.BytesIO(b"x" * 70_000 + EICAR), address=daemon) == "Eicar-Test-Signature"


def test_a_refusal_is_no_clean_bill(daemon):
    with pytest.raises(TemporaryFailure) as refusal:
        clamd.scan(io.BytesIO(b"x" * 1_200_000), address=daemon)

    assert refusal.value.words


def test_by_a_socket_in_the_file_system(tmp_path):
    path = tmp_path / "clamd.ctl"
    with socketserver.ThreadingUnixStreamServer(str(path), Clamd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert clamd.scan(io.BytesIO(EICAR), address=f"unix:{path}") == "Eicar-Test-Signature"
        server.shutdown()


def test_an_absent_daemon_is_a_temporary_failure(tmp_path):
    with pytest.raises(TemporaryFailure):
        clamd.scan(io.BytesIO(b"x"), address=f"unix:{tmp_path}/nobody.ctl")
