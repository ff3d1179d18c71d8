"""The built book in Firefox: pages load without a fault, draw their formulas, mount their widgets.

The browser is told what to do by WebDriver BiDi (https://w3c.github.io/webdriver-bidi), which any
Firefox speaks, so that no driver is needed. Without Firefox these tests are skipped.
"""

import asyncio
import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_site import IMAGE_FAULTS, NARROW, PAGES, SITE, WIDE, address, site  # noqa: F401
from tornado.websocket import WebSocketClientConnection, websocket_connect

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
EVENTS = ["log.entryAdded", "network.fetchError", "network.beforeRequestSent"]
READY = """(async () => {
  await window.MathJax?.startup.promise;
  for (const image of document.images) image.loading = "eager";
  for (let k = 0; k < 100 && ![...document.images].every((i) => i.complete); k++)
    await new Promise((resolve) => setTimeout(resolve, 100));
})()"""
FOUND = f"""JSON.stringify({{
  images: ({IMAGE_FAULTS})(),
  raw: [...document.querySelectorAll(".math")].filter((m) => !m.querySelector("mjx-container"))
    .length,
  stored: document.querySelectorAll('script[type$="widget-view+json"]').length,
  shown: document.querySelectorAll(".widget-subarea > :not(:empty)").length,
  wide: document.documentElement.scrollWidth - innerWidth,
}})"""


class Firefox:
    """A session: commands are answered in turn, and faults noted as they come."""

    def __init__(self, socket: WebSocketClientConnection, loop: asyncio.AbstractEventLoop) -> None:
        self.socket, self.loop, self.numbers = socket, loop, itertools.count(1)
        self.faults: list[str] = []
        self.local = ""
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=EVENTS)
        self.context = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def call(self, method: str, **params: Any) -> Any:
        number = next(self.numbers)
        sent = json.dumps({"id": number, "method": method, "params": params})
        return self.loop.run_until_complete(asyncio.wait_for(self._answer(sent, number), 60))

    async def _answer(self, sent: str, number: int) -> Any:
        await self.socket.write_message(sent)
        while True:
            message = await self.socket.read_message()
            assert message is not None, "Firefox has gone"
            told = json.loads(message)
            if told.get("id") == number:
                assert told["type"] == "success", told
                return told["result"]
            self.note(told["method"], told["params"])

    def note(self, event: str, told: dict[str, Any]) -> None:
        url = told.get("request", {}).get("url", "")
        if event == "log.entryAdded" and told["level"] == "error":
            self.faults.append(told["text"])
        elif event == "network.fetchError" and "ABORT" not in told["errorText"]:
            self.faults.append(f"failed: {url}")
        elif event == "network.beforeRequestSent" and not url.startswith((self.local, "data:")):
            self.faults.append(f"asked: {url}")

    def visit(self, url: str) -> dict[str, Any]:
        self.faults.clear()
        self.call("browsingContext.navigate", context=self.context, url=url, wait="complete")
        self.evaluate(READY)
        return json.loads(self.evaluate(FOUND)["value"])

    def evaluate(self, expression: str) -> Any:
        target = {"context": self.context}
        found = self.call(
            "script.evaluate", expression=expression, target=target, awaitPromise=True
        )
        assert found["type"] == "success", found
        return found["result"]


@pytest.fixture(scope="module")
def firefox(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:  # noqa: F811
    if FIREFOX is None:
        pytest.skip("no Firefox is installed")
    profile = tmp_path_factory.mktemp("profile")
    command = [FIREFOX, "--headless", "--remote-debugging-port=0", "--profile", str(profile)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    loop = asyncio.new_event_loop()
    try:
        assert process.stderr is not None
        found = (re.search(r"BiDi listening on (ws://\S+)", line) for line in process.stderr)
        where = next(match[1] for match in found if match)

        async def connect() -> WebSocketClientConnection:
            return await websocket_connect(f"{where}/session", max_message_size=1 << 26)

        yield Firefox(loop.run_until_complete(connect()), loop)
    finally:
        process.kill()
        process.wait()
        loop.close()


@pytest.mark.parametrize(
    ("name", "size"), [*((name, WIDE) for name in PAGES), *((name, NARROW) for name in PAGES[::6])]
)
def test_page(name: str, size: dict[str, int], firefox: Firefox, address: str) -> None:  # noqa: F811
    firefox.local = address
    firefox.call("browsingContext.setViewport", context=firefox.context, viewport=dict(size))
    found = firefox.visit(address + name)
    assert found["images"] == []
    assert found["raw"] == 0
    assert found["shown"] == found["stored"]
    assert found["wide"] <= 0
    assert firefox.faults == []


@pytest.mark.parametrize("name", [PAGES[0], PAGES[2]])
def test_page_opened_as_a_file(name: str, firefox: Firefox) -> None:
    firefox.local = SITE.as_uri()
    found = firefox.visit(f"{SITE.as_uri()}/{name}")
    assert (found["images"], found["raw"], found["shown"]) == ([], 0, found["stored"])
    assert firefox.faults == []
