# SPDX-License-Identifier: Apache-2.0
"""Several people and machines: shared mounts, names for data sets, trust, recordings that move, units."""
import contextlib
import hashlib
import json
import os
import pathlib
import pwd
import re
import shlex
import shutil
import signal
import subprocess

import pytest

from conftest import BUILD, ELIDEFS, ROOT, SAMPLE, elidefs, is_mounted, mounted, run, told, unmount, wait_until

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="acts as another user")


@pytest.fixture
def open_folder():
    """A folder that everybody may enter."""
    folder = pathlib.Path(run("mktemp", "-d", "/tmp/elidefs-people.XXXXXX").stdout.strip())
    folder.chmod(0o755)
    yield folder
    run("rm", "-rf", folder)


def as_nobody(*command, home, **options):
    if run(*NOBODY, "test", "-x", ELIDEFS, check=False).returncode:
        pytest.skip(f"an ordinary user cannot run {ELIDEFS}")
    env = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")} | {"HOME": str(home)}
    return run(*NOBODY, *command, env=env, **options)


def home_of_nobody(folder):
    home = folder / "home"
    home.mkdir(exist_ok=True)
    os.chown(home, 65534, 65534)
    return home


@needs_root
def test_one_system_mount_is_shared_by_all(dataset, open_folder, tmp_path):
    elidefs("import", dataset, SAMPLE)
    home = home_of_nobody(open_folder)
    with mounted(dataset, open_folder / "mnt", tmp_path / "cache", "-o", "allow_other,uid=4711,gid=4712,umask=027") as point:
        status = os.stat(point / "v1/ep000000.json")
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (4711, 4712, 0o640)
        assert oct(os.stat(point / "v1").st_mode) == "0o40750" and os.stat(point / "v1").st_gid == 4712
        assert as_nobody("cat", point / "v1/ep000000.json", home=home, check=False).returncode
        of_the_group = ("setpriv", "--reuid", "5000", "--regid", "4712", "--clear-groups")
        assert run(*of_the_group, "cat", point / "v1/ep000000.json").stdout.startswith('{"key":"ep000000"')
    with mounted(dataset, open_folder / "mnt", tmp_path / "cache", "-o", "allow_other") as point:
        mine = (point / "v1/ep000003.top.mp4").read_bytes()
        theirs = as_nobody("md5sum", point / "v1/ep000003.top.mp4", home=home).stdout.split()[0]
        assert theirs == hashlib.md5(mine).hexdigest()
        assert oct(os.stat(tmp_path / "cache").st_mode)[-3:] == "700", "the cache is for the daemon only"
        told = as_nobody(ELIDEFS, "status", home=home).stdout
        assert f"{dataset} on {point}" in told and "v1 is the newest" in told


class Node:
    """A machine of its own: /dev/fuse is open to all, fuse.conf is ours; root and nobody have homes and mount points."""

    def __init__(self, folder):
        self.folder, self.homes = folder, {"root": folder / "root", "nobody": home_of_nobody(folder)}
        for who, home in self.homes.items():
            (home / "mnt").mkdir(parents=True)
            os.chown(home / "mnt", *((65534, 65534) if who == "nobody" else (0, 0)))
        shutil.copytree(SAMPLE, folder / "robots")
        (folder / "set").mkdir()
        elidefs("init", folder / "set")
        elidefs("import", folder / "set", folder / "robots", env=os.environ | {"HOME": str(folder / "root")})
        run("chmod", "-R", "a+rX", folder / "set", folder / "robots")

    def script(self, lines, fuse_conf=""):
        """Runs shell lines, each of which must end well, as root; `nobody COMMAND...` and `elidefs ...` stand for what they say."""
        (self.folder / "fuse.conf").write_text(fuse_conf)
        env = f"env -u XDG_CONFIG_HOME -u XDG_CACHE_HOME PATH={BUILD}/tools:$PATH HOME="
        begin = f"""set -eu
            mount --bind {self.folder}/fuse.conf /etc/fuse.conf
            test -e {self.folder}/fuse || mknod -m 666 {self.folder}/fuse c 10 229
            mount --bind {self.folder}/fuse /dev/fuse
            SET={self.folder}/set ROOT={self.homes["root"]} NOBODY={self.homes["nobody"]}
            nobody() {{ {shlex.join(NOBODY)} {env}$NOBODY "$@"; }}
            root() {{ {env}$ROOT "$@"; }}
            """
        return run("unshare", "-m", "sh", "-c", begin + lines, check=False, cwd="/")


@pytest.fixture
def node(open_folder):
    if not os.path.exists("/dev/fuse") or not shutil.which("fusermount3") or not os.path.exists("/etc/fuse.conf") \
            or run("unshare", "-m", "true", check=False).returncode:
        pytest.skip("needs /dev/fuse, fusermount3, its fuse.conf and mount namespaces")
    if run(*NOBODY, "test", "-x", ELIDEFS, check=False).returncode:
        pytest.skip(f"an ordinary user cannot run {ELIDEFS}")
    return Node(open_folder)


@needs_root
def test_two_users_of_a_node_mount_for_themselves_with_trust_and_cache_of_their_own(node):
    done = node.script("""
        root elidefs mount $SET $ROOT/mnt
        nobody elidefs mount $SET $NOBODY/mnt 2>&1 && exit 9
        nobody elidefs trust $SET ${SET%set}robots
        nobody elidefs mount $SET $NOBODY/mnt
        root md5sum <$ROOT/mnt/v1/ep000003.top.mp4
        nobody md5sum $NOBODY/mnt/v1/ep000003.top.mp4
        nobody ls $ROOT/mnt 2>&1 && exit 9
        root ls $NOBODY/mnt 2>&1 && exit 9
        stat -c '%u %a' $ROOT/.cache/elidefs $NOBODY/.cache/elidefs
        nobody elidefs umount $NOBODY/mnt
        root elidefs umount $ROOT/mnt
        """)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    lines = [line for line in lines if not line.startswith("note: ")]
    assert lines[0].startswith("elidefs: ") and lines[0].endswith(f"type: elidefs trust {node.folder}/set {node.folder}/robots")
    assert lines[1].split()[0] == lines[2].split()[0] != hashlib.md5(b"").hexdigest()
    assert all("Permission denied" in line for line in lines[3:5]) and lines[5:] == ["0 700", "65534 700"], lines


@pytest.mark.parametrize("option, says", [("uid=abc", "--uid 'abc': expected a number"),
                                          ("umask=9", "--umask '9': expected an octal number"),
                                          ("umask=01000", "--umask '01000': has more than permission bits")])
def test_a_wrong_owner_or_mask_is_refused(sample, tmp_path, option, says):
    (tmp_path / "mnt").mkdir()
    done = elidefs("mount", sample, tmp_path / "mnt", "-o", option, check=False)
    assert (done.returncode, done.stderr) == (1, f"elidefs: {says}\n")


@needs_root
def test_a_missing_user_allow_other_names_the_line_to_add(node):
    trust = "nobody elidefs trust $SET ${SET%set}robots; "
    shared = trust + "nobody elidefs mount $SET $NOBODY/mnt -o allow_other,uid=4711,umask=022"
    done = node.script(shared, fuse_conf="# nothing\n")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1, f"elidefs: {node.homes['nobody']}/mnt: this machine does not let users open their mounts to others; as root, add the "
           'line "user_allow_other" to /etc/fuse.conf, or mount as root')
    done = node.script(shared + """
        setpriv --reuid 65533 --regid 65533 --clear-groups cat $NOBODY/mnt/v1/ep000000.json
        stat -c '%u %a' $NOBODY/mnt/v1/ep000000.json
        nobody elidefs umount $NOBODY/mnt
        """, fuse_conf="user_allow_other\n")
    assert done.returncode == 0 and done.stdout.startswith('{"key":"ep000000"'), done.stderr
    assert done.stdout.splitlines()[1] == "4711 644"


@needs_root
def test_a_container_needs_no_init_system(sample, tmp_path):
    """As process 1 of a container, as root: mounts in the foreground, and ends with it."""
    if run("unshare", "-pmf", "--mount-proc", "true", check=False).returncode:
        pytest.skip("no process namespace can be made")
    (tmp_path / "mnt").mkdir()
    script = (f"{ELIDEFS} mount {sample} {tmp_path}/mnt --cache {tmp_path}/cache && ls {tmp_path}/mnt/v1 | wc -l && "
              f"{ELIDEFS} umount {tmp_path}/mnt && ls -A {tmp_path}/mnt | wc -l")
    assert run("unshare", "-pmf", "--mount-proc", "sh", "-c", script).stdout.split() == ["64", "0"]
    assert not is_mounted(tmp_path / "mnt")


@needs_root
def test_a_container_that_may_not_mount_is_told_what_it_needs(sample, tmp_path):
    """Without the device, and without the right, as root."""
    if run("unshare", "-m", "true", check=False).returncode or not shutil.which("setpriv"):
        pytest.skip("no mount namespace can be made")
    (tmp_path / "mnt").mkdir()
    (tmp_path / "dev").mkdir()
    mount = f"{ELIDEFS} mount {sample} {tmp_path}/mnt --cache {tmp_path}/cache"
    needs = "a container is given what it needs by `docker run --device /dev/fuse --cap-add SYS_ADMIN`"
    done = run("unshare", "-m", "sh", "-c", f"mount --bind {tmp_path}/dev /dev && {mount}", check=False)
    assert (done.returncode, told(done)) == (
        1, [f"elidefs: cannot mount on {tmp_path}/mnt: there is no /dev/fuse, which needs the kernel's module fuse; {needs}"])
    done = run("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "sh", "-c", mount, check=False)
    assert (done.returncode, told(done)) == (
        1, [f"elidefs: {tmp_path}/mnt: root may not mount here without CAP_SYS_ADMIN and a /dev/fuse that may be opened; {needs}"])


@needs_root
def test_a_mount_in_the_foreground_is_a_containers_only_process(sample, tmp_path):
    if run("unshare", "-pmf", "--mount-proc", "true", check=False).returncode:
        pytest.skip("no process namespace can be made")
    (tmp_path / "mnt").mkdir()
    process = subprocess.Popen(["unshare", "-pmf", "--kill-child", "--mount-proc", ELIDEFS, "mount", sample,
                                tmp_path / "mnt", "-f", "--cache", tmp_path / "cache"], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: f" {tmp_path}/mnt " in pathlib.Path(f"/proc/{process.pid}/mountinfo").read_text())
        first = int(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        os.kill(first, signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_a_name_stands_wherever_a_data_set_may(tmp_path):
    (tmp_path / "elidefs").mkdir()
    (tmp_path / "set").mkdir()
    (tmp_path / "kitchen").mkdir()  # a folder of that name is ./kitchen
    (tmp_path / "elidefs/config").write_text(f'[dataset "kitchen"]\nurl = {tmp_path}/set\n')
    here = {"env": os.environ | {"XDG_CONFIG_HOME": str(tmp_path)}, "cwd": tmp_path}
    elidefs("init", "kitchen", **here)
    assert elidefs("import", "kitchen", SAMPLE, **here).stdout == "v1\n"
    assert elidefs("tag", "kitchen", "mine", **here).stdout == "mine v1\n"
    assert "v1" in elidefs("log", "kitchen", **here).stdout
    assert elidefs("query", "kitchen", "mine", "--count", **here).stdout == "16\n"
    elidefs("cp", "kitchen", "v1/ep000000.json", tmp_path / "out", **here)
    assert elidefs("root", "list", "kitchen", **here).stdout == f"1 {SAMPLE} (trusted)\n"
    (tmp_path / "mnt").mkdir()
    elidefs("mount", "kitchen", "mnt", "--cache", tmp_path / "cache", **here)
    try:
        assert (tmp_path / "mnt/v1/ep000000.json").read_bytes() == (tmp_path / "out/ep000000.json").read_bytes()
    finally:
        unmount(tmp_path / "mnt")
    done = elidefs("log", "./kitchen", check=False, **here)
    assert done.returncode == 1 and f"{tmp_path}/kitchen" in done.stderr


@pytest.fixture
def moved(sample_copy, dataset, tmp_path):
    """A data set whose recordings were moved to another disk after the import: the folder they lie in now."""
    elidefs("import", dataset, sample_copy)
    return sample_copy.rename(tmp_path / "archive")


def test_recordings_that_were_moved_are_read_where_they_are_now(moved, dataset, tmp_path):
    assert elidefs("cp", dataset, "v1/ep000000.top.mp4", tmp_path / "out", check=False).returncode == 1
    done = elidefs("root", "set", dataset, "1", moved)
    assert done.stdout == f"1 {moved} (trusted)\n"
    elidefs("cp", dataset, "v1/ep000000.top.mp4", tmp_path / "out")
    assert elidefs("root", "set", dataset, "1", moved).stdout == done.stdout, "twice is fine"
    elidefs("cp", dataset, "v1/ep000001.top.mp4", tmp_path / "out")


def test_who_has_not_trusted_the_new_place_is_told_what_to_type(moved, dataset, tmp_path):
    elidefs("root", "set", dataset, "1", moved)
    stranger = os.environ | {"HOME": str(tmp_path / "stranger")}
    done = elidefs("cp", dataset, "v1/ep000000.top.mp4", tmp_path / "out", env=stranger, check=False)
    command = re.search(r"type: (elidefs trust .*)$", done.stderr.strip())
    assert done.returncode == 1 and command, done.stderr
    assert elidefs("root", "list", dataset, env=stranger).stdout == f"1 {moved} (not trusted)\n"
    assert elidefs("trust", dataset, env=stranger).stdout == f"{moved}\n"
    run(ELIDEFS, *shlex.split(command[1])[1:], env=stranger)
    elidefs("cp", dataset, "v1/ep000000.top.mp4", tmp_path / "out", env=stranger)
    assert elidefs("trust", dataset, env=stranger).stdout == ""


@pytest.fixture
def scattered(dataset, tmp_path):
    """A data set whose recordings lie in three folders, and a stranger who did not import it."""
    for number, name in enumerate(("here/a", "my disk", "other")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / f"k{number}.bin").write_bytes(name.encode())
        elidefs("import", dataset, tmp_path / name)
    (tmp_path / "stranger").mkdir()
    return os.environ | {"HOME": str(tmp_path / "stranger")}


def test_all_places_that_are_not_trusted_are_told_in_one_message(scattered, dataset, tmp_path):
    (tmp_path / "mnt").mkdir()
    places = f"{tmp_path}/here/a '{tmp_path}/my disk' {tmp_path}/other"
    message = (f"elidefs: {dataset} reads from 3 places outside it which you have not trusted; for one mount there is -o "
               f"trust=URL; to trust them from now on, type: elidefs trust {dataset} {places}\n")
    cache = ("--cache", tmp_path / "cache")
    for command in (("mount", dataset, tmp_path / "mnt"), ("cp", dataset, "v3/k0.bin", tmp_path / "out")):
        done = elidefs(*command, *cache, env=scattered, check=False)
        assert done.returncode == 1 and done.stderr.endswith(message), done.stderr
    three = [word for name in ("here/a", "my disk", "other") for word in ("-o", f"trust={tmp_path}/{name}")]
    elidefs("mount", dataset, tmp_path / "mnt", *cache, *three, env=scattered)
    try:
        assert (tmp_path / "mnt/v3/k1.bin").read_bytes() == b"my disk"
    finally:
        unmount(tmp_path / "mnt")
    run(ELIDEFS, *shlex.split(message.partition("type: elidefs ")[2]), env=scattered)
    elidefs("cp", dataset, "v3", tmp_path / "out", *cache, env=scattered)
    assert sorted(os.listdir(tmp_path / "out")) == sorted(f"k{i}{end}" for i in range(3) for end in (".json", ".bin"))


def test_trust_is_listed_and_taken_back(scattered, dataset, tmp_path):
    def trust(*words, **options):
        return elidefs("trust", dataset, *words, env=scattered, **options)

    done = trust("nowhere", check=False, cwd=tmp_path)
    roots = f"{tmp_path}/here/a, {tmp_path}/my disk, {tmp_path}/other"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1, f"elidefs: {dataset} does not read from {tmp_path}/nowhere: outside it, it reads from {roots}")
    trust(tmp_path / "other", f"{tmp_path}/my disk/")
    assert trust("--list").stdout == (f"{tmp_path}/here/a (not trusted)\n{tmp_path}/my disk (trusted by you)\n"
                                      f"{tmp_path}/other (trusted by you)\n")
    assert trust().stdout == f"{tmp_path}/here/a\n"
    assert trust("--remove", tmp_path / "other").stdout == ""
    assert trust().stdout == f"{tmp_path}/here/a\n{tmp_path}/other\n"
    done = trust("--remove", tmp_path / "other", check=False)
    assert done.returncode == 1 and f"you have not trusted {tmp_path}/other for {dataset}" in done.stderr
    for words in (("--remove",), ("--list", tmp_path / "other"), ("--list", "--remove")):
        done = trust(*words, check=False)
        assert done.returncode == 1 and "expected DATASET [URL]..., DATASET --list" in done.stderr
    (tmp_path / "my disk").rename(tmp_path / "moved")
    elidefs("root", "set", dataset, "2", tmp_path / "moved")
    assert f"{tmp_path}/my disk (trusted by you; nothing is read there)\n" in trust("--list").stdout
    done = elidefs("trust", tmp_path / "none", "/x", env=scattered, check=False)
    assert done.returncode == 1 and "no data set" in done.stderr


@pytest.mark.parametrize("words, says", [
    (("set", "DATASET", "7", "ARCHIVE"), "no root 7"),
    (("set", "DATASET", "one", "ARCHIVE"), "no number of a root"),
    (("set", "DATASET", "1", "/no/such/folder"), "/no/such/folder"),
    (("set", "DATASET"), "expected set DATASET ID URL"),
    (("accept", "DATASET"), "expected accept DATASET PATH"),
    (("show", "DATASET"), "there is no 'show': expected list DATASET"),
])
def test_a_root_that_cannot_be_set_says_why(moved, dataset, words, says):
    given = {"DATASET": dataset, "ARCHIVE": moved}
    done = elidefs("root", *(given.get(word, word) for word in words), check=False)
    assert done.returncode in (1, 2) and says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_other_bytes_at_the_new_place_are_not_read(moved, dataset, tmp_path):
    shutil.copytree(moved, tmp_path / "copy")
    video = tmp_path / "copy/videos/observation.images.top/chunk-000/file-000.mp4"
    video.write_bytes(bytes(video.stat().st_size))
    for name in ("data", "videos/observation.images.wrist_right"):
        shutil.rmtree(tmp_path / "copy" / name)
        (moved / name).rename(tmp_path / "copy" / name)
    done = elidefs("root", "set", dataset, "1", tmp_path / "copy")
    note = [line for line in done.stderr.splitlines() if "cannot be read there" in line]
    assert len(note) == 1 and re.search(r"note: 1 of the 3 recordings .* is not certain to be the same", note[0]), done.stderr
    done = elidefs("cp", dataset, "v1/ep000000.top.mp4", tmp_path / "out", check=False)
    assert done.returncode == 1 and str(video) in done.stderr
    elidefs("cp", dataset, "v1/ep000000.wrist_right.mp4", tmp_path / "out")


def test_a_place_without_the_recordings_is_refused(moved, dataset, tmp_path):
    def refused(place):
        done = elidefs("root", "set", dataset, "1", place, check=False)
        assert done.returncode == 1, done.stdout
        assert elidefs("root", "list", dataset).stdout == f"1 {tmp_path}/source (trusted)\n"
        return done.stderr.splitlines()[-1]

    video = "videos/observation.images.top/chunk-000/file-000.mp4"
    none = f": none of the 3 recordings that were looked for can be read there: {video} {{}}; nothing was changed"
    assert refused(tmp_path) == f"elidefs: {tmp_path}" + none.format("is not there"), "one level off"
    shutil.copytree(moved, tmp_path / "copy")
    for path in filter(pathlib.Path.is_file, (tmp_path / "copy").rglob("*")):
        path.write_bytes(bytes(path.stat().st_size))
    assert refused(tmp_path / "copy") == f"elidefs: {tmp_path}/copy" + none.format(
        "is not certain to be the same: --verify compares it")
    with open(tmp_path / "copy" / video, "ab") as file:
        file.write(b"x")
    assert refused(tmp_path / "copy") == f"elidefs: {tmp_path}/copy" + none.format("has another size")


def test_a_copy_that_was_compared_can_be_moved_again(sample_copy, dataset, tmp_path):
    elidefs("import", dataset, sample_copy)
    shutil.copytree(sample_copy, tmp_path / "copy", copy_function=shutil.copyfile)
    elidefs("root", "set", dataset, "1", tmp_path / "copy", "--verify")
    shutil.rmtree(sample_copy)
    (tmp_path / "copy").rename(tmp_path / "moved")
    assert elidefs("root", "set", dataset, "1", tmp_path / "moved").stdout == f"1 {tmp_path}/moved (trusted)\n"
    assert elidefs("verify", dataset).stdout.endswith("16 of 16 clips can be read\n")


def test_a_copy_at_the_new_place_is_compared_and_read(sample_copy, dataset, tmp_path):
    elidefs("import", dataset, sample_copy)
    shutil.copytree(sample_copy, tmp_path / "copy", copy_function=shutil.copyfile)
    done = elidefs("root", "set", dataset, "1", tmp_path / "copy", "--verify")
    assert done.stdout == f"1 {tmp_path}/copy (trusted)\n" and "6 recordings are the same" in done.stderr, done.stderr
    shutil.rmtree(sample_copy)
    elidefs("cp", dataset, "v1", tmp_path / "out")
    assert len(os.listdir(tmp_path / "out")) == 64
    shutil.copytree(tmp_path / "copy", tmp_path / "third", copy_function=shutil.copyfile)
    elidefs("root", "set", dataset, "1", tmp_path / "third", "--verify")
    shutil.rmtree(tmp_path / "copy")
    elidefs("cp", dataset, "v1/ep000003.top.mp4", tmp_path / "out3", "--cache", tmp_path / "cache3")


def test_a_copy_with_other_bytes_is_refused_and_nothing_changes(sample_copy, dataset, tmp_path):
    elidefs("import", dataset, sample_copy)
    shutil.copytree(sample_copy, tmp_path / "copy")
    for name, size in (("videos/observation.images.top/chunk-000/file-000.mp4", 0), ("data/chunk-000/file-001.parquet", 1)):
        path = tmp_path / "copy" / name
        path.write_bytes(bytes(path.stat().st_size + size))
    (tmp_path / "copy/data/chunk-000/file-000.parquet").unlink()
    done = elidefs("root", "set", dataset, "1", tmp_path / "copy", "--verify", check=False)
    assert done.returncode == 1 and "3 of 6 objects" in done.stderr, done.stderr
    for words in ("has other bytes", "has another size", "is not there", "nothing was changed"):
        assert words in done.stderr
    assert elidefs("root", "list", dataset).stdout == f"1 {sample_copy} (trusted)\n"


def test_status_says_what_makes_reads_slow(sample, tmp_path):
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache", "--cache-size", "1M", "--no-passthrough") as point:
        for name in os.listdir(point / "v1"):
            (point / "v1" / name).read_bytes()
        told = elidefs("status", point).stdout
        assert told.startswith(f"{sample} on {point}\n") and "not handed to the kernel" in told
        assert re.search(r"cache +[\d.]+ [KM]iB of 1.0 MiB in \d+ files in " + re.escape(str(tmp_path / "cache")), told)
        counters = json.loads(elidefs("status", point, "--json").stdout)
        assert {"store_requests", "store_retries", "cache_bytes_fetched"} <= set(counters)
        assert all(type(counters[name]) is int for name in counters if name not in (
            "mountpoint", "dataset", "owner", "state", "cache_folder", "cache_warning", "cache_disk_reason"))
        assert counters["state"] == "serving" and counters["cache_limit_bytes"] == 1 << 20
        wait_until(lambda: [open(point / "v1" / name, "rb").read() for name in os.listdir(point / "v1")] and
                   re.search("slow: +(the cache is too small|nothing is kept)", elidefs("status", point).stdout))
        assert f"cache_folder {tmp_path}/cache" in elidefs("status", point, "--counters").stdout


def test_a_dead_mount_is_named_and_taken_away(sample, tmp_path):
    point = tmp_path / "mnt"
    point.mkdir()
    elidefs("mount", sample, point, "--cache", tmp_path / "cache")
    for pid in filter(str.isdigit, os.listdir("/proc")):  # the guard, which would clean up, first
        with contextlib.suppress(OSError):
            if os.fsencode(point) in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                os.kill(int(pid), signal.SIGKILL)
    if not is_mounted(point):
        pytest.skip("the guard was faster")
    wait_until(lambda: json.loads(elidefs("status", point, "--json", check=False).stdout)["state"] == "dead")
    done = elidefs("status", point, check=False)
    assert done.returncode == 1
    assert f'error    {point} is dead, its daemon has ended: "elidefs umount {point}" takes it away' in done.stdout
    elidefs("umount", point)
    assert not is_mounted(point)


@needs_root
def test_a_mount_of_somebody_else_is_named_as_such(sample, open_folder, tmp_path):
    home = home_of_nobody(open_folder)
    with mounted(sample, open_folder / "mnt", tmp_path / "cache") as point:
        told = as_nobody(ELIDEFS, "status", home=home).stdout
        assert f"error    {point} belongs to root, who has not let others in (-o allow_other)" in told
        done = as_nobody(ELIDEFS, "umount", point, home=home, check=False)
        assert done.returncode == 1 and done.stderr == f"elidefs: {point} belongs to root: only root can unmount it\n"


def test_what_is_not_mounted_is_not_unmounted_and_the_command_to_type_is_told(sample, mount, tmp_path):
    def refused(path):
        done = elidefs("umount", path, check=False)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
        return done.stderr

    assert f"{tmp_path}: no data set is mounted there; data sets are mounted on " in refused(tmp_path)
    assert f'{mount}/v1 lies inside the mount {mount}: "elidefs umount {mount}"' in refused(f"{mount}/v1")
    assert f'{sample} is mounted on {mount}: "elidefs umount {mount}"' in refused(sample)


def test_names_typed_inside_a_mount_stay_as_they_are(mount, sample, tmp_path):
    def locked(path, **where):
        lock = json.loads(elidefs("lock", path, **where).stdout)
        return lock["path"], lock["canonical"]

    (tmp_path / "link").symlink_to(mount)
    assert locked(mount / "latest/arm=left") == ("latest/arm=left", "v1/arm=left")
    assert locked(tmp_path / "link/latest/arm=left") == ("latest/arm=left", "v1/arm=left")
    elidefs("tag", sample, "typed")
    try:
        assert locked(mount / "tags/typed/arm=left") == ("tags/typed/arm=left", "v1/arm=left")
    finally:
        elidefs("untag", sample, "typed")
    shell = os.environ | {"PWD": str(mount / "latest")}
    assert locked("arm=left", cwd=mount / "latest", env=shell) == ("latest/arm=left", "v1/arm=left")
    there = os.environ | {"PWD": str(tmp_path)}  # not the current folder: it is not believed
    assert locked("arm=left", cwd=mount / "latest", env=there) == ("v1/arm=left", "v1/arm=left")


MACHINE = """
set -e
mount --make-rprivate /
mount -t tmpfs t {base}/own
mkdir {base}/own/upper {base}/own/work
mount -t overlay t -o lowerdir=/etc,upperdir={base}/own/upper,workdir={base}/own/work /etc
mount -t tmpfs t /usr/local/bin
cp {elidefs} /usr/local/bin/elidefs
mount -t tmpfs t /mnt
mount -t tmpfs t {home}
mkdir -p /etc/elidefs /mnt/kitchen /mnt/hall
printf '[dataset "hall"]\\nurl = {sample}\\n' > /etc/elidefs/config
HOME={home} elidefs trust hall {source}
echo '{line}' > /etc/fstab
echo '{named}' >> /etc/fstab
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin mount -a
for point in /mnt/kitchen /mnt/hall; do
    {nobody} sha256sum $point/v1/ep000003.top.mp4
    umount $point
done
{unit}
{nobody} sha256sum /mnt/hall/v1/ep000003.top.mp4
{stop}
ls /mnt/kitchen /mnt/hall
"""


@needs_root
def test_the_line_of_fstab_and_the_unit_mount_for_all_users_also_by_a_name_and_without_a_home(sample, mount, open_folder):
    """As at boot, in a mount namespace of its own: README's line, the same with a name from /etc/elidefs/config,
    and what the systemd unit runs."""
    home = pwd.getpwuid(0).pw_dir
    if run("unshare", "-m", "true", check=False).returncode or not os.path.exists("/sbin/mount.fuse") or \
            any(str(path).startswith(home + "/") for path in (ELIDEFS, SAMPLE, sample)) or not os.path.isdir(home):
        pytest.skip("needs mount namespaces, mount.fuse, and a build outside of root's home")
    line = re.search(r"^ {4}(s3://\S+ /mnt/kitchen fuse\.elidefs .*)$", (ROOT / "README.md").read_text(), re.M)[1]
    (open_folder / "own").mkdir()
    script = MACHINE.format(base=open_folder, elidefs=ELIDEFS, home=home, sample=sample, source=SAMPLE,
                            line=line.replace(line.split()[0], str(sample)), nobody=shlex.join(NOBODY), unit="{unit}", stop="{stop}",
                            named=line.replace(line.split()[0], "hall").replace("/mnt/kitchen", "/mnt/hall"))
    unit = (BUILD / "tools/elidefs@.service").read_text()
    start = "\n".join(re.findall(r"^Exec(?:StartPre|Start)=(.*)$", unit, re.M)).replace("${MOUNT_OPTIONS}", "allow_other")
    stop = re.search(r"^ExecStop=(.*)$", unit, re.M)[1]
    script = script.replace("{unit}", re.sub("^", f"env -i PATH=/usr/bin:/bin ELIDEFS_CACHE={open_folder}/own/cache ", start,
                                             flags=re.M)).replace("{stop}", stop).replace("%i", "hall")
    script = re.sub(r"/\S+/bin/elidefs(?= (?:u?mount) )", "/usr/local/bin/elidefs", script)
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ELIDEFS_", "HOME"))}
    done = run("unshare", "-m", "sh", "-c", script, env=bare, check=False)
    if "overlay" in done.stderr:
        pytest.skip("/etc cannot be overlaid here")
    assert done.returncode == 0, done.stderr
    digests = [line.split()[0] for line in done.stdout.splitlines() if ".mp4" in line]
    assert digests == [hashlib.sha256((mount / "v1/ep000003.top.mp4").read_bytes()).hexdigest()] * 3, done.stderr


def test_the_systemd_unit_is_sound(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    text = re.sub(r"(?<==)/\S+/bin/elidefs", str(ELIDEFS), (BUILD / "tools/elidefs@.service").read_text())
    unit = tmp_path / "elidefs@kitchen.service"
    unit.write_text(text)
    assert text.count(str(ELIDEFS)) == 2 and "systemctl enable --now elidefs@NAME" in text
    done = run("systemd-analyze", "verify", "--man=no", unit, check=False)
    told = [line for line in done.stderr.splitlines() if "elidefs@" in line]
    assert not told, done.stderr
