# SPDX-License-Identifier: Apache-2.0
"""A real S3 server (Ceph's gateway): import from it, into it, mount, read, and what can go wrong."""
import contextlib
import json
import os
import pathlib
import re
import subprocess

import pytest

from conftest import BUILD, ELIDEFS, LABELS, SAMPLE, elidefs, gateway, mounted, run
from test_lab import run_lab

VIDEO = "videos/observation.images.top/chunk-000/file-000.mp4"


@pytest.fixture(scope="module")
def s3():
    with gateway() as client:
        client.create_bucket(Bucket="recordings")
        client.create_bucket(Bucket="sets")
        for path in SAMPLE.rglob("*"):
            if path.is_file():
                client.upload_file(str(path), "recordings", f"kitchen/{path.relative_to(SAMPLE)}")
        yield client


@pytest.fixture
def s3_set(s3, request):
    """A data set of the test's own in the bucket, with the sample's recordings imported from the other one."""
    name = "s3://sets/" + re.sub(r"\W+", "-", request.node.name)
    elidefs("init", name)
    assert elidefs("import", name, "s3://recordings/kitchen", "--table", LABELS).stdout == "v1\n"
    return name


def test_a_mount_reads_the_same_bytes_as_from_local_files(s3_set, mount, tmp_path):
    with mounted(s3_set, tmp_path / "mnt", tmp_path / "cache") as point:
        assert sorted(os.listdir(point / "v1")) == sorted(os.listdir(mount / "v1"))
        for name in os.listdir(point / "v1"):
            if not name.endswith(".json"):
                assert open(point / "v1" / name, "rb").read() == open(mount / "v1" / name, "rb").read(), name
        assert elidefs("query", point / "v1/arm=left/outcome=fail", "--count").stdout == "4\n"


def test_recordings_in_a_bucket_and_the_data_set_in_a_folder(s3, dataset, mount, tmp_path):
    elidefs("import", dataset, "s3://recordings/kitchen")
    elidefs("cp", dataset, "v1/ep000003.top.mp4", tmp_path / "out")
    assert (tmp_path / "out/ep000003.top.mp4").read_bytes() == open(mount / "v1/ep000003.top.mp4", "rb").read()


def test_init_twice_and_import_without_init(s3, s3_set):
    assert elidefs("init", s3_set, check=False).returncode == 1
    done = elidefs("import", "s3://sets/none", SAMPLE, check=False)
    assert done.returncode == 1 and "elidefs init s3://sets/none" in done.stderr


def test_wrong_keys_say_so_and_never_show_the_secret(s3, s3_set):
    wrong = os.environ | {"AWS_SECRET_ACCESS_KEY": "wrongwrongwrongwrong"}
    done = elidefs("log", s3_set, check=False, env=wrong)
    assert done.returncode == 1 and "s3://sets" in done.stderr and "wrongwrong" not in done.stderr
    assert re.search("denied|refused|signature|credentials", done.stderr, re.I)
    unknown = os.environ | {"AWS_ACCESS_KEY_ID": "NOBODYNOBODYNOBODY00"}
    assert elidefs("log", s3_set, check=False, env=unknown).returncode == 1


def test_a_missing_bucket_is_named(s3):
    for command in (("init", "s3://no-such-bucket/set"), ("log", "s3://no-such-bucket/set")):
        done = elidefs(*command, check=False)
        assert done.returncode == 1 and "no-such-bucket" in done.stderr


def test_an_endpoint_that_does_not_answer_is_an_error_not_a_hang(s3):
    done = elidefs("log", "s3://sets/x", "--endpoint-url", "http://127.0.0.1:9", check=False)
    assert done.returncode == 1 and "127.0.0.1 port 9" in done.stderr


def test_an_object_overwritten_after_import_is_eio_and_named(s3, tmp_path):
    s3.create_bucket(Bucket="overwritten")
    for path in SAMPLE.rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), "overwritten", str(path.relative_to(SAMPLE)))
    elidefs("init", "s3://sets/overwritten")
    elidefs("import", "s3://sets/overwritten", "s3://overwritten")
    with mounted("s3://sets/overwritten", tmp_path / "mnt", tmp_path / "cache") as point:
        clip = point / "v1/ep000000.top.mp4"
        with open(clip, "rb") as file:
            head = file.read(100)
        other = bytearray((SAMPLE / VIDEO).read_bytes())
        other[len(other) // 2:] = bytes(len(other) - len(other) // 2)
        s3.put_object(Bucket="overwritten", Key=VIDEO, Body=bytes(other))
        with pytest.raises(OSError) as error:
            for number in range(8):
                open(point / f"v1/ep{number:06d}.top.mp4", "rb").read()
        assert error.value.errno == 5
        text = open(point / ".elidefs/errors").read()
        assert f"s3://overwritten/{VIDEO}" in text
        assert open(point / "v1/ep000000.state.parquet", "rb").read()[:4] == b"PAR1"
        assert head[4:8] == b"ftyp"


def test_in_a_versioned_bucket_an_overwritten_recording_is_still_read(s3, tmp_path):
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    paths = [path for path in SAMPLE.rglob("*") if path.is_file()]
    for path in paths:
        s3.upload_file(str(path), "versioned", str(path.relative_to(SAMPLE)))
    elidefs("init", "s3://sets/versioned")
    done = elidefs("import", "s3://sets/versioned", "s3://versioned")
    assert "not versioned" not in done.stderr
    elidefs("cp", "s3://sets/versioned", "v1", tmp_path / "before", "--cache", tmp_path / "cache-before")
    for path in paths:
        s3.put_object(Bucket="versioned", Key=str(path.relative_to(SAMPLE)), Body=b"overwritten")
    with mounted("s3://sets/versioned", tmp_path / "mnt", tmp_path / "cache") as point:
        names = sorted(os.listdir(point / "v1"))
        assert len(names) > 8
        for name in names:
            assert (tmp_path / "before" / name).read_bytes() == open(point / "v1" / name, "rb").read(), name


def test_profiles_and_credential_process(s3, s3_set, tmp_path):
    keys = {name: os.environ[f"AWS_{name.upper()}"] for name in ("access_key_id", "secret_access_key")}
    plain = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    (tmp_path / "credentials").write_text(
        f"[lab]\naws_access_key_id = {keys['access_key_id']}\naws_secret_access_key = {keys['secret_access_key']}\n")
    process = tmp_path / "give"
    process.write_text('#!/bin/sh\necho \'{"Version": 1, "AccessKeyId": "%s", "SecretAccessKey": "%s"}\'\n' % (
        keys["access_key_id"], keys["secret_access_key"]))
    process.chmod(0o755)
    (tmp_path / "config").write_text(f"[profile lab]\nregion = us-east-1\n[profile made]\ncredential_process = {process}\n")
    files = plain | {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"), "AWS_CONFIG_FILE": str(tmp_path / "config")}
    endpoint = ("--endpoint-url", os.environ["AWS_ENDPOINT_URL"])
    for profile in ("lab", "made"):
        assert "v1" in elidefs("log", s3_set, *endpoint, "--profile", profile, env=files).stdout
        assert "v1" in elidefs("log", s3_set, *endpoint, env=files | {"AWS_PROFILE": profile}).stdout
    assert elidefs("log", s3_set, *endpoint, "--no-sign-request", env=files, check=False).returncode == 1


def test_the_configuration_file_wins_over_the_environment(s3, s3_set, tmp_path):
    home = tmp_path / "home"
    (home / ".config/elidefs").mkdir(parents=True)
    (home / ".config/elidefs/config").write_text(
        f'[store "s3://sets"]\nendpoint = {os.environ["AWS_ENDPOINT_URL"]}\nregion = us-east-1\npath_style = true\n')
    wrong = os.environ | {"HOME": str(home), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    assert "v1" in elidefs("log", s3_set, env=wrong).stdout
    (home / ".config/elidefs/config").write_text('[store "s3://sets"]\nendpiont = x\n')
    done = elidefs("log", s3_set, env=wrong, check=False)
    assert done.returncode == 1 and "endpiont" in done.stderr and ":2" in done.stderr


def test_anonymous_reading_of_a_public_bucket(s3, tmp_path):
    s3.create_bucket(Bucket="public", ACL="public-read")
    s3.put_object(Bucket="public", Key="run/a.bin", Body=b"open to all", ACL="public-read")
    (tmp_path / "set").mkdir()
    elidefs("init", tmp_path / "set")
    plain = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    endpoint = ("--endpoint-url", os.environ["AWS_ENDPOINT_URL"], "--no-sign-request")
    elidefs("import", tmp_path / "set", "s3://public", *endpoint, env=plain)
    elidefs("cp", tmp_path / "set", "v1", tmp_path / "out", *endpoint, env=plain)
    assert (tmp_path / "out/run.a.bin").read_bytes() == b"open to all"


def test_all_of_many_imports_at_once_land(s3, tmp_path):
    elidefs("init", "s3://sets/race")
    running = []
    for i in range(16):
        (tmp_path / f"source{i}").mkdir()
        (tmp_path / f"source{i}" / f"clip{i}.bin").write_bytes(os.urandom(1000))
        running.append(subprocess.Popen([str(ELIDEFS), "import", "s3://sets/race", tmp_path / f"source{i}"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    results = [(*process.communicate(timeout=300), process.returncode) for process in running]
    assert [status for _, _, status in results] == [0] * 16, results
    assert sorted(int(out.strip()[1:]) for out, _, _ in results) == list(range(1, 17))
    assert len(elidefs("log", "s3://sets/race").stdout.splitlines()) == 16
    assert len(elidefs("query", "s3://sets/race", "/").stdout.splitlines()) == 16
    assert len(s3.list_objects_v2(Bucket="sets", Prefix="race/elidefs/packs/")["Contents"]) == 16, "no pack is left over"


def grown(s3, bucket, *options):
    """Two versions of a bucket whose last recording was overwritten between them; what each import said, and how many
    clips of each version can be read."""
    dataset = f"s3://sets/grown-{bucket}"
    for number in (1, 2):
        s3.put_object(Bucket=bucket, Key=f"run_{number}.mcap", Body=b"recording %d" % number)
    elidefs("init", dataset)
    first = elidefs("import", dataset, f"s3://{bucket}", *options)
    s3.put_object(Bucket=bucket, Key="run_2.mcap", Body=b"recording 2, longer")
    s3.put_object(Bucket=bucket, Key="run_3.mcap", Body=b"recording 3")
    second = elidefs("import", dataset, f"s3://{bucket}", *options)
    assert "1 clip added, 1 replaced, 1 unchanged" in second.stderr
    again = elidefs("import", dataset, f"s3://{bucket}", *options)
    assert again.stdout == "v2\n" and "nothing new: v2 stays" in again.stderr and "scanned" not in again.stderr
    lines = elidefs("verify", dataset, "--json", check=False).stdout.splitlines()
    return dataset, first.stderr, {v["version"]: (v["readable"], v["clips"]) for v in map(json.loads, lines)}


def test_a_recording_overwritten_in_a_bucket_without_versions_is_lost_to_old_versions_and_import_says_so(s3):
    s3.create_bucket(Bucket="grows")
    dataset, said, readable = grown(s3, "grows")
    assert "not versioned there" in said and readable == {2: (3, 3), 1: (1, 2)}
    text = elidefs("verify", dataset, check=False).stdout
    assert "not 'run_2': s3://grows/run_2.mcap" in text and "overwritten" in text


def test_a_recording_overwritten_in_a_versioned_bucket_stays_readable(s3, tmp_path):
    s3.create_bucket(Bucket="grows-versioned")
    s3.put_bucket_versioning(Bucket="grows-versioned", VersioningConfiguration={"Status": "Enabled"})
    dataset, said, readable = grown(s3, "grows-versioned")
    assert "not versioned" not in said and readable == {2: (3, 3), 1: (2, 2)}
    for version, bytes_of in (("v1", b"recording 2"), ("v2", b"recording 2, longer")):
        elidefs("cp", dataset, f"{version}/run_2.mcap", tmp_path / version)
        assert (tmp_path / version / "run_2.mcap").read_bytes() == bytes_of


@contextlib.contextmanager
def proxied(log, *faults, match="versions="):
    """An environment whose requests go through the proxy of tests/proxy, which writes them down. Those that match (by
    default those that list versions) meet the faults."""
    server = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    words = [word for fault in faults for word in ("--fault", fault)]
    command = [BUILD / "tests/proxy/proxy", "--log", log, "--match", match, *words, "0", server]
    proxy = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    try:
        yield os.environ | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.stdout.readline().strip()}"}
    finally:
        proxy.kill()
        proxy.wait()
        proxy.stdout.close()


def test_versions_are_listed_not_asked_for_one_by_one_and_asked_where_that_is_refused(s3, tmp_path):
    count, bucket = 60, "many-versioned"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="run 00+.mcap", Body=b"before there were versions")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for number in range(1, count):
        s3.put_object(Bucket=bucket, Key=f"run {number:02}+.mcap", Body=b"recording %d" % number)
    s3.put_object(Bucket=bucket, Key="run 07+.mcap", Body=b"recording 7, again")
    s3.put_object(Bucket=bucket, Key="gone.mcap", Body=b"recording")
    s3.delete_object(Bucket=bucket, Key="gone.mcap")
    for refusal, asked in ((None, 16), ("403@1+", count), ("400@1+", count), ("501@1+", count)):
        dataset, log = f"s3://sets/{bucket}-{refusal and refusal[:3]}", tmp_path / f"{refusal}.log"
        elidefs("init", dataset)
        with proxied(log, *([refusal] if refusal else [])) as environment:
            said = elidefs("import", dataset, f"s3://{bucket}", env=environment).stderr
            assert f"{count} clips added" in said
            seen = len(log.read_text().splitlines())
            again = elidefs("import", dataset, f"s3://{bucket}", env=environment).stderr
            assert "nothing new" in again
        lines = [line.split() for line in log.read_text().splitlines()[seen:]]
        heads = [line for line in lines if line[0] == "HEAD" and line[1].startswith(f"/{bucket}/")]
        listings = [line for line in lines if line[0] == "GET" and "versions=" in line[1]]
        assert asked - 1 <= len(heads) <= asked + 2 and listings, (refusal, heads, listings)
    s3.put_object(Bucket=bucket, Key="run 07+.mcap", Body=b"overwritten")
    s3.put_object(Bucket=bucket, Key="run 42+.mcap", Body=b"overwritten")
    elidefs("cp", f"s3://sets/{bucket}-None", "v1", tmp_path / "out")
    assert (tmp_path / "out/run 07+.mcap").read_bytes() == b"recording 7, again"
    assert (tmp_path / "out/run 42+.mcap").read_bytes() == b"recording 42"


def test_copy_open_keeps_the_overwritten_recording(s3, tmp_path):
    s3.create_bucket(Bucket="grows-copied")
    dataset, said, readable = grown(s3, "grows-copied", "--copy=open")
    assert "copied 1 recording" in said and readable == {2: (3, 3), 1: (2, 2)}
    s3.delete_object(Bucket="grows-copied", Key="run_2.mcap")
    elidefs("cp", dataset, "v1/run_2.mcap", tmp_path)
    assert (tmp_path / "run_2.mcap").read_bytes() == b"recording 2"


def test_a_manifest_in_a_bucket_names_objects_of_two_buckets(s3, dataset, tmp_path):
    s3.create_bucket(Bucket="archive")
    s3.put_object(Bucket="archive", Key="old/log.bin", Body=b"0123456789")
    span = {"url": f"../kitchen/{VIDEO}", "start": 0, "end": 1}
    rows = [{"key": "a", "top": span, "log": {"url": "s3://archive/old/log.bin", "offset": 2, "length": 3}},
            {"key": "b", "top": {**span, "start": 1, "end": 2}}]
    s3.put_object(Bucket="recordings", Key="sets/clips.jsonl", Body="\n".join(map(json.dumps, rows)).encode())
    elidefs("import", dataset, "s3://recordings/sets/clips.jsonl")
    elidefs("cp", dataset, "v1", tmp_path / "out")
    assert (tmp_path / "out/a.log.bin").read_bytes() == b"234"
    assert sorted(os.listdir(tmp_path / "out")) == ["a.json", "a.log.bin", "a.top.mp4", "b.json", "b.top.mp4"]
    roots = {json.loads(path.read_text())["url"] for path in (dataset / "elidefs/series/roots").glob("*/*")}
    assert roots == {"s3://recordings", "s3://archive"}
    for url, says in (("/etc/passwd", "local file"), ("../../x.bin", "leaves its bucket"), ("none.bin", "none.bin")):
        s3.put_object(Bucket="recordings", Key="sets/bad.jsonl", Body=json.dumps({"key": "x", "v": {"url": url}}).encode())
        done = elidefs("import", dataset, "s3://recordings/sets/bad.jsonl", check=False)
        assert done.returncode == 1 and "bad.jsonl: line 1: column 'v.url'" in done.stderr and says in done.stderr


def test_a_table_in_a_bucket(s3, dataset):
    rows = "".join(json.dumps({"key": f"ep{i:06}", "grade": i}) + "\n" for i in range(16))
    s3.put_object(Bucket="recordings", Key="tables/grades.jsonl", Body=rows.encode())
    elidefs("import", dataset, "s3://recordings/kitchen", "--table", "s3://recordings/tables/grades.jsonl")
    assert elidefs("query", dataset, "v1/grade.ge=15").stdout == "ep000015\n"


def test_an_object_that_was_put_in_the_second_of_a_files_time_is_no_copy_of_it(s3, tmp_path):
    path = tmp_path / "rec/run.bin"
    path.parent.mkdir()
    path.write_bytes(bytes(10 << 20))
    other = bytearray(path.read_bytes())
    other[len(other) // 2 + 5000] = 1  # which no sample sees
    s3.put_object(Bucket="recordings", Key="same-second/run.bin", Body=bytes(other))
    put = s3.head_object(Bucket="recordings", Key="same-second/run.bin")["LastModified"].timestamp()
    os.utime(path, (put, put))
    elidefs("init", tmp_path / "set")
    elidefs("import", tmp_path / "set", path.parent)
    elidefs("root", "add", tmp_path / "set", "1", "s3://recordings/same-second")
    path.unlink()
    done = elidefs("verify", tmp_path / "set", check=False)
    assert " 0 of 1 clip can be read" in done.stdout and "no hash of all of it is known" in done.stdout


def test_a_lab_mirrors_its_recordings_to_a_bucket(s3, tmp_path):
    """tests/e2e/lab.py: the model knows what lies there, and what of it can be told to be what was imported."""
    s3.create_bucket(Bucket="mirrors")
    run_lab(tmp_path, bucket=(s3, "mirrors"))
