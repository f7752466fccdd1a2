# SPDX-License-Identifier: Apache-2.0
"""`.elidefs/index.html` in a real browser, from file://: the clips play, the labels are text, nothing else is asked."""
import json
import os
import shutil
import subprocess
import urllib.parse

import pytest

import browser
from conftest import elidefs, mounted

make_lerobot = pytest.importorskip("make_lerobot")

PAGE = ".elidefs/index.html"
needs_browser = pytest.mark.skipif(not browser.PROGRAM, reason="no Chromium on this machine (Debian package chromium)")
FIRST = "document.querySelector('video')"


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with browser.started(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture
def tab(started):
    """Closed before what it shows is unmounted."""
    yield started
    started.close()


@pytest.fixture(scope="module")
def h264(tmp_path_factory):
    """Three episodes in one H.264 recording, with events, mounted."""
    base = tmp_path_factory.mktemp("h264")
    source = make_lerobot.make(base / "source", ("-c:v", "libx264", "-preset", "veryfast", "-g", "12"), (40, 25, 33))
    (base / "set").mkdir()
    elidefs("init", base / "set")
    elidefs("import", base / "set", source, "--set", "place=<b>here</b>")
    events = "key,label,start,end\nep000000,grasp,0.2,0.5\nep000000,grasp,0.8,1\nep000000,slip & <i>fall</i>,0.5,0.6\n"
    elidefs("annotate", base / "set", "-", "--by", "</script><script>", input=events)
    with mounted(base / "set", base / "mnt", base / "cache") as point:
        yield point


def shown(point, path=""):
    """The JSON in the page."""
    page = (point / path / PAGE).read_text()
    return json.loads(page.partition('id="data">')[2].partition("</script>")[0])


def plays(tab, codecs, point):
    tab.open((point / PAGE).as_uri())
    if not tab.value(f"document.createElement('video').canPlayType('video/mp4; codecs=\"{codecs}\"')"):
        pytest.skip(f"this Chromium was built without {codecs}")
    tab.until(f"{FIRST}.readyState >= 2 || {FIRST}.error")
    assert tab.value(f"{FIRST}.error && {FIRST}.error.message") is None
    assert tab.value(f"[{FIRST}.videoWidth, {FIRST}.videoHeight]")[0] > 0
    tab.value(f"{FIRST}.play()")
    tab.until(f"{FIRST}.currentTime > 0.1")
    assert tab.value("refused") == []


def test_a_page_has_the_size_that_stat_says_and_is_the_same_each_time(h264, mount):
    for point, path in (h264, "v2"), (mount, "v1"), (mount, "v1/arm=left/arm=right"), (mount, "v1/outcome=fail"):
        page = point / path / PAGE
        data = page.read_bytes()
        assert os.stat(page).st_size == len(data) and page.read_bytes() == data
        assert data.startswith(b"<!DOCTYPE html>") and data.endswith(b"</html>\n")
    assert "index.html" in os.listdir(mount / "v1/.elidefs")


def test_a_page_holds_the_clips_of_its_folder(mount):
    data = shown(mount, "v1/arm=left/outcome=fail")
    assert (data["version"], data["path"], data["clips"]) == (1, "arm=left/outcome=fail", len(data["list"]))
    names = [name for clip in data["list"] for name, _ in clip["files"]]
    assert sorted(names) == sorted(os.listdir(mount / "v1/arm=left/outcome=fail"))
    for clip in data["list"]:
        assert ["arm", "left"] in clip["labels"] and all(
            os.stat(mount / "v1" / name).st_size == size for name, size in clip["files"])


def test_a_page_names_nothing_outside(mount):
    page = (mount / "v1" / PAGE).read_text()
    assert "http:" not in page and "https:" not in page and "//cdn" not in page
    assert "default-src 'none'" in page and "unsafe" not in page


@needs_browser
def test_h264_clips_play(tab, h264):
    plays(tab, "avc1.42E01E", h264 / "v2")


@needs_browser
def test_av1_clips_play(tab, mount):
    plays(tab, "av01.0.04M.08", mount / "v1/arm=left")


@needs_browser
def test_labels_and_events_are_shown_as_text(tab, h264):
    tab.open((h264 / "v2" / PAGE).as_uri())
    assert tab.value("document.title") == "v2" and tab.value("document.querySelector('#count').textContent") == "3 clips"
    assert "place" in tab.value("document.querySelector('dl').textContent")
    assert "<b>here</b>" in tab.value("document.querySelector('dl').textContent")
    assert tab.value("[...document.querySelectorAll('.lane b')].map(e => e.textContent)") == [
        "grasp (</script><script>)", "slip & <i>fall</i> (</script><script>)"]
    assert tab.value("document.querySelector('.lane').querySelectorAll('button').length") == 2
    assert tab.value("document.querySelector('main').querySelectorAll('b b, dd b, i i, script').length") == 0
    left = tab.value("parseFloat(document.querySelector('.lane button').style.left)")
    assert left == pytest.approx(100 * 0.2 / (40 / 30), abs=0.5)
    tab.until(f"{FIRST}.readyState >= 1")
    tab.value("document.querySelectorAll('.lane button')[1].click()")
    tab.until(f"Math.abs({FIRST}.currentTime - 0.8) < 0.01")
    assert tab.value("refused") == []


@needs_browser
def test_hostile_names_are_links_to_their_files_and_nothing_else(tab, dataset, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    names = ['"><img src=x onerror=hit()>', "a#b?c&d", "100% of it", "javascript:alert(1)", "ein Stück"]
    first = source / f"{names[0]}.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=1", "-c:v",
                    "libx264", "-pix_fmt", "yuv420p", f"file:{first}"], check=True)
    for name in names[1:]:
        shutil.copy(first, source / f"{name}.mp4")
    elidefs("import", dataset, source, "--set", "note=</script><img src=x onerror=hit()>")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        tab.open((point / "v1" / PAGE).as_uri())
        assert tab.value("document.querySelectorAll('img').length") == 0 and tab.value("refused") == []
        assert tab.value("document.querySelectorAll('article').length") == len(names)
        links = tab.value("[...document.querySelectorAll('.files a')].map(a => a.href)")
        paths = [urllib.parse.urlsplit(link) for link in links]
        assert sorted(urllib.parse.unquote(path.path) for path in paths) == sorted(
            str(point / "v1" / name) for name in os.listdir(point / "v1"))
        assert all(path.scheme == "file" and not path.query and not path.fragment for path in paths)
        tab.until("[...document.querySelectorAll('video')].filter(v => v.getAttribute('src')).every(v => v.readyState >= 1)")
        assert tab.value("document.querySelectorAll('.failed').length") == 0
        tab.close()


@needs_browser
def test_many_clips_are_pages_and_only_what_is_near_is_fetched(tab, mount):
    tab.open((mount / "v1" / PAGE).as_uri())
    keys = "[...document.querySelectorAll('h2')].map(e => e.textContent)"
    first = tab.value(keys)
    assert len(first) == 10 and tab.value("document.querySelector('#page').textContent") == "1 / 2"
    tab.until(f"{FIRST}.getAttribute('src')")
    assert tab.value("[...document.querySelectorAll('video')].some(v => !v.getAttribute('src'))")
    tab.value("document.querySelector('#on').click()")
    second = tab.value(keys)
    assert len(second) == 6 and len({*first, *second}) == 16 and tab.value("document.querySelector('#on').disabled")
    tab.value("(e => { e.value = 'ARM=left cube'; e.dispatchEvent(new Event('input')); })(document.querySelector('#find'))")
    wanted = elidefs("query", mount / "v1/arm=left/object=cube").stdout.split()
    assert tab.value(keys) == wanted
