"""Models people ask about that no estimate of ours is for: of pictures and sound, and those nobody can download."""

import re
from collections.abc import Sequence
from typing import Final

from shared.errors import UnknownName, UserError, shown
from shared.question.vocabulary import words

_PICTURES_AND_SOUND: Final = words(
    """
flux sdxl sd1 sd3 diffusion stablediffusion comfyui wan sora veo ltx cogvideo cogvideox hunyuanvideo animatediff
kandinsky pixart auraflow whisper bark orpheus musicgen xtts kokoro parakeet canary seamless
"""
)
_NOT_PUBLISHED: Final = words(
    "chatgpt claude gemini gpt-3 gpt-3.5 gpt-4 gpt-4o gpt-5 o1 o3 copilot midjourney"
)
_WORD: Final = re.compile(r"[a-z]+(?:-?\d+(?:\.\d+)?o?)?")


class ForeignModel(UnknownName):
    """A model that is known and not ours to plan; the sentence says which of the two it is."""

    def __init__(self, given: str, why: str) -> None:
        UserError.__init__(self, f"{shown(given)} {why}", field="model")
        self.given = given


def unknown_model(given: str, near: Sequence[str]) -> UnknownName:
    """The refusal of a name no model has: with the nearest names, unless it is a name of something else."""
    found = set(_WORD.findall(given.lower()))
    plain = {re.split(r"[\d.-]", word)[0] for word in found}
    if plain & _PICTURES_AND_SOUND:
        return ForeignModel(given, "works on pictures, video or sound: I plan language and embedding models.")
    if (found | plain) & _NOT_PUBLISHED:
        return ForeignModel(
            given, "has no published weights, so nobody but its maker runs it: name an open model."
        )
    return UnknownName("model", given, near=near)
