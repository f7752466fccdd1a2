# SPDX-License-Identifier: Apache-2.0
"""tools/dev/bench catalog: generated clips of 20 attributes, what their commits store and what looking at them asks for."""
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

from bench_lab import BUILD, middle
from bench_web import Web, show

COMMITS, QUERIES = BUILD / "tests/bench/bench_commits", BUILD / "tests/bench/bench_queries"
GC, PURGE = BUILD / "tests/bench/bench_gc", BUILD / "tests/bench/bench_purge"
CLIPS_A_COMMIT = 3000
FEW_COMMITS = ["append 3000 order", "append 3000 random", "label 1000 grade 5", "label 1000 grade 5", "label 1000 near 0",
               "label 1000 near 0", "label all seen 3"]


class Commit:
    """A line of what tests/bench/commits.c prints."""

    def __init__(self, line):
        version, size, manifest, root, seconds, self.script = line.split(" ", 5)
        self.version, self.seconds = version, float(seconds)
        self.bytes, self.manifest, self.map = int(size), int(manifest), int(root)


class Sets:
    """Data sets in a folder, each made once by a script for tests/bench/commits.c; what it printed is kept beside it."""

    def __init__(self, folder, scratch, options):
        self.folder, self.scratch, self.clips, self.options = folder, scratch, options.clips, options
        folder.mkdir(parents=True, exist_ok=True)
        self.paths = [line.split()[0] for line in self.draw(40, 300, 1)]

    def draw(self, count, most, seed):
        """Paths of three predicates that hold for some clip."""
        return subprocess.run([COMMITS, "-"], input=f"paths {count} {most} {seed} {self.clips}\n", capture_output=True, text=True,
                              check=True).stdout.splitlines()

    def made(self, name, script, parent=None):
        """The commits of the data set `name`, which is made unless it was by this script."""
        log, part, folder = (self.folder / (name + end) for end in (".log", ".part", ""))
        commits = [line for line in script if not line.startswith("have ")]
        kept = [Commit(line) for line in log.read_text().splitlines()] if log.exists() else []
        if [one.script for one in kept[:len(commits)]] == commits:
            return kept[:len(commits)]
        for old in (folder, self.folder / f"{name}.cache"):
            shutil.rmtree(old, ignore_errors=True)
        log.unlink(missing_ok=True)
        if parent:
            shutil.copytree(self.folder / parent, folder)
        with part.open("w") as out:
            done = subprocess.run([COMMITS, folder], input="\n".join(script) + "\n", stdout=out, text=True)
        if done.returncode:
            sys.exit(f"{name} was not made")
        part.rename(log)
        shutil.rmtree(self.folder / f"{name}.cache", ignore_errors=True)
        return self.made(name, script)

    def base(self):
        return self.made("base", [f"append {self.clips} order"])[0]

    def grown(self, name, script):
        self.base()
        return self.made(name, [f"have {self.clips} order", *script], "base")

    def web(self, name, delay_ms=None):
        delay_ms = self.options.delay_ms if delay_ms is None else delay_ms
        return Web(self.scratch / name, self.folder / name, delay_ms)

    def ask_warm(self, *places):
        """Prints what queries take in versions of data sets, in microseconds, and how many times the first."""
        places = [place.rpartition("@") for place in places]
        done = subprocess.run([QUERIES, str(self.clips), "all", *(f"{self.folder / name}@{version}" for name, _, version in places)],
                              input="\n".join(self.paths) + "\n", capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        print(f"  {'warm, us of CPU':16s}" + "".join(f"{name + ' v' + version:>24s}" for name, _, version in places))
        for line in done.stdout.splitlines():
            label, *took = line.split()
            times = [float(one) for one in took]
            print(f"  {label:16s}" + "".join(f"{one:14.2f} {one / times[0]:7.2f} x" for one in times), flush=True)


def show_commits(label, commits, goal):
    sizes, seconds = [one.bytes for one in commits], [one.seconds for one in commits]
    worst = max(commits, key=lambda one: one.bytes)
    over = sum(size > 1e6 for size in sizes)
    print(f"{label:44s} median {middle(sizes) / 1000:7.1f} KB  worst {worst.bytes / 1000:8.1f} KB ({worst.version}; {over} over 1 MB; "
          f"most {max(commits, key=lambda one: one.manifest).manifest / 1000:.1f} KB of manifest, "
          f"{max(commits, key=lambda one: one.map).map / 1000:.1f} of the map's root)  median {middle(seconds):.2f} s, worst "
          f"{max(seconds):.2f}  goal {goal}", flush=True)


def table_cold(sets):
    commits = sets.grown("few", FEW_COMMITS)
    print(f"the first {sets.clips} clips: {sets.base().bytes / sets.clips:.1f} bytes a clip  goal 100")
    for one in commits:
        print(f"  {one.script:24s} {one.bytes / 1000:8.1f} KB")
    last = commits[-1].version
    with sets.web("few") as web:
        def open_and(path, names=None):
            return lambda: (web.mount(), web.list(path, names))
        show("cold mount and ls of three predicates", [web.asked(open_and(last + path)) for path in sets.paths[:9]],
             "4 rounds, median 1 MB, most 2 MB")
        for label, some, names, goal in (("first name", sets.paths[9:19], 1, "1-2 rounds, 300 KB"),
                                         ("first 100 names", sets.paths[19:29], 100, "1-2 rounds, 400 KB"),
                                         ("all again, warm", sets.paths[9:29], None, "")):
            show(f"  the next ten paths, {label}", [web.asked(lambda: web.list(last + path, names)) for path in some], goal)
        for share, path, goal in (("1 %", "quality.rng=0.25..0.2603", "100 KB"), ("20 %", "quality.rng=0.2..0.4", "1.5 MB")):
            web.asked(open_and(last + sets.paths[0], 1))
            show(f"  a range of {share}, first name", [web.asked(lambda: web.list(f"{last}/{path}", 1))], goal)


def table_commits(sets):
    count = sets.options.commits
    for order in ("order", "random"):
        commits = sets.grown(order, [f"append {CLIPS_A_COMMIT} {order}"] * count)
        some = [n for n in (300, count) if n <= count]
        for n in some:
            show_commits(f"{n} commits of {CLIPS_A_COMMIT} clips, keys {order}", commits[:n], "600 KB, worst 3 MB")
        n = some[0]
        whole = sets.made(f"{order}-whole", [f"append {sets.clips} order {CLIPS_A_COMMIT * n} {order}"])[0]
        stored = sets.base().bytes + sum(one.bytes for one in commits[:n])
        print(f"  stored by 1 + {n} commits {stored / 1e6:.1f} MB, by one import of the same {whole.bytes / 1e6:.1f} MB: "
              f"{stored / whole.bytes:.2f} x  goal 1.7")
        sets.ask_warm("base@1", *(f"{order}@{n + 1}" for n in some), f"{order}-whole@1")
    print("  goal 1.5 x of the first column: exists, key, no-such-key after 300 commits")


def table_versions(sets):
    count = sets.options.commits
    sets.grown("order", [f"append {CLIPS_A_COMMIT} order"] * count)
    with sets.web("order") as web:
        for version in dict.fromkeys(("v1", f"v{min(300, count) + 1}", f"v{count + 1}")):
            show(f"cold mount and first name of {version}",
                 [web.asked(lambda: (web.mount(), web.list(version + path, 1))) for path in sets.paths[:9]],
                 "v1 1.05 times v301" if version == "v1" else "")


def key(clip):
    return f"ep{clip:08d}"


def table_json(sets):
    commits = sets.grown("json", [f"label 1000 late{i % 20:02d} 5" for i in range(1000)])
    show_commits("1,000 commits of 1,000 labels, 20 attributes", commits, "100 KB, worst 3 MB")
    drawn = random.Random(1).sample(range(1, sets.clips), 21)
    with sets.web("json") as web:
        for version in (commits[0].version, commits[-1].version):
            def read(clip):
                return lambda: (web.point / version / f"{key(clip)}.json").read_bytes()
            first, others = [], []
            for turn in range(3):
                web.mount()
                first.append(web.asked(read(drawn[7 * turn])))
                others += [web.asked(read(clip)) for clip in drawn[7 * turn + 1:7 * turn + 7]]
            show(f"{version}: JSON of a clip, first look into a version", first)
            show(f"{version}: JSON of 18 more, each cold", others, "2 rounds, 100 KB")
            show(f"{version}: JSON of the clip labelled each time", [web.asked(read(0))], "2 rounds, 100 KB")
    sets.ask_warm(f"json@{commits[0].version[1:]}", f"json@{commits[-1].version[1:]}")
    print("  goal 15 us: json")


def table_labels(sets):
    for name, label, script in (("new", "a new attribute each time", [f"label 1000 fresh{i:03d} 5" for i in range(200)]),
                                ("five", "one of five values", ["label 1000 grade 5"] * 200),
                                ("near", "another value for each", ["label 1000 near 0"] * 200)):
        show_commits(f"200 x 1,000 labels, {label}", sets.grown(f"labels-{name}", script), "100 KB, worst 3 MB")


def table_wide(sets):
    many = sets.clips // 100  # attributes; 300 clips have each
    names = ",".join(f"wide{many * i // 10:05d}" for i in (1, 5, 9))
    wide = sets.made("wide", [f"append {sets.clips} order wide {many} 3", f"append {CLIPS_A_COMMIT} order wide 3 3",
                              f"append {CLIPS_A_COMMIT} order wide {many} 3", f"label 1000 {names} 5", f"label 1000 {names} 5"])
    few = sets.grown("narrow", [f"append {CLIPS_A_COMMIT} order", "label 1000 one,two,three 5", "label 1000 one,two,three 5"])
    for label, some in ((f"{many} attributes more", wide), ("20 attributes", [sets.base(), *few])):
        for one in some:
            print(f"{label:24s} {one.script[:44]:44s} {one.bytes / 1000:9.1f} KB  {one.seconds:.2f} s")
    sparse = [f"/wide{many * i // 11:05d}=value2" for i in range(10)]
    for label, name, version, paths in (("20 attributes", "narrow", few[-1].version, sets.paths[:10]),
                                        (f"{many} attributes", "wide", wide[-1].version, sets.paths[:10]),
                                        (f"{many}, one of them named", "wide", wide[-1].version, sparse)):
        with sets.web(name) as web:
            show(f"{label}: cold mount and ls", [web.asked(lambda: (web.mount(), web.list(version + path))) for path in paths[:5]])
            show("  the next five paths, first name", [web.asked(lambda: web.list(version + path, 1)) for path in paths[5:]])
            print("  resident {:.0f} MB, {:.0f} of its own".format(*web.memory()), flush=True)
    sets.ask_warm(f"narrow@{few[-1].version[1:]}", f"wide@{wide[-1].version[1:]}")


def table_memory(sets):
    sets.grown("order", [f"append {CLIPS_A_COMMIT} order"] * sets.options.commits)
    paths = list(dict.fromkeys(line.split()[0] for line in sets.draw(10500, 0, 2)))[:10000]
    for version in ("v1", f"v{min(300, sets.options.commits) + 1}"):
        with sets.web("order", 0) as web:
            web.mount()
            def show_memory(label):
                print(f"{version} {label:36s} resident {{:4.0f}} MB, {{:4.0f}} of its own".format(*web.memory()), flush=True)
            show_memory("mounted")
            web.list(version + sets.paths[0])
            show_memory("one path listed (goal 100)")
            for path in paths:
                os.stat(web.point / (version + path))
            show_memory(f"{len(paths)} paths stat (goal 200)")
            for path in paths:
                web.list(version + path, 1)
            show_memory("their first names too (goal 200)")


def table_size(sets):
    sets.base()
    sets.made("tenfold", [f"append {sets.clips * 10} order"])
    for name in ("base", "tenfold"):
        with sets.web(name) as web:
            print(name)
            def stat_cold(path):
                return lambda: (web.mount(), os.stat(web.point / ("v1" + path)))
            show("  cold mount and stat of three predicates", [web.asked(stat_cold(path)) for path in sets.paths[:9]])
            show("  the next ten, exists", [web.asked(lambda: os.stat(web.point / ("v1" + path))) for path in sets.paths[9:19]])
            show("  their first names", [web.asked(lambda: web.list("v1" + path, 1)) for path in sets.paths[9:19]])
    sets.ask_warm("base@1", "tenfold@1")
    print("  goal 1 x the rounds, 1.5 x the bytes of base")


def table_gc(sets):
    sets.grown("order", [f"append {CLIPS_A_COMMIT} order"] * min(300, sets.options.commits))
    folder, last = sets.scratch / "gc", min(300, sets.options.commits)
    shutil.copytree(sets.folder / "order", folder)
    for label, first in (("all versions live", "0"), ("all but the first and the last forgotten", "2"), ("again", "0")):
        done = subprocess.run([GC, folder, sets.scratch / f"cache of {label}", first, str(last)], capture_output=True, text=True, check=True)
        print(f"{label:42s} {done.stdout.rstrip()}", flush=True)
    print("  goal 2 requests a pack and one a version; 200 MB. In a folder each object that is listed is a request, too")


def table_purge(sets):
    script = ["append 3000 order", "label 1000 grade 5"] * 8 + ["label 1000 near 0"] * 4 + ["label all seen 3", "append 3000 random"]
    sets.grown("purged", script)
    folder = sets.scratch / "purge"
    shutil.copytree(sets.folder / "purged", folder)
    done = subprocess.run([PURGE, folder, sets.scratch / "cache of purge", "100", str(sets.clips // 101)], capture_output=True, text=True, check=True)
    print(done.stdout.rstrip(), flush=True)


TABLES = {"cold": table_cold, "commits": table_commits, "versions": table_versions, "json": table_json, "labels": table_labels,
          "wide": table_wide, "memory": table_memory, "gc": table_gc, "purge": table_purge,
          "size": table_size}


def bench_catalog(options):
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="elidefs-bench.", dir="/tmp"))
    os.environ["HOME"] = str(scratch)
    try:
        sets = Sets(options.folder or scratch / "sets", scratch, options)
        for name in options.tables.split(","):
            print(f"\n== {name}")
            TABLES[name](sets)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
