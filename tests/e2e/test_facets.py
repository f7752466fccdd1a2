# SPDX-License-Identifier: Apache-2.0
"""What can be asked of a path: attributes, values and tables, on the command line and in `.elidefs` alike."""
import collections
import csv
import io
import json

import pytest

from conftest import LABELS, elidefs, told

ROWS = list(csv.DictReader(open(LABELS)))


def of(**wanted):
    return [row for row in ROWS if all(row[key] == value for key, value in wanted.items())]


def by_frequency(rows, key):
    counts = collections.Counter(row[key] for row in rows)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def test_facets_are_values_behind_their_numbers_the_most_frequent_first(sample):
    for path, rows in (("v1", ROWS), ("v1/arm=left", of(arm="left")), ("v1/arm=left/outcome=fail", of(arm="left", outcome="fail"))):
        lines = elidefs("query", sample, path, "--facets", "object").stdout.splitlines()
        assert [(line.split()[1], int(line.split()[0])) for line in lines] == by_frequency(rows, "object")


def test_values_are_those_of_the_path_alone_in_their_order(sample):
    for path, rows in (("v1", ROWS), ("v1/outcome=fail", of(outcome="fail"))):
        listed = elidefs("query", sample, path, "--values", "mass_g").stdout.splitlines()
        assert listed == sorted({row["mass_g"] for row in rows}, key=float)


@pytest.mark.parametrize("option", ["--facets", "--values"])
def test_an_attribute_that_is_not_there_is_named_with_the_nearest(sample, option):
    done = elidefs("query", sample, "v1", option, "objcet", check=False)
    assert done.returncode == 1 and told(done) == ["elidefs: no attribute 'objcet' in v1: did you mean 'object'?"]
    done = elidefs("query", sample, "v1/ep000000.json", option, "object", check=False)
    assert done.returncode == 1 and "is for the clips of a folder" in told(done)[0]


def test_attributes_of_a_path_are_counted_within_it(sample):
    lines = elidefs("attribute", "list", sample, "v1/outcome=fail", "--json").stdout.splitlines()
    listed = {line["name"]: line for line in map(json.loads, lines)}
    assert listed["arm"]["clips"] == len(of(outcome="fail"))
    assert listed["arm"]["examples"] == [value for value, _ in by_frequency(of(outcome="fail"), "arm")][:3]
    assert (listed["outcome"]["values"], listed["outcome"]["examples"]) == (1, ["fail"])
    text = elidefs("attribute", "list", sample, "v1/outcome=fail").stdout
    assert any(line.split()[:2] == ["outcome", "text"] and line.rstrip().endswith("1 value  fail") for line in text.splitlines())


def test_a_table_has_a_row_for_each_clip_and_the_same_values_as_its_json(sample):
    rows = list(csv.DictReader(io.StringIO(elidefs("query", sample, "v1/arm=left", "--csv").stdout)))
    clips = [json.loads(line) for line in elidefs("query", sample, "v1/arm=left", "--json").stdout.splitlines()]
    assert [row["key"] for row in rows] == [clip["key"] for clip in clips]
    for row, clip in zip(rows, clips):
        assert row["files"].split(",") == list(clip["files"])
        assert row["object"] == clip["object"] and float(row["mass_g"]) == clip["mass_g"]
    assert "force" not in rows[0] or any(row["force"] for row in rows), "a column that no clip has is left out"


def test_a_mount_says_the_same(sample, mount):
    hidden = mount / "v1/arm=left/.elidefs"
    assert (hidden / "manifest.csv").read_text() == elidefs("query", sample, "v1/arm=left", "--csv").stdout
    schema = json.loads((hidden / "schema.json").read_text())
    assert (schema["version"], schema["path"], schema["clips"]) == (1, "arm=left", len(of(arm="left")))
    lines = elidefs("attribute", "list", sample, "v1/arm=left", "--json").stdout.splitlines()
    assert schema["attributes"] == [json.loads(line) for line in lines]
    assert (hidden / "schema.json").stat().st_size == len((hidden / "schema.json").read_bytes())
    assert elidefs("attribute", "list", mount / "v1/arm=left", "--json").stdout.splitlines() == lines


def test_a_table_quotes_what_would_break_it(dataset, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("a", "b"):
        (source / f"{name}.txt").write_text(name)
    table = tmp_path / "labels.jsonl"
    table.write_text("".join(json.dumps(line) + "\n" for line in (
        {"key": "a", "note": 'say "hi", then\nleave', "tags": ["x,y", "z"], "at": "[1"},
        {"key": "b", "note": "[plain", "box": [1.5, 2]})))
    elidefs("import", dataset, source, "--table", table)
    rows = list(csv.DictReader(io.StringIO(elidefs("query", dataset, "v1", "--csv").stdout)))
    assert rows[0]["note"] == 'say "hi", then\nleave' and json.loads(rows[0]["tags"]) == ["x,y", "z"]
    assert (rows[0]["at"], rows[0]["box"]) == ("[1", "")
    assert elidefs("query", dataset, "v1", "--facets", "note").stdout == '      1 [plain\n      1 say "hi", then%0Aleave\n'
    assert elidefs("query", dataset, "v1", "--values", "note").stdout == '[plain\nsay "hi", then%0Aleave\n'
    assert rows[1]["note"] == "[plain" and json.loads(rows[1]["box"]) == [1.5, 2] and rows[1]["tags"] == ""


@pytest.mark.parametrize("options", [("--count", "--json"), ("--csv", "--paths0"), ("--facets", "arm", "--values", "arm")])
def test_two_answers_at_once_are_refused(sample, options):
    names = [word for word in options if word.startswith("--")]
    done = elidefs("query", sample, "v1", *options, check=False)
    assert done.returncode == 1 and not done.stdout
    assert told(done) == [f"elidefs: {names[0]} and {names[1]} exclude each other"]
