"""A name server that answers as it is told: with addresses, with an error, or not at all."""

import socket
import struct
import threading
from contextlib import contextmanager
from enum import IntEnum
from ipaddress import ip_address

A, AAAA = 1, 28
NAMES = """\
nameserver 127.0.0.1
options timeout:1 attempts:1
"""


class Failure(IntEnum):
    SERVFAIL = 2
    NXDOMAIN = 3
    SILENCE = -1


class Resolver:
    """`names` holds, by the end of a name, its addresses or how it fails; what is not there does not exist."""

    def __init__(self, listening):
        self._listening, self.names = listening, {}

    def serve(self):
        while True:
            try:
                query, sender = self._listening.recvfrom(1500)
            except OSError:
                return
            if answer := self._answer(query):
                self._listening.sendto(answer, sender)

    def _answer(self, query):
        name, kind, question = _read(query)
        told = next((told for end, told in self.names.items() if name.endswith(end)), Failure.NXDOMAIN)
        if told is Failure.SILENCE:
            return None
        if isinstance(told, Failure):
            return query[:2] + struct.pack(">5H", 0x8180 | told, 1, 0, 0, 0) + question
        found = [ip_address(one) for one in told]
        records = [one.packed for one in found if (one.version == 6) == (kind == AAAA) and kind in (A, AAAA)]
        head = query[:2] + struct.pack(">5H", 0x8180, 1, len(records), 0, 0)
        answers = [struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(one)) + one for one in records]
        return head + question + b"".join(answers)


def _read(query):
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels), struct.unpack(">H", query[at + 1 : at + 3])[0], query[12 : at + 5]


@contextmanager
def resolver(machine):
    """Let the machine ask this server for all names."""
    ready, made = threading.Event(), []

    def serve():
        machine.enter_network()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
            listening.bind(("127.0.0.1", 53))
            made.append((Resolver(listening), listening))
            ready.set()
            made[0][0].serve()

    (machine.folder / "resolv.conf").write_text(NAMES)
    machine.shell(f"mount --bind {machine.folder}/resolv.conf $(readlink -f /etc/resolv.conf)")
    threading.Thread(target=serve, daemon=True).start()
    assert ready.wait(10)
    try:
        yield made[0][0]
    finally:
        made[0][1].close()
