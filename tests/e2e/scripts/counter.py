"""Event listener for tests: as quick as Python can, writes serials and kinds of all events to a file.

usage: counter.py FILE

A line is serial, number within the pool, kind and the first line of the payload.
"""

import os
import sys

source = os.fdopen(0, "rb")
out = open(sys.argv[1], "ab", 0)
os.write(1, b"READY\n")
while True:
    header = source.readline()
    if not header:
        break
    fields = dict(pair.split(b":", 1) for pair in header.split())
    payload = source.read(int(fields[b"len"]))
    line = [fields[b"serial"], fields[b"poolserial"], fields[b"eventname"], payload.replace(b"\n", b"|")]
    out.write(b" ".join(line) + b"\n")
    os.write(1, b"RESULT 2\nOKREADY\n")
