# SPDX-License-Identifier: Apache-2.0
"""`import --part` and `--merge`: what the parts of an import have read lands as one version, the same as a plain import's."""
import glob
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from conftest import ELIDEFS, LABELS, ROOT, SAMPLE, elidefs, run
from test_resume import COUNT, LAST, VIDEO, manifest, server  # noqa: F401 fixtures
from test_s3 import s3  # noqa: F401

PARTS = 4
EXAMPLES = ROOT / "tools/examples"


def merged(dataset, *line, parts=PARTS, check=True, options=()):
    """Runs the parts, in an order of its own, then the merge."""
    for i in sorted(range(1, parts + 1), key=lambda i: (-i % 3, i)):
        done = elidefs("import", dataset, *line, "--part", f"{i}/{parts}", *options)
        assert done.stdout == f"part {i}/{parts}\n"
    return elidefs("import", dataset, *line, "--merge", *options, check=check)


def said(done, *but):
    """All that an import told, but for its progress and who has read what."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("scanned ", "not read again: ", *but)) and " had read " not in line]
    return done.returncode, done.stdout, lines


def tables(dataset, folder, version="latest"):
    """All that a version says, as text."""
    file = folder / f"{pathlib.Path(dataset).name}-{version}.db"
    file.unlink(missing_ok=True)
    elidefs("catalog", "export", dataset, f"/{version}" if version != "latest" else "/", file)
    with sqlite3.connect(file) as db:
        return list(db.iterdump())


def seen(dataset, folder):
    """What a catalog keeps of recordings: where they lie, what was seen of them, their indices."""
    file = folder / f"{pathlib.Path(dataset).name}.sqlite"
    file.unlink(missing_ok=True)
    elidefs("catalog", "pull", dataset, "latest", file)
    with sqlite3.connect(file) as db:
        return [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("object", "evidence", "recording")]


def clips(dataset):
    return elidefs("query", dataset, "latest", "--json").stdout


@pytest.fixture
def both(tmp_path):
    """Two empty data sets: one for plain imports, one for merged ones."""
    found = tmp_path / "plain", tmp_path / "parts"
    for folder in found:
        folder.mkdir()
        elidefs("init", folder)
    return found


def same(both, folder, *line, parts=PARTS, check=True, but=()):
    """A plain import and a merged one tell the same, and make the same."""
    plain = elidefs("import", both[0], *line, check=check)
    done = merged(both[1], *line, parts=parts, check=check)
    assert said(done, *but) == said(plain, *but)
    if not plain.returncode or plain.returncode == 3:
        assert tables(both[1], folder) == tables(both[0], folder)
        assert clips(both[1]) == clips(both[0])
        assert seen(both[1], folder) == seen(both[0], folder)
    return done


def files(folder, count=9, video=True):
    """Clips of a video and a label file each: one value is a float, the others are integers."""
    folder.mkdir()
    for i in range(count):
        (folder / f"c{i}.mp4").write_bytes(VIDEO.read_bytes() if video else b"%d" % i * 100)
        (folder / f"c{i}.json").write_text(json.dumps({"n": 2.5 if i == 4 else i, "who": f"p{i % 2}"}))
        (folder / f"c{i}.txt").write_text(f"text {i}")
    return folder


def reads(done):
    return next(line for line in done.stderr.splitlines() if "had read" in line)


# ---- the same as a plain import ----


def test_a_lerobot_set_with_a_table(both, tmp_path):
    done = same(both, tmp_path, SAMPLE, "--table", LABELS, "--set", "site=b", "--type", "arm=text", parts=3)
    assert reads(done) == "3 parts had read 6 files", "none was read again"


@pytest.mark.parametrize("version", ["v3", "v2"])
def test_lerobot_sets_of_both_formats(both, tmp_path, version):
    pytest.importorskip("pyarrow")
    import make_lerobot
    import make_lerobot_v2
    source = make_lerobot.make(tmp_path / "v3", lengths=(20, 10, 15), groups="all" if version == "v3" else "episode", separate=version == "v2")
    if version == "v2":
        source = make_lerobot_v2.convert(source, tmp_path / "v2")
    assert "read here" not in reads(same(both, tmp_path, source))


def test_files_whose_values_fit_together_only_as_floats(both, tmp_path):
    done = same(both, tmp_path, files(tmp_path / "source"))
    assert reads(done) == "4 parts had read 18 files"
    assert '"n":2.5' in clips(both[1]) and '"n":3' in clips(both[1])


def test_a_manifest(both, tmp_path):
    source = files(tmp_path / "source")
    table = tmp_path / "clips.jsonl"
    table.write_text("".join(json.dumps({"key": f"k{i}", "grade": i, "front": {"url": f"source/c{i % 9}.mp4", "start": i / 10}}) + "\n"
                             for i in range(20)))
    assert source.exists() and "4 parts had read 9 files" in same(both, tmp_path, table).stderr


def test_a_source_that_grew_shrank_and_was_renumbered(both, tmp_path):
    source = files(tmp_path / "source")
    same(both, tmp_path, source)
    for dataset in both:
        elidefs("remove", dataset, "latest/c6.txt", "-m", "bad")
    for ext in ("mp4", "json", "txt"):
        (source / f"c7.{ext}").unlink()
        (source / f"c1.{ext}").rename(source / f"d1.{ext}")
    (source / "c2.txt").write_text("another text")
    (source / "e.txt").write_text("new")
    refused = elidefs("import", both[0], source, check=False)
    assert refused.returncode == 1 and "was renumbered: 1 of its clips" in refused.stderr
    assert said(merged(both[1], source, check=False)) == said(refused)
    done = same(both, tmp_path, source, "--renumbered")
    assert "1 removed" in done.stderr and "no longer in the source" in done.stderr and "left out, because it was removed" in done.stderr
    same(both, tmp_path, source, "--renumbered", "--restore", parts=2)
    done = same(both, tmp_path, source, "--renumbered", parts=1)
    assert "nothing new: v4 stays" in done.stderr and reads(done) == "1 part had read 0 files"


def test_a_key_that_two_parts_have(both, tmp_path):
    source = files(tmp_path / "source", video=False)
    (source / "a").mkdir()
    (source / "a" / "x.txt").write_text("1")
    (source / "a" / "x.bin").write_text("1")
    (source / "a-x.txt").write_text("2")
    plain = same(both, tmp_path, source, check=False)
    assert plain.returncode == 1 and "two clips would be called 'a-x'" in plain.stderr


@pytest.mark.parametrize("options", [(), ("--skip-bad",), ("--skip-bad=1",)])
def test_what_is_bad(both, tmp_path, options):
    source = files(tmp_path / "source")
    (source / "c3.json").write_text('{"n": "text"}')
    (source / "c5.mp4").write_text("no video")
    (source / "c8.mp4").write_bytes(VIDEO.read_bytes()[:-5000])
    done = same(both, tmp_path, source, *options, check=False)
    assert "'n' is text here" in done.stderr and "not a video that can be cut" in done.stderr or done.returncode == 1
    assert "read here" not in reads(done)


@pytest.mark.parametrize("copy", ["--copy", "--copy=link", "--copy=open"])
def test_copies_are_made_by_the_parts(both, tmp_path, copy):
    source = files(tmp_path / "source")
    for i, dataset in enumerate(both):  # a link changes its source
        shutil.copytree(source, tmp_path / f"source{i}", copy_function=shutil.copy2)
    plain = elidefs("import", both[0], tmp_path / "source0", copy)
    for i in range(1, PARTS + 1):
        elidefs("import", both[1], tmp_path / "source1", copy, "--part", f"{i}/{PARTS}")
    made = {path: path.stat().st_mtime_ns for path in (both[1] / "elidefs/data").rglob("*") if path.is_file()}
    assert bool(made) == (copy != "--copy=link")
    done = elidefs("import", both[1], tmp_path / "source1", copy, "--merge")
    assert said(done) == said(plain)
    assert all(path.stat().st_mtime_ns == time for path, time in made.items())
    assert clips(both[1]) == clips(both[0])
    if copy == "--copy":
        shutil.rmtree(tmp_path / "source1")
        elidefs("verify", both[1], "--deep")


# ---- nothing is read twice ----


def test_the_merge_asks_nothing_of_the_source_that_parts_have_asked(server, dataset, manifest):
    asked = []
    for i in range(1, 4):
        elidefs("import", dataset, manifest, "--part", f"{i}/3")
        asked.append(set(server.asked))
        server.asked.clear()
    assert all(asked) and sum(map(len, asked)) == COUNT and len(set().union(*asked)) == COUNT, "each recording once"
    server.content = b""
    done = elidefs("import", dataset, manifest, "--merge")
    assert done.stdout == "v1\n" and not server.asked and f"3 parts had read {COUNT} files" in done.stderr


def test_a_part_that_is_killed_is_missing_and_goes_on_where_it_was(server, dataset, manifest, tmp_path):
    server.stalled = LAST
    line = [ELIDEFS, "import", dataset, manifest, "--part", "1/1", "--cache", tmp_path / "cache"]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    told = []
    while sum(line.startswith("scanned ") for line in told) < COUNT - 1:
        told.append(process.stderr.readline())
        assert told[-1], told
    process.kill()
    process.communicate(timeout=60)
    done = elidefs("import", dataset, manifest, "--merge", check=False)
    assert done.returncode == 1 and "no part of this import is there: run this line with --part 1/N" in done.stderr
    server.stalled = None
    server.go.set()
    server.asked.clear()
    assert f"part 1/1: {COUNT} files read" in run(*line).stderr and server.asked == {LAST}
    server.asked.clear()
    assert elidefs("import", dataset, manifest, "--merge").stdout == "v1\n" and not server.asked
    assert not list((tmp_path / "cache/scans").iterdir())


# ---- which parts are there ----


def test_a_part_that_runs_twice_is_harmless(dataset, tmp_path):
    source = files(tmp_path / "source")
    first = elidefs("import", dataset, source, "--part", "1/2")
    before = sorted(path.name for path in (dataset / "elidefs/parts").rglob("*"))
    again = elidefs("import", dataset, source, "--part", "1/2", "--json")
    assert "part 1/2 is complete already" in again.stderr and json.loads(again.stdout)["already"] and first.stdout == "part 1/2\n"
    assert sorted(path.name for path in (dataset / "elidefs/parts").rglob("*")) == before
    elidefs("import", dataset, source, "--part", "2/2")
    assert elidefs("import", dataset, source, "--merge").stdout == "v1\n"


def test_many_at_once_of_one_part_and_two_merges_at_once(dataset, tmp_path):
    source = files(tmp_path / "source", 30)
    line = [ELIDEFS, "import", dataset, source]
    together = [subprocess.Popen([*line, "--part", f"{i % 3 + 1}/3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for i in range(9)]
    assert [(*process.communicate(timeout=120), process.returncode)[2] for process in together] == [0] * 9
    records = glob.glob(f"{dataset}/elidefs/parts/*/*/*.json")
    named = {scans["id"] for record in records for scans in json.load(open(record))["scans"]}
    assert len(records) == 3 and named == {pathlib.Path(path).stem for path in glob.glob(f"{dataset}/elidefs/parts/*/*.scans")}, \
        "who came second has taken back what it put"
    merges = [subprocess.Popen([*line, "--merge"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    results = [(*process.communicate(timeout=120), process.returncode) for process in merges]
    assert [(out, status) for out, _, status in results] == [("v1\n", 0)] * 4, results
    assert len(elidefs("log", dataset).stdout.splitlines()) == 1 and len(os.listdir(dataset / "elidefs/packs")) == 1
    elidefs("verify", dataset)


def test_a_second_merge_says_what_has_landed(dataset, tmp_path):
    source = files(tmp_path / "source")
    assert merged(dataset, source).stdout == "v1\n"
    elidefs("annotate", dataset, "-", input="key,grade\nc1,7\n")
    again = elidefs("import", dataset, source, "--merge")
    assert again.stdout == "v1\n" and again.stderr.splitlines()[-1] == "landed already as v1"
    found = json.loads(elidefs("import", dataset, source, "--merge", "--json").stdout)
    assert (found["version"], found["added"]) == (1, 9)
    assert len(elidefs("log", dataset).stdout.splitlines()) == 2


def test_missing_parts_are_named_with_how_to_run_them(dataset, tmp_path):
    source = files(tmp_path / "source")
    for i in (1, 3, 4, 6):
        elidefs("import", dataset, source, "--part", f"{i}/6")
    done = elidefs("import", dataset, source, "--merge", check=False)
    assert done.returncode == 1 and not elidefs("log", dataset).stdout
    assert ("2 parts of this import are missing: 2/6, 5/6; run this line with --part 2/6 in the place of --merge"
            in done.stderr), done.stderr


def test_parts_of_an_older_listing_are_refused_and_can_be_run_again(dataset, tmp_path):
    source = files(tmp_path / "source")
    elidefs("import", dataset, source, "--part", "1/2")
    (source / "new.txt").write_text("new")
    elidefs("import", dataset, source, "--part", "2/2")
    done = elidefs("import", dataset, source, "--merge", check=False)
    assert done.returncode == 1 and "1 part of this import is missing: 1/2" in done.stderr
    assert "a part 1/2 that is there is of another listing of the source, at 2" in done.stderr
    assert "of 27 files with" in done.stderr and ", now 28 with" in done.stderr
    elidefs("import", dataset, source, "--part", "1/2")
    assert elidefs("import", dataset, source, "--merge").stdout == "v1\n"


def test_a_file_that_was_touched_without_another_time_is_read_by_the_merge(dataset, tmp_path):
    """Its ctime pins it, and is no part of the listing: other machines may see other inodes, too."""
    source = files(tmp_path / "source")
    for i in (1, 2):
        elidefs("import", dataset, source, "--part", f"{i}/2")
    os.chmod(source / "c4.mp4", 0o600)
    done = elidefs("import", dataset, source, "--merge")
    assert done.stdout == "v1\n" and reads(done) == "2 parts had read 18 files; 1 file read here, which no part has as it is now"


def test_parts_with_other_options_are_refused(dataset, tmp_path):
    source = files(tmp_path / "source")
    elidefs("import", dataset, source, "--part", "1/2", "--set", "site=a")
    elidefs("import", dataset, source, "--part", "2/2", "--set", "site=b")
    done = elidefs("import", dataset, source, "--merge", "--set", "site=b", check=False)
    assert "1 part of this import is missing: 1/2" in done.stderr
    assert "a part 1/2 that is there was run with --set=site=a, which is not given here" in done.stderr
    done = elidefs("import", dataset, source, "--merge", "--set", "site=a", "--prefix", "p", check=False)
    assert "a part 1/2 that is there was run without --prefix=p" in done.stderr
    assert not elidefs("log", dataset).stdout


def record_of(dataset, part="1-of-2"):
    (path,) = (dataset / "elidefs/parts").rglob(f"{part}.json")
    return path


def test_a_part_in_another_programs_format_is_refused(dataset, tmp_path):
    source = files(tmp_path / "source")
    for i in (1, 2):
        elidefs("import", dataset, source, "--part", f"{i}/2")
    path = record_of(dataset)
    other = dataset / "elidefs/parts" / ("0" * 32) / path.parent.name / path.name
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps({"format": "scans 7", "program": "9.9", "more": 1}))
    path.unlink()
    done = elidefs("import", dataset, source, "--merge", check=False)
    assert "1 part of this import is missing: 1/2" in done.stderr
    assert "a part 1/2 that is there is in the format of another program, elidefs 9.9" in done.stderr


def test_what_in_a_store_is_not_what_a_part_has_put_there_is_refused(dataset, tmp_path):
    source = files(tmp_path / "source")
    for i in (1, 2):
        elidefs("import", dataset, source, "--part", f"{i}/2")
    path = record_of(dataset)
    sound = path.read_text()
    record = json.loads(sound)
    for change in ({"part": 2}, {"of": 3}, {"listing": "00" * 32}, {"options": ["--copy"]}, {"format": "scans 2"}, {"scans": {}},
                   {"scans": [{"id": "../../x", "size": 1, "sha256": "00" * 32}]}, {"scans": [record["scans"][0] | {"size": 1 << 40}]},
                   {"scans": [record["scans"][0] | {"sha256": "00" * 32}]}, {"base": -1}):
        path.write_text(json.dumps(record | change))
        done = elidefs("import", dataset, source, "--merge", check=False)
        assert done.returncode == 1 and f"{dataset}/elidefs/parts/" in done.stderr, (change, done.stderr)
    path.write_text(sound)
    (scans,) = glob.glob(f"{dataset}/elidefs/parts/*/{record['scans'][0]['id']}.scans")
    content = pathlib.Path(scans).read_bytes()
    for bad in (content[:-1], content + b"x", b"", content[:50] + bytes([content[50] ^ 1]) + content[51:]):
        pathlib.Path(scans).write_bytes(bad)
        done = elidefs("import", dataset, source, "--merge", check=False)
        assert done.returncode == 1 and "what part 1/2 has read" in done.stderr and "run all parts again" in done.stderr
    pathlib.Path(scans).unlink()
    assert "what part 1/2 has read" in elidefs("import", dataset, source, "--merge", check=False).stderr
    pathlib.Path(scans).write_bytes(content)
    assert elidefs("import", dataset, source, "--merge").stdout == "v1\n"


@pytest.mark.parametrize("options, says", [
    (("--part", "0/4"), "parts count from 1: 1/4 to 4/4"), (("--part", "5/4"), "parts count from 1"), (("--part", "2"), "expected I/N"),
    (("--part", "1/0"), "expected I/N"), (("--part", "1/99999"), "expected I/N"), (("--part", "1/4", "--merge"), "one or the other"),
    (("--part", "1/4", "-n"), "the merge can tell what would happen")])
def test_what_makes_no_sense_is_refused(dataset, tmp_path, options, says):
    done = elidefs("import", dataset, files(tmp_path / "source", 2), *options, check=False)
    assert done.returncode == 1 and says in done.stderr


# ---- a merge that is killed ----


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_merge_that_is_killed_at_any_step_can_be_run_again(dataset, tmp_path):
    """Killed when it makes, renames or removes its n-th file, until one comes through."""
    source = files(tmp_path / "source")
    for i in (1, 2):
        elidefs("import", dataset, source, "--part", f"{i}/2")
    line = [ELIDEFS, "import", dataset, source, "--merge", "--cache", tmp_path / "cache"]
    killed = 0
    for call in ("renameat2,renameat,rename,linkat,link", "unlink,unlinkat", "fsync,fdatasync"):
        for n in range(1, 40):
            done = run("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                       f"inject={call}:signal=KILL:when={n}", *line, check=False)
            if not done.returncode:
                break
            killed += 1
            elidefs("verify", dataset)
        assert done.stdout == "v1\n"
    assert killed >= 3
    assert len(elidefs("log", dataset).stdout.splitlines()) == 1
    assert "landed already as v1" in run(*line).stderr


# ---- a bucket ----


def test_parts_and_their_merge_in_a_bucket(s3, tmp_path):
    plain, parts = "s3://sets/plain", "s3://sets/parts"
    for dataset in (plain, parts):
        elidefs("init", dataset)
    done = elidefs("import", plain, "s3://recordings/kitchen", "--table", LABELS)
    for i in (1, 2, 3):
        elidefs("import", parts, "s3://recordings/kitchen/", "--table", LABELS, "--part", f"{i}/3", "--cache", tmp_path / f"host{i}")
    found = elidefs("import", parts, "s3://recordings/kitchen", "--table", LABELS, "--merge", "--cache", tmp_path / "host4")
    assert said(found) == said(done) and reads(found) == "3 parts had read 6 files"
    assert tables(parts, tmp_path) == tables(plain, tmp_path) and seen(parts, tmp_path) == seen(plain, tmp_path)
    assert "landed already as v1" in elidefs("import", parts, "s3://recordings/kitchen", "--table", LABELS, "--merge").stderr
    copied = [elidefs("import", parts, "s3://recordings/kitchen", "--table", LABELS, "--copy", "--part", f"{i}/2")
              for i in (1, 2)]
    keys = lambda: {item["Key"]: item["LastModified"] for item in  # noqa: E731
                    s3.list_objects_v2(Bucket="sets", Prefix="parts/elidefs/data/")["Contents"]}
    before = keys()
    assert copied and before
    elidefs("import", parts, "s3://recordings/kitchen", "--table", LABELS, "--copy", "--merge")
    assert keys() == before
    elidefs("verify", parts)


# ---- examples ----


@pytest.fixture
def path_to_elidefs(monkeypatch, tmp_path):
    """A folder on PATH: of the built program, and of what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "elidefs").symlink_to(ELIDEFS)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def test_the_example_for_slurm(both, tmp_path, path_to_elidefs, monkeypatch):
    """The script as its tasks run it; and what it submits, to an sbatch that starts it as Slurm would."""
    source, script = files(tmp_path / "source"), EXAMPLES / "import.slurm"
    line = [both[0], source, "--set", "site=a b"]
    for i in (1, 2, 3):
        run(script, *line, env=os.environ | {"ELIDEFS_STEP": "part", "PARTS": "3", "SLURM_ARRAY_TASK_ID": str(i)})
    assert run(script, *line, env=os.environ | {"ELIDEFS_STEP": "merge", "PARTS": "3"}).stdout == "v1\n"
    sbatch = path_to_elidefs / "sbatch"
    sbatch.write_text("""#!/bin/bash
set -eu
echo "$@" >> "$0.log"
if [ "$1" = --parsable ]; then
    shift 2; count=${1#--array=1-}; shift
    for i in $(seq "$count"); do SLURM_ARRAY_TASK_ID=$i "$@" >&2; done
    echo '41;cluster'
else
    shift 2; "$@"
fi
""")
    sbatch.chmod(0o755)
    monkeypatch.setenv("PARTS", "2")
    assert run(script, both[1], *line[1:]).stdout == "v1\n"
    assert "--dependency=afterok:41 " in (path_to_elidefs / "sbatch.log").read_text()
    assert tables(both[1], tmp_path) == tables(both[0], tmp_path)


def test_the_example_for_ray(dataset, tmp_path, path_to_elidefs):
    """Without Ray, where it is not installed."""
    source, script = files(tmp_path / "source"), EXAMPLES / "import_ray.py"
    done = run(sys.executable, script, "--here", 3, dataset, source, "--set", "site=a")
    assert done.stdout == "v1\n" and "3 parts had read 18 files" in done.stderr
    pytest.importorskip("ray")
    done = run(sys.executable, script, 2, dataset, source, "--set", "site=b")
    assert done.stdout == "v2\n"


def test_the_example_for_kubernetes(dataset, tmp_path, path_to_elidefs):
    """The command that its pods run, with names of its own."""
    source = files(tmp_path / "source")
    command = json.loads(next(line for line in (EXAMPLES / "import-kubernetes.yaml").read_text().splitlines() if "command:" in line)
                         .split("command: ")[1].replace("[sh, -c,", '["sh", "-c",'))
    for i in range(8):
        run(*[word.replace("s3://lab-data/kitchen", str(dataset)).replace("s3://recordings/2026", str(source)) for word in command],
            env=os.environ | {"JOB_COMPLETION_INDEX": str(i)})
    assert elidefs("import", dataset, source, "--merge").stdout == "v1\n"
