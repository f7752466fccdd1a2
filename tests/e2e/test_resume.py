# SPDX-License-Identifier: Apache-2.0
"""An import that is killed goes on where it was, by its scan cache; what changed meanwhile is read again."""
import http.server
import json
import re
import shutil
import subprocess
import threading

import pytest

from conftest import ELIDEFS, SAMPLE, elidefs

VIDEO = SAMPLE / "videos/observation.images.top/chunk-000/file-000.mp4"
COUNT = 12
LAST = f"r{COUNT - 1:02d}.mp4"


class Handler(http.server.BaseHTTPRequestHandler):
    """Every name is the same video. A GET of the stalled one gets no answer before `go`."""
    protocol_version, wbufsize = "HTTP/1.1", -1

    def log_message(self, *_):
        pass

    def answer(self, first, end, status):
        content = self.server.content
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{self.server.tags.get(self.path[1:], "one")}"')
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{len(content)}")
        self.send_header("Content-Length", str(end - first))
        self.end_headers()

    def do_HEAD(self):
        self.answer(0, len(self.server.content), 200)

    def do_GET(self):
        name, content = self.path[1:], self.server.content
        if name == self.server.stalled:
            self.server.go.wait(120)
        self.server.asked.add(name)
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, end = (int(match[1]), min(int(match[2]) + 1, len(content))) if match else (0, len(content))
        self.answer(first, end, 206 if match else 200)
        self.wfile.write(content[first:end])


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.content = True, VIDEO.read_bytes()
    server.asked, server.tags, server.stalled, server.go = set(), {}, None, threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.go.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def manifest(server, tmp_path):
    path = tmp_path / "clips.jsonl"
    url = f"http://127.0.0.1:{server.server_address[1]}"
    path.write_text("".join(json.dumps({"key": f"c{i}", "front": {"url": f"{url}/r{i:02d}.mp4", "start": 0, "end": 1}}) + "\n"
                            for i in range(COUNT)))
    return path


def kill_in_the_middle(server, dataset, manifest, cache):
    """Kills the import when all recordings but the last, which stalls, have been scanned."""
    server.stalled = LAST
    process = subprocess.Popen([ELIDEFS, "import", dataset, manifest, "--cache", cache], stderr=subprocess.PIPE, text=True)
    told = []
    while sum(line.startswith("scanned ") for line in told) < COUNT - 1:
        told.append(process.stderr.readline())
        assert told[-1], told
    process.kill()
    process.wait(60)
    process.stderr.close()
    server.stalled = None
    server.go.set()
    server.asked.clear()


def test_a_killed_import_reads_only_what_it_had_not_read(server, dataset, manifest, tmp_path):
    cache = tmp_path / "cache"
    kill_in_the_middle(server, dataset, manifest, cache)
    assert elidefs("log", dataset).stdout == "" and len(list((cache / "scans").iterdir())) == 1
    done = elidefs("import", dataset, manifest, "--cache", cache)
    assert done.stdout == "v1\n" and server.asked == {LAST}
    assert f"not read again: {COUNT - 1} files, which an import that did not end has read" in done.stderr
    assert list((cache / "scans").iterdir()) == []


def test_what_changed_meanwhile_is_read_again(server, dataset, manifest, tmp_path):
    cache = tmp_path / "cache"
    kill_in_the_middle(server, dataset, manifest, cache)
    server.tags["r03.mp4"] = "two"
    assert elidefs("import", dataset, manifest, "--cache", cache).stdout == "v1\n"
    assert server.asked == {"r03.mp4", LAST}


def test_a_damaged_scan_cache_costs_time_only(server, dataset, manifest, tmp_path):
    cache = tmp_path / "cache"
    kill_in_the_middle(server, dataset, manifest, cache)
    (file,) = (cache / "scans").iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xff
    file.write_bytes(content)
    other = tmp_path / "other"
    shutil.copytree(dataset, other)
    assert elidefs("import", dataset, manifest, "--cache", cache).stdout == "v1\n"
    assert {LAST} < server.asked
    elidefs("import", other, manifest, "--cache", tmp_path / "fresh")
    assert elidefs("query", dataset, "v1", "--json").stdout == elidefs("query", other, "v1", "--json").stdout


def test_a_dry_run_uses_the_cache_and_leaves_it_as_it_is(server, dataset, manifest, tmp_path):
    cache = tmp_path / "cache"
    kill_in_the_middle(server, dataset, manifest, cache)
    (file,) = (cache / "scans").iterdir()
    before = file.read_bytes()
    elidefs("import", dataset, manifest, "--cache", cache, "--dry-run")
    assert server.asked == {LAST} and file.read_bytes() == before
    assert elidefs("import", dataset, manifest, "--cache", cache).stdout == "v1\n"
