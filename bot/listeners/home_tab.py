"""The home tab, drawn anew whenever someone opens it."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.reception import Reception
from bot.listeners.turn import Payload, Turn
from bot.listeners.watching import Watching
from bot.messages.home import home_view


def register(app: AsyncApp, reception: Reception, watching: Watching) -> None:
    """Take openings."""

    async def draw(turn: Turn) -> str:
        desk = reception.desk
        view = home_view(await desk.look(), await watching.of_user(turn), desk.command, desk.catalog)
        await (await reception.outbox.of(turn.workspace)).publish_home(turn.user, view)
        return "answered"

    app.event("app_home_opened")(reception.taking(turn_of_home, draw))


def turn_of_home(body: Payload) -> Turn | None:
    """Someone opened the app; only the home tab is drawn by us."""
    event = body["event"]
    if event.get("tab") != "home":
        return None
    return Turn(source="home", text="", user=str(event["user"]), channel=str(event["user"]))
