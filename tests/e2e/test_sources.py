# SPDX-License-Identifier: Apache-2.0
"""What a LeRobot set says of itself and of its episodes is kept, as each version saw it."""
import json
import shutil
import subprocess

import catalog_pages
import pytest

from conftest import ELIDEFS, SAMPLE, elidefs, mounted

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
make_lerobot = pytest.importorskip("make_lerobot")
make_lerobot_v2 = pytest.importorskip("make_lerobot_v2")

LENGTHS = (20, 10, 15)
MODALITY = b'{"state": {"arm": {"start": 0, "end": 3}}}'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The same small set in both formats: (v3.0, v2.1)."""
    folder = tmp_path_factory.mktemp("made")
    v3 = make_lerobot.make(folder / "v3", lengths=LENGTHS, separate=True)
    return v3, make_lerobot_v2.convert(v3, folder / "v2")


@pytest.fixture(params=[0, 1], ids=["v3.0", "v2.1"])
def source(request, made, tmp_path):
    """With files that no loader needs."""
    folder = shutil.copytree(made[request.param], tmp_path / "source")
    (folder / "meta/modality.json").write_bytes(MODALITY)
    (folder / "meta/cameras").mkdir()
    (folder / "meta/cameras/front.bin").write_bytes(bytes(range(256)))
    (folder / "README.md").write_text("# A set\n")
    (folder / "LICENSE").write_text("Apache-2.0\n")
    (folder / "notes.txt").write_text("nobody's\n")
    return folder


def listed(dataset, *version):
    return elidefs("catalog", "sources", dataset, *version).stdout.splitlines()


def kept(dataset, name, version="v1"):
    return subprocess.run([ELIDEFS, "catalog", "sources", dataset, version, "--file", name], capture_output=True, check=True).stdout


def test_its_small_files_are_kept_byte_by_byte_and_what_is_made_anew_is_not(dataset, source):
    done = elidefs("import", dataset, source)
    assert "does not name it" in done.stderr and "notes.txt" in done.stderr and "README" not in done.stderr
    names = ["LICENSE", "README.md", "meta/cameras/front.bin", "meta/info.json", "meta/modality.json"]
    lines = listed(dataset)
    assert lines[0] == f"1 {source} (v1)"
    assert lines[1:] == [f"1/{name} {(source / name).stat().st_size} bytes" for name in names]
    for name in names:
        assert kept(dataset, f"1/{name}") == (source / name).read_bytes(), name


def test_a_version_keeps_what_its_import_saw(dataset, source):
    elidefs("import", dataset, source)
    assert "nothing new: v1 stays" in elidefs("import", dataset, source).stderr
    (source / "meta/modality.json").write_bytes(b"{}")
    (source / "LICENSE").unlink()
    done = elidefs("import", dataset, source)
    assert done.stdout == "v2\n" and "0 replaced, 3 unchanged" in done.stderr
    assert "1 source says something else of itself now" in done.stderr
    assert kept(dataset, "1/meta/modality.json", "v1") == MODALITY
    assert kept(dataset, "1/meta/modality.json", "v2") == b"{}"
    assert kept(dataset, "1/LICENSE", "v1") == b"Apache-2.0\n"
    gone = elidefs("catalog", "sources", dataset, "v2", "--file", "1/LICENSE", check=False)
    assert gone.returncode == 1 and "has no file 'LICENSE' of source 1" in gone.stderr
    assert elidefs("diff", dataset, "v1", "v2").stdout == "source 1/LICENSE removed, v2\nsource 1/meta/modality.json changed, v2\n"
    assert elidefs("diff", dataset, "v1", "v2", "--stat").stdout.endswith("sources: 2 files changed\n")
    lines = map(json.loads, elidefs("diff", dataset, "v1", "v2", "--json").stdout.splitlines())
    assert list(lines)[1] == {"source": 1, "folder": "", "file": "meta/modality.json", "op": "changed", "version": 2}
    assert (listed(dataset, "v1")[0], listed(dataset, "v2")[0]) == (f"1 {source} (v1)", f"1 {source} (v2)")
    assert elidefs("verify", dataset).returncode == 0


def test_what_is_too_large_or_has_no_good_name_is_left_out_and_said(dataset, source):
    (source / "meta/large.bin").write_bytes(bytes((1 << 20) + 1))
    (source / "meta/whole.bin").write_bytes(bytes(1 << 20))
    (source / "meta/two\nlines").write_text("x")
    done = elidefs("import", dataset, source)
    assert "not kept with the clips, because it has more than 1 MiB: meta/large.bin" in done.stderr
    assert "is no name of a file" in done.stderr
    assert kept(dataset, "1/meta/whole.bin") == bytes(1 << 20)
    assert not any("large" in line or "lines" in line for line in listed(dataset)[1:])


def test_each_episode_tells_what_is_needed_to_lay_it_out_again(dataset, source):
    elidefs("import", dataset, source, "--stream", "front=head")
    found = catalog_pages.extras(dataset)
    for number, length in enumerate(LENGTHS):
        extra = found[f"ep{number:06d}"]
        assert (extra["episode_index"], extra["length"]) == (number, length)
        assert extra["tasks"] == [[number % 2, f"task {number % 2}"]]
        assert extra["videos"] == ["observation.images.front"], "whatever the stream is called"
        assert extra["stats/observation.state/max"] == [number, length, 0.5]
    assert json.loads(elidefs("query", dataset, "v1", "--json").stdout.splitlines()[0])["files"].keys() >= {"ep000000.head.mp4", "ep000000.state.parquet"}


def test_tasks_stand_in_the_order_of_their_numbers(dataset, tmp_path):
    source = make_lerobot.make(tmp_path / "several", lengths=(10, 12), task=lambda i: ["b", "a", "c"] if i else ["c"])
    pq.write_table(pa.table({"task_index": [0, 1], "task": ["c", "b"]}), source / "meta/tasks.parquet")
    elidefs("import", dataset, source)
    assert catalog_pages.extras(dataset)["ep000001"]["tasks"] == [[0, "c"], [1, "b"], [None, "a"]]


def test_several_sets_in_one_folder_and_the_same_one_by_parts(dataset, made, tmp_path):
    for name, folder in (("a", made[0]), ("b", made[1])):
        shutil.copytree(folder, tmp_path / "robots" / name)
    elidefs("import", dataset, tmp_path / "robots")
    lines = listed(dataset)
    assert [line.split()[1] for line in lines if line.endswith("(v1)")] == [f"{tmp_path}/robots/a", f"{tmp_path}/robots/b"]
    parts = tmp_path / "parts"
    elidefs("init", parts)
    for part in ("2/2", "1/2"):
        elidefs("import", parts, tmp_path / "robots", "--part", part)
    elidefs("import", parts, tmp_path / "robots", "--merge")
    assert listed(parts) == lines
    assert catalog_pages.extras(parts) == catalog_pages.extras(dataset)


def test_copied_recordings_leave_the_source_what_it_is(dataset, made, tmp_path):
    source = shutil.copytree(made[0], tmp_path / "source")
    elidefs("import", dataset, source, "--copy")
    assert listed(dataset)[0] == f"1 {source} (v1)"
    shutil.rmtree(source)
    assert json.loads(kept(dataset, "1/meta/info.json"))["fps"] > 0


def test_files_of_a_set_go_with_the_last_of_its_clips_that_is_purged(dataset, made, tmp_path):
    for name, folder in (("a", made[0]), ("b", made[1])):
        shutil.copytree(folder, tmp_path / "robots" / name)
    (tmp_path / "robots/a/meta/modality.json").write_bytes(MODALITY)
    elidefs("import", dataset, tmp_path / "robots")
    elidefs("purge", dataset, "latest/source=a/ep000000.json", "--yes", check=False)
    elidefs("purge", dataset, "latest/source=a", "--yes")
    for version in ("v1", "latest"):
        assert [line[0] for line in listed(dataset, version)] == ["2", "2"], version
    gone = elidefs("catalog", "sources", dataset, "v1", "--file", "1/meta/modality.json", check=False)
    assert gone.returncode == 1 and "has no source number 1" in gone.stderr
    pulled = tmp_path / "v1.db"
    elidefs("catalog", "pull", dataset, "v1", pulled)
    assert MODALITY not in pulled.read_bytes()


def test_files_of_a_set_that_another_took_the_place_of_go_with_the_purge(dataset, made, tmp_path):
    source, other = (shutil.copytree(made[0], tmp_path / name) for name in ("source", "other"))
    (source / "README.md").write_text("secret of jane")
    elidefs("import", dataset, source)
    for path in other.rglob("*/*"):
        path.is_file() and path.touch()
    elidefs("import", dataset, other, "--replaces", source)
    elidefs("purge", dataset, "latest/", "--all", "--yes")
    for version in ("v1", "latest"):
        assert listed(dataset, version) == [], version
        elidefs("catalog", "pull", dataset, version, tmp_path / "it.db")
        assert b"secret of jane" not in (tmp_path / "it.db").read_bytes()
        (tmp_path / "it.db").unlink()


def test_what_a_view_cannot_do_without_is_kept_whatever_else_is_there(dataset, tmp_path):
    source = shutil.copytree(SAMPLE, tmp_path / "source")
    (source / "meta/cal").mkdir()
    for number in range(300):
        (source / f"meta/cal/{number:03d}.json").write_text(str(number))
    done = elidefs("import", dataset, source)
    assert "it would leave no room for meta/info.json" in done.stderr
    names = [line.split()[0] for line in elidefs("catalog", "sources", dataset, "v1").stdout.splitlines()]
    assert "1/meta/info.json" in names and "1/meta/cal/253.json" in names and "1/meta/cal/254.json" not in names
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert (point / "v1/.as/lerobot/meta/info.json").exists()


def test_names_that_are_none_say_how_one_looks(dataset):
    elidefs("import", dataset, SAMPLE)
    for name in ("meta/info.json", "0/meta/info.json", "1", "x/y"):
        done = elidefs("catalog", "sources", dataset, "v1", "--file", name, check=False)
        assert done.returncode == 1 and "as in 1/meta/info.json" in done.stderr, name
