"""A service of one call, to be killed: stores correction N when a line `N` comes, then answers `N`.

python benchmarks/durability_service.py DATABASE_URL SOCKET
"""

from __future__ import annotations

import socketserver
import sys

from emofuse.errors import StoreUnavailableError
from emofuse.serve.store import Correction, Store


def correction(number: int) -> Correction:
    """What a client sends under a number, the same each time."""
    return Correction(id=f"c{number}", subject=f"s{number % 7}", text=f"text {number} " * 20, emotion="joy")


class Handler(socketserver.StreamRequestHandler):
    """One client; each has a thread."""

    def handle(self) -> None:
        """Answer until the client leaves."""
        for line in self.rfile:
            try:
                self.server.store.add_correction(correction(int(line)))  # type: ignore[attr-defined]
            except StoreUnavailableError:
                self.wfile.write(b"unavailable\n")
            else:
                self.wfile.write(line)


class Service(socketserver.ThreadingUnixStreamServer):
    """All clients."""

    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    """Serve until killed."""
    url, path = sys.argv[1:]
    store = Store.open(url)
    with Service(path, Handler) as service:
        service.store = store  # type: ignore[attr-defined]
        service.serve_forever()


if __name__ == "__main__":
    main()
