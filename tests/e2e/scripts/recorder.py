"""Event listener for tests: writes down every byte that it is sent, and answers as it is told.

usage: recorder.py FILE [ANSWER...]

A line of the file is one event as Python shows bytes: header and payload. `len` counts characters, so the payload is
read character by character. The answers are given in turn, the last one again and again:

OK, FAIL       the result of that name
LONG           a result of 100,000 bytes
PIECES         `OK`, one byte a write
PREFIX         `OK`, with another word in place of `RESULT`
TEXT:x         exactly this text (`\\n` for a line end, `\\r` for what may stand before it) and READY
RAW:x          exactly this text, and nothing after it
DIE            no answer, exit 1
MUTE           no answer, ever
LOUD           `OK`, READY, and then something nobody asked for
"""

import os
import sys
import time

source = os.fdopen(0, "rb", 0)
out = open(sys.argv[1], "ab", 0)
answers = sys.argv[2:] or ["OK"]


def say(data):
    while data:
        data = data[os.write(1, data):]


def read_characters(count):
    data = bytearray()
    while count > 0:
        byte = source.read(1)
        if not byte:
            break
        if byte[0] & 0xC0 != 0x80:
            count -= 1
        data += byte
        more = 0 if byte[0] < 0x80 else 1 if byte[0] < 0xE0 else 2 if byte[0] < 0xF0 else 3
        for _ in range(more):
            data += source.read(1)
    return bytes(data)


def answer(word):
    if word == "DIE":
        sys.exit(1)
    elif word == "MUTE":
        while True:
            time.sleep(1000)
    elif word == "LONG":
        say(b"RESULT 100000\n" + b"x" * 100000 + b"READY\n")
    elif word == "PIECES":
        for byte in b"RESULT 2\nOKREADY\n":
            say(bytes([byte]))
            time.sleep(0.002)
    elif word == "PREFIX":
        say(b"SOMEHOW2\nOKREADY\n")
    elif word.startswith("TEXT:"):
        say(word[5:].replace("\\n", "\n").replace("\\r", "\r").encode() + b"READY\n")
    elif word.startswith("RAW:"):
        say(word[4:].replace("\\n", "\n").encode())
    elif word == "LOUD":
        say(b"RESULT 2\nOKREADY\n")
        time.sleep(0.2)
        say(b"hello?\n")
    else:
        say(b"RESULT %d\n%sREADY\n" % (len(word), word.encode()))


say(b"READY\n")
while True:
    header = b""
    while not header.endswith(b"\n"):
        byte = source.read(1)
        if not byte:
            sys.exit(0)
        header += byte
    fields = dict(pair.split(b":", 1) for pair in header.split())
    payload = read_characters(int(fields[b"len"]))
    out.write(b"%a %a\n" % (header, payload))
    answer(answers.pop(0) if len(answers) > 1 else answers[0])
