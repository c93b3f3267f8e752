# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real browser without a screen, driven through the Chrome DevTools protocol (devtools-protocol, "tot")."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websocket

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 60.0
ANSWER_SECONDS = 60.0
MISSING = "no browser: install Debian's with `apt-get install chromium`, or name one in CHROMIUM"


class NoBrowser(Exception):
    """There is none on this machine."""


@dataclass
class Tab:
    """One tab; what it said meanwhile is kept."""

    socket: websocket.WebSocket
    events: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its answer."""
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": params}))
        while True:
            message = self._next()
            if message.get("id") == self.sent:
                assert "error" not in message, f"{method}: {message['error']}"
                return dict(message["result"])

    def open(self, page: Path, *, width: int = 1440, height: int = 900, dark: bool = False, media: str = "") -> None:
        """Load a file into a window of this size, in this colour scheme; `media` is print or nothing."""
        self.events.clear()
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 700
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.command("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._next()

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self.command("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press a key and let it go."""
        for kind in ("rawKeyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def complaints(self) -> list[str]:
        """What stands in the console: errors, warnings, and what a policy has refused."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self.events if event["method"] in kinds]

    def requests(self) -> list[str]:
        """What was asked for, beside the page itself."""
        sent = (event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent")
        urls = [str(one["request"]["url"]) for one in sent if one["type"] != "Document"]
        return [url for url in urls if not url.startswith("data:")]

    def screenshot(self, path: Path) -> None:
        """The window as a PNG."""
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"]))

    def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv())
        if "method" in message:
            self.events.append(message)
        return message


def program() -> str:
    """The browser's program; NoBrowser says how to get one."""
    wanted = os.environ.get("CHROMIUM", "")
    found = next(filter(None, map(shutil.which, [wanted] if wanted else PROGRAMS)), None)
    if found is None:
        raise NoBrowser(MISSING if not wanted else f"CHROMIUM is {wanted}: there is no such program")
    return found


@contextmanager
def a_tab() -> Iterator[Tab]:
    """A browser of its own with one tab, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as home:
        arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--no-first-run", "--remote-debugging-port=0", f"--user-data-dir={home}", "about:blank",
        ]  # fmt: skip
        with (Path(home) / "log").open("wb") as log:
            browser = subprocess.Popen([program(), *arguments], stdout=log, stderr=log)
            try:
                yield _connected(browser, Path(home))
            finally:
                browser.terminate()
                try:
                    browser.wait(10)
                except subprocess.TimeoutExpired:
                    browser.kill()
                    browser.wait()


def _connected(browser: subprocess.Popen[bytes], home: Path) -> Tab:
    ready = home / "DevToolsActivePort"
    deadline = time.monotonic() + START_SECONDS
    while not (ready.exists() and ready.read_text().count("\n")):
        if browser.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the browser did not start: {(home / 'log').read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
    port = ready.read_text().split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=ANSWER_SECONDS) as answer:
        target = next(one for one in json.load(answer) if one["type"] == "page")
    tab = Tab(websocket.create_connection(target["webSocketDebuggerUrl"], timeout=ANSWER_SECONDS, suppress_origin=True))
    for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "DOM"):
        tab.command(f"{domain}.enable")
    return tab
