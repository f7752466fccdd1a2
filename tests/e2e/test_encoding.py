# SPDX-License-Identifier: Apache-2.0
"""Stores that send other bytes than they keep, or none for now: encodings, archives, refusals. A server of the test's own."""
import gzip
import hashlib
import http.server
import json
import os
import threading
import urllib.parse

import pytest

from conftest import elidefs
from test_imperfect import recorded  # noqa: F401 (a fixture)

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


class Kept:
    """An object: its bytes, and what the store does with it."""

    def __init__(self, data, encoding=None, storage_class="STANDARD", restored=False, status=200):
        self.data, self.encoding, self.storage_class = data, encoding, storage_class
        self.restored, self.status = restored, status
        self.etag = f'"{hashlib.md5(data).hexdigest()}"'

    @property
    def archived(self):
        return self.storage_class == "GLACIER" and not self.restored


class Handler(http.server.BaseHTTPRequestHandler):
    """S3 in path style, with one bucket `recordings`, and a plain web server of the same objects. server.unpacks: None, or how it
    unpacks what is gzip-encoded: "unless asked", as Google's store, or "always", and without a word."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def list(self):
        entries = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(kept.data)}</Size><ETag>{kept.etag}</ETag>"
            f"<LastModified>2026-01-01T00:00:00.000Z</LastModified><StorageClass>{kept.storage_class}</StorageClass></Contents>"
            for key, kept in sorted(self.server.objects.items()))
        self.reply(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode())

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path).lstrip("/").removeprefix("recordings/")
        if "list-type" in url.query:
            return self.list()
        kept = self.server.objects.get(path)
        if not kept:
            return self.reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        if kept.status != 200:
            return self.reply(kept.status, b"")
        if kept.archived and self.command == "GET":
            return self.reply(403, b"<Error><Code>InvalidObjectState</Code></Error>")
        self.send_kept(kept)

    do_HEAD = do_GET

    def send_kept(self, kept):
        headers = [("ETag", kept.etag), ("Last-Modified", DATE), ("x-amz-storage-class", kept.storage_class)]
        if kept.restored:
            headers.append(("x-amz-restore", 'ongoing-request="false", expiry-date="Fri, 01 Jan 2027 00:00:00 GMT"'))
        unpacks = self.server.unpacks
        asked = "gzip" in (self.headers["Accept-Encoding"] or "")
        if kept.encoding and (unpacks == "always" or (unpacks and not asked)):
            if unpacks != "always":
                headers += [("Warning", "214 UploadServer gunzipped"), ("x-goog-stored-content-encoding", "gzip")]
            return self.reply(200, gzip.decompress(kept.data), headers)
        if kept.encoding:
            headers.append(("Content-Encoding", kept.encoding))
        if not self.headers["Range"]:
            return self.reply(200, kept.data, headers)
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        first, last = int(first), min(int(last or len(kept.data) - 1), len(kept.data) - 1)
        headers.append(("Content-Range", f"bytes {first}-{last}/{len(kept.data)}"))
        self.reply(206, kept.data[first:last + 1], headers)


@pytest.fixture
def server(monkeypatch):
    """Its `objects` are a test's to fill; `bucket` and `web` are where they lie."""
    one = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.objects, one.unpacks = {}, None
    one.web = f"http://127.0.0.1:{one.server_port}"
    one.bucket = "s3://recordings"
    for name, value in (("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_DEFAULT_REGION", "us-east-1"),
                        ("AWS_ENDPOINT_URL", one.web)):
        monkeypatch.setenv(name, value)
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()
    one.server_close()


def packed(text):
    return Kept(gzip.compress(text.encode(), mtime=0), encoding="gzip")


def bad(folder):
    return [json.loads(line) for line in (folder / "bad.jsonl").read_text().splitlines()]


def keys(dataset):
    return sorted(elidefs("query", dataset, "latest").stdout.split())


def test_what_is_kept_gzip_encoded_is_read_as_it_is_kept(server, dataset, tmp_path):
    server.unpacks = "unless asked"
    server.objects |= {"plain.bin": Kept(b"plain" * 99), "log.csv": packed("hello,world\n" * 999)}
    elidefs("import", dataset, server.bucket)
    elidefs("cp", dataset, "v1", tmp_path / "out", "--cache", tmp_path / "cache")
    assert (tmp_path / "out/log.csv").read_bytes() == server.objects["log.csv"].data
    assert (tmp_path / "out/plain.bin").read_bytes() == server.objects["plain.bin"].data


def test_objects_that_a_store_unpacks_without_a_word_cost_their_clips_however_many(server, dataset, tmp_path):
    server.unpacks = "always"
    for i in range(20):
        server.objects |= {f"run{i}.json": packed('{"arm": "left"}' + " " * 99), f"run{i}.bin": Kept(b"x")}
    server.objects["good.bin"] = Kept(b"x")
    done = elidefs("import", dataset, server.bucket, cwd=tmp_path, check=False)
    assert done.returncode == 1 and "20 of 21 clips are bad" in done.stderr and "--skip-bad imports the others" in done.stderr
    done = elidefs("import", dataset, server.bucket, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and keys(dataset) == ["good"]
    assert len(bad(tmp_path)) == 20 and all("it may be kept gzip-encoded" in line["reason"] for line in bad(tmp_path))


@pytest.mark.parametrize("unpacks", [None, "unless asked"])
def test_labels_that_are_kept_gzip_encoded_are_named(server, dataset, unpacks):
    server.unpacks = unpacks
    server.objects |= {"run.json": packed('{"arm": "left"}'), "run.bin": Kept(b"x")}
    done = elidefs("import", dataset, server.bucket)
    assert "note: no labels, but a file of the clip, because it is gzip-compressed: s3://recordings/run.json\n" in done.stderr
    assert sorted(json.loads(elidefs("query", dataset, "v1", "--json").stdout)["files"]) == [
        "run.bin", "run.json", "run.source.json"]


def test_an_archived_object_costs_its_clip_until_it_is_restored(server, dataset, tmp_path):
    server.objects |= {"a.bin": Kept(b"x"), "b.bin": Kept(b"y", storage_class="GLACIER"),
                       "c.bin": Kept(b"z", storage_class="GLACIER", restored=True)}
    done = elidefs("import", dataset, server.bucket, cwd=tmp_path, check=False)
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == (
        "elidefs: s3://recordings/b.bin: it is archived, and must be restored before it can be read (--skip-bad leaves it out, and "
        "imports the others)"), done.stderr
    done = elidefs("import", dataset, server.bucket, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and keys(dataset) == ["a", "c"]
    server.objects["b.bin"].restored = True
    elidefs("import", dataset, server.bucket)
    assert keys(dataset) == ["a", "b", "c"]


def test_what_is_known_may_be_archived_and_says_so_when_it_is_read(server, dataset, tmp_path):
    server.objects |= {"a.bin": Kept(b"x"), "b.bin": Kept(b"y")}
    elidefs("import", dataset, server.bucket)
    server.objects["b.bin"].storage_class = "GLACIER"
    assert elidefs("import", dataset, server.bucket).stdout == "v1\n"
    done = elidefs("verify", dataset, check=False)
    assert "1 of 2 clips can be read; not 'b': s3://recordings/b.bin: it is archived, and must be restored" in done.stdout + done.stderr


def publish(server, folder):
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            server.objects[os.path.relpath(path, folder)] = Kept(open(path, "rb").read())


VIDEO = "videos/observation.images.front/chunk-000/file-001.mp4"


def test_an_encoded_file_on_a_web_server_costs_its_clips(server, dataset, recorded, tmp_path):  # noqa: F811
    publish(server, recorded)
    whole = server.objects[VIDEO]
    server.objects[VIDEO] = Kept(gzip.compress(whole.data), encoding="gzip")
    for unpacks, words in ((None, "with the encoding 'gzip'"), ("unless asked", "unpacks it on the way")):
        server.unpacks = unpacks
        done = elidefs("import", dataset, server.web, cwd=tmp_path, check=False)
        assert done.returncode == 1 and f"{server.web}/{VIDEO}: it is " in done.stderr and "--skip-bad" in done.stderr
        done = elidefs("import", dataset, server.web, "--skip-bad", cwd=tmp_path, check=False)
        assert done.returncode == 3 and keys(dataset) == ["ep000000", "ep000001", "ep000002"]
        assert all(words in line["reason"] for line in bad(tmp_path))
    server.objects[VIDEO] = whole
    assert "v2: 2 clips added, 0 replaced, 3 unchanged; 5 in all\n" in elidefs("import", dataset, server.web).stderr


def test_a_file_that_a_web_server_refuses_costs_its_clips(server, dataset, recorded, tmp_path):  # noqa: F811
    publish(server, recorded)
    server.objects[VIDEO].status = 403
    done = elidefs("import", dataset, server.web, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and keys(dataset) == ["ep000000", "ep000001", "ep000002"]
    assert all("status 403" in line["reason"] for line in bad(tmp_path)) and "no such file" not in done.stderr


def test_an_object_that_is_overwritten_while_it_is_listed_is_imported_as_it_is_now(server, dataset, tmp_path):
    """The listing is of before."""
    server.objects |= {"a.bin": Kept(b"x"), "b.bin": Kept(b"y")}
    listed = Handler.list

    def overwrite(handler):
        listed(handler)
        server.objects["b.bin"] = Kept(b"another")
    Handler.list = overwrite
    try:
        elidefs("import", dataset, server.bucket)
    finally:
        Handler.list = listed
    elidefs("cp", dataset, "v1", tmp_path / "out", "--cache", tmp_path / "cache")
    assert (tmp_path / "out/b.bin").read_bytes() == b"another"
