"""One unary gRPC call over a unix socket: the only gRPC we need, on h2 instead of a 20 MB library."""

import socket
import struct
import time
from pathlib import Path
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.exceptions import ProtocolError

_MOST_BYTES: Final = 16 * 1024**2  # the kubelet's own limit on this API
_PREFIX_BYTES: Final = 5  # compressed flag and length before each message


class CallFailed(Exception):
    """The call gave no answer; the message says why."""


def unary_call(path: Path, method: str, request: bytes, timeout_seconds: float) -> bytes:
    """The response message of a method.

    Raises:
        CallFailed: No server, no answer in time, an answer too large, or a status other than OK.
    """
    deadline = time.monotonic() + timeout_seconds
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_seconds)
            connection.connect(str(path))
            return _Call(connection, deadline).run(method, request)
    except TimeoutError as error:
        raise CallFailed(f"no answer within {timeout_seconds:g} s") from error
    except OSError as error:
        raise CallFailed(error.strerror or str(error)) from error
    except ProtocolError as error:
        raise CallFailed("the answer is not HTTP/2") from error


class _Call:
    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._socket = connection
        self._deadline = deadline
        self._http = H2Connection(H2Configuration(client_side=True))
        self._body = bytearray()
        self._status: str | None = None
        self._message = ""
        self._ended = False

    def run(self, method: str, request: bytes) -> bytes:
        self._http.initiate_connection()
        stream = self._http.get_next_available_stream_id()
        headers = [
            (":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "localhost"),
            ("te", "trailers"), ("content-type", "application/grpc"),
        ]  # fmt: skip
        self._http.send_headers(stream, headers)
        self._http.send_data(stream, struct.pack(">BI", 0, len(request)) + request, end_stream=True)
        self._flush()
        while not self._ended:
            for event in self._http.receive_data(self._receive()):
                self._take(event)
            self._flush()
        return self._answer()

    def _receive(self) -> bytes:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        data = self._socket.recv(65536)
        if not data:
            raise CallFailed("the connection was closed")
        return data

    def _flush(self) -> None:
        data = self._http.data_to_send()
        if data:
            self._socket.sendall(data)

    def _take(self, event: Event) -> None:
        match event:
            case DataReceived():
                self._body += event.data or b""
                if len(self._body) > _MOST_BYTES:
                    raise CallFailed("the answer is larger than 16 MiB")
                self._http.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
            case ResponseReceived() | TrailersReceived():
                for name, value in event.headers or ():
                    if name == b"grpc-status":
                        self._status = value.decode("ascii", "replace")
                    elif name == b"grpc-message":
                        self._message = value.decode("utf-8", "replace")
            case StreamEnded():
                self._ended = True
            case StreamReset():
                raise CallFailed("the call was reset")
            case _:
                return

    def _answer(self) -> bytes:
        if self._status != "0":
            raise CallFailed(
                f"status {self._status}: {self._message}" if self._message else f"status {self._status}"
            )
        if len(self._body) < _PREFIX_BYTES:
            raise CallFailed("the answer is empty")
        compressed, size = struct.unpack(">BI", self._body[:_PREFIX_BYTES])
        if compressed or size != len(self._body) - _PREFIX_BYTES:
            raise CallFailed("the answer is cut off or compressed")
        return bytes(self._body[_PREFIX_BYTES:])
