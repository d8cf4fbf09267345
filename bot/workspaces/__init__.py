"""Several workspaces behind one bot: installing by OAuth, their tokens sealed at rest, a client for each."""
