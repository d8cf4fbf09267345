"""Seals what must not lie in a database in the clear: Fernet, with keys that can be changed without losing anything."""

from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_MAKE_ONE: Final = (
    'make one with python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)


class CannotOpen(Exception):
    """None of the keys opens this: it was sealed with one that has been taken away."""


class Seal:
    """Seals with the first key and opens with any of them."""

    def __init__(self, keys: str) -> None:
        """`keys` separated by commas. Raises ValueError, without telling them, when one is no key."""
        try:
            fernets = [Fernet(key.strip()) for key in keys.split(",") if key.strip()]
            self._fernet = MultiFernet(fernets)
        except ValueError:
            raise ValueError(f"a key is 32 bytes in url-safe base64; {_MAKE_ONE}") from None

    def seal(self, text: str) -> bytes:
        """`text`, unreadable and unchangeable without a key."""
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """What was sealed. Raises CannotOpen."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise CannotOpen from None

    def again(self, sealed: bytes) -> bytes:
        """The same, sealed with the first key. Raises CannotOpen."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken:
            raise CannotOpen from None
