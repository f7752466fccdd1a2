#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""paths_page.py GRAMMAR.md: the text on paths as scdoc source (scdoc(5)) of the man page elidefs-paths(7)."""
import re
import sys

NAME = "elidefs-paths(7)\n\n# NAME\n\nelidefs-paths - what the name of a query directory means\n\n# DESCRIPTION\n\n"


def escaped(text):
    return re.sub(r"([\\*_~\[\]#<>|.+`])", r"\\\1", text)


def inline(text):
    """`code` and **strong** become bold, a link its text; all else is plain."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    parts = re.split(r"(`[^`]+`|\*\*)", text)
    out, strong = "", False
    for part in parts:
        if part == "**":
            strong = not strong
            out += "*"
        elif part.startswith("`"):
            out += escaped(part[1:-1]) if strong else f"*{escaped(part[1:-1])}*"
        else:
            out += escaped(part)
    return out


def table(rows):
    lines = []
    for number, row in enumerate(rows):
        cells = [inline(cell.strip()) or " " for cell in row.strip().strip("|").split(" | ")]
        if set("".join(cells)) <= set("-\\| "):
            continue
        lines += [("[" if not number else "|" if not i else ":") + "[ " + cell if not i else ":[ " + cell for i, cell in enumerate(cells)]
    return "\n".join(lines)


def page(text):
    blocks, out = re.split(r"\n\s*\n", text.strip()), []
    for block in blocks:
        lines = block.split("\n")
        if block.startswith("# "):
            out.append("\n".join(map(inline, lines[1:])))
        elif block.startswith("## "):
            out.append("# " + lines[0][3:].upper().replace("_", "\\_"))
            out.append("\n".join(map(inline, lines[1:])))
        elif lines[0].startswith("    "):
            out.append("```\n" + "\n".join(line[4:].rstrip() for line in lines) + "\n```")
        elif lines[0].startswith("|"):
            out.append(table(lines))
        elif lines[0].startswith("- "):
            out.append("\n".join("- " + inline(line[2:]) if line.startswith("- ") else "  " + inline(line.strip()) for line in lines))
        elif any(line.startswith("    ") for line in lines):
            first = next(i for i, line in enumerate(lines) if line.startswith("    "))
            out += ["\n".join(map(inline, lines[:first])), "```\n" + "\n".join(line[4:] for line in lines[first:]) + "\n```"]
        else:
            out.append("\n".join(map(inline, lines)))
    return NAME + "\n\n".join(block for block in out if block) + "\n\n# SEE ALSO\n\n*elidefs*(1), *elidefs-query*(1), *elidefs-explain*(1)\n"


if __name__ == "__main__":
    sys.stdout.write(page(open(sys.argv[1], encoding="utf-8").read()))
