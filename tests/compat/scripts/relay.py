"""Listener that answers each event with the event's payload.

It does what the listener of the package supervisor-stdout does; that one is written for Python 2. The length of an
event counts characters, the length of a result counts bytes.
"""

import sys

while True:
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    header = sys.stdin.readline()
    if not header:
        break
    fields = dict(pair.split(":") for pair in header.split())
    payload = sys.stdin.read(int(fields["len"])).encode()
    sys.stdout.buffer.write(b"RESULT %d\n%s" % (len(payload), payload))
    sys.stdout.flush()
