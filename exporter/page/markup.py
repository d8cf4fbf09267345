"""HTML from values: everything is escaped here, and only here is it let through."""

from html import escape
from typing import Final


class Markup(str):
    """Text that is already HTML."""

    __slots__ = ()


NOTHING: Final = Markup("")


def text(value: object) -> Markup:
    """The value as HTML text."""
    return value if isinstance(value, Markup) else Markup(escape(str(value), quote=True))


def joined(parts: "list[Markup] | tuple[Markup, ...]", between: str = "") -> Markup:
    """Pieces of HTML one after the other."""
    return Markup(between.join(parts))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element; an attribute of None is left out, of True has no value, and `_` in its name is a `-`."""
    words = [name]
    for key, value in attributes.items():
        attribute = key.strip("_").replace("_", "-")
        if value is True:
            words.append(attribute)
        elif value is not None and value is not False:
            words.append(f'{attribute}="{escape(str(value), quote=True)}"')
    inner = "".join(text(child) for child in children)
    if name in _VOID:
        return Markup(f"<{' '.join(words)}>")
    return Markup(f"<{' '.join(words)}>{inner}</{name}>")


_VOID: Final = frozenset({"meta", "link", "input"})
