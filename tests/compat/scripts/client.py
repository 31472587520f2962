"""The clients that come with Python and with Supervisor; a line for each call.

usage: client.py tcp http://USER:PASSWORD@HOST:PORT | client.py unix unix://PATH | client.py childutils URL
"""

import sys
import xmlrpc.client

import supervisor.childutils
from supervisor.xmlrpc import SupervisorTransport

how, url = sys.argv[1:]
if how == "tcp":
    # The address without a path is completed, and a trailing `/RPC2` is the same.
    proxies = [xmlrpc.client.ServerProxy(url), xmlrpc.client.ServerProxy(url + "/RPC2")]
elif how == "unix":
    # One connection for all calls.
    proxies = [xmlrpc.client.ServerProxy("http://127.0.0.1", transport=SupervisorTransport(None, None, url))]
else:
    env = {"SUPERVISOR_SERVER_URL": url, "SUPERVISOR_USERNAME": "u", "SUPERVISOR_PASSWORD": "secret"}
    proxies = [supervisor.childutils.getRPCInterface(env)]

PASSING = ("start", "stop", "now", "pid", "description")


def lasting(value):
    if isinstance(value, dict):
        return {key: "…" if key in PASSING and value[key] else lasting(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [lasting(one) for one in value]
    return value


def call(proxy, method, *args):
    try:
        told = repr(lasting(getattr(proxy, method)(*args)))
    except xmlrpc.client.Fault as fault:
        told = "fault %d %s" % (fault.faultCode, fault.faultString)
    print("%s%r %s" % (method, args, told))


for proxy in proxies:
    call(proxy, "supervisor.getState")
    call(proxy, "supervisor.getIdentification")
    call(proxy, "supervisor.getProcessInfo", "talker")
    call(proxy, "supervisor.startProcess", "talker")
    call(proxy, "supervisor.startProcess", "nobody")
    call(proxy, "supervisor.stopProcess", "talker")
    call(proxy, "supervisor.startProcess", "talker", True)
    call(proxy, "supervisor.sendProcessStdin", "talker", "Größe <&>\n")
    call(proxy, "supervisor.getState", 1, 2)
    call(proxy, "system.methodSignature", "supervisor.startProcess")
    # Results come bare, not in lists of one as `xmlrpc.client.MultiCall` expects them: it cannot be used with either daemon.
    many = [{"methodName": "supervisor.getState", "params": []}, {"methodName": "no.such", "params": []}]
    call(proxy, "system.multicall", many)
