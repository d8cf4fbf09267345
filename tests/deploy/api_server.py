"""A real API server without a cluster: `python -m tests.deploy.api_server` builds one and runs its tests against it.

It takes go, etcd (Debian's etcd-server), helm, kubectl and openssl on the PATH; the first build takes many minutes.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.deploy.chart import ROOT

MODULE: Final = "k8s.io/kubernetes"
MADE: Final = ROOT / ".cluster"
MAIN: Final = """package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
"""
PROGRAMS: Final = ("go", "etcd", "helm", "kubectl", "openssl")
READY_SECONDS: Final = 120


def go(*arguments: str, folder: Path) -> str:
    """What a go command prints; its own words on the way."""
    return subprocess.run(
        ["go", *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def built(version: str) -> Path:
    """kube-apiserver of this version, built from its Go module."""
    folder = MADE / version
    binary = folder / "kube-apiserver"
    if binary.exists():
        return binary
    folder.mkdir(parents=True, exist_ok=True)
    source = json.loads(go("mod", "download", "-json", f"{MODULE}@{version}", folder=MADE))["Dir"]
    (folder / "go.mod").write_text(module((Path(source) / "go.mod").read_text(encoding="utf-8"), version))
    (folder / "main.go").write_text(MAIN, encoding="utf-8")
    major, minor, _ = version.removeprefix("v").split(".", 2)
    known = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    flags = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in known.items())
    go("build", "-mod=mod", "-ldflags", flags, "-o", str(binary), ".", folder=folder)
    return binary


def module(theirs: str, version: str) -> str:
    """A go.mod that takes Kubernetes as a dependency: its staging modules are published as v0 of the same minor."""
    staging = sorted(set(re.findall(r"^\t(\S+) => \./staging", theirs, re.MULTILINE)))
    staging += [
        name for name in re.findall(r"^\t(\S+) v0\.0\.0$", theirs, re.MULTILINE) if name not in staging
    ]
    beside = [
        line for line in re.findall(r"^\t(\S+ v\S+)", theirs, re.MULTILINE) if line.split()[0] not in staging
    ]
    toolchain = re.search(r"^go \S+$", theirs, re.MULTILINE)
    assert toolchain is not None, "a go.mod says its Go"
    published = "v0" + version.removeprefix("v1")
    replaced = [f"replace {name} => {name} {published}" for name in staging]
    required = [f"require {line}" for line in (f"{MODULE} {version}", *beside)]
    return "\n".join(["module apiserver", toolchain[0], *required, *replaced, ""])


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(folder: Path, name: str, *command: str) -> Iterator[None]:
    """A program that runs while the block does, its words in a file of its name."""
    with (folder / f"{name}.log").open("wb") as log:
        running = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        running.terminate()
        running.wait(60)


@contextmanager
def etcd(folder: Path) -> Iterator[str]:
    """The address of an empty etcd."""
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    arguments = {
        "data-dir": str(folder / "etcd"),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
    }
    with process(folder, "etcd", "etcd", *(f"--{name}={value}" for name, value in arguments.items())):
        yield client


@contextmanager
def api_server(binary: Path, folder: Path) -> Iterator[Path]:
    """The kubeconfig of an API server on loopback, with pod security admission and no node."""
    port, key, token = free_port(), folder / "accounts.key", "administrator"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    (folder / "tokens.csv").write_text(f'{token},admin,1,"system:masters"\n', encoding="utf-8")
    with etcd(folder) as store:
        arguments = {
            "etcd-servers": store,
            "bind-address": "127.0.0.1",
            "secure-port": str(port),
            "cert-dir": str(folder / "certificates"),
            "service-account-key-file": str(key),
            "service-account-signing-key-file": str(key),
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-cluster-ip-range": "10.0.0.0/24",
            "token-auth-file": str(folder / "tokens.csv"),
            "authorization-mode": "RBAC",
            "disable-admission-plugins": "ServiceAccount",  # nobody makes accounts: that is a controller's work
        }
        given = (f"--{name}={value}" for name, value in arguments.items())
        with process(folder, "kube-apiserver", str(binary), *given):
            config = kubeconfig(folder, port, token)
            wait(config)
            yield config


def kubeconfig(folder: Path, port: int, token: str) -> Path:
    """A kubeconfig for the administrator."""
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "trial", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "trial", "context": {"cluster": "trial", "user": "admin"}}],
        "current-context": "trial",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    return path


def wait(config: Path) -> None:
    """Until the API server says that it is ready."""
    command = ["kubectl", f"--kubeconfig={config}", "get", "--raw", "/readyz"]
    for _ in range(READY_SECONDS):
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(1)
    raise SystemExit(f"the API server was not ready after {READY_SECONDS} s")


def main() -> int:
    """Build it where it is not built yet, start it, run the tests against it, end it."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.api_server", description=__doc__)
    parser.add_argument(
        "--version", default="v1.36.1", help="of Kubernetes; the Go at hand must be able to build it"
    )
    version = parser.parse_args().version
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        parser.error(f"not on the PATH: {', '.join(missing)}")
    MADE.mkdir(exist_ok=True)
    binary = built(version)
    with (
        tempfile.TemporaryDirectory(prefix="fittingroom-api-") as folder,
        api_server(binary, Path(folder)) as config,
    ):
        command = [sys.executable, "-m", "pytest", "-q", "tests/deploy/test_api_server.py"]
        environment = {**os.environ, "FITTINGROOM_TEST_KUBECONFIG": str(config)}
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
