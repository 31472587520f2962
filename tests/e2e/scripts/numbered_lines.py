"""A program for tests: writes numbered lines, one write each, from 0 on.

usage: numbered_lines.py [PAUSE]

PAUSE is in seconds and comes after every fifty lines; without it the lines come as fast as Python can.
"""

import os
import sys
import time

pause = float(sys.argv[1]) if len(sys.argv) > 1 else 0
number = 0
while True:
    os.write(1, b"%d\n" % number)
    number += 1
    if pause and number % 50 == 0:
        time.sleep(pause)
