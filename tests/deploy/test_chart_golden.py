"""Two whole renderings, kept in golden files: what an upgrade changes is read in review."""

import os

import pytest
import yaml

from tests.deploy.chart import ROOT, scenario_objects

GOLDEN = ROOT / "tests/golden/helm"


@pytest.mark.parametrize("scenario", ["default", "http-three-replicas"])
def test_the_chart_renders_as_in_the_golden_file(scenario: str) -> None:
    rendered = yaml.safe_dump_all(scenario_objects(scenario), sort_keys=True, width=110)
    path = GOLDEN / f"{scenario}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rendered, encoding="utf-8")

    assert rendered == path.read_text(encoding="utf-8")
