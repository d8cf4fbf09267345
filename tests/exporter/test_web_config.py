"""TLS and basic auth by a web config file, over real connections."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import httpx
import pytest

from exporter.web.config_file import BadWebConfig, read_web_config
from exporter.web.guard import Guard
from tests.exporter.running import Running, exporter
from tests.real_parts import program

HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
OTHER_HASH = bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()


def certificate(folder: Path, name: str) -> None:
    """A self-signed certificate for 127.0.0.1, with its key."""
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip


def trusting(folder: Path, name: str, client: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=os.fspath(folder / f"{name}.crt"))
    if client is not None:
        context.load_cert_chain(folder / f"{client}.crt", folder / f"{client}.key")
    return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("server", "renewed", "client", "stranger"):
        certificate(folder, name)
    return folder


@pytest.fixture
def folder(certificates: Path, tmp_path: Path) -> Path:
    for file in certificates.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


@pytest.fixture
def guarded(folder: Path) -> Iterator[Running]:
    (folder / "web.yml").write_text(f"basic_auth_users:\n  prometheus: {HASH}\n")
    with exporter("--simulate", "default", "--web-config", f"{folder}/web.yml", folder=folder) as running:
        yield running


def test_only_the_right_password_lets_in(guarded: Running) -> None:
    def status(*auth: str) -> int:
        given = httpx.BasicAuth(auth[0], auth[1]) if auth else None
        return httpx.get(f"{guarded.url}/metrics", auth=given).status_code

    assert status("prometheus", "open sesame") == 200
    assert status("prometheus", "open sesame") == 200  # remembered
    assert [
        status(),
        status("prometheus", ""),
        status("prometheus", "open"),
        status("root", "open sesame"),
    ] == [401] * 4
    assert status("prometheus", "open") == 401  # remembered too
    for path in ("/", "/api/v1/node", "/page.css"):
        assert httpx.get(guarded.url + path).status_code == 401
    assert httpx.get(f"{guarded.url}/healthz").status_code == 200  # probes carry no password


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer x", "Basic /////w=="]
)
def test_a_header_that_is_no_password_is_refused(guarded: Running, header: str) -> None:
    assert httpx.get(f"{guarded.url}/metrics", headers={"Authorization": header}).status_code == 401


def test_passwords_are_exchanged_without_a_restart_and_a_broken_file_locks_nobody_out(
    guarded: Running,
) -> None:
    file = guarded.log.parent / "web.yml"

    def status(password: str) -> int:
        return httpx.get(f"{guarded.url}/metrics", auth=("prometheus", password)).status_code

    assert status("open sesame") == 200
    file.write_text(f"basic_auth_users:\n  prometheus: {OTHER_HASH}\n")
    assert (status("open sesame"), status("other")) == (401, 200)

    file.write_text("basic_auth_users: {prometheus: plain}")
    assert status("other") == 200
    assert "must be a bcrypt hash" in guarded.log.read_text()
    assert "plain" not in guarded.log.read_text()


def test_tls_is_served_and_a_renewed_certificate_is_taken_up(folder: Path) -> None:
    (folder / "web.yml").write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
    with exporter("--simulate", "default", "--web-config", f"{folder}/web.yml", folder=folder) as running:
        assert running.url.startswith("https://")
        assert httpx.get(f"{running.url}/metrics", verify=trusting(folder, "server")).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{running.url}/metrics", verify=trusting(folder, "renewed"))

        (folder / "renewed.key").replace(folder / "server.key")
        shutil.copy(folder / "renewed.crt", folder / "server.crt")

        assert httpx.get(f"{running.url}/metrics", verify=trusting(folder, "renewed")).status_code == 200


def test_a_client_that_never_finishes_its_handshake_holds_up_nobody(folder: Path) -> None:
    (folder / "web.yml").write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
    with exporter("--simulate", "default", "--web-config", f"{folder}/web.yml", folder=folder) as running:
        port = int(running.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)):
            assert httpx.get(f"{running.url}/metrics", verify=trusting(folder, "server")).status_code == 200


def test_clients_without_the_right_certificate_stay_outside(folder: Path) -> None:
    (folder / "web.yml").write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: client.crt, "
        "client_auth_type: RequireAndVerifyClientCert}\n"
    )
    with exporter("--simulate", "default", "--web-config", f"{folder}/web.yml", folder=folder) as running:
        ours = trusting(folder, "server", "client")
        assert httpx.get(f"{running.url}/metrics", verify=ours).status_code == 200
        for context in (trusting(folder, "server"), trusting(folder, "server", "stranger")):
            with pytest.raises(httpx.HTTPError):
                httpx.get(f"{running.url}/metrics", verify=context)


def test_headers_of_the_file_are_sent(folder: Path) -> None:
    (folder / "web.yml").write_text(
        "http_server_config: {headers: {Strict-Transport-Security: max-age=60}}\n"
    )
    with exporter("--simulate", "default", "--web-config", f"{folder}/web.yml", folder=folder) as running:
        assert httpx.get(running.url).headers["strict-transport-security"] == "max-age=60"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a list", "valid dictionary"),
        ("basic_auth_users: {a: plain}", "basic_auth_users.a: must be a bcrypt hash"),
        ("tls_server_config: {cert_file: a}", "tls_server_config.key_file"),
        ("tls_server_config: {cert_file: a, key_file: b, client_auth_type: Maybe}", "client_auth_type"),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}",
            "needs client_ca_file",
        ),
        ("http_server_config: {headers: {X-Powered-By: us}}", "cannot be set"),
        ('http_server_config: {headers: {X-Frame-Options: "a\\nSet-Cookie: b"}}', "not printable"),
        ("colour: red", "colour"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_file_with_a_mistake_says_where_and_never_shows_a_password(
    tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "web.yml").write_text(text)

    with pytest.raises(BadWebConfig, match=says) as raised:
        read_web_config(tmp_path / "web.yml")
    assert "plain" not in str(raised.value)


def test_a_certificate_that_is_none_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: a, key_file: b}\n")

    with pytest.raises(BadWebConfig, match="the certificate cannot be used"):
        Guard(tmp_path / "web.yml")


def test_an_empty_file_asks_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("")

    assert read_web_config(tmp_path / "web.yml").basic_auth_users == {}
