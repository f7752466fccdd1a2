#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""import_ray.py [--here] PARTS DATASET SOURCE [OPTION]...: an import by PARTS tasks of a Ray cluster, and a merge here.

elidefs must be installed on all nodes, and DATASET and a local SOURCE be paths that all of them see. A task that is lost
with its node runs again. --here: without Ray, by processes of this machine."""
import concurrent.futures
import subprocess
import sys


def run(line, *which):
    """What a part tells is shown where it fails only."""
    done = subprocess.run(["elidefs", "import", *line, *which], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"elidefs import {' '.join([*line, *which])}: {done.stderr}")
    return done.stdout.strip()


def run_parts_with_ray(line, parts):
    import ray
    ray.init()
    task = ray.remote(num_cpus=1, max_retries=3)(run)
    return ray.get([task.remote(line, "--part", f"{i}/{parts}") for i in range(1, parts + 1)])


def run_parts_here(line, parts):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(lambda i: run(line, "--part", f"{i}/{parts}"), range(1, parts + 1)))


def main(words):
    here = words[:1] == ["--here"]
    parts, *line = words[here:]
    (run_parts_here if here else run_parts_with_ray)(line, int(parts))
    sys.exit(subprocess.run(["elidefs", "import", *line, "--merge"]).returncode)


if __name__ == "__main__":
    main(sys.argv[1:]) if len(sys.argv) > 3 else sys.exit(__doc__)
