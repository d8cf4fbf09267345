"""The database's versions, oldest first; Alembic runs those that are missing."""
