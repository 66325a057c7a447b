"""`python -m tests.judge URL NAME FILE`: a node that stands by or leads, and notes when: in FILE, and in table `led`.

A line of FILE is the epoch of a term and an instant at which this node believed in it, by the clock of all processes of
this machine.
"""

import os
import random
import signal
import sys
import threading
import time

from monitor.storage_refusal import StoreError
from monitor.store.postgres.connection import connect
from monitor.store.postgres.leadership import Leadership, since_boot
from monitor.store.postgres.term import ClusterNode, check_epoch, limit_stalls

LOOK_S = 0.01
WRITE_S = 0.1
"""How long a transaction takes, and the pause after it at most."""


def write_all(url, leadership):
    """Write as leader, again and again; a node is mostly struck within a transaction."""
    db = None
    while True:
        term = leadership.term
        if term is None:
            time.sleep(LOOK_S)
            continue
        try:
            if db is None:
                db = connect(url)
                limit_stalls(db)
            with db.transaction():
                check_epoch(db, term.epoch)
                time.sleep(WRITE_S)
                db.execute("INSERT INTO public.led VALUES (?, ?)", (term.epoch, os.getpid()))
        except StoreError:
            if db:
                db.close()
            db = None
        time.sleep(random.uniform(0, WRITE_S))


def main(url, name, file):
    ended = threading.Event()
    leadership = Leadership(url, ClusterNode("test", name, "here", os.getpid()))
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=leadership.release).start())
    leadership.open()
    threading.Thread(target=write_all, args=(url, leadership), daemon=True).start()
    with open(file, "a", buffering=1) as led:
        while not ended.wait(LOOK_S):
            at_s = since_boot()
            if term := leadership.term:
                led.write(f"{term.epoch} {at_s:.4f}\n")
    leadership.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
