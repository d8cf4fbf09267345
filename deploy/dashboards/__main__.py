"""Writes every dashboard's JSON into the chart, the one place it is kept."""

import json
import sys
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.dashboards.fleet import fleet
from deploy.dashboards.health import health
from deploy.dashboards.loaded_models import loaded_models
from deploy.dashboards.node import node

FOLDER: Final = Path(__file__).parents[1] / "helm/fittingroom/files/dashboards"


def rendered() -> dict[str, str]:
    """File name -> JSON of each dashboard."""
    boards = {"fleet": fleet(), "node": node(), "models": loaded_models(), "health": health()}
    return {
        f"fittingroom-{slug}.json": json.dumps(
            json.loads(JSONEncoder(sort_keys=True).encode(board.build())), indent=1, sort_keys=True
        )
        + "\n"
        for slug, board in boards.items()
    }


def main() -> int:
    """Write the files."""
    for name, content in rendered().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
