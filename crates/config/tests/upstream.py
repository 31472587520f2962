"""Random configurations, and what upstream makes of them.

Usage: upstream.py DIRECTORY SEED COUNT -- writes DIRECTORY/N/s.conf and more; one JSON array on stdout.
Runs under a Python that has supervisor 4.3.0 installed. Each case is {"path", "argv", "error"} or {…, "config"}.
"""
import io
import json
import os
import random
import re
import sys

os.environ.clear()
os.environ.update({"HOME": "/root", "PATH": "/bin:/usr/bin", "FOO": "foo", "PCT": "100%", "DIR": "/tmp"})

from supervisor import options as upstream  # noqa: E402
from supervisor.datatypes import Automatic, RestartUnconditionally, RestartWhenExitUnexpected  # noqa: E402

NUMBERS = ["1", "0", "-1", " 7", "1_0", "x", "1.5", "", "%(ENV_FOO)s", "%(here)s", "1 ; c"]
BOOLS = ["true", "false", "Yes", "off", "1", "maybe", "", "%(ENV_NOPE)s"]
BYTES = ["1", "5KB", "1mb", "2 GB", "10k", "x", "0", "-1KB", ""]
PATHS = ["x.log", "/tmp/x.log", "~/x.log", "/nope/x", "%(here)s/x", "%(ENV_DIR)s/y", "", "/tmp/../tmp/z"]
LOGS = [path for path in PATHS if path] + ["AUTO", "none", "Off", "syslog", "%(here)s/%%%%x", "/tmp/%(program_name)s_%(process_num)d", "/tmp/%%(here)s"]
DIRS = ["/tmp", "~", "/nope", ".", "%(here)s"]
OCTAL = ["022", "0o22", "9", "", "777"]
USERS = ["root", "0", "nobody", "65534", "nope", "4711", ""]
OWNERS = ["root", "root:root", "0:0", "nope", "root:nope", "nobody:0"]
TEXTS = ["a", "", "%(here)s", "%(ENV_FOO)s", "%(nope)s", "%", "100%%", "%(program_name)s", "%(group_name)s-%(numprocs)s",
         "%(process_num)02d", "%(host_node_name)s", "%d", "%(here)d", "%(ENV_A)s", "a;b", "a ;b", "%(ENV_PCT)s"]
ENVS = ["A=1", 'A="1",B="x y"', "A", "A=", 'A="%(ENV_FOO)s"', 'FOO="bar"', 'A="%(program_name)s"', 'A="1', "A=1,A=2,B=3",
        'P="%%"', 'A="%(here)s",']
COMMANDS = ["/bin/cat", "cat %(process_num)d", "cat '", "", "%(ENV_A)s", "echo %(ENV_FOO)s %(program_name)s", "a ; b", "%(x)s"]
SIGNALS = ["TERM", "sigint", "9", "0", "99", "x", "", "64", " usr1 "]

SUPERVISORD = {
    "minfds": NUMBERS, "minprocs": NUMBERS, "directory": DIRS, "user": USERS, "umask": OCTAL, "logfile": PATHS + ["syslog"],
    "logfile_maxbytes": BYTES, "logfile_backups": NUMBERS, "loglevel": ["info", "DEBUG", "warning", "", "blather"],
    "pidfile": PATHS, "identifier": TEXTS, "nodaemon": BOOLS, "silent": BOOLS, "childlogdir": DIRS, "nocleanup": BOOLS,
    "strip_ansi": BOOLS, "unknown": TEXTS, "environment": ["A=1", 'A="1",B="x y"', "A", 'A="%(ENV_FOO)s",'],
}
PROGRAM = {
    "process_name": ["%(program_name)s", "%(program_name)s_%(process_num)02d", "x y", "a:b", "p%(process_num)s", "z"],
    "numprocs": ["1", "2", "3", "0", "x", "-1"], "numprocs_start": NUMBERS, "priority": NUMBERS + ["%(program_name)s", "5"],
    "autostart": BOOLS, "autorestart": BOOLS + ["unexpected", "UNEXPECTED"], "startsecs": NUMBERS + ["%(process_num)d"],
    "startretries": NUMBERS, "stopsignal": SIGNALS, "stopwaitsecs": NUMBERS, "stopasgroup": BOOLS, "killasgroup": BOOLS,
    "exitcodes": ["0", "0,2", "", "256", "x", "1, 2", "0,"], "redirect_stderr": BOOLS, "environment": ENVS, "directory": TEXTS,
    "umask": OCTAL, "user": USERS, "serverurl": ["AUTO", " auto", "http://x", "", "%(ENV_FOO)s"],
    "stdout_logfile": LOGS, "stderr_logfile": LOGS, "stdout_logfile_maxbytes": BYTES, "stderr_logfile_maxbytes": BYTES,
    "stdout_logfile_backups": NUMBERS, "stderr_logfile_backups": NUMBERS + ["%(process_num)d"],
    "stdout_capture_maxbytes": BYTES, "stderr_capture_maxbytes": BYTES, "stdout_events_enabled": BOOLS,
    "stderr_events_enabled": BOOLS, "stdout_syslog": BOOLS, "stderr_syslog": BOOLS, "nonsense": TEXTS,
}
LISTENER = {
    "events": ["EVENT", "tick_5", "PROCESS_STATE", "NOPE", "", "TICK,"], "buffer_size": NUMBERS, "priority": NUMBERS,
    "result_handler": ["supervisor.dispatchers:default_handler", "nope:nope"],
}
FCGI = {
    "socket": ["unix:///tmp/a.sock", "unix://x", "tcp://LocalHost:80", "tcp://h:99999", "tcp://h:x", "", "x",
               "unix:///tmp/%(program_name)s/../b", "tcp://h:0", "unix:///tmp/%(group_name)s"],
    "socket_backlog": NUMBERS + ["128", "65536"], "socket_owner": OWNERS, "socket_mode": OCTAL,
}
INET = {"port": ["9001", "*:9001", "127.0.0.1:9001", "H:1", "x", "0", "h:x", "h:", ":1", "h:99999", "%(ENV_FOO)s:1", "%(here)s"],
        "username": TEXTS, "password": TEXTS}
UNIX = {"file": ["/tmp/s.sock", "s.sock", "~/s", "%(here)s/s", " /tmp//x ", "%(nope)s"], "chmod": OCTAL, "chown": OWNERS,
        "username": TEXTS, "password": TEXTS}
RPC = {"supervisor.rpcinterface_factory": ["supervisor.rpcinterface:make_main_rpcinterface", "nope:nope"]}


def section(rng, header, keys, always=(), bad=1.0):
    lines = ["[%s]" % header]
    for key in always:
        lines.append("%s=%s" % (key, keys[key][0]))
    for key in rng.sample(sorted(keys), min(len(keys), rng.choice([0, 1, 1, 2, 3]))):
        if key in always and rng.random() < 0.7:
            continue
        # Mostly values that are accepted, so that what stands behind them is seen, too.
        values = keys[key]
        lines.append("%s=%s" % (key, rng.choice(values if rng.random() < bad else values[:2])))
    return "\n".join(lines) + "\n"


def document(rng):
    bad = rng.choice([0.1, 0.3, 0.6])
    program = dict(PROGRAM, command=COMMANDS)
    parts = []
    if rng.random() < 0.97:
        parts.append(section(rng, "supervisord", SUPERVISORD, bad=bad))
    for name in rng.sample(["a", "b", " d", "e", "a"], rng.randint(0, 3)) + (["x y"] if rng.random() < 0.02 else []):
        always = ["command"] if rng.random() < 0.95 else []
        parts.append(section(rng, "program:" + name, program, always, bad))
    if rng.random() < 0.3:
        parts.append(section(rng, "eventlistener:" + rng.choice(["l", "a"]), dict(program, **LISTENER), ["command", "events"], bad))
    grouped = ""
    if rng.random() < 0.3:
        members = {"programs": [rng.choice(["", "a", "a", "a,b", "b", "e"]), "a,b", "e", "nope", "", "a,f", "f"], "priority": NUMBERS}
        grouped = section(rng, "group:" + rng.choice(["g", "h", "a"]), members, ["programs"], bad)
        parts.append(grouped)
    if rng.random() < 0.25:
        name = rng.choice(["f", "a"])
        # In a group upstream does not look at the socket. Ours does, so that a bad one would be told by one side only.
        claimed = re.search("programs=.*" + name, grouped)
        keys = {"socket": FCGI["socket"][:1]} if claimed else FCGI
        parts.append(section(rng, "fcgi-program:" + name, dict(program, **keys), ["command", "socket"], bad))
    if rng.random() < 0.3:
        parts.append(section(rng, rng.choice(["inet_http_server", "inet_http_server:2"]), INET, ["port"] + rng.choice([[], [], ["username", "password"]]), bad))
    if rng.random() < 0.3:
        parts.append(section(rng, rng.choice(["unix_http_server", "unix_http_serverx"]), UNIX, ["file"] + rng.choice([[], [], ["username", "password"]]), bad))
    if rng.random() < 0.3:
        parts.append(section(rng, "rpcinterface:supervisor", RPC, ["supervisor.rpcinterface_factory"], bad))
    if rng.random() < 0.1:
        parts.append("[DEFAULT]\n%s\n" % rng.choice(["startsecs=4", "command=cat", "environment=D=1", "x=%(here)s"]))
    if rng.random() < 0.1:
        parts.append("[other]\nx=%(y)s\n")
    if rng.random() < 0.05:
        parts.append(rng.choice(["nothing\n", "=1\n", " x\n"]))
    rng.shuffle(parts)
    if rng.random() < 0.02:
        parts.insert(0, "x=1\n")
    return parts


def write(rng, directory):
    os.makedirs(directory + "/conf.d")
    parts = document(rng)
    included = []
    if rng.random() < 0.3:
        cut = rng.randint(0, len(parts))
        parts, included = parts[:cut], parts[cut:]
        files = ["conf.d/*.conf", "conf.d/*.conf nope*.conf", "%(here)s/conf.d/*.conf", "conf.d/b.conf conf.d/a.conf", "", "%(x)s",
                 "conf.d", "conf.d/[ab].conf"]
        parts.append("[include]\n" + ("files=%s\n" % rng.choice(files) if rng.random() < 0.95 else ""))
    with open(directory + "/s.conf", "w") as f:
        f.write("\n".join(parts))
    for name in ("a", "b"):
        with open("%s/conf.d/%s.conf" % (directory, name), "w") as f:
            f.write("\n".join(included[name == "b"::2]))


class Refused(Exception):
    pass


def log(value):
    return "AUTO" if value is Automatic else value


def process(config):
    restart = {RestartUnconditionally: "always", RestartWhenExitUnexpected: "unexpected", False: "never"}
    names = [
        "name", "command", "directory", "umask", "priority", "autostart", "startsecs", "startretries", "uid", "stopsignal",
        "stopwaitsecs", "stopasgroup", "killasgroup", "exitcodes", "redirect_stderr", "serverurl",
    ]
    shown = {name: getattr(config, name) for name in names}
    shown["autorestart"] = restart[config.autorestart]
    shown["environment"] = list(map(list, config.environment.items()))
    for channel in ("stdout", "stderr"):
        shown[channel] = [log(getattr(config, channel + "_logfile")) or None] + [
            getattr(config, channel + name)
            for name in ("_logfile_maxbytes", "_logfile_backups", "_capture_maxbytes", "_events_enabled", "_syslog")
        ]
    return shown


def group(config):
    shown = {"name": config.name, "priority": config.priority, "processes": [process(p) for p in config.process_configs]}
    if hasattr(config, "pool_events"):
        from supervisor.events import getEventNameByType
        shown["pool"] = [config.buffer_size, sorted(getEventNameByType(event) for event in config.pool_events)]
    if hasattr(config, "socket_config"):
        socket = config.socket_config
        shown["socket"] = [socket.url, socket.backlog, getattr(socket, "mode", None), getattr(socket, "owner", None)]
    return shown


def server(config):
    credentials = [config["username"], config["password"]] if config["username"] else None
    if "port" in config:
        return [config["section"], config["host"], config["port"], credentials]
    chown = None if config["chown"] == (-1, -1) else list(config["chown"])
    return [config["section"], config["file"], config["chmod"], chown, credentials]


def read(path, argv):
    options = upstream.ServerOptions()
    options.stderr = io.StringIO()

    def refuse(code):
        raise Refused(options.stderr.getvalue())

    options.exit = refuse
    try:
        options.realize(argv + ["-c", path], doc="", progname="supervisord")
    except Refused as refused:
        lines = refused.args[0]
        assert lines.startswith("Error: ") and lines.endswith("\nFor help, use supervisord -h\n")
        return {"error": lines[len("Error: "):-len("\nFor help, use supervisord -h\n")]}
    if options.server_configs:
        # What happens when the servers are opened, for which nothing is opened here.
        for name, _, settings in options.rpcinterface_factories:
            if settings:
                return {"error": "Could not make %s rpc interface" % name}
    names = [
        "minfds", "minprocs", "directory", "uid", "umask", "logfile", "logfile_maxbytes", "logfile_backups", "loglevel",
        "pidfile", "identifier", "nodaemon", "silent", "childlogdir", "nocleanup", "strip_ansi",
    ]
    return {"config": {
        "supervisord": dict(
            {name: getattr(options, name) for name in names},
            # On the command line they are numbers.
            **{name: bool(getattr(options, name)) for name in ("nodaemon", "silent", "nocleanup", "strip_ansi")},
        ),
        "groups": [group(g) for g in options.process_group_configs],
        "servers": [server(s) for s in options.server_configs],
        "interfaces": [name for name, _, _ in options.rpcinterface_factories],
        "messages": options.parse_warnings + options.parse_infos,
    }}


def main():
    root, seed, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rng = random.Random(seed)
    cases = []
    for number in range(count):
        directory = "%s/%d" % (root, number)
        write(rng, directory)
        argv = rng.choice([[], [], [], ["-n"], ["-l", "/tmp/q.log", "-e", "debug"], ["-u", "nobody"], ["-m", "077", "-i", "me"]])
        path = directory + "/s.conf"
        # The working directory is the case's own.
        os.chdir(directory)
        cases.append(dict(read(path, argv), path=path, argv=argv))
    print(json.dumps(cases))


main()
