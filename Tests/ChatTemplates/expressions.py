"""Random expressions in the part of Jinja that Paceline supports."""

TEXTS = [
    "s",
    "t",
    "'a,b'",
    "' x '",
    "'Ab c'",
    "(ws[0]|string)",
    "(messages[0]['role'] if messages else s)",
    "(messages[-1].content|string if messages else t)",
]
PLAIN_TEXTS = ["s", "t", "bos_token", "'Ab c'", "(v|string)"]
TEXT_FILTERS = ["upper", "lower", "trim", "title", "capitalize", "string", "reverse"]
TEXT_METHODS = [
    "strip()",
    "lstrip()",
    "rstrip()",
    "upper()",
    "lower()",
    "title()",
    "capitalize()",
    "strip('ab ')",
    "swapcase()",
    "rstrip('\\n')",
    "lstrip('<')",
    "zfill(6)",
    "center(9, '*')",
    "ljust(7)",
    "rjust(7)",
    "removeprefix('a')",
    "removesuffix('>')",
    "replace('a', 'bb')",
    "replace('', '-')",
    "replace(' ', '', 1)",
]
JSON_OPTIONS = [
    "",
    "",
    "(indent=2)",
    "(indent=4)",
    "(ensure_ascii=True)",
    "(separators=(',', ':'))",
    "(sort_keys=true)",
]
INDENTS = ["", "(2)", "(2, true)", "(width=3, blank=true)", "('> ')"]
SEQUENCES = ["l", "ns", "ws", "messages", "[1, 2, 3]", "range(3)", "d", "range(1, 7, 2)", "s", "(tools or [])"]
SEQUENCES += ["range(n, -2, -1)"]
SPLITS = ["", "", "','", "'</think>'", "' ', 1", "none, 1", "'a'"]
CHOICES = ["'role', 'equalto', 'user'", "'tool_calls'", "'tool_calls', 'defined'", "'content', 'string'"]
MAPS = ["'string'", "'upper'", "attribute='role'", "'trim'", "'tojson'", "'length'", "attribute='a', default='z'"]
SELECTS = ["'string'", "'none'", "'defined'", "", "'in', ws", "'mapping'", "'number'"]
NUMBER_FILTERS = [
    "sort",
    "sort(reverse=true)",
    "unique|list",
    "reverse|list",
    "select('odd')|list",
    "select('gt', 1)|list",
    "batch(2)|list",
    "batch(2, 0)|list",
]
WORD_FILTERS = ["sort", "unique|list", "sort(case_sensitive=true)", "map('lower')|list", "reverse|list"]
NUMBER_TESTS = ["odd", "even", "divisibleby 3", "divisibleby(2)", "eq 1", "ge(2)"]
TEXT_TESTS = ["isdigit()", "isalpha()", "isspace()", "isupper()", "islower()", "isalnum()"]
AFFIXES = ["'a'", "'<'", "''", "('a', '<')", "t"]
KINDS = ["defined", "undefined", "none", "true", "false", "boolean", "string", "number", "integer", "float"]
KINDS += ["mapping", "iterable", "sequence", "callable"]


class Expressions:
    """Writes expressions; every choice comes from `rng`."""

    def __init__(self, rng):
        self.rng = rng
        self.names = ["s", "t", "n", "f", "l", "ns", "ws", "d", "v", "messages", "tools", "missing"]
        self.depth = 0
        self.loops = 0
        self.macros = []

    def pick(self, *choices):
        return self.rng.choice(choices)

    def name(self):
        return self.rng.choice(self.names)

    def literal(self):
        return self.pick(
            "'a'",
            "' b '",
            '"it\'s"',
            "'x\\ny'",
            "''",
            "0",
            "1",
            "-1",
            "3",
            "2.5",
            "true",
            "false",
            "none",
            "[]",
            "{}",
            "[1, 'a', none]",
            "(1, 2)",
            "{'a': 1, 'b': [2]}",
            "[[1, 2], [3]]",
            "'<|im_end|>'",
            "','",
            "1e3",
            "(1,)",
        )

    def text(self, depth=0):
        """An expression that is usually a string."""
        r = self.rng.randrange(22 if depth < 3 else 4)
        if r < 2:
            return self.pick(*TEXTS)
        if r < 4:
            return self.pick(*PLAIN_TEXTS)
        if r < 9:
            return self.combined_text(depth)
        if r < 12:
            return self.part_of_text(depth)
        if r < 15:
            return self.printed(depth)
        return self.changed_text(depth)

    def combined_text(self, depth):
        """Two texts, joined or one of them."""
        t = self.text(depth + 1)
        r = self.rng.randrange(5)
        if r == 0:
            return f"({t} + {self.text(depth + 1)})"
        if r == 1:
            return f"({t} ~ {self.expr(depth + 1)})"
        if r == 2:
            return f"({t} if {self.cond(depth + 1)} else {self.text(depth + 1)})"
        if r == 3:
            return f"({t} if {self.cond(depth + 1)})"
        return f"({t} or {self.text(depth + 1)})"

    def part_of_text(self, depth):
        t = self.text(depth + 1)
        r = self.rng.randrange(3)
        if r == 0:
            return f"{t}[{self.slice(depth)}]"
        if r == 1:
            return f"({t}[{self.pick('0', '-1', '1', '5', 'n')}]|string)"
        return f"{t}.split({self.pick(*SPLITS)})" + self.pick("[0]", "[0]", "[-1]", "[-1]")

    def printed(self, depth):
        """The text of something else."""
        r = self.rng.randrange(3)
        if r == 0:
            return f"(({self.expr(depth + 1)})|string)"
        if r == 1:
            value = self.pick("l", "d", "v", "messages", "s", self.expr(depth + 1))
            return f"(({value})|tojson{self.pick(*JSON_OPTIONS)})"
        return f"(({self.seq(depth + 1)})|join({self.pick('', repr(', '), repr('-'))}))"

    def changed_text(self, depth):
        """A text after a filter, a method or a macro."""
        t = self.text(depth + 1)
        r = self.rng.randrange(7 if self.macros else 6)
        if r == 0:
            return f"({t}|{self.pick(*TEXT_FILTERS)})"
        if r == 1:
            return f"{t}.{self.pick(*TEXT_METHODS)}"
        if r == 2:
            return f"({t}|replace({self.text(depth + 2)}, {self.text(depth + 2)}))"
        if r == 3:
            return f"({t}|default({self.text(depth + 2)}" + self.pick("", ", true") + "))"
        if r == 4:
            return f"({t}|indent{self.pick(*INDENTS)})"
        if r == 5:
            return self.pick(
                f"'%s-%s' % ({t}, n)",
                f"('[%s]'|format({t}))",
                f"'{{}}/{{}}'.format({t}, n)",
                f"{t}.partition(',')[2]",
                f"{t}.rsplit(' ', 1)[0]",
                f"({t}.splitlines()|join('+'))",
                f"({t} * 2)",
                f"({t}|trim('a'))",
                f"({t}|center(11))",
            )
        return self.rng.choice(self.macros) + f"({t})"

    def slice(self, depth):
        return self.pick("1:", ":1", ":-1", "::-1", "::2", "-2:", "1:3", ":", "n|int:", ":n|int", "5:1:-1", "-1::-2")

    def number(self, depth=0):
        r = self.rng.randrange(12 if depth < 3 else 2)
        if r < 2:
            return self.pick("n", "1", "2", "3", "0", "(ns|length)", "loop.index0" if self.loops else "4", "f", "7")
        a, b = self.number(depth + 1), self.number(depth + 1)
        if r < 7:
            return (
                f"({a} {self.pick('+', '-', '*', '+', '-')} {b})"
                if self.rng.random() < 0.8
                else f"({a} {self.pick('%', '//', '/')} {self.pick('2', '3', '-3', '4.0', b)})"
            )
        if r == 7:
            return f"(({self.seq(depth + 1)})|length)"
        if r == 8:
            return f"(-{a})"
        if r == 9:
            return f"(({self.expr(depth + 1)})|int" + self.pick("", "(3)") + ")"
        if r == 10:
            return f"(({a})|{self.pick('abs', 'round', 'float', 'round(1)', 'int')})"
        return self.pick(
            f"(ns|{self.pick('sum', 'max', 'min', 'first', 'last')})",
            f"{self.text(depth + 1)}.find('a')",
            f"{self.text(depth + 1)}.count('a')",
            f"({a} ** 2)",
            "(ws|length)",
            f"({self.text(depth + 1)}|wordcount)",
        )

    def seq(self, depth=0):
        r = self.rng.randrange(16 if depth < 3 else 3)
        if r < 3:
            return self.pick(*SEQUENCES)
        a = self.seq(depth + 1)
        if r == 3:
            return f"{a}[{self.slice(depth)}]"
        if r == 4:
            return f"(({a})|list)"
        if r == 5:
            return f"(({a})|list + ({self.seq(depth + 1)})|list)"
        if r == 6:
            return f"d.{self.pick('items()', 'keys()', 'values()')}"
        if r == 7:
            return f"({self.pick('d', 'd')}|{self.pick('items', 'dictsort', 'list')})"
        if r == 8:
            return f"(messages|{self.pick('selectattr', 'rejectattr')}({self.pick(*CHOICES)})|list)"
        if r == 9:
            return f"(({a})|map({self.pick(*MAPS)})|list)"
        if r == 10:
            return f"(({a})|{self.pick('select', 'reject')}({self.pick(*SELECTS)})|list)"
        if r == 11:
            return f"(ns|{self.pick(*NUMBER_FILTERS)})"
        if r == 12:
            return f"(ws|{self.pick(*WORD_FILTERS)})"
        if r == 13:
            return f"[{self.expr(depth + 1)}, {self.expr(depth + 1)}]"
        if r == 14:
            return f"({self.expr(depth + 1)}, {self.expr(depth + 1)})"
        return f"dict(a={self.expr(depth + 1)}, b=2)"

    def cond(self, depth=0):
        r = self.rng.randrange(14 if depth < 3 else 3)
        if r == 0:
            return self.expr(depth + 1)
        if r == 1:
            return f"({self.name()} is {self.pick('', 'not ')}{self.pick(*KINDS)})"
        if r == 2:
            return self.pick(
                "add_generation_prompt",
                "loop.first" if self.loops else "true",
                "loop.last" if self.loops else "false",
                "missing",
                "tools",
                "not n",
            )
        if r == 3:
            return f"({self.cond(depth + 1)} {self.pick('and', 'or')} {self.cond(depth + 1)})"
        if r == 4:
            return f"(not {self.cond(depth + 1)})"
        return self.comparison(depth) if r < 10 else self.test(depth)

    def comparison(self, depth):
        r = self.rng.randrange(5)
        if r == 0:
            return f"({self.expr(depth + 1)} {self.pick('==', '!=')} {self.expr(depth + 1)})"
        if r == 1:
            return f"({self.number(depth + 1)} {self.pick('<', '>', '<=', '>=', '==')} {self.number(depth + 1)})"
        if r == 2:
            return f"({self.expr(depth + 1)} {self.pick('in', 'not in')} {self.seq(depth + 1)})"
        if r == 3:
            return f"({self.text(depth + 1)} in {self.text(depth + 1)})"
        return f"({self.number(depth + 1)} < {self.number(depth + 1)} < {self.number(depth + 1)})"

    def test(self, depth):
        r = self.rng.randrange(4)
        if r == 0:
            return f"{self.text(depth + 1)}.{self.pick('startswith', 'endswith')}({self.pick(*AFFIXES)})"
        if r == 1:
            return f"({self.number(depth + 1)} is {self.pick(*NUMBER_TESTS)})"
        if r == 2:
            return f"({self.text(depth + 1)}.{self.pick(*TEXT_TESTS)})"
        e = self.expr(depth + 1)
        if self.rng.random() < 0.5:
            return f"({e} is {self.pick('in', 'eq', 'ne')}({self.pick('ws', 'ns', 'l')}))"
        return f"({e} is sameas {self.pick('true', 'false', 'none')})"

    def expr(self, depth=0):
        r = self.rng.randrange(9 if depth < 4 else 3)
        if r == 0:
            return self.literal()
        if r == 1:
            return self.name()
        if r == 2:
            return self.pick(
                "messages[0].role" if self.rng.random() < 0.3 else "add_generation_prompt",
                "d.a",
                "d['b']",
                "(d.items is defined)",
                "l[0]",
                "v.name",
                "messages[n]",
                "d.get('a')",
                "d.get('q', 5)",
                "(tools[0].function.name if tools else n)",
                "l.0",
                "messages[loop.index0 - 1]" if self.loops else "l[-1]",
                "(d.z is defined)",
                "(loop.previtem is defined)" if self.loops else "n",
                "(loop.nextitem is defined)" if self.loops else "f",
            )
        if r < 6:
            return self.text(depth + 1)
        if r == 6:
            return self.number(depth + 1)
        if r == 7:
            return self.seq(depth + 1)
        return self.cond(depth + 1)

    def value_for(self, name):
        """What a name is set to: something of the kind that it has in the context."""
        kinds = {"s": self.text, "t": self.text, "n": self.number, "l": self.seq}
        return kinds.get(name, self.expr)()
