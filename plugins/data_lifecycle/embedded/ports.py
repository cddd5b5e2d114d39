"""Free TCP ports on loopback."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection

LOOPBACK = "127.0.0.1"
# Below Linux's range for outgoing connections (32768…), so that a client cannot take a port between two runs.
_RANGE = range(20_000, 32_000)
_random = random.SystemRandom()


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` of loopback now. Another process may take it right after."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(preferred: int | None = None, *, taken: Collection[int] = ()) -> int:
    """``preferred`` if it is free, else a random free port that is not in ``taken``.

    Raises:
        RuntimeError: no free port was found.
    """
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    for _ in range(200):
        port = _random.choice(_RANGE)
        if port not in taken and is_free(port):
            return port
    raise RuntimeError(f"no free TCP port on {LOOPBACK} between {_RANGE.start} and {_RANGE.stop}")
