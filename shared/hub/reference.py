"""What a person wrote as a place to look a model up: a repository, its address, perhaps one file of it (pure)."""

import re
from dataclasses import dataclass
from typing import Final

_PART: Final = r"[A-Za-z0-9](?:[\w.-]{0,94}\w)?"
_NAME: Final = re.compile(rf"({_PART}/{_PART})(?::([\w.-]{{1,40}}))?", re.ASCII)
_ADDRESS: Final = re.compile(
    rf"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com)/(?:models/)?({_PART}/{_PART})(?:/(?:tree|blob|resolve)/[\w.-]+(?:/([\w./-]{{1,200}}))?)?/?",
    re.ASCII,
)
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A repository, and which of its GGUF files where that was said."""

    repo_id: str
    file: str | None = None
    quantization: str | None = None


def reference_of(text: str) -> Reference | None:
    """The repository a text names ("org/name", "org/name:Q4_K_M", a web address); None when it names none."""
    text = text.strip()
    if len(text) > _LONGEST or ".." in text:
        return None
    if text.lower().startswith(("http://", "https://", "hf.co/", "huggingface.co/", "www.huggingface.co/")):
        match = _ADDRESS.fullmatch(text.partition("?")[0].partition("#")[0])
        if match is None:
            return None
        file = match[2] if match[2] and match[2].lower().endswith(".gguf") else None
        return Reference(repo_id=match[1], file=file)
    named = _NAME.fullmatch(text)
    return Reference(repo_id=named[1], quantization=named[2]) if named else None
