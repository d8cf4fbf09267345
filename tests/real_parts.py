"""The real programs that tests talk to: found, or the test says why it did not run."""

import os
import shutil

import pytest


def program(*names: str) -> str:
    """Path of the first of `names` that is installed.

    Without it the test is skipped on a person's machine and fails where FITTINGROOM_REQUIRE_REAL_PARTS is set.
    """
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    reason = f"{names[0]} is not installed; .ci/run shows how to get it"
    if os.environ.get("FITTINGROOM_REQUIRE_REAL_PARTS"):
        pytest.fail(reason)
    pytest.skip(reason)
