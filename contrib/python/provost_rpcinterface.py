"""Serve an XML-RPC namespace of supervisord from a process of your own.

    from provost_rpcinterface import method, serve

    @method
    def add(a: int, b: int) -> int:
        "Adds two numbers."
        return a + b

    serve()

With `[rpcinterface:sums]` and `command=python3 sums.py` in the configuration, clients call `sums.add(1, 2)`.

One file, standard library only, Python 3.8 or later. `docs/helpers.md` describes the protocol underneath.
"""

import base64
import datetime
import inspect
import json
import math
import os
import sys
import threading
import time
import traceback
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor

__all__ = ["FAILED", "UNKNOWN_METHOD", "Fault", "Methods", "method", "serve"]

#: Fault codes of supervisord that fit here; any other int may be used as well.
UNKNOWN_METHOD = 1
FAILED = 30

#: Longest body of a frame, as supervisord has it.
BODY_BYTES_MAX = 4 * 1024 * 1024

#: Raise it to answer a call with a fault: `raise Fault(404, "no such thing")`.
Fault = xmlrpc.client.Fault

_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1

_TYPES = {
    int: "int",
    bool: "boolean",
    str: "string",
    float: "double",
    bytes: "base64",
    bytearray: "base64",
    datetime.datetime: "dateTime.iso8601",
    list: "array",
    tuple: "array",
    dict: "struct",
    type(None): "nil",
    None: "nil",
}


def encode(value):
    """A Python value in the form that JSON carries."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if not _INT_MIN <= value <= _INT_MAX:
            raise Fault(FAILED, "FAILED: %d does not fit into an int of XML-RPC (32 bits)" % value)
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return {"$double": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if isinstance(value, datetime.datetime):
        return {"$dateTime": value.strftime("%Y%m%dT%H:%M:%S")}
    if isinstance(value, xmlrpc.client.DateTime):
        return {"$dateTime": value.value}
    if isinstance(value, xmlrpc.client.Binary):
        value = value.data
    if isinstance(value, (bytes, bytearray)):
        return {"$base64": base64.b64encode(bytes(value)).decode("ascii")}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        members = {}
        for name, item in value.items():
            if not isinstance(name, str):
                raise Fault(FAILED, "FAILED: the names in a struct must be strings, not %r" % (name,))
            members[name] = encode(item)
        return {"$struct": members} if _is_tagged(members) else members
    raise Fault(FAILED, "FAILED: XML-RPC has no type for %s" % type(value).__name__)


def decode(value):
    """The Python value behind what JSON carried."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if not _is_tagged(value):
        return {name: decode(item) for name, item in value.items()}
    ((tag, inner),) = value.items()
    if tag == "$struct":
        return {name: decode(item) for name, item in inner.items()}
    if tag == "$base64":
        return base64.b64decode(inner)
    if tag == "$double":
        return float(inner)
    if tag == "$dateTime":
        try:
            return datetime.datetime.strptime(inner, "%Y%m%dT%H:%M:%S")
        except ValueError:
            return xmlrpc.client.DateTime(inner)
    raise Fault(FAILED, "FAILED: unknown kind of value %s" % tag)


def _is_tagged(members):
    return len(members) == 1 and next(iter(members)).startswith("$")


class Methods:
    """The methods of a namespace, and the conversation that serves them."""

    def __init__(self):
        self._functions = {}
        self._about = {}
        self._lock = threading.Lock()
        self._out = None

    def method(self, function=None, *, name=None, signature=None, help=None):
        """Makes a function a method: as `@method`, or with any of these arguments.

        The signature is the type of the result and then those of the parameters, by their names in XML-RPC. It is
        taken from the annotations if all are there, and the help from the docstring.
        """
        if function is None:
            return lambda function: self.method(function, name=name, signature=signature, help=help)
        about = {"help": help if help is not None else inspect.getdoc(function) or ""}
        signature = signature or _signature(function)
        if signature:
            about["signature"] = list(signature)
        name = name or function.__name__
        self._functions[name] = function
        self._about[name] = about
        return function

    def serve(self, threads=1):
        """Says hello and answers calls until supervisord closes the conversation; up to `threads` calls at once."""
        # The protocol gets descriptors of its own: whatever else is printed goes to stderr, which is logged, and a
        # process that is started from here cannot take a call away.
        sys.stdout.flush()
        calls = os.fdopen(os.dup(0), "rb")
        self._out = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        self._write("type:hello", {"methods": self._about})
        if threads <= 1:
            for call in _calls(calls):
                self._answer(*call)
        else:
            with ThreadPoolExecutor(threads) as pool:
                for call in _calls(calls):
                    pool.submit(self._answer, *call)

    def _answer(self, number, deadline, body):
        try:
            if deadline and time.time() > deadline:
                raise Fault(FAILED, "FAILED: nobody waits for this call any more")
            call = json.loads(body.decode("utf-8"))
            function = self._functions.get(call["method"])
            if function is None:
                raise Fault(UNKNOWN_METHOD, "UNKNOWN_METHOD")
            result = encode(function(*[decode(param) for param in call["params"]]))
            self._write("type:result id:%d" % number, result)
        except Fault as fault:
            self._fault(number, fault)
        except BrokenPipeError:
            # supervisord has ended the conversation, and with it this call.
            return
        except Exception as error:
            traceback.print_exc()
            self._fault(number, Fault(FAILED, "FAILED: %s: %s" % (type(error).__name__, error)))

    def _fault(self, number, fault):
        told = {"faultCode": fault.faultCode, "faultString": str(fault.faultString)}
        try:
            self._write("type:fault id:%d" % number, told)
        except BrokenPipeError:
            return

    def _write(self, header, value):
        body = json.dumps(value, separators=(",", ":")).encode("utf-8")
        if len(body) > BODY_BYTES_MAX:
            raise Fault(FAILED, "FAILED: the answer has more than %d bytes" % BODY_BYTES_MAX)
        with self._lock:
            self._out.write(b"ver:1 %s len:%d\n" % (header.encode("ascii"), len(body)))
            self._out.write(body)
            self._out.flush()


def _calls(stream):
    """The calls that come in: number, deadline and body of each."""
    while True:
        line = stream.readline()
        if not line:
            return
        header = dict(word.split(":", 1) for word in line.decode("ascii").split())
        body = stream.read(int(header["len"]))
        if header.get("type") == "call":
            yield int(header["id"]), float(header.get("deadline", 0)), body


def _signature(function):
    """The signature in the words of XML-RPC, if the function is annotated throughout."""
    try:
        told = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    types = [told.return_annotation] + [param.annotation for param in told.parameters.values()]
    names = [_type_name(kind) for kind in types]
    return names if all(names) else None


def _type_name(kind):
    if isinstance(kind, str):
        by_name = {known.__name__: name for known, name in _TYPES.items() if known is not None}
        return "nil" if kind == "None" else by_name.get(kind)
    try:
        return _TYPES.get(kind)
    except TypeError:
        return None


_default = Methods()
method = _default.method
serve = _default.serve
