"""python3 -m paceline_worker --connect HOST:PORT"""

import argparse
import os
import pathlib
import random
import secrets
import signal
import socket
import sys
import time

from . import messages
from .frames import ProtocolError
from .session import Refused, Session

TICK = 0.02
TOKEN_BYTES = range(16, 4097)
HANDSHAKE_LIMIT = 2


def serve(address, name, incarnation, token):
    """One connection, from `Hello` until it ends. Returns whether the handshake succeeded."""
    session = Session(name, incarnation, token=token, nonce=secrets.token_bytes(32))
    try:
        with socket.create_connection(address, timeout=2) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                exchange(link, session)
            except ProtocolError as error:
                session.fault(error)
                link.sendall(session.take_output())
                if error.code == messages.FAULT_AUTHENTICATION:
                    raise Refused(str(error)) from error
                raise
    except (OSError, ProtocolError) as error:
        print(f"{name}: {error}", file=sys.stderr)
    finally:
        print(f"{name}: {session.accepted} of {session.verified} verified nodes were accepted", file=sys.stderr)
    return session.welcome is not None


def exchange(link, session):
    started = time.monotonic()
    while True:
        session.tick(time.monotonic())
        link.settimeout(2)
        link.sendall(session.take_output())
        link.settimeout(TICK)
        try:
            data = link.recv(1 << 16)
        except TimeoutError:
            if session.welcome is None and time.monotonic() - started > HANDSHAKE_LIMIT:
                raise ConnectionError("the verifier sent no welcome in time") from None
            continue
        if not data:
            raise ConnectionError("the verifier closed the connection")
        session.receive(data, time.monotonic())


def shared_token(path):
    """The shared token, from a file that only its owner can read or from PACELINE_TOKEN; None without either."""
    if path is not None:
        if path.stat().st_mode & 0o077:
            sys.exit(f"{path} can be read by others; chmod 600 {path}")
        token = path.read_bytes().strip()
    else:
        token = os.environb.get(b"PACELINE_TOKEN", b"").strip()
        if not token:
            return None
    if len(token) not in TOKEN_BYTES:
        sys.exit(f"the shared token has {len(token)} bytes, but must have 16 to 4096")
    return token


def main():
    parser = argparse.ArgumentParser(prog="paceline_worker", description="An n-gram draft worker for Paceline.")
    parser.add_argument("--connect", required=True, metavar="HOST:PORT")
    parser.add_argument("--name", default="python")
    parser.add_argument("--token-file", type=pathlib.Path, help="file with the shared token")
    parser.add_argument("--once", action="store_true", help="do not connect again")
    arguments = parser.parse_args()
    host, _, port = arguments.connect.rpartition(":")
    token = shared_token(arguments.token_file)
    incarnation = secrets.randbits(63) + 1

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    delay = 0.1
    while True:
        try:
            delay = 0.1 if serve((host, int(port)), arguments.name, incarnation, token) else min(5, delay * 1.6)
        except Refused as error:
            sys.exit(f"{arguments.name}: {error}")
        if arguments.once:
            return
        time.sleep(delay * random.uniform(0.8, 1.2))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
