# SPDX-License-Identifier: Apache-2.0
"""Many writers at once: what does not touch the same lands, a version each; what does is told with both versions."""
import os
import subprocess

from conftest import ELIDEFS, elidefs

WRITERS = 16


def start(*command):
    return subprocess.Popen([str(ELIDEFS), *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process):
    """Status, output and messages."""
    out, text = process.communicate(timeout=60)
    return process.returncode, out.strip(), text


def all_at_once(*commands):
    return [ended(process) for process in [start(*command) for command in commands]]


def sources(folder, count=WRITERS):
    for i in range(count):
        (folder / f"source{i}").mkdir()
        for k in range(3):
            (folder / f"source{i}" / f"clip{i}-{k}.bin").write_bytes(os.urandom(1000))
    return [folder / f"source{i}" for i in range(count)]


def labels(folder, name, *rows):
    (folder / name).write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return folder / name


def late(folder, command, before, *rows):
    """Runs the command, whose last argument is a table with these rows that comes only when `before()` has run:
    the command has chosen its version by then. Whoever reads the table again finds a file."""
    fifo = folder / "late.csv"
    os.mkfifo(fifo)
    process = start(*command, fifo)
    with open(fifo, "w") as table:  # opens when the command does
        before()
        fifo.unlink()
        table.write(labels(folder, fifo.name, *rows).read_text())
    return ended(process)


def test_all_of_many_imports_at_once_land(dataset, tmp_path):
    results = all_at_once(*(("import", dataset, source) for source in sources(tmp_path)))
    assert [status for status, _, _ in results] == [0] * WRITERS, results
    assert sorted(int(version[1:]) for _, version, _ in results) == list(range(1, WRITERS + 1))
    assert len(elidefs("log", dataset).stdout.splitlines()) == WRITERS
    assert len(elidefs("query", dataset, "/").stdout.splitlines()) == 3 * WRITERS
    elidefs("verify", dataset)


def test_all_of_many_annotations_at_once_land(dataset, tmp_path):
    elidefs("import", dataset, sources(tmp_path, 1)[0])
    tables = [labels(tmp_path, f"labels{i}.csv", ("key", f"grade_{i}"), ("clip0-0", i), ("clip0-1", i))
              for i in range(WRITERS)]
    results = all_at_once(*(("annotate", dataset, table) for table in tables))
    assert [status for status, _, _ in results] == [0] * WRITERS, results
    for i in range(WRITERS):
        assert len(elidefs("query", dataset, f"/grade_{i}={i}").stdout.splitlines()) == 2


def test_of_two_that_label_the_same_one_lands_and_the_other_names_both_versions(dataset, tmp_path):
    elidefs("import", dataset, sources(tmp_path, 1)[0])
    other = labels(tmp_path, "other.csv", ("key", "grade"), ("clip0-0", "a"))
    status, _, text = late(tmp_path, ("annotate", dataset, "--by", "anna"),
                           lambda: elidefs("annotate", dataset, other, "--by", "bob"),
                           ("key", "grade"), ("clip0-1", "b"), ("clip0-0", "b"))
    assert status == 1
    assert "1 conflict with what others have committed since v1: 'clip0-0' has grade=a by bob since v2, " in text
    assert "late.csv: line 3 says b" in text
    assert "it has a\n" in elidefs("query", dataset, "/grade=b", check=False).stderr, "nothing of it landed"


def test_a_label_lands_behind_what_others_have_done_to_other_clips(dataset, tmp_path):
    first, second = sources(tmp_path, 2)
    elidefs("import", dataset, first)

    def others():
        elidefs("import", dataset, second)
        elidefs("annotate", dataset, labels(tmp_path, "other.csv", ("key", "object"), ("clip0-0", "cube")))
        elidefs("remove", dataset, "v1/clip0-2.bin")

    status, version, text = late(tmp_path, ("annotate", dataset), others, ("key", "grade"), ("clip0-0", "b"))
    assert status == 0, text
    assert elidefs("query", dataset, "/grade=b/object=cube").stdout == "clip0-0\n"
    assert int(version[1:]) >= 4


def test_an_import_whose_source_others_have_imported_meanwhile_finds_nothing_new(dataset, tmp_path):
    source = sources(tmp_path, 1)[0]
    status, version, text = late(tmp_path, ("import", dataset, source, "--table"),
                                 lambda: elidefs("import", dataset, source), ("key",), ("clip0-0",))
    assert (status, version) == (0, "v1"), text


def test_an_import_looks_again_where_its_content_came_under_another_key(dataset, tmp_path):
    source = sources(tmp_path, 1)[0]
    status, _, text = late(tmp_path, ("import", dataset, source, "--prefix", "b", "--table"),
                           lambda: elidefs("import", dataset, source), ("key",), ("b-clip0-0",))
    assert status == 1
    assert "has the content of 'clip0-0', which v1 has brought; looking again" in text
    assert "renumbered: 3 of its clips are known under other keys" in text, "as if it had come second"
