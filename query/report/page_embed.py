# SPDX-License-Identifier: Apache-2.0
"""page_embed.py page.html > page_html.c: the page as two arrays, what stands before the clips and what stands behind them.

The page's own style and script are the only ones it allows: the policy names them by their hash."""
import base64
import hashlib
import re
import sys

page = open(sys.argv[1], encoding="utf-8").read()


def allowed(element):
    (text,) = re.findall(f"<{element}>(.*?)</{element}>", page, re.S)
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


policy = "; ".join(["default-src 'none'", f"script-src {allowed('script')}", f"style-src {allowed('style')}",
                    "media-src 'self' file:", "base-uri 'none'", "form-action 'none'"])
head, tail = page.replace("{{policy}}", policy).split("{{data}}")

print("// Made from page.html by page_embed.py.\n#include \"query/report/page_html.h\"")
for name, text in ("head", head), ("tail", tail):
    data = text.encode()
    print(f"\nconst unsigned char page_html_{name}[] = {{")
    for i in range(0, len(data), 24):
        print("    " + " ".join(f"{byte}," for byte in data[i:i + 24]))
    print(f"}};\nconst size_t page_html_{name}_len = sizeof page_html_{name};")
