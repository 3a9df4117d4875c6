"""AES for secured radio telegrams. Serves arrow 2 by what it passes to the drivers.

Owns the one late import of the product: the library for it weighs several megabytes, and a gateway without a secured
device never loads it. Must not know telegrams or where keys are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from nattevakt.edge.drivers.driver import Aes, Line
from nattevakt.edge.errors import RejectError

CONTEXTS_KEPT = 1_000
"""A gateway has at most 500 devices, and a key is used both ways at most."""


def secured_line(keys: Mapping[str, bytes]) -> Line:
    """What serial drivers are told of secured devices; AES is loaded only when there is a key.

    Raises RejectError when a device is secured and the library is not installed.
    """
    if not keys:
        return Line()
    there, back = aes_128()
    return Line(aes=there, unaes=back, keys=keys)


def aes_128() -> tuple[Aes, Aes]:
    """AES-128 of one block, and its inverse."""
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError:
        raise RejectError("key_file", "needs the package cryptography") from None

    def worker(key: bytes, *, back: bool) -> Callable[[bytes], bytes]:
        # S305: one block at a time is what CMAC and VAES are made of; nothing is encrypted with ECB.
        cipher = Cipher(algorithms.AES128(key), modes.ECB())  # noqa: S305
        context: Any = cipher.decryptor() if back else cipher.encryptor()
        update: Callable[[bytes], bytes] = context.update
        return update

    kept = lru_cache(maxsize=CONTEXTS_KEPT)(worker)

    def there(key: bytes, block: bytes) -> bytes:
        return kept(key, back=False)(block)

    def back(key: bytes, block: bytes) -> bytes:
        return kept(key, back=True)(block)

    return there, back
