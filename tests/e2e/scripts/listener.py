"""Event listener for tests: appends every event to a file, one line each.

usage: listener.py FILE [ANSWER...]

A line is the event's name, a blank and its payload with line ends shown as `|`. The answers are given in turn, the
last one again and again: `OK`, `FAIL`, `BAD` (a result line that breaks the protocol), `DIE` (no answer, exit 1) or
`MUTE` (no answer, ever). The default is `OK`.
"""

import sys

out = open(sys.argv[1], "a", encoding="utf-8")
answers = sys.argv[2:] or ["OK"]

sys.stdout.write("READY\n")
sys.stdout.flush()
while True:
    header = sys.stdin.readline()
    if not header:
        break
    fields = dict(pair.split(":", 1) for pair in header.split())
    payload = sys.stdin.read(int(fields["len"]))
    answer = answers.pop(0) if len(answers) > 1 else answers[0]
    out.write("%s %s\n" % (fields["eventname"], payload.replace("\n", "|")))
    out.flush()
    if answer == "DIE":
        sys.exit(1)
    if answer == "MUTE":
        continue
    if answer == "BAD":
        sys.stdout.write("RESULT no\n")
    else:
        sys.stdout.write("RESULT %d\n%sREADY\n" % (len(answer), answer))
    sys.stdout.flush()
