"""``python -m data_lifecycle.embedded.discreet_log PROGRAM ARG…``: become PROGRAM, its informational lines left out.

The object store names every object it deletes in lines of level I. Such a log would outlive the photo it is about.
"""

from __future__ import annotations

import os
import signal
import sys

INFORMATIONAL = b"I"


def main() -> None:
    """Copy standard error without lines that begin with "I", in a process of its own, and turn into the program."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        os.close(write_end)
        # It ends when the program has closed its end: until then the last words have to get through.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        with os.fdopen(read_end, "rb") as lines:
            for line in lines:
                if not line.startswith(INFORMATIONAL):
                    os.write(2, line)
        os._exit(0)
    os.close(read_end)
    os.dup2(write_end, 2)
    os.close(write_end)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the program its caller names


if __name__ == "__main__":
    main()
