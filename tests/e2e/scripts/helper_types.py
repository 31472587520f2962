"""Calls the helper `h` over HTTP with every type of XML-RPC; says `good` when all come back."""

import datetime
import sys
import xmlrpc.client

server = xmlrpc.client.ServerProxy(sys.argv[1], allow_none=True, use_builtin_types=True)
values = [
    0,
    -(2**31),
    2**31 - 1,
    True,
    False,
    "",
    "h\u00e9 <&> \"\\ \U0001f600\n",
    0.1,
    -1e-300,
    1.0,
    datetime.datetime(2026, 1, 31, 17, 45, 0),
    b"",
    bytes(range(256)),
    [],
    [1, [2.5, ["x", None]]],
    {},
    {"a": 1, "b": {"c": [b"\0", None]}},
    {"$base64": "no bytes"},
    {"$x": 1, "$y": 2},
    None,
]
for value in values:
    back = server.h.echo(value)
    assert back == value and type(back) is type(value), (value, back)
assert server.h.echo(values) == values
names = [server.h.types.of(value) for value in (1, 1.0, b"x", values[10])]
assert names == ["int", "float", "bytes", "datetime"], names

listed = [name for name in server.system.listMethods() if name.startswith("h.")]
assert "h.echo" in listed and "h.types.of" in listed and listed == sorted(listed), listed
assert server.system.methodHelp("h.echo") == "Answers what it is given."
assert server.system.methodSignature("h.types.of") == ["string", "struct"]
assert server.system.methodSignature("h.refuse") == ["boolean", "int", "string"]

calls = xmlrpc.client.MultiCall(server)
calls.h.echo(7)
calls.h.refuse(77, "no")
calls.supervisor.getState()
calls.h.nothing()
first, refused, state, unknown = calls().results
assert first == 7 and state["statename"] == "RUNNING", (first, state)
assert refused == {"faultCode": 77, "faultString": "no"}, refused
assert unknown["faultCode"] == 1, unknown
print("good")
