# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, told what to do through its DevTools pipe (file descriptors 3 and 4, messages end with NUL)."""
import contextlib
import json
import os
import select
import shutil
import subprocess
import time

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SECONDS = 120  # for a slow machine; nothing waits that long where things work
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
           "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
           "--autoplay-policy=no-user-gesture-required", "--mute-audio", "--window-size=1200,1600",
           "--remote-debugging-pipe"]


class Browser:
    def __init__(self, to, came, log):
        self.to, self.came, self.log, self.rest, self.number = to, came, log, b"", 0
        self.target = self.session = None

    def _read(self, end):
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.came], [], [], max(0, end - time.monotonic()))
            piece = os.read(self.came, 1 << 16) if ready else b""
            assert piece, "the browser ended or says nothing: " + open(self.log, errors="replace").read()[-2000:]
            self.rest += piece
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + SECONDS
        while (answer := self._read(end)).get("id") != self.number:
            pass  # events
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, url):
        """This page in a fresh tab, loaded; the one before it is closed."""
        self.close()
        self.target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Page.addScriptToEvaluateOnNewDocument", source="""
            window.refused = [];
            document.addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective + ' ' + e.blockedURI));
            window.addEventListener('error', e => { if (e.message) refused.push(e.message); });""")
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def close(self):
        """The tab, if one is open."""
        target, self.target, self.session = self.target, None, None
        if target:
            self.call("Target.closeTarget", targetId=target)

    def value(self, expression):
        """Of a JavaScript expression; a promise is awaited."""
        done = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def until(self, expression):
        end = time.monotonic() + SECONDS
        while not self.value(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)


@contextlib.contextmanager
def started(folder):
    """A browser with a profile of its own in `folder`."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    command = [PROGRAM, *OPTIONS, f"--user-data-dir={folder / 'profile'}"]
    with open(folder / "chromium.log", "wb") as log:
        process = subprocess.Popen(["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{from_write}', "-", *command],
                                   pass_fds=(to_read, from_write), stdout=log, stderr=log, start_new_session=True)
    os.close(to_read), os.close(from_write)
    try:
        yield Browser(to_write, from_read, folder / "chromium.log")
    finally:
        os.close(to_write), os.close(from_read)  # a browser whose pipe is closed ends
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
