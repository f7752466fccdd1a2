# SPDX-License-Identifier: Apache-2.0
"""tools/dev/bench writers: many writers of one data set at once."""
import os
import subprocess
import threading
import time

from bench_lab import ELIDEFS, run

WRITERS = 16


def start(*command):
    return subprocess.Popen([str(word) for word in (ELIDEFS, *command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def landed(*commands):
    """How many of these, run at once, ended well, and how long all of them took."""
    begun = time.perf_counter()
    running = [start(*command) for command in commands]
    ends = [(*process.communicate(), process.returncode) for process in running]
    for _, text, status in ends:
        if status:
            print(text.splitlines()[-1])
    return sum(status == 0 for _, _, status in ends), time.perf_counter() - begun


def make_sources(folder):
    for i in range(WRITERS):
        (folder / f"source{i}").mkdir(parents=True)
        for k in range(10):
            (folder / f"source{i}" / f"clip{i}-{k}.bin").write_bytes(os.urandom(1000))
    return [folder / f"source{i}" for i in range(WRITERS)]


def table(folder, writer, number):
    path = folder / f"labels-{writer}-{number}.csv"
    path.write_text(f"key,label_{writer}\n" + "".join(f"clip{writer}-{k},{number}\n" for k in range(10)))
    return path


def at_once(folder, dataset, sources):
    run(ELIDEFS, "init", dataset)
    for label, commands in (("importers", [("import", dataset, source) for source in sources]),
                            ("annotators", [("annotate", dataset, table(folder, i, 0)) for i in range(WRITERS)])):
        count, seconds = landed(*commands)
        print(f"{WRITERS} {label} at once, {str(dataset).partition(':')[0] if '://' in str(dataset) else 'folder'}: "
              f"{count} landed in {seconds:.2f} s")


def rate(folder, dataset, label, commits, apart=False):
    """Each writer commits again and again; `apart`, as from a machine of its own, which has another cache."""
    failed = []

    def write(writer):
        options = ["--cache", folder / f"cache-{writer}"] if apart else []
        for number in range(1 + commits * apart, 1 + commits + commits * apart):
            done = start("annotate", dataset, table(folder, writer, number), *options)
            text = done.communicate()[1]
            if done.returncode:
                failed.append(text)

    begun = time.perf_counter()
    threads = [threading.Thread(target=write, args=(i,)) for i in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    done = WRITERS * commits - len(failed)
    print(f"{label}: {done} of {WRITERS * commits} commits of {WRITERS} writers in {seconds:.1f} s, {done / seconds:.1f} a second")
    for text in failed[:1]:
        print(text)


def bench_writers(lab, commits=4):
    sources = make_sources(lab.folder / "sources")
    at_once(lab.folder, lab.folder / "set", sources)
    delayed, os.environ["AWS_ENDPOINT_URL"] = os.environ["AWS_ENDPOINT_URL"], lab.direct
    at_once(lab.folder, "s3://sets/writers", sources)
    os.environ["AWS_ENDPOINT_URL"] = delayed
    for label, apart in (("one machine", False), ("a machine each", True)):
        lab.proxy.since()
        rate(lab.folder, "s3://sets/writers", f"{lab.delay_ms} ms a request, {label}", commits, apart)
        requests = lab.proxy.since()[0]
        print(f"{requests / (WRITERS * commits):.1f} requests a commit")
