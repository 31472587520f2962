"""Cases for the rules that upstream takes from Python, with Python's answers.

Usage: python_rules.py SEED COUNT -- one JSON array on stdout.
Each case is [kind, input, answer]; an answer that is an object with "error" is the text of the exception.
"""
import configparser
import fnmatch
import io
import json
import random
import shlex
import sys


def text(rng, alphabet, most):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, most)))


LINES = [
    "[a]", "[b]", " [a]", "[a]x", "[a]]", "[DEFAULT]", "[]", "[a ; b]", "[a];x", "[a] ; c", "x=1", "x = 1", "x: 2", "X=3",
    "y=", "=1", "y", " y", "  deep", "\tdeep=4", "   [b]", ";c", "  # c", "#", "", "  ", "y=a;b ;c", "y=a#b ;c #d",
    "y=a;b;c ;real #later", "z='a ; b'", "z =\u00a0 v\u00a0", "\u00e9=\u00e8", "\u0130=1", "x=1 ; c", "a:b=c", "a=b:c",
    " ;", "y=1;", "\x1cw=1", "v=\x85", "\x0cq=1", "k  k = v  v",
]


def ini(rng):
    if rng.random() < 0.6:
        head = ["[a]"] if rng.random() < 0.9 else []
        lines = head + [rng.choice(LINES) for _ in range(rng.randint(0, 9))]
        return "".join(line + rng.choice(["\n", "\n", "\n", "\r\n", "\r"]) for line in lines)
    return "[s]\n" + text(rng, "[]ab=:;#  \t\n\r\u00e9\u00a0\x1c", 40)


def ini_answer(case):
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";", "#"))
    translated = io.StringIO(case, newline=None)
    parser.read_file(translated, "x.conf")
    own = {name: dict(parser._sections[name]) for name in parser.sections()}
    return [own, dict(parser.defaults())]


def words(rng):
    return text(rng, "ab '\"\\\n#;=\u00e9\u00d7\u4f60\u00a0\t$", 14)


def pairs(rng):
    if rng.random() < 0.5:
        return text(rng, "AB=,'\"\\ #\n1/.+-():;\u00e9$", 12)
    values = ['"1"', "'x y'", "1", "a b", "$H", "*", '"a\\"b"', "'it\\'s'", '"1"x', "x'1'", "", "C:\\x", "a#b", "http://h:1/p?q=2"]
    item = lambda: rng.choice(["A", "B", "C_1", '"A"', "a.b"]) + rng.choice(["=", "=", " = ", ":"]) + rng.choice(values)
    return rng.choice([",", ", ", "\n,", ",\n", ";", ",,", " "]).join(item() for _ in range(rng.randint(0, 3)))


def pairs_answer(case, posix):
    lexer = shlex.shlex(case, posix=posix)
    lexer.wordchars += "/.+-():"
    tokens = list(lexer)
    found = {}
    for at in range(0, len(tokens), 4):
        group = tokens[at:at + 3]
        if len(group) != 3 or group[1] != "=":
            raise ValueError("Unexpected end of key/value pairs in value '%s'" % case)
        found[group[0]] = group[2] if posix else group[2].strip("'\"")
    return list(map(list, found.items()))


def refuse(self):
    raise TypeError("not enough arguments for format string")


# Upstream would put the whole mapping into the text for a bare %s; that is one of its faults, and here it is an error.
Mapping = type("dict", (dict,), {"__str__": refuse, "__repr__": refuse})
NAMES = Mapping({"here": "/etc", "a(b)": "q", "n": 7, "m": -42, "big": 1234567, "zero": 0, "e": "\u00e9'", "one": "x"})


def percent(rng):
    if rng.random() < 0.3:
        return text(rng, "%%%()nmsdx0.5 -+#*a\u00e9", 12)
    conversion = lambda: "%" + rng.choice(["(%s)" % name for name in NAMES] + ["(nope)", ""]) + text(rng, "-+ #0", 2) \
        + rng.choice(["", "", "3", "8", "12", "*"]) + rng.choice(["", "", ".0", ".2", ".", ".*", ".7"]) \
        + rng.choice(["", "", "", "l"]) + rng.choice("diouxXeEfFgGcrsasd%Y\u00e9")
    return text(rng, "ab%", 1) + conversion() + text(rng, "cd", 1) + (conversion() if rng.random() < 0.3 else "")


def percent_answer(case):
    try:
        return case % NAMES
    except KeyError as unknown:
        return {"unknown": unknown.args[0]}


def matches(rng):
    return [text(rng, "ab*?[]!-^\\c", 8), text(rng, "abc]-[!^\\", 5)]


def number(rng):
    return text(rng, "0123789_+- o\u00a0", 6)


def quoted(rng):
    return text(rng, "a'\"\\\n\t\x00\x7f\x85\u00a0\u00ad\u0301\u2028\u4f60\ue000\U0001f600\U000e0001", 6)


def utf8(rng):
    pieces = ["a", "\n", "\u00e9", "\u4f60", "\U0001f600"]
    wrong = ["\xff", "\xc3", "\xe4\xbd", "\xe4", "\xf0\x9f\x98", "\xed\xa0\x80", "\xc0\xaf", "\x80", "\xf4\x90\x80\x80"]
    piece = lambda: rng.choice(wrong) if rng.random() < 0.2 else rng.choice(pieces).encode().decode("latin-1")
    around = rng.choice([0, 0, 8192, 16384])
    return [max(0, around - rng.randint(0, 12)), "".join(piece() for _ in range(rng.randint(0, 20)))]


def utf8_answer(case):
    data = b"#" * case[0] + case[1].encode("latin-1")
    io.TextIOWrapper(io.BytesIO(data), encoding="utf-8").readlines()
    return "ok"


KINDS = {
    "utf8": (utf8, utf8_answer),
    "ini": (ini, ini_answer),
    "words": (words, shlex.split),
    "pairs": (pairs, lambda case: pairs_answer(case, True)),
    "older-pairs": (pairs, lambda case: pairs_answer(case, False)),
    "percent": (percent, percent_answer),
    "fnmatch": (matches, lambda case: fnmatch.fnmatchcase(case[1], case[0])),
    "int": (number, int),
    "octal": (number, lambda case: int(case, 8)),
    "repr": (quoted, repr),
}


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    cases = []
    for kind, (make, answer) in KINDS.items():
        rng = random.Random("%s %s" % (seed, kind))
        for _ in range(count):
            case = make(rng)
            try:
                result = answer(case)
            except Exception as error:
                result = {"error": str(error)}
            cases.append([kind, case, result])
    print("[" + ",\n".join(json.dumps(case) for case in cases) + "]")


main()
