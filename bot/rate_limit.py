"""Retries of the Web API client that are said in the log and counted."""

import logging
from typing import Final

from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from bot.health import BotMetrics

log: Final = logging.getLogger("fittingroom.bot.slack")


class CountedRateLimit(AsyncRateLimitErrorRetryHandler):
    """Waits as long as Slack says, and says that it does."""

    def __init__(self, metrics: BotMetrics) -> None:
        super().__init__(max_retry_count=3)
        self._metrics = metrics

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        """Count, log, then wait."""
        method = request.url.rpartition("/")[2]
        wait = next(
            (
                value
                for name, value in (response.headers if response else {}).items()
                if name.lower() == "retry-after"
            ),
            ["1"],
        )
        self._metrics.slack_rate_limited.labels(method=method).inc()
        log.warning("Slack told us to wait %s s before %s", wait[0], method)
        await super().prepare_for_next_attempt_async(
            state=state, request=request, response=response, error=error
        )


def retry_handlers(metrics: BotMetrics) -> list[AsyncRetryHandler]:
    """Connection errors, rate limits and server errors; never in the path of an acknowledgement."""
    return [
        AsyncConnectionErrorRetryHandler(max_retry_count=2),
        CountedRateLimit(metrics),
        AsyncServerErrorRetryHandler(max_retry_count=2),
    ]
