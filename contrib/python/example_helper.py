#!/usr/bin/env python3
"""A helper that serves a few methods.

    [rpcinterface:machine]
    command=python3 /path/to/example_helper.py
"""

import os
import shutil

from provost_rpcinterface import Fault, method, serve


@method
def load() -> list:
    """Tells the load of the machine over the last 1, 5 and 15 minutes."""
    return list(os.getloadavg())


@method(signature=["struct", "string"])
def disk(path):
    """Tells how many megabytes the file system with this path has, and how many of them are free."""
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        raise Fault(100, "%s: %s" % (path, error.strerror))
    return {"total_mb": usage.total >> 20, "free_mb": usage.free >> 20}


if __name__ == "__main__":
    serve(threads=4)
