# SPDX-License-Identifier: Apache-2.0
"""Data sets in a folder behind a web server and the proxy: mounted, looked at, and what that asked for."""
import os
import pathlib
import shutil
import subprocess
import time

from bench_lab import ELIDEFS, Proxy, free_port, middle, run

WEB_SERVER = """
daemon off; master_process off; worker_processes 1; pid {base}/pid; error_log {base}/error.log;
events {{}}
http {{
    access_log off; client_body_temp_path {base}/t1; proxy_temp_path {base}/t2; fastcgi_temp_path {base}/t3;
    uwsgi_temp_path {base}/t4; scgi_temp_path {base}/t5;
    server {{ listen 127.0.0.1:{port}; root {www}; }}
}}
"""


class Asked:
    """What the proxy saw of something: requests, rounds, bytes; and how long it took."""

    def __init__(self, lines, seconds):
        self.requests, self.rounds, self.seconds = len(lines), rounds_of(lines), seconds
        self.bytes = sum(int(line.split()[4]) for line in lines)


def rounds_of(lines):
    """The longest chain of requests of which each began after the one before it had ended."""
    spans, ends = sorted((float(line.split()[6]), float(line.split()[7])) for line in lines), []
    for start, end in spans:
        ends.append((end, 1 + max((depth for over, depth in ends if over <= start), default=0)))
    return max((depth for _, depth in ends), default=0)


def show(label, some, goal=""):
    """A line of a table: medians, and the most."""
    requests, rounds, sizes, seconds = ([getattr(one, name) for one in some] for name in ("requests", "rounds", "bytes", "seconds"))
    print(f"{label:52s} {middle(requests):4d} requests  {middle(rounds):2d} rounds (most {max(rounds)})  "
          f"{middle(sizes) / 1000:8.1f} KB (most {max(sizes) / 1000:.1f})  {middle(seconds):6.3f} s{goal and '  goal ' + goal}",
          flush=True)


class Web:
    """A data set behind the web server and the proxy, mounted with an empty cache by mount()."""

    def __init__(self, base, www, delay_ms):
        base.mkdir(parents=True, exist_ok=True)
        port = free_port()
        (base / "nginx.conf").write_text(WEB_SERVER.format(base=base, port=port, www=www.absolute()))
        self.server = subprocess.Popen(["nginx", "-p", base, "-c", base / "nginx.conf"])
        self.proxy = Proxy(base, port, delay_ms)
        self.url = f"http://127.0.0.1:{self.proxy.port}"
        self.point, self.cache = base / "mnt", base / "cache"
        self.point.mkdir(exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unmount()
        self.proxy.process.kill()
        self.server.terminate()

    def unmount(self):
        if os.path.ismount(self.point):
            run(ELIDEFS, "umount", self.point)

    def mount(self):
        self.unmount()
        shutil.rmtree(self.cache, ignore_errors=True)
        run(ELIDEFS, "mount", self.url, self.point, "--cache", self.cache, "-o", "trust=/recordings")

    def asked(self, act):
        """What `act` asks the store for."""
        before, start = len(self.proxy.log.read_text().splitlines()), time.perf_counter()
        act()
        seconds = time.perf_counter() - start
        return Asked(self.proxy.log.read_text().splitlines()[before:], seconds)

    def list(self, path, names=None):
        """Lists a folder of the mount, or its first names."""
        with os.scandir(self.point / path) as entries:
            for seen, _ in enumerate(entries, 1):
                if seen == names:
                    break

    def memory(self):
        """The mount's daemon: MB resident, of these its own (not mapped files)."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if str(self.point) in (folder / "cmdline").read_text().split("\0"):
                    lines = (folder / "smaps_rollup").read_text().splitlines()[1:]
                    sizes = {line.split()[0]: int(line.split()[1]) for line in lines}
                    found.append((sizes["Rss:"] / 1000, sizes["Anonymous:"] / 1000))
            except OSError:
                pass  # it has ended meanwhile
        return max(found)
