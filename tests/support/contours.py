"""Contour the target over the console's protocol without a page, and provide outlines."""

import json
import time

import httpx
import numpy as np

from gatekeeper.display.web.message import unpacked

MINUTE_S = 60.0


class Operator:
    """Asks as a browser does.

    Parameters
    ----------
    url : str
        What the console has printed.
    link : websocket
        On which views come.
    """

    def __init__(self, url, link, name="Anna Berg"):
        self.place, _, token = url.partition("#token=")
        self.headers = {"origin": self.place[:-1], "authorization": f"Bearer {token}"}
        self.link, self.name = link, name

    def draw(self, **values):
        return self._post("draw", {"operator": self.name, "draw": values})

    def outline(self, points_px, margin_mm):
        return self._post("outline", {"points_px": points_px, "margin_mm": margin_mm})

    def hello(self):
        return httpx.get(self.place + "hello", headers=self.headers, timeout=MINUTE_S).json()

    def view(self):
        self.link.send(json.dumps({"after": -1}))
        return unpacked(self.link.recv(timeout=MINUTE_S))

    def until(self, holds):
        """Return the first view of which something holds: its head and its arrays."""
        end_s = time.monotonic() + MINUTE_S
        while not holds((view := self.view())[0]):
            assert time.monotonic() < end_s, view[0]
        return view

    def _post(self, path, values):
        return httpx.post(self.place + path, json=values, headers=self.headers, timeout=MINUTE_S).json()


def ellipse_px(mask, points=48):
    """Return an ellipse around a mask, as the page makes one."""
    rows, cols = np.nonzero(mask)
    turns = np.linspace(0.0, 2.0 * np.pi, points, endpoint=False)
    row = rows.mean() + (np.ptp(rows) / 2 + 0.5) * np.sin(turns)
    col = cols.mean() + (np.ptp(cols) / 2 + 0.5) * np.cos(turns)
    return np.round(np.stack([row, col], axis=1), 2).tolist()


def mask_of(answer):
    """Return the mask that an answer about an outline tells of."""
    mask = np.zeros(int(np.prod(answer["shape"])), dtype=np.bool_)
    for first, length in answer["runs"]:
        mask[first : first + length] = True
    return mask.reshape(answer["shape"])
