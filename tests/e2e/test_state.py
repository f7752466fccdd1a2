# SPDX-License-Identifier: Apache-2.0
"""state.parquet in pyarrow and DuckDB: exactly the episode's rows, schema and metadata kept."""
import glob

import pytest

from conftest import SAMPLE

duckdb = pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def whole():
    return pa.concat_tables(pq.read_table(name) for name in sorted(glob.glob(f"{SAMPLE}/data/*/*.parquet")))


def test_pyarrow_finds_exactly_the_episodes_rows(mount, whole):
    first, second = [pq.read_schema(name) for name in sorted(glob.glob(f"{SAMPLE}/data/*/*.parquet"))]
    for episode in range(16):
        table = pq.read_table(mount / "v1" / ("ep%06d.state.parquet" % episode))
        wanted = whole.filter(pa.compute.equal(whole["episode_index"], episode))
        assert table.equals(wanted)
        source = first if episode < 8 else second
        assert pq.read_schema(mount / "v1" / ("ep%06d.state.parquet" % episode)).equals(source, check_metadata=True)


def test_duckdb_finds_exactly_the_episodes_rows(mount, whole):
    path = mount / "v1" / "outcome=fail"
    episodes, rows = duckdb.sql(
        f"select count(distinct episode_index), count(*) from read_parquet('{path}/*.state.parquet')").fetchone()
    assert episodes == 8
    wanted = sum(1 for e in whole["episode_index"].to_pylist() if e in failed())
    assert rows == wanted


def failed():
    import csv
    from conftest import LABELS
    return {int(row["episode_index"]) for row in csv.DictReader(open(LABELS)) if row["outcome"] == "fail"}
