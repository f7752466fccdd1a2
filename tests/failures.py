# SPDX-License-Identifier: Apache-2.0
"""What failed of a run of `meson test`, each with the end of what it printed; nothing if nothing failed.

usage: failures.py FOLDER/meson-logs/testlog.json
"""

import json
import re
import sys

TELLING = re.compile(r"\[(FAIL|----)\]|ERROR: |runtime error: |Traceback|Error: ")  # what failed, wherever it was said
TELLING_LINES, LAST_LINES = 20, 40

for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
    test = json.loads(line)
    if test["result"] in ("OK", "SKIP", "EXPECTEDFAIL"):
        continue
    print(f"FAILED: {test['name']}: {test['result']} after {test['duration']:.1f} s, exit status {test['returncode']}")
    printed = (test.get("stdout", "") + test.get("stderr", "")).splitlines()
    telling = [text for text in printed[:-LAST_LINES] if TELLING.search(text)][:TELLING_LINES]
    print("".join(f"    {text}\n" for text in telling + printed[-LAST_LINES:]), end="")
