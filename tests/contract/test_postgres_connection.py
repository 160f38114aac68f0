"""Connections to Postgres: encrypted to any other machine, verified on request, never silently dead."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from supakeep.databases.postgres.connection import connect
from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.errors import DatabaseUnavailableError
from supakeep.wiring import SupabaseProject
from tests.builders.postgres_project import PostgresProject

pytestmark = pytest.mark.integration

# what a client sends before anything else, to ask for TLS
TLS_REQUEST = bytes.fromhex("0000000804d2162f")
# this machine, in a spelling that the system knows and that does not look like it
ELSEWHERE = "127.1"


class Front:
    """Stands before the real server and answers a request for TLS as it is told.

    With a context it ends the encryption there; without one it says that it has none. It counts
    the clients that went on without.
    """

    def __init__(self, server_port: int, context: ssl.SSLContext | None) -> None:
        self._server_port = server_port
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.unencrypted = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=[client]))
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            first = client.recv(8)
            if first == TLS_REQUEST:
                client.sendall(b"S" if self._context else b"N")
                if self._context:
                    client = self._context.wrap_socket(client, server_side=True)
                first = client.recv(8)
            if first:
                self.unencrypted += self._context is None
                self._relay(client, first)
        client.close()

    def _relay(self, client: socket.socket, first: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self._server_port)) as server:
            server.sendall(first)
            back = threading.Thread(target=_copy, args=[server, client])
            back.start()
            _copy(client, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


Authority = tuple[Path, ssl.SSLContext]


def authority(folder: Path, address: str = "127.0.0.1") -> Authority:
    """A certificate for `address` that vouches for itself, as a file and as a server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "supakeep test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "server.crt", folder / "server.key"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return file, context


@pytest.fixture
def front(project: PostgresProject) -> Iterator[Callable[[ssl.SSLContext | None], Front]]:
    fronts: list[Front] = []

    def start(context: ssl.SSLContext | None) -> Front:
        fronts.append(Front(project.server.port, context))
        return fronts[-1]

    yield start
    for one in fronts:
        one.close()


MakeFront = Callable[[ssl.SSLContext | None], Front]


def url(project: PostgresProject, front: Front, host: str = ELSEWHERE) -> str:
    return f"postgresql://postgres@{host}:{front.port}/{project.name}"


def test_a_server_without_tls_on_another_machine_is_never_spoken_to_in_plain_text(
    project: PostgresProject, front: MakeFront
) -> None:
    server = front(None)

    with (
        pytest.raises(DatabaseUnavailableError, match="SSL") as refused,
        PostgresDatabase(url(project, server)).snapshot(),
    ):
        pass

    assert "sslmode" in str(refused.value.hint)
    assert server.unencrypted == 0


def test_an_explicit_setting_allows_plain_text(project: PostgresProject, front: MakeFront) -> None:
    server = front(None)

    with closing(connect(f"{url(project, server)}?sslmode=disable")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_server_with_tls_is_spoken_to_encrypted(
    project: PostgresProject, front: MakeFront, tmp_path: Path
) -> None:
    _, context = authority(tmp_path)

    with closing(connect(url(project, front(context)))) as connection:
        assert connection.pgconn.ssl_in_use


@pytest.mark.parametrize("form", ["path", "text"])
def test_a_server_that_its_authority_vouches_for_is_trusted(
    project: PostgresProject, front: MakeFront, tmp_path: Path, form: str
) -> None:
    file, context = authority(tmp_path)
    address = url(project, front(context), "127.0.0.1")
    given = str(file) if form == "path" else file.read_text()

    with PostgresDatabase(address, authority=given).snapshot() as snapshot:
        assert snapshot.catalog().tables == {}


@pytest.mark.parametrize("wrong", ["authority", "host"])
def test_a_server_that_nobody_vouches_for_is_not(
    project: PostgresProject, front: MakeFront, tmp_path: Path, wrong: str
) -> None:
    (tmp_path / "other").mkdir()
    file, context = authority(tmp_path, "127.0.0.1" if wrong == "authority" else "127.0.0.9")
    if wrong == "authority":
        file, _ = authority(tmp_path / "other")
    address = url(project, front(context), "127.0.0.1")

    with (
        pytest.raises(DatabaseUnavailableError, match="certificate"),
        PostgresDatabase(address, authority=str(file)).snapshot(),
    ):
        pass


def test_the_authority_of_the_settings_is_the_one_that_is_verified(
    project: PostgresProject, front: MakeFront, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    file, context = authority(tmp_path)
    other, _ = authority(tmp_path / "other")
    environment = {
        "SUPABASE_DB_URL": url(project, front(context), "127.0.0.1"),
        "SUPABASE_PROJECT_REF": "abc",
    }

    with SupabaseProject.from_environment(
        environment | {"SUPABASE_DB_CA": str(file)}
    ).database.snapshot():
        pass
    supabase = SupabaseProject.from_environment(environment | {"SUPABASE_DB_CA": str(other)})
    with (
        pytest.raises(DatabaseUnavailableError, match="certificate"),
        supabase.database.snapshot(),
    ):
        pass


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux only")
def test_a_connection_notices_a_peer_that_is_gone(project: PostgresProject) -> None:
    with (
        closing(connect(project.url())) as connection,
        socket.socket(fileno=connection.fileno()) as tcp,
    ):
        alive = tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, interval, count, timeout = (
            tcp.getsockopt(socket.IPPROTO_TCP, option)
            for option in (
                socket.TCP_KEEPIDLE,
                socket.TCP_KEEPINTVL,
                socket.TCP_KEEPCNT,
                socket.TCP_USER_TIMEOUT,
            )
        )
        tcp.detach()

    assert alive
    assert (idle, interval, count, timeout) == (30, 10, 3, 60_000)
