"""Which pod holds which device, from a real gRPC server on a unix socket in the kubelet's place."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.kubernetes.device_ids import workloads
from exporter.kubernetes.grpc_call import CallFailed, unary_call
from exporter.kubernetes.pod_resources import LIST_METHOD, Assignment, assignments
from exporter.kubernetes.protobuf import BadMessage
from exporter.kubernetes.source import PodResources
from exporter.reading import DeviceIdentity, DeviceReading
from shared.node_report import WorkloadReport
from tests.exporter.running import eventually, exporter
from tests.fakes.libnvidia_ml import A100_40GB, Device, Node, gpu

Pods = dict[tuple[str, str], dict[str, list[str]]]
"""(namespace, pod) -> container -> device ids."""


def field(number: int, content: bytes | str) -> bytes:
    """A length-delimited protobuf field."""
    data = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def response(pods: Pods) -> bytes:
    """A ListPodResourcesResponse, with the fields we pass over (cpu_ids, topology) in it."""
    message = b""
    for (namespace, pod), containers in pods.items():
        body = field(1, pod) + field(2, namespace)
        for name, ids in containers.items():
            topology = varint(3 << 3 | 2) + b"\x00"
            devices = field(1, "nvidia.com/gpu") + b"".join(field(2, one) for one in ids) + topology
            cpus = varint(3 << 3) + varint(300)
            body += field(3, field(1, name) + field(2, devices) + cpus)
        message += field(1, body)
    return message


class Kubelet:
    """The kubelet's side of the socket; `answer` may be exchanged while it runs."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "kubelet.sock"
        self.answer: Callable[[], bytes] = lambda: response({})
        self._server = grpc.server(ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(lambda request, context: self.answer())
        service, _, method = LIST_METHOD.strip("/").partition("/")
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
        self._server.add_insecure_port(f"unix:{self.path}")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()


@pytest.fixture
def kubelet(tmp_path: Path) -> Iterator[Kubelet]:
    one = Kubelet(tmp_path)
    yield one
    one.stop()


DEVICES = (
    gpu(A100_40GB, 0, instances={1: Device(uuid="MIG-m", name="A100 MIG 3g.20gb", total=2**34, gi=5)}),
    gpu(A100_40GB, 1),
)
PARENT, PLAIN = DEVICES


def reading(
    uuid: str, index: str, *, parent: str | None = None, instance: int | None = None
) -> DeviceReading:
    identity = DeviceIdentity(uuid=uuid, index=index, name="", parent_uuid=parent, gpu_instance=instance)
    return DeviceReading(identity=identity)


SEEN = (reading("GPU-a", "0"), reading("MIG-m", "0:1", parent="GPU-a", instance=5), reading("GPU-b", "1"))


def test_the_kubelets_answer_is_read_over_grpc(kubelet: Kubelet) -> None:
    kubelet.answer = lambda: response(
        {("prod", "chat-0"): {"server": ["GPU-a", "GPU-b"]}, ("dev", "x"): {"y": []}}
    )

    assert PodResources(kubelet.path).read() == tuple(
        Assignment(namespace="prod", pod="chat-0", container="server", device_id=one)
        for one in ("GPU-a", "GPU-b")
    )


def test_a_node_full_of_pods_is_read_whole(kubelet: Kubelet) -> None:
    """More than one HTTP/2 window and many frames."""
    pods: Pods = {("namespace", f"pod-{n}"): {"container": [f"GPU-{n}-{'x' * 200}"]} for n in range(2000)}
    kubelet.answer = lambda: response(pods)

    assert len(PodResources(kubelet.path).read() or ()) == 2000


@pytest.mark.parametrize(
    ("device_id", "uuid"),
    [
        ("GPU-b", "GPU-b"),
        ("MIG-m", "MIG-m"),
        ("MIG-m::3", "MIG-m"),
        ("GPU-b::0", "GPU-b"),
        ("nvidia1", "GPU-b"),
        ("nvidia1/vgpu2", "GPU-b"),
        ("nvidia0/gi5", "MIG-m"),
        ("nvidia0/gi5/vgpu0", "MIG-m"),
        ("nvidia0/gi6", None),
        ("nvidia9", None),
        ("GPU-unknown", None),
        ("eth0", None),
        ("", None),
    ],
)
def test_every_spelling_of_a_device_id_finds_its_device(device_id: str, uuid: str | None) -> None:
    given = Assignment(namespace="n", pod="p", container="c", device_id=device_id)

    found = workloads(SEEN, [given])

    assert found == ({} if uuid is None else {uuid: (WorkloadReport(namespace="n", pod="p", container="c"),)})


def test_a_shared_gpu_has_all_its_containers_once() -> None:
    given = [
        Assignment(namespace="n", pod=pod, container="c", device_id=f"GPU-b::{n}")
        for n, pod in enumerate("aab")
    ]

    assert [one.pod for one in workloads(SEEN, given)["GPU-b"]] == ["a", "b"]


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_refused(message: bytes) -> None:
    try:
        assignments(message)
    except BadMessage:
        return


def refuse() -> bytes:
    raise RuntimeError("not today")


def test_a_kubelet_that_fails_is_said_once_and_again_when_it_recovers(
    kubelet: Kubelet, caplog: pytest.LogCaptureFixture
) -> None:
    source = PodResources(kubelet.path)
    caplog.set_level("INFO", "fittingroom.exporter.kubernetes")
    kubelet.answer = refuse

    assert [source.read(), source.read()] == [None, None]
    kubelet.answer = lambda: response({})
    assert source.read() == ()

    ours = [record.message for record in caplog.records if record.name == "fittingroom.exporter.kubernetes"]
    assert len(ours) == 2
    assert "not today" in ours[0]


def test_no_socket_and_one_that_does_not_speak_grpc_are_failures_in_words(tmp_path: Path) -> None:
    with pytest.raises(CallFailed, match="No such file"):
        unary_call(tmp_path / "none.sock", LIST_METHOD, b"", 1)

    for number, sent in enumerate((b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x00\x07\x01garbage")):
        path = tmp_path / f"{number}.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.fspath(path))
            listener.listen()
            done = threading.Event()

            def serve(
                listener: socket.socket = listener, sent: bytes = sent, done: threading.Event = done
            ) -> None:
                connection, _ = listener.accept()
                connection.sendall(sent)
                done.wait(30)
                connection.close()

            thread = threading.Thread(target=serve)
            thread.start()
            with pytest.raises(CallFailed, match=r"no answer within|not HTTP/2"):
                unary_call(path, LIST_METHOD, b"", 0.3)
            done.set()
            thread.join()


def test_pods_are_shown_on_devices_and_a_restarted_kubelet_is_found_again(
    driver_folder: Path, tmp_path: Path, kubelet: Kubelet
) -> None:
    kubelet.answer = lambda: response(
        {("prod", "chat-0"): {"server": [PLAIN.uuid]}, ("dev", "mig"): {"m": ["MIG-m"]}}
    )
    Node(devices=DEVICES).write(tmp_path / "node")
    environment = {
        "LD_LIBRARY_PATH": os.fspath(driver_folder),
        "FAKE_NVML_STATE": os.fspath(tmp_path / "node"),
    }
    options = ("--pod-resources-socket", os.fspath(kubelet.path))
    with exporter(*options, folder=tmp_path, environment=environment) as running:
        rows = [labels for labels, _ in running.series()["fittingroom_gpu_workload_info"]]
        assert [(row["uuid"], row["workload_namespace"], row["workload_pod"]) for row in rows] == [
            ("MIG-m", "dev", "mig"),
            (PLAIN.uuid, "prod", "chat-0"),
        ]
        assert running.value("fittingroom_exporter_pod_resources_up") == 1

        kubelet.answer = refuse
        eventually(
            lambda: running.value("fittingroom_exporter_pod_resources_up") == 0, "the kubelet is missed"
        )
        assert running.values("fittingroom_gpu_memory_free_bytes")  # the GPUs are still told

        kubelet.answer = lambda: response({})
        eventually(lambda: running.value("fittingroom_exporter_pod_resources_up") == 1, "the kubelet is back")
