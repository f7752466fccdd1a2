# SPDX-License-Identifier: Apache-2.0
"""Several machines over one store: each is a network namespace with a home and a cache of its own. They write at once,
one is cut off from the network in the middle and comes back, and their clocks differ."""
import contextlib
import os
import re
import shutil
import subprocess
import time

import pytest

from conftest import ELIDEFS, elidefs, gateway, run, wait_until

HOSTS = 8


class Host:
    def __init__(self, number, net, folder):
        self.name, self.link = f"elidefs{os.getpid()}-{number}", f"el{os.getpid() % 10 ** 7}-{number}"
        self.folder = folder / f"host{number}"
        self.number, self.net = number, net

    def up(self, bridge):
        self.folder.mkdir()
        run("ip", "netns", "add", self.name)
        self.inside = ["nsenter", f"--net=/run/netns/{self.name}"]  # ip -n and ip netns exec mount, which a chroot refuses
        run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "link", "set", self.link, "up", "master", bridge)
        run(*self.inside, "ip", "addr", "add", f"{self.net}.{self.number + 10}/24", "dev", "eth0")
        run(*self.inside, "ip", "link", "set", "eth0", "up")

    def down(self):
        run("ip", "netns", "del", self.name, check=False)

    def plug(self, state):
        run("ip", "link", "set", self.link, state)

    def start(self, *arguments, clock=None):
        """clock: how far this machine's is off, as faketime(1) says it."""
        environment = os.environ | {"HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache"),
                                    "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        off = ["faketime", "-f", clock] if clock else []
        return subprocess.Popen([*self.inside, *off, str(ELIDEFS), *map(str, arguments)],
                                env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def elidefs(self, *arguments, **options):
        process = self.start(*arguments, **options)
        out, text = process.communicate(timeout=300)
        assert process.returncode == 0, (arguments, text)
        return out


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("network namespaces need root and ip(8)")
    folder = tmp_path_factory.mktemp("hosts")
    net, bridge = f"10.213.{os.getpid() % 250}", f"elbr{os.getpid() % 10 ** 7}"
    if run("ip", "link", "add", bridge, "type", "bridge", check=False).returncode:
        pytest.skip("no bridge can be made here")
    some = [Host(number, net, folder) for number in range(HOSTS)]
    with contextlib.ExitStack() as end:
        end.callback(run, "ip", "link", "del", bridge)
        run("ip", "addr", "add", f"{net}.1/24", "dev", bridge)
        run("ip", "link", "set", bridge, "up")
        client = end.enter_context(gateway(ELIDEFS_TEST_ADDRESS=f"{net}.1"))
        os.environ["AWS_ENDPOINT_URL"] = re.sub("//[^:]*", f"//{net}.1", os.environ["AWS_ENDPOINT_URL"])
        client.create_bucket(Bucket="sets")
        for host in some:
            end.callback(host.down)
            host.up(bridge)
        yield some


def source(folder, name, clips=2):
    (folder / name).mkdir()
    for i in range(clips):
        (folder / name / f"{name}-{i}.bin").write_bytes(os.urandom(1000))
    return folder / name


def labels(folder, name, *rows):
    (folder / name).write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return folder / name


def test_eight_hosts_that_write_at_once_all_land_and_one_that_is_cut_off_goes_on_when_it_is_back(hosts, tmp_path):
    dataset, rounds = "s3://sets/race", 3
    elidefs("init", dataset)
    elidefs("import", dataset, source(tmp_path, "common", HOSTS))
    cut, running = hosts[3], []
    for k in range(rounds):
        for i, host in enumerate(hosts):
            command = ("import", dataset, source(tmp_path, f"s{k}x{i}")) if k % 2 == 0 else (
                "annotate", dataset, labels(tmp_path, f"l{k}x{i}.csv", ("key", f"grade{i}", "seen"),
                                            (f"common-{i}", k, "yes")))
            running.append(host.start(*command))
        if k == 0:
            time.sleep(0.05)  # it has begun
            cut.plug("down")
            wait_until(lambda: len(elidefs("log", dataset).stdout.splitlines()) >= HOSTS - 2)
            assert running[3].poll() is None or running[3].returncode == 0, running[3].communicate()
            cut.plug("up")
    results = [(*process.communicate(timeout=300), process.returncode) for process in running]
    assert [status for _, _, status in results] == [0] * len(running), results
    assert sorted(int(out.strip()[1:]) for out, _, _ in results) == list(range(2, rounds * HOSTS + 2))
    for host in (hosts[0], cut):
        assert len(host.elidefs("query", dataset, "/").splitlines()) == HOSTS + 2 * HOSTS * 2
        assert len(host.elidefs("query", dataset, "/seen=yes").splitlines()) == HOSTS
        assert len(host.elidefs("log", dataset).splitlines()) == rounds * HOSTS + 1
    cut.elidefs("trust", dataset, *(path for path in tmp_path.iterdir() if path.is_dir()))
    cut.elidefs("verify", dataset)


def test_hosts_whose_clocks_differ_by_hours_write_and_read_all_the_same(hosts, tmp_path):
    if not shutil.which("faketime"):
        pytest.skip("faketime is not installed")
    dataset, clocks = "s3://sets/clocks", ("+1h", "-1h", None, "+13h")
    hosts[0].elidefs("init", dataset, clock="+1h")
    running = [host.start("import", dataset, source(tmp_path, f"clock{i}"), clock=clock)
               for i, (host, clock) in enumerate(zip(hosts, clocks))]
    results = [(*process.communicate(timeout=300), process.returncode) for process in running]
    assert [status for _, _, status in results] == [0] * len(clocks), results
    for host, clock in zip(hosts, clocks):
        out = host.folder / "out"
        host.elidefs("trust", dataset, *(path for path in tmp_path.iterdir() if path.is_dir()), clock=clock)
        host.elidefs("cp", dataset, "v4", out, clock=clock)
        assert len([path for path in out.iterdir() if path.suffix == ".bin"]) == 2 * len(clocks)
    times = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", elidefs("log", dataset).stdout)
    assert times == sorted(times, reverse=True), "no version seems older than the one before it"


def test_a_clock_that_is_days_off_is_named(hosts, tmp_path):
    if not shutil.which("faketime"):
        pytest.skip("faketime is not installed")
    process = hosts[0].start("init", "s3://sets/days", clock="+3d")
    _, text = process.communicate(timeout=300)
    assert process.returncode == 1 and "this machine's clock differs too much from the store's" in text
