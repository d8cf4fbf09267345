"""Asks the kubelet at each look; a kubelet that does not answer leaves the devices without pods, and is said once."""

import logging
from pathlib import Path
from typing import Final

from exporter.kubernetes.grpc_call import CallFailed, unary_call
from exporter.kubernetes.pod_resources import LIST_METHOD, Assignment, assignments
from exporter.kubernetes.protobuf import BadMessage

log: Final = logging.getLogger("fittingroom.exporter.kubernetes")

_TIMEOUT_SECONDS: Final = 2.0


class PodResources:
    """The kubelet's pod-resources API on a unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failing = False

    def read(self) -> tuple[Assignment, ...] | None:
        """Every device given to a container; None when the kubelet cannot be asked."""
        try:
            found = assignments(unary_call(self._path, LIST_METHOD, b"", _TIMEOUT_SECONDS))
        except (CallFailed, BadMessage) as error:
            if not self._failing:
                log.warning(
                    "the kubelet at %s cannot be asked which pod holds which GPU: %s", self._path, error
                )
            self._failing = True
            return None
        if self._failing:
            log.info("the kubelet answers again")
        self._failing = False
        return found
