# SPDX-License-Identifier: Apache-2.0
"""What the modes of tools/dev/bench share: commands, CPU time, and the proxy that counts."""
import os
import pathlib
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build-release"
ELIDEFS = BUILD / "tools" / "elidefs"
VENV = ROOT / ".venv" / "bin" / "python"


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def timed(*command):
    start = time.perf_counter()
    run(*command)
    return time.perf_counter() - start


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def drop_page_cache():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3\n")


def cpu_seconds(pids):
    """User and system time of running processes."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Proxy:
    """The counting, delaying proxy in front of the store."""

    def __init__(self, folder, server_port, delay_ms, *options):
        self.log = folder / "proxy.log"
        self.process = subprocess.Popen(
            [BUILD / "tests/proxy/proxy", "--delay-ms", str(delay_ms), "--log", self.log, *options, "0",
             f"127.0.0.1:{server_port}"],
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.seen = 0

    def cpu(self):
        return cpu_seconds([self.process.pid])

    def since(self):
        """Requests and body bytes since the last call: (all, bytes, of them for recordings, bytes)."""
        lines = self.log.read_text().splitlines()[self.seen:]
        self.seen += len(lines)
        sizes = [(line.split()[1], int(line.split()[4])) for line in lines if line.split()[0] == "GET"]
        recordings = [size for path, size in sizes if not path.startswith("/sets/")]
        return len(lines), sum(size for _, size in sizes), len(recordings), sum(recordings)


def middle(values):
    return sorted(values)[len(values) // 2]
