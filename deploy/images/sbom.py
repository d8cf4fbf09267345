"""Prints a CycloneDX bill of materials of the Python environment it is run by."""  # noqa: INP001  a script

import json
import sys
from importlib.metadata import Distribution, distributions
from typing import Any


def component(distribution: Distribution) -> dict[str, Any]:
    """One installed distribution."""
    name, version = distribution.metadata["Name"], distribution.version
    found: dict[str, Any] = {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{version}",
    }
    if "License-Expression" in distribution.metadata:
        found["licenses"] = [{"expression": distribution.metadata["License-Expression"]}]
    return found


def bill(title: str) -> dict[str, Any]:
    """Everything installed, in the order of names, so that two equal images have equal bills."""
    components = sorted((component(one) for one in distributions()), key=lambda one: one["name"].lower())
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": title}},
        "components": components,
    }


if __name__ == "__main__":
    json.dump(bill(sys.argv[1]), sys.stdout, indent=1)
