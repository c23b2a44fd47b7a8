"""Random chat templates in the part of Jinja that Paceline supports."""

import random

from contexts import context
from expressions import Expressions


class Writer(Expressions):
    """Writes one template; every choice comes from `rng`."""

    def open(self):
        return "{%" + self.pick("", "", "-", "+")

    def close(self):
        return self.pick("", "", "-", "+") + "%}"

    def tag(self, code):
        return f"{self.open()} {code} {self.close()}"

    def plain(self):
        return self.pick(
            "\n",
            "  ",
            "text",
            " \n  ",
            "<|im_start|>",
            "\n\n",
            "a ",
            "{# note #}",
            "{#- x -#}\n",
            "  {# y #}\n",
            "é",
            "\t",
            "\r\n",
            "{% raw %} {{ x }} {% endraw %}",
            "line\n",
        )

    def statement(self):
        self.depth += 1
        try:
            r = self.rng.randrange(20 if self.depth < 4 else 9)
            if r < 3:
                return self.plain()
            if r < 9:
                return "{{" + self.pick("", "", "-", "") + f" {self.expr()} " + self.pick("", "", "-") + "}}"
            if r < 12:
                out = self.tag(f"if {self.cond()}") + self.block()
                if self.rng.random() < 0.3:
                    out += self.tag(f"elif {self.cond()}") + self.block()
                if self.rng.random() < 0.5:
                    out += self.tag("else") + self.block()
                return out + self.tag("endif")
            if r < 15:
                return self.loop()
            if r < 17:
                name = self.pick("s", "t", "n", "v", "l", "x")
                if name not in self.names:
                    self.names.append(name)
                return self.tag(f"set {name} = {self.value_for(name)}")
            if r == 17:
                return (
                    self.tag("set q = namespace(a=1, b='x')")
                    + self.tag(f"for i in {self.pick('ws', 'ns', 'range(3)')}")
                    + self.tag(f"set q.a = q.a + {self.pick('1', 'loop.index', 'i')}")
                    + "{{ q.a }}"
                    + self.tag("endfor")
                    + "{{ q.a }}{{ q.b }}"
                )
            if r == 18:
                return self.special()
            return self.macro()
        finally:
            self.depth -= 1

    def special(self):
        return self.pick(
            self.tag("set s" + self.pick("", " | upper", " | trim | upper"))
            + self.block()
            + self.tag("endset")
            + "{{ s }}",
            self.tag("filter " + self.pick("upper", "trim", "trim | title")) + self.block() + self.tag("endfilter"),
            self.tag("with k = " + self.expr() + ", j = 1") + "{{ k }}{{ j }}" + self.block() + self.tag("endwith"),
            self.tag("set a, b = " + self.pick("(1, 2)", "s, t", "[n, f]", "ws[:2]")) + "{{ a }}{{ b }}",
            self.tag("if " + self.cond()) + "{{ raise_exception('refused: ' ~ s) }}" + self.tag("endif"),
            "{{ s|e }}{{ ws|join(', ')|escape }}",
            "{{ strftime_now('%d %b %Y %H:%M %A %j %-d %y %I%p') }}",
        )

    def loop_head(self):
        """The start of a `for` tag, and the names that it sets."""
        kind = self.rng.randrange(4)
        if kind == 0:
            pairs = self.pick("d.items()", "d|items", "d|dictsort", "[(1, 2), (3, 4)]", "v|items")
            return f"for k, w in {pairs}", ["k", "w"]
        if kind == 1:
            return f"for message in {self.pick('messages', 'messages[1:]', 'messages[::-1]')}", ["message"]
        return f"for i in {self.seq(1)}", ["i"]

    def loop(self):
        head, names = self.loop_head()
        if self.rng.random() < 0.2:
            self.names += names
            head += f" if {self.cond(1)}"
            self.names = self.names[: -len(names)]
        saved = list(self.names)
        self.names += names
        self.loops += 1
        out = self.tag(head)
        out += self.pick(
            "",
            "{{ loop.index }}",
            "{{ loop.index0 }}{{ loop.first }}",
            "{{ loop.last }}",
            "{{ loop.length }}",
            "{{ loop.revindex }}",
            "{{ loop.previtem is defined }}",
            "{{ loop.cycle('o', 'e') }}",
            "{{ loop.changed(s) }}",
            "{{ loop.depth }}",
        )
        out += "{{ " + self.pick(*names) + " }}" + self.block()
        if self.rng.random() < 0.2:
            out += (
                self.tag(f"if {self.cond(1)}")
                + self.tag(self.pick("break", "continue"))
                + self.tag("endif")
                + self.plain()
            )
        self.loops -= 1
        self.names = saved
        if self.rng.random() < 0.2:
            out += self.tag("else") + self.block()
        return out + self.tag("endfor")

    def macro(self):
        name = f"m{len(self.macros)}"
        saved, loops = list(self.names), self.loops
        self.names += ["p", "o"]
        self.loops = 0
        body = self.block()
        self.names, self.loops = saved, loops
        out = (
            self.tag(f"macro {name}(p, o={self.literal()})")
            + body
            + self.pick("", "{{ caller is defined }}", "{{ varargs }}", "{{ kwargs }}")
            + self.tag("endmacro")
        )
        if self.depth == 1:
            self.macros.append(name)
        return out + self.pick(
            f"{{{{ {name}({self.expr(2)}) }}}}",
            f"{{{{ {name}(1, o={self.expr(2)}) }}}}",
            f"{{{{ {name}() }}}}",
            f"{{{{ {name}(1, 2, 3) }}}}",
            f"{{{{ {name}(p=s, y=2) }}}}",
            self.tag(f"call {name}(1)") + "body" + self.tag("endcall"),
        )

    def block(self):
        return "".join(self.statement() for _ in range(self.rng.randrange(1, 4)))

    def template(self):
        return "".join(self.statement() for _ in range(self.rng.randrange(1, 6)))


def case(seed):
    """One template with a context, both from the seed."""
    rng = random.Random(seed)
    template = Writer(rng).template()
    return template, context(rng)
