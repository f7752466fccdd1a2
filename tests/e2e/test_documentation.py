# SPDX-License-Identifier: Apache-2.0
"""The commands of README and of the man pages run as they are written; only the places are put below a folder of the test:
s3://lab-data/kitchen is FOLDER/s3/lab-data/kitchen, /mnt/kitchen is FOLDER/mnt/kitchen."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import BUILD, ROOT, SAMPLE, elidefs, is_mounted, run, unmount, wait_until

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

KITCHEN = "s3://lab-data/kitchen"
# What a command needs that its page takes for granted: typed before it.
BEFORE = {
    "elidefs attribute rename": f"elidefs attribute rename {KITCHEN} outcome outcom",
    "elidefs check": f"elidefs lock {KITCHEN} latest/outcome=fail > data.lock",
    "--merge": "for i in $(seq 8); do elidefs import /data/set s3://recordings/2026 --part $i/8; done",
    "elidefs init": f"rm -rf {KITCHEN} /data/kitchen",
    "elidefs tag": f"elidefs untag {KITCHEN} paper-1",
    "elidefs trust": f"elidefs root set {KITCHEN} 1 s3://recordings/kitchen --verify",
}
STUBS = {
    "infer.py": "#!/bin/sh\necho key,outcome\necho ep000014,fail\n",
    "chromium": "#!/bin/sh\ntest -s \"$1\"\n",
}


class Lab:
    """The places that the documentation speaks of, and a data set of thirteen versions."""

    def __init__(self, folder):
        self.folder, self.point = folder, folder / "mnt" / "kitchen"
        self.sets = [folder / "s3/lab-data/kitchen", folder / "data/kitchen", folder / "data/set"]
        for name in ("mnt/kitchen", "data", "scratch", "nvme", "here", "bin", "s3/recordings/2026/ep000001"):
            (folder / name).mkdir(parents=True)
        for name in ("robots/kitchen", "s3/archive/kitchen", "s3/recordings/kitchen"):
            shutil.copytree(SAMPLE, folder / name)
        shutil.copy(next(SAMPLE.glob("videos/*/*/*.mp4")), folder / "s3/recordings/2026/ep000001/front.mp4")
        for name, text in STUBS.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        self.write_tables(folder / "here")
        self.make_sets()

    def write_tables(self, here):
        arms, outcomes, objects = ("left", "right", "both"), ("fail", "success", "aborted"), ("cube", "ball", "deformable")
        rows = [f"{i},{arms[i % 3]},{outcomes[i // 3 % 3]},{objects[i % 2]},{90 + i},{i / 2}" for i in range(14)]
        rows += ["14,left,fail,deformable,120,3", "15,left,,cube,80,2"]
        (here / "labels.csv").write_text("episode_index,arm,outcome,object,mass_g,force\n" + "\n".join(rows) + "\n")
        (here / "outcomes.csv").write_text("key,outcome\nep000015,success\n")
        (here / "events.csv").write_text("key,label,start,end\nep000014,grasp,0.5,1\n")
        parquet.write_table(pyarrow.table({"key": ["ep000003"], "label": ["slip"], "start": [0.2], "end": [0.4]}),
                            here / "events.parquet")
        video = self.folder / "robots/kitchen" / next(SAMPLE.glob("videos/*/*/*.mp4")).relative_to(SAMPLE)
        (here / "clips.jsonl").write_text(
            '{"key":"one","operator":7,"streams":{"observation.images.top":{"url":"%s"}}}\n' % video)

    def make_sets(self):
        kitchen = self.sets[0]
        kitchen.mkdir(parents=True)
        elidefs("init", kitchen)
        elidefs("import", kitchen, self.folder / "robots/kitchen", "--table", self.folder / "here/labels.csv")
        for version in range(2, 14):
            elidefs("annotate", kitchen, "-", "--by", "anna", input=f"key,note\nep000000,{version}\n")
        elidefs("tag", kitchen, "paper-1", "v11")
        elidefs("tag", kitchen, "stable", "v12")
        shutil.copytree(kitchen, self.folder / "kept")
        elidefs("init", self.sets[2])
        shutil.copytree(self.sets[2], self.folder / "kept-empty")

    def restore(self):
        if is_mounted(self.point):
            unmount(self.point)
        for folder, kept in zip(self.sets, ("kept", "kept", "kept-empty")):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(self.folder / kept, folder)

    def placed(self, text):
        text = text.replace("ep000123", "ep000014")  # the sample is small
        text = re.sub(r"(?<![\w/.])/(mnt|robots|data|scratch|nvme)\b", rf"{self.folder}/\1", text)
        return text.replace("s3://", f"{self.folder}/s3/")

    def type(self, command):
        """As written, in a shell."""
        if re.search(r"(?<!\w)/mnt/kitchen", command) and "elidefs mount" not in command and not is_mounted(self.point):
            elidefs("mount", self.sets[0], self.point, "--cache", self.folder / "cache")
        path = f"{self.folder}/bin:{BUILD}/tools:{os.environ['PATH']}"
        return run("bash", "-c", self.placed(command), check=False, cwd=self.folder / "here",
                   stdin=subprocess.DEVNULL, env=os.environ | {"PATH": path, "ELIDEFS_CACHE": str(self.folder / "cache")})


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.restore()


@pytest.fixture(autouse=True)
def restored(lab):
    lab.restore()


def sessions():
    """Each block of README in which commands are typed: [(command, [line shown, ...]), ...]."""
    for block in re.split(r"\n(?! {4}|\n)", (ROOT / "README.md").read_text()):
        typed = []
        for line in re.findall(r"^ {4}(.*)$", block, re.M):
            if line.startswith("$ "):
                typed.append((line[2:], []))
            elif typed:
                typed[-1][1].append(line)
        if typed:
            yield typed


def pages():
    """Each example of each command's page."""
    commands = re.findall(r"^  (\w+) ", elidefs("--help").stdout, re.M)
    for command in commands:
        examples = elidefs(command, "--help").stdout.partition("\nExamples:\n")[2]
        yield from re.findall(r"^  (\S.*)$", examples, re.M)


@pytest.mark.parametrize("typed", list(sessions()), ids=lambda typed: typed[0][0][:40])
def test_a_session_of_readme_runs_as_written(lab, typed):
    if typed[0][0].startswith("elidefs init"):
        lab.type(BEFORE["elidefs init"])
    for command, shown in typed:
        done = lab.type(command.replace(" ...", " -f null -") if command.startswith("ffmpeg") else command)
        fails = [line for line in shown if line.startswith(("elidefs: ", "ls: "))]
        assert bool(done.returncode) == bool(fails), f"{command}\n{done.stdout}{done.stderr}"
        assert done.stderr == "".join(lab.placed(line) + "\n" for line in fails) or not fails, command
        if typed[0][0].startswith("elidefs init") and any(re.fullmatch(r"v\d+(/.*)?", line) for line in shown):
            assert done.stdout.splitlines() == shown, command


def test_readme_has_sessions_and_pages_have_examples():
    assert len(list(sessions())) >= 3 and len(list(pages())) >= 25
    for command in re.findall(r"^  (\w+) ", elidefs("--help").stdout, re.M):
        page = elidefs(command, "--help").stdout
        assert f"\nExamples:\n  elidefs {command}" in page, command
        assert max(map(len, page.splitlines())) <= 110, command


def test_the_examples_of_the_man_pages_run_as_written(lab):
    failed = []
    for command in pages():
        if "fuse.elidefs" in command:
            continue  # a line of fstab(5)
        lab.restore()
        for begins, before in BEFORE.items():
            if begins in command:
                lab.type(before)
        if "--foreground" in command:
            lab.type(command + " >/dev/null 2>&1 &")
            wait_until(lambda: is_mounted(lab.point))
            continue
        done = lab.type(command)
        if done.returncode:
            failed.append(f"{command}\n{done.stdout}{done.stderr}")
    assert not failed, "\n".join(failed)


def test_the_page_on_paths_has_all_that_the_grammar_says():
    page = BUILD / "tools/elidefs-paths.scd"
    if not page.exists():
        pytest.skip("built without scdoc")
    lines = set(page.read_text().splitlines())
    said = (ROOT / "query/GRAMMAR.md").read_text().splitlines()
    assert not {line[4:].rstrip() for line in said if line.startswith("    ")} - lines
    assert not {f"# {line[3:].upper()}" for line in said if line.startswith("## ")} - lines
    rows = [line for line in lines if re.match(r"[|\[]\[ ", line)]
    assert len(rows) == sum(line.startswith("|") and not line.startswith("|---") for line in said)
    assert (page.with_suffix(".7")).stat().st_size > 10000
