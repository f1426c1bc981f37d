"""How the demo looks: plain text, with a little colour where a person looks at it."""
import os
import shlex


class Show:
    def __init__(self, out):
        self.out = out
        self.colour = out.isatty() and not os.environ.get("NO_COLOR")
        self.number = 0

    def paint(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    def step(self, text):
        self.number += 1
        self.line()
        self.line(self.paint("1", f"{self.number}  {text}"))

    def fact(self, name, value):
        self.line(f"   {self.paint('2', f'{name:<12}')}  {value}")

    def command(self, args, beside=False):
        mark = "&" if beside else "$"
        self.line(self.paint("36", f"   {mark} {shlex.join(str(a) for a in args)}"))

    def table(self, head, *rows):
        self.line(self.paint("2", f"   {head[0]:<20}{head[1]:>12}{head[2]:>12}"))
        for name, ours, theirs in rows:
            self.line(f"   {name:<20}{ours!s:>12}{theirs!s:>12}")
