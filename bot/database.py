"""Opens the bot's database, SQLite or PostgreSQL, and brings its tables to the present version."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from bot.cannot_start import CannotStart
from bot.redaction import without_password


def open_database(url: str) -> Engine:
    """The engine for `url`, its tables migrated. Raises CannotStart when that cannot be."""
    try:
        target = make_url(url)
        if target.drivername in {"postgresql", "postgres"}:
            target = target.set(drivername="postgresql+psycopg")
        if target.drivername.startswith("sqlite") and target.database:
            Path(target.database).parent.mkdir(parents=True, exist_ok=True)
        in_memory = target.drivername.startswith("sqlite") and not target.database
        # a database in memory belongs to its one connection, whichever thread asks
        alone: dict[str, Any] = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        engine = create_engine(target, pool_pre_ping=True, **(alone if in_memory else {}))
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _durable)
        migrate(engine)
    except (ArgumentError, SQLAlchemyError, OSError, ImportError) as error:
        reason = without_password(str(error).splitlines()[0])
        raise CannotStart(f"the database of FITTINGROOM_DATABASE_URL cannot be used: {reason}") from None
    return engine


def migrate(engine: Engine) -> None:
    """Run the migrations that are missing; one process at a time."""
    config = Config()
    config.set_main_option("script_location", "bot:migrations")
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "SELECT pg_advisory_xact_lock(7235121)"
            )  # any number, the same everywhere
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _durable(connection: Any, _record: Any) -> None:
    """A promise to a person survives a power cut: the log is written through before a commit returns."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()
