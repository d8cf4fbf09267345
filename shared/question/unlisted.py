"""A repository a person named that no row of the catalog is published under."""

from collections.abc import Sequence

from shared.errors import UnknownName


class UnlistedRepository(UnknownName):
    """A model named by its repository, which the catalog does not have.

    Whoever can look it up does so, adds the row to the catalog and parses the question again; whoever cannot shows
    the sentence.

    Attributes:
        repo_id: "org/name" as the person wrote it.
    """

    def __init__(self, repo_id: str, *, near: Sequence[str] = ()) -> None:
        super().__init__("model", repo_id, near=near)
        self.repo_id = repo_id
