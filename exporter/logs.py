"""How the exporter logs: one line per entry, as text or as JSON, to stderr."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Literal

_NOISY: Final = ("apscheduler", "asyncio")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def set_up_logging(level: str, form: Literal["text", "json"]) -> None:
    """Send every logger's entries to stderr; libraries only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_JsonLines() if form == "json" else text)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(
            logging.ERROR
        )  # we count missed runs; a line at each would drown the log
