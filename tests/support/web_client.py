"""Provide Starlette's test client, without its warning, and a session behind the server."""

import json
import warnings

from gatekeeper.display.web.access import Access

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient, WebSocketDenialResponse

__all__ = ["BEARER", "HOST", "LOCKED", "ORIGIN", "TOKEN", "TestClient", "Told", "WebSocketDenialResponse"]

HOST = "http://127.0.0.1:8080"
ORIGIN = {"origin": HOST}
BEARER = {"authorization": "Bearer secret"}
TOKEN = ["gatekeeper", "token.secret"]
LOCKED = Access("127.0.0.1", control=True, token="secret")


class Told:
    """A session that answers with what it was asked."""

    def __init__(self):
        self.asked = []

    def hello(self):
        return {"mode": "live", "facts": {}}

    async def view(self, asked):
        return None if asked.get("over") else json.dumps(asked) if "text" in asked else bytes([asked["after"]])

    async def ask(self, words, operator, login):
        self.asked.append((words, operator, login))
        return True, f"done for {operator}"
