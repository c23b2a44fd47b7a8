"""Writes one number to the fake database and notes it in a file if it was confirmed: client.py PORT FILE."""

import random
import socket
import sys

number = b"%d" % random.getrandbits(62)
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=0.7) as connection:
    connection.settimeout(0.7)
    connection.sendall(b"write " + number + b"\n")
    if connection.makefile("rb").readline() != b"confirmed " + number + b"\n":
        sys.exit(1)
with open(sys.argv[2], "ab") as file:
    file.write(number + b"\n")
