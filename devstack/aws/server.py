"""moto's services behind a server that keeps connections, as those of AWS do.

Run as a script with the host and the port to listen at.
"""

from __future__ import annotations

import sys

from cheroot.wsgi import Server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

# every function of a stack keeps some connections, each of which holds a thread while it is asked
THREADS = 32
# a little more than boto3 keeps a connection that nobody uses
IDLE_SECONDS = 60


def serve(host: str, port: int) -> None:
    """Answers until the process is ended; nothing has to be kept."""
    server = Server(
        (host, port),
        DomainDispatcherApplication(create_backend_app),
        numthreads=THREADS,
        timeout=IDLE_SECONDS,
        request_queue_size=128,
        shutdown_timeout=0,
    )
    server.start()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
