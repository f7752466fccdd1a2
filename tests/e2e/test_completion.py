# SPDX-License-Identifier: Apache-2.0
"""Completion of command lines: real shells on a terminal, with the keys a person would press."""
import contextlib
import os
import pty
import re
import shutil
import subprocess
import threading

import pytest

from conftest import ELIDEFS, ROOT, SAMPLE, elidefs, mounted, run, wait_until

SCRIPTS = ROOT / "tools" / "completion"
STOCK = ["bash", "--norc", "--noprofile", "-i"], ":"  # nothing of ours
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], f". '{SCRIPTS}/elidefs.bash'"),
    "zsh": (["zsh", "-f", "-i"], f"fpath=('{SCRIPTS}' $fpath); autoload -U compinit; compinit -u -D; unsetopt nomatch"),
}


@pytest.fixture
def named(sample, tmp_path, monkeypatch):
    """The sample under the name "kitchen", and elidefs on the PATH."""
    (tmp_path / "elidefs").mkdir()
    (tmp_path / "elidefs/config").write_text(f'[dataset "kitchen"]\nurl = {sample}\n[dataset "hall"]\nurl = /none\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("ELIDEFS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{ELIDEFS.parent}:{os.environ['PATH']}")
    return sample


@contextlib.contextmanager
def terminal(shell, folder):
    """Types into a shell on a terminal of its own."""
    command, setup = START.get(shell, STOCK)
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "vt100", "PS1": "$ ", "HOME": str(folder), "HISTFILE": ""}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=folder,
                               start_new_session=True)
    os.close(theirs)
    seen = bytearray()

    def read():
        with contextlib.suppress(OSError):
            while got := os.read(ours, 4096):
                seen.extend(got)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()

    def type_keys(text):
        os.write(ours, text.encode())

    type_keys(setup + "; echo rea''dy > ready\n")
    wait_until(lambda: (folder / "ready").exists() or process.poll() is not None)
    try:
        yield type_keys, seen
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def typed(shell, keys, folder):
    """What the line of keys, with its completions, wrote into "out"."""
    out = folder / "out"
    with terminal(shell, folder) as (type_keys, seen):
        type_keys(f"{keys} > out.new && mv out.new out\n")
        wait_until(lambda: out.exists() or b"elidefs:" in seen or b"usage" in seen)
    assert out.exists(), seen.decode(errors="replace")
    return out.read_text()


@pytest.mark.parametrize("shell", START)
@pytest.mark.parametrize("keys, wanted", [
    ("elidefs que\tkitc\tv1/outc\tfa\t--cou\t", "8\n"),
    ("elidefs query --cou\tkitc\tv1/arm=left/outc\tfa\t", "4\n"),
    ("elidefs log\tkit\t--fi\tex\t| wc -l", "1\n"),
    ("elidefs query kitchen v1/outcome.ne\tfa\t--cou\t", "8\n"),
    ("elidefs query kitchen --whe\tarm=ri\t--cou\t", "8\n"),
    ("elidefs query kitchen --whe\tarm=ri\tv1 --cou\t", "8\n"),
    ("elidefs query grown v2/@si\t--cou\t", "1\n"),
    ("elidefs query grown v2/arm=left/@since=v\t--cou\t", "0\n"),
    ("elidefs untag kitchen ol\t; elidefs tag kitchen", ""),
    ("elidefs diff kitchen v\tlat\tarm=l\t--st\t", "clips: no difference\nattributes: no difference\n"),
])
def test_a_line_completed_with_tab_is_the_line_that_was_meant(named, shell, keys, wanted, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "home").mkdir()
    if "untag" in keys:
        elidefs("tag", "kitchen", "older")
    if "grown" in keys:
        shutil.copytree(named, tmp_path / "grown")
        with open(tmp_path / "elidefs/config", "a") as config:
            config.write(f'[dataset "grown"]\nurl = {tmp_path}/grown\n')
        elidefs("annotate", "grown", "-", "--by", "anna", input="key,note\nep000000,x\n")
    got = typed(shell, keys, tmp_path / "home")
    assert got.strip() == wanted.strip()


@pytest.mark.parametrize("keys, wanted", [
    ("ls mnt/v1/.by/ar\tle\t*.json | wc -l", "8\n"),
    ("cat mnt/v1/.by/outc\tfa\t.by/obj\tdef\t.elidefs/cou\t", "2\n"),
    ("ls mnt/v1/.by/length/110\t.by/outcome/suc\t*.json | wc -l", "1\n"),
    ("cat mnt/v1/outcome\\=fail/.by/obj\tdef\t.elidefs/cou\t", "2\n"),
    ("cat 'mnt/v1/outcome=fail/.by/obj\tdef\t.elidefs/cou\t", "2\n"),
    ("COMP_WORDBREAKS=${COMP_WORDBREAKS//=}\ncat mnt/v1/outcome=fail/.by/obj\tdef\t.elidefs/cou\t", "2\n"),
])
def test_stock_bash_completes_folders_by_key_and_value(mount, keys, wanted, tmp_path):
    (tmp_path / "mnt").symlink_to(mount)
    assert typed("stock", keys, tmp_path) == wanted


def test_zsh_completes_below_names_that_are_not_listed_where_it_takes_folders_as_they_are(mount, tmp_path):
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed")
    (tmp_path / "mnt").symlink_to(mount)
    style = "zstyle ':completion:*' accept-exact-dirs true\n"
    assert typed("zsh", style + "cat mnt/v1/outcome=fail/.by/obj\tdef\t.elidefs/cou\t", tmp_path) == "2\n"


def test_fish_completes_below_a_condition(mount, tmp_path):
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    (tmp_path / "mnt").symlink_to(mount)
    found = run("fish", "--no-config", "-c", 'complete -C "ls mnt/v1/outcome=fail/.by/obj"', cwd=tmp_path).stdout
    assert found.split("\t")[0].strip() == "mnt/v1/outcome=fail/.by/object/"


def test_fish_suggests_the_same(named, tmp_path):
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    script = f'source "{SCRIPTS}/elidefs.fish"; complete -C "elidefs query kitchen v1/arm="; complete -C "elidefs log"'
    lines = run("fish", "--no-config", "-c", script, env=os.environ | {"HOME": str(tmp_path)}).stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["v1/arm=left", "v1/arm=right", "log"]


def complete(*words):
    return [line.split("\t")[0] for line in run(ELIDEFS, "--complete", *words).stdout.splitlines()]


def test_commands_options_and_their_values(named):
    commands = complete("")
    listed = [line.split()[0] for line in elidefs("--help").stdout.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    assert commands == listed
    for command in commands:
        told = elidefs(command, "--help").stdout
        for option in complete(command, "--"):
            assert option in told, (command, option)
    assert complete("log", "kitchen", "--f") == ["--fill"]
    assert complete("log", "kitchen", "--fill", "e") == ["exact"]
    assert complete("mount", "kitchen", "/mnt", "-o", "allow_other,u") == ["allow_other,uid=", "allow_other,umask="]
    assert complete("log", "--cache", "") == [":folders"]
    assert complete("nonsense", "") == []


def test_data_sets_versions_and_paths(named, tmp_path):
    assert complete("log", "") == [":folders", "kitchen", "hall"]
    assert complete("query", "kitchen", "") == ["latest/", "v1/"]
    assert complete("query", "kitchen", "v1/a") == ["v1/arm="]
    assert complete("query", "kitchen", "v1/arm=right/arm=") == ["v1/arm=right/arm=right"]
    assert complete("query", "kitchen", "v1/nothing=") == []
    assert complete("query", "hall", "v1/") == []
    assert complete("root", "") == ["list", "set", "add", "accept"]
    assert complete("root", "list", "k") == [":folders", "kitchen"]


def test_every_argument_has_its_own(named, dataset, tmp_path):
    elidefs("tag", named, "stable")
    try:
        assert complete("untag", "kitchen", "") == ["stable"]
        assert complete("tag", "kitchen", "x", "") == ["latest", "stable", "v1"]
        assert complete("diff", "kitchen", "s") == ["stable"]
        assert complete("diff", "kitchen", "v1", "st") == ["stable/"]
        assert complete("diff", "kitchen", "v1", "v1/arm=l") == ["v1/arm=left"]
    finally:
        elidefs("untag", named, "stable")
    assert complete("attribute", "") == ["list", "rename", "describe", "drop"]
    assert complete("attribute", "rename", "kitchen", "outc") == ["outcome"]
    assert complete("blame", "kitchen", "ep000000", "outc") == ["outcome"]
    assert complete("blame", "kitchen", "v1/ep000000.t") == ["v1/ep000000.top.mp4"]
    assert complete("root", "set", "kitchen", "") == ["1"]
    assert complete("check", "") == [":files"]
    assert complete("check", "--against", "") == ["latest"]
    assert complete("import", "kitchen", "src", "--set", "ou") == ["outcome="]
    assert complete("import", "kitchen", "src", "--set", "outcome=f") == ["outcome=fail"]
    assert complete("query", "kitchen", "--where", "outcome=f") == ["outcome=fail"]
    assert complete("help", "qu") == ["query"]
    assert complete("--v") == ["--version"]
    assert complete("import", "kitchen", "src", "--copy") == ["--copy", "--copy=open", "--copy=link"]
    assert complete("log", "--fill=e") == ["--fill=exact"]
    elidefs("init", tmp_path / "empty")
    assert complete("query", tmp_path / "empty", "") == complete("query", tmp_path / "empty", "v1/arm") == []


def test_operators_and_their_values(named):
    operators = [word.split(".")[1] for word in complete("query", "kitchen", "v1/mass_g.")]
    assert operators == ["ne=", "in=", "nin=", "lt=", "le=", "gt=", "ge=", "rng=", "prefix=", "suffix=", "has=", "null="]
    assert complete("query", "kitchen", "v1/outcome.p") == ["v1/outcome.prefix="]
    assert complete("query", "kitchen", "v1/outcome.ne=f") == ["v1/outcome.ne=fail"]
    assert complete("query", "kitchen", "v1/outcome.in=fail,s") == ["v1/outcome.in=fail,success"]
    assert complete("query", "kitchen", "v1/outcome.null=") == ["v1/outcome.null=0", "v1/outcome.null=1"]
    assert complete("query", "kitchen", "arm=l") == ["arm=left"]
    for word in complete("query", "kitchen", "v1/outcome=fail+arm="):
        assert elidefs("query", "kitchen", word, "--count").stdout != "0\n"


README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_of_readme_turns_it_on(named, shell, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    line = re.search(rf"^    {shell}  +(\S.*)$", README, re.M)[1].strip()
    line = re.sub(r"/usr/local/share/[a-z./_-]+/elidefs(?=$|\s)", f"{SCRIPTS}/elidefs.bash", line)
    line = re.sub(r"/usr/local/share/[a-z./_-]+/elidefs.fish", f"{SCRIPTS}/elidefs.fish", line)
    line = line.replace("/usr/local/share/zsh/site-functions", str(SCRIPTS)).replace("compinit;", "compinit -u -D;")
    asks = {"bash": "complete -p elidefs", "zsh": "print $_comps[elidefs]", "fish": "complete -C 'elidefs que'"}[shell]
    flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = run(shell, *flags, "-c", f"{line}; {asks}", env=os.environ | {"HOME": str(tmp_path)})
    assert {"bash": "-F _elidefs elidefs", "zsh": "_elidefs", "fish": "query"}[shell] in done.stdout, done.stderr


def test_a_path_inside_a_mount(named, tmp_path):
    with mounted(named, tmp_path / "mnt", tmp_path / "cache", "-o", f"trust={SAMPLE}") as point:
        assert complete("explain", f"{point}/v1/arm=l") == [":folders", f"{point}/v1/arm=left"]
        assert complete("umount", str(point)) == [str(point)]
        assert str(point) in complete("status", "")
