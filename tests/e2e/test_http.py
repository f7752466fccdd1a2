# SPDX-License-Identifier: Apache-2.0
"""A real web server (nginx): data sets and recordings over http(s), and what can go wrong."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from conftest import BUILD, LABELS, SAMPLE, elidefs, mounted, run, told, wait_until

VIDEO = "videos/observation.images.top/chunk-000/file-000.mp4"
CONFIGURATION = """
daemon off; master_process off; worker_processes 1; pid {base}/pid; error_log {base}/error.log;
events {{}}
http {{
    access_log {base}/access.log; sendfile off;
    client_body_temp_path {base}/t1; proxy_temp_path {base}/t2; fastcgi_temp_path {base}/t3;
    uwsgi_temp_path {base}/t4; scgi_temp_path {base}/t5;
    server {{
        listen 127.0.0.1:{port}; listen 127.0.0.1:{tls} ssl;
        ssl_certificate {base}/cert.pem; ssl_certificate_key {base}/key.pem;
        root {base}/www;
        location /weak/ {{ alias {base}/www/; etag off; }}
        location /nothing/ {{ alias {base}/www/; etag off; add_header Last-Modified ""; }}
        location /whole/ {{ alias {base}/www/; max_ranges 0; }}
        location /here/ {{ rewrite ^/here/(.*)$ /$1 redirect; }}
        location /there/ {{ return 302 http://other.example/$uri?token=hidden; }}
        location /circle/ {{ return 302 /circle/; }}
        location /private/ {{ alias {base}/www/; if ($http_authorization != "Bearer one two") {{ return 401; }} }}
    }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


class Server:
    def __init__(self, base):
        self.base, self.www = base, base / "www"
        self.www.mkdir()
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=elidefs-test",
            "-addext", "subjectAltName = IP:127.0.0.1", "-keyout", base / "key.pem", "-out", base / "cert.pem")
        for _ in range(20):
            if self.start():
                return
        raise AssertionError((base / "error.log").read_text())

    def start(self):
        """Somebody else may take a free port first: then it ends at once, and another is tried."""
        self.port, tls = free_port(), free_port()
        self.url, self.tls = f"http://127.0.0.1:{self.port}", f"https://127.0.0.1:{tls}"
        (self.base / "conf").write_text(CONFIGURATION.format(base=self.base, port=self.port, tls=tls))
        self.process = subprocess.Popen(["nginx", "-p", self.base, "-c", self.base / "conf"],
                                        stderr=subprocess.DEVNULL)
        wait_until(lambda: self.process.poll() is not None or (self.base / "pid").exists())
        return self.process.poll() is None

    def asked(self):
        return (self.base / "access.log").read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    for program in ("nginx", "openssl"):
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            pytest.skip(f"{program} is not installed")
    base = pathlib.Path(run("mktemp", "-d", "/tmp/elidefs-web.XXXXXX").stdout.strip())
    os.environ["PATH"] += ":/usr/sbin"
    server = Server(base)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(base)


@pytest.fixture(scope="module")
def published(web):
    """The sample and its recordings in one folder that the server shows, the first version tagged."""
    folder = web.www / "lab" / "my set"
    folder.mkdir(parents=True)
    shutil.copytree(SAMPLE, folder / SAMPLE.name)
    elidefs("init", folder)
    elidefs("import", folder, folder / SAMPLE.name)
    elidefs("tag", folder, "first", "v1")
    assert elidefs("import", folder, folder / SAMPLE.name, "--table", LABELS).stdout == "v2\n"
    return "lab/my%20set"


@contextlib.contextmanager
def proxied(web, *faults):
    """The server behind the proxy of tests/proxy, which breaks what `faults` say."""
    words = [word for fault in faults for word in ("--fault", fault)]
    command = [BUILD / "tests/proxy/proxy", *words, "--match", "packs", "0", f"127.0.0.1:{web.port}"]
    proxy = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{proxy.stdout.readline().strip()}"
    finally:
        proxy.kill()
        proxy.wait()
        proxy.stdout.close()


def refused(*arguments, **options):
    done = elidefs(*arguments, check=False, **options)
    assert done.returncode == 1 and len(told(done)) == 1, done.stderr
    return done.stderr


def test_a_data_set_on_a_web_server_reads_as_the_same_bytes(web, published, mount, tmp_path):
    with mounted(f"{web.url}/{published}/", tmp_path / "mnt", tmp_path / "cache") as point:
        same_clips(point / "v2", mount / "v1")
        assert os.readlink(point / "tags/first") == "../v1" or os.path.samefile(point / "tags/first", point / "v1")
        assert elidefs("query", point / "v2/arm=left/outcome=fail", "--count").stdout == "4\n"


def test_a_manifest_on_a_web_server_names_what_lies_there(web, published, dataset, mount, tmp_path):
    span = {"url": f"my%20set/{SAMPLE.name}/{VIDEO}", "start": 0, "end": 3.2}
    rows = [{"key": "a", "top": span}, {"key": "b", "labels": {"url": f"{web.url}/lab/my%20set/{SAMPLE.name}/labels.csv"}},
            {"key": "c", "labels": {"url": f"{web.tls.replace('https', 'http')}/x.csv"}}]
    (web.www / "lab/clips.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:2]))
    (web.www / "lab/bad.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    elidefs("import", dataset, f"{web.url}/lab/clips.jsonl")
    elidefs("cp", dataset, "v1", tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == ["a.json", "a.top.mp4", "b.json", "b.labels.csv"]
    assert (tmp_path / "out/b.labels.csv").read_bytes() == LABELS.read_bytes()
    assert f"{web.url}/lab/bad.jsonl: line 3: column 'labels.url'" in refused("import", dataset, f"{web.url}/lab/bad.jsonl")


def test_a_mount_over_http_shows_new_versions_and_their_tags(web, tmp_path):
    folder = web.www / "growing"
    (folder / "in").mkdir(parents=True)
    (folder / "in/one.bin").write_bytes(b"one")
    elidefs("init", folder)
    elidefs("import", folder, folder / "in")
    with mounted(f"{web.url}/growing", tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        assert os.readlink(point / "latest") == "v1"
        elidefs("tag", folder, "start")
        (folder / "in/two.bin").write_bytes(b"two")
        elidefs("import", folder, folder / "in")
        wait_until(lambda: os.readlink(point / "latest") == "v2")
        wait_until(lambda: os.path.exists(point / "start") or os.path.exists(point / "tags/start"))
        assert (point / "v2/two.bin").read_bytes() == b"two"


def test_what_is_on_a_web_server_is_not_written(web, published, tmp_path):
    url = f"{web.url}/{published}"
    for arguments in (("init", f"{web.url}/new"), ("import", url, SAMPLE), ("tag", url, "mine")):
        assert "read-only" in refused(*arguments)
    assert "init" not in refused("log", f"{web.url}/nowhere")


def test_status_tells_of_a_store_that_is_slow_and_of_one_that_is_away(web, published, tmp_path):
    command = [BUILD / "tests/proxy/proxy", "--delay-ms", "250", "0", f"127.0.0.1:{web.port}"]
    proxy = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    reader = None

    def asked():
        return json.loads(elidefs("status", tmp_path / "mnt", "--json").stdout)

    try:
        url = f"http://127.0.0.1:{proxy.stdout.readline().strip()}/{published}"
        with mounted(url, tmp_path / "mnt", tmp_path / "cache", "-o", f"trust={web.www / 'lab'}") as point:
            assert len(os.listdir(point / "v1")) == 64
            told = asked()
            assert told["state"] == "serving" and told["store_answers"] > 3 and told["store_answer_half_us"] >= 250000
            assert told["store_answer_most_us"] >= told["store_answer_half_us"] and not told["store_fails"]
            text = elidefs("status", point).stdout
            assert "the store is far away or busy: half of its answers take" in text and "does not answer" not in text
            proxy.kill()
            proxy.wait()
            reader = subprocess.Popen(["cat", point / "v2/arm=left/ep000006.json"], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
            wait_until(lambda: asked()["store_fails"])
            wait_until(lambda: asked()["requests_waiting"] or reader.poll() is not None)
            assert "the store does not answer or refuses; its last good answer came" in elidefs("status", point).stdout
    finally:
        proxy.kill()
        proxy.wait()
        proxy.stdout.close()
        if reader:
            reader.kill()
            reader.wait()


def test_redirects_are_followed_within_the_server_and_named_else(web, published):
    assert "v2" in elidefs("log", f"{web.url}/here/{published}").stdout
    text = refused("log", f"{web.url}/there/{published}")
    assert "http://other.example" in text and "hidden" not in text
    assert "in circles" in refused("log", f"{web.url}/circle/x")


def test_a_server_without_ranges_is_named(web, published, tmp_path):
    text = refused("cp", f"{web.url}/whole/{published}", "v1/ep000000.top.mp4", tmp_path / "out",
                   "--cache", tmp_path / "cache")
    assert "range" in text and f"{web.url}/whole/{published}" in text


def test_certificates_are_verified(web, published):
    assert "certificate" in refused("log", f"{web.tls}/{published}")
    assert "v2" in elidefs("log", f"{web.tls}/{published}", "--ca-bundle", web.base / "cert.pem").stdout


def test_who_asks_is_told_by_a_file_and_never_shown(web, published, tmp_path):
    url = f"{web.url}/private/{published}"
    assert "authorization_file" in refused("log", url)
    (tmp_path / "token").write_text("Bearer one two\n")
    (tmp_path / "elidefs").mkdir()
    (tmp_path / "elidefs/config").write_text(
        f'[store "{web.url}/private"]\nauthorization_file = {tmp_path}/token\n[dataset "kitchen"]\nurl = {url}\n')
    env = os.environ | {"XDG_CONFIG_HOME": str(tmp_path)}
    assert "v2" in elidefs("log", "kitchen", env=env).stdout
    assert elidefs("cp", "kitchen", "v1/ep000000.top.mp4", tmp_path / "out", env=env)
    (tmp_path / "token").write_text("Bearer wrong-and-secret\n")
    text = refused("log", url, env=env)
    assert "401" in text and "secret" not in text
    (tmp_path / "token").unlink()
    assert "token" in refused("log", url, env=env)


def test_a_password_or_a_query_in_a_url_is_refused_and_not_repeated(web):
    for url in (f"http://me:hunter2@127.0.0.1:{web.port}/x", f"{web.url}/x?sig=hunter2", f"{web.url}/x#hunter2"):
        assert "hunter2" not in refused("log", url)


@pytest.mark.parametrize("fault", ["503@1+2", "429@1:1", "reset@1", "truncate@1:1000", "stall@99"])
def test_a_broken_network_costs_time_only(web, published, fault, tmp_path):
    with proxied(web, fault) as url:
        elidefs("cp", f"{url}/{published}", "v2/ep000003.json", tmp_path / "out", "--cache", tmp_path / "cache")
        assert (tmp_path / "out/ep000003.json").read_bytes()[:1] == b"{"


@pytest.mark.parametrize("fault, words", [("404@1+", "no such file"), ("403@1+", "403"), ("corrupt@1+:100", "damaged")])
def test_what_cannot_get_better_is_told_with_the_url(web, published, fault, words, tmp_path):
    with proxied(web, fault) as url:
        text = refused("cp", f"{url}/{published}", "v2/ep000003.json", tmp_path / "out", "--cache", tmp_path / "cache")
        assert words in text, text


def same_clips(point, other):
    names = sorted(os.listdir(other))
    assert sorted(os.listdir(point)) == names
    for name in names:
        assert (point / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.parametrize("by", ["", "weak/"])
def test_recordings_on_a_web_server(web, published, dataset, mount, by, tmp_path):
    elidefs("import", dataset, f"{web.url}/{by}{published}/{SAMPLE.name}", "--table", LABELS)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        same_clips(point / "v1", mount / "v1")


def test_recordings_with_a_file_an_episode_on_a_web_server(web, dataset, tmp_path):
    folder = pytest.importorskip("make_lerobot_v2").convert(SAMPLE, web.www / "old", chunks_size=6)
    local = tmp_path / "local"
    local.mkdir()
    elidefs("init", local)
    elidefs("import", local, folder)
    elidefs("import", dataset, f"{web.url}/old")
    for name, one in (("a", local), ("b", dataset)):
        elidefs("cp", one, "v1", tmp_path / name, "--cache", tmp_path / f"cache-{name}")
    same_clips(tmp_path / "a", tmp_path / "b")


def test_recordings_whose_names_have_no_numbers_on_a_web_server(web, dataset, tmp_path):
    folder = pytest.importorskip("make_lerobot").make(web.www / "plainly", lengths=(20, 10))
    (folder / "data/chunk-000/file-000.parquet").rename(folder / "data/rows.parquet")
    (folder / "videos/observation.images.front/chunk-000/file-000.mp4").rename(folder / "videos/observation.images.front.mp4")
    info = json.loads((folder / "meta/info.json").read_text())
    (folder / "meta/info.json").write_text(json.dumps(
        info | {"data_path": "data/rows.parquet", "video_path": "videos/{video_key}.mp4"}))
    local = tmp_path / "local"
    local.mkdir()
    elidefs("init", local)
    elidefs("import", local, folder)
    elidefs("import", dataset, f"{web.url}/plainly")
    for name, one in (("a", local), ("b", dataset)):
        elidefs("cp", one, "v1", tmp_path / name, "--cache", tmp_path / f"cache-{name}")
    same_clips(tmp_path / "a", tmp_path / "b")


def test_what_cannot_be_imported_from_a_web_server_says_why(web, published, dataset):
    (web.www / "plain").mkdir(exist_ok=True)
    (web.www / "plain/a.bin").write_bytes(b"a")
    assert "does not list its files" in refused("import", dataset, f"{web.url}/plain")
    assert "neither a strong ETag nor Last-Modified" in refused(
        "import", dataset, f"{web.url}/nothing/{published}/{SAMPLE.name}")


@pytest.mark.parametrize("by", ["", "weak/"])
def test_a_recording_overwritten_on_the_server_is_named_and_never_shown(web, dataset, by, tmp_path):
    folder = web.www / ("over" + by.strip("/"))
    shutil.copytree(SAMPLE, folder)
    for path in folder.rglob("*"):
        os.utime(path, (1700000000, 1700000000))
    elidefs("import", dataset, f"{web.url}/{by}{folder.name}")
    video = folder / VIDEO
    video.write_bytes(bytes(video.stat().st_size))
    text = refused("cp", dataset, "v1/ep000000.top.mp4", tmp_path / "out")
    assert "overwritten" in text and f"{web.url}/{by}{folder.name}/{VIDEO}" in text


@pytest.mark.parametrize("by", ["", "weak/"])
def test_a_web_server_that_shows_a_copy_with_its_time_is_a_place_of_it(web, dataset, by, tmp_path):
    recording, shown = tmp_path / "rec/run.bin", web.www / f"shown{len(by)}"
    recording.parent.mkdir()
    recording.write_bytes(bytes(range(256)) * (10 << 12))
    os.utime(recording, (1772366400, 1772366400))
    shutil.copytree(recording.parent, shown, copy_function=shutil.copy2)
    elidefs("import", dataset, recording.parent)
    elidefs("root", "add", dataset, "1", f"{web.url}/{by}{shown.name}")
    recording.unlink()
    assert " 1 of 1 clip can be read" in elidefs("verify", dataset).stdout
    os.utime(shown / "run.bin", (1772366401, 1772366401))
    done = elidefs("verify", dataset, check=False)
    assert " 0 of 1 clip can be read" in done.stdout and "no hash of all of it is known" in done.stdout
