"""A helper for tests, good and bad by turns."""

import os
import sys
import threading
import time

import provost_rpcinterface as helper
from provost_rpcinterface import Fault, method

together = threading.Barrier(int(os.environ.get("HELPER_THREADS", "1")))


@method
def echo(value):
    """Answers what it is given."""
    return value


@method(name="types.of", signature=["string", "struct"])
def types_of(value):
    return type(value).__name__


@method
def pid() -> int:
    return os.getpid()


@method
def meet():
    """Answers when as many calls as there are threads are inside."""
    together.wait()
    return True


@method
def refuse(code: int, text: str) -> bool:
    raise Fault(code, text)


@method
def stumble():
    raise ValueError("about a stone")


@method
def large():
    return 2**40


@method
def talk(text):
    """Prints where nothing but the protocol belongs, which the module mends."""
    print(text, flush=True)
    os.system("echo a child says %s" % text)
    return True


@method
def sleep(seconds):
    """Says in a file that it has begun."""
    with open("asleep", "a") as file:
        file.write("asleep\n")
    time.sleep(seconds)
    return True


@method
def die():
    os._exit(3)


def raw(data):
    out = helper._default._out
    out.write(data)
    out.flush()


@method
def say(text):
    """Writes this instead of a frame, and lives on."""
    raw(text.encode())
    time.sleep(3600)


@method
def flood():
    while True:
        raw(b"x" * 65536)


@method
def deaf():
    """Closes standard input and output, and lives on."""
    helper._default._out.close()
    os.closerange(3, 64)
    time.sleep(3600)


if sys.argv[1:] == ["late"]:
    time.sleep(1)
helper.serve(threads=int(os.environ.get("HELPER_THREADS", "1")))
