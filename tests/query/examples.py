# SPDX-License-Identifier: Apache-2.0
"""Every example of query/GRAMMAR.md is a line of a golden table: examples.py GRAMMAR.md TABLE..."""
import re
import sys

golden = {}
for table in sys.argv[2:]:
    for line in open(table, encoding="utf-8"):
        if "\t" in line and not line.startswith("#"):
            path, result = line.rstrip("\n").split("\t", 1)
            golden.setdefault(path, set()).update({result, re.sub(r" \[[\w ]*\]$", "", result)})

seen = bad = 0
for line in open(sys.argv[1], encoding="utf-8"):
    # "    input   result   (a remark)", at least two blanks between; the grammar's own rules have ':='
    example = re.match(r"    (\S.*?) {2,}(\S.*?)( {3,}\(.*)?$", line.rstrip("\n"))
    if not example or ":=" in line or line.startswith("    v12") or example[1][0] in "|'" or "=" not in example[1]:
        continue
    seen += 1
    if example[2] not in golden.get(example[1], set()):
        bad += 1
        print(f"{example[1]}: GRAMMAR.md says {example[2]!r}, the tables {golden.get(example[1])}")
print(f"{seen} examples, {bad} of them not in the tables")
sys.exit(bad > 0 or seen < 9)
