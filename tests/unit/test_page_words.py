"""Every text of the pages is there in every language of its page, with the same values to fill in."""

import json
import re
from importlib import resources

import pytest

from gatekeeper.display.web.access import Access
from gatekeeper.display.web.server import make_app
from tests.support.web_client import HOST, TestClient, Told

PAGE = resources.files("gatekeeper.display.web") / "page"
SOURCES = {file.name: file.read_text() for file in PAGE.iterdir() if file.name.endswith((".js", ".html"))}
PAGES = {name: text for name, text in SOURCES.items() if name.endswith(".html") and "data-languages" in text}
KEY = re.compile(r"""\b(?:t|text|textOr)\(["`]([\w.-]+)(?=["`$])""")
QUOTED = re.compile(r"""["`]([a-z-]+\.[\w.-]+)(?=["`$])""")
IN_HTML = re.compile(r'data-t(?:-[\w-]+)?="([\w.-]+)"')
IMPORTED = re.compile(r"""from "\./([\w-]+\.js)"|src="/page/([\w-]+\.js)\"""")
NAMES = re.compile(r"""import \{([^}]*)\} from "\./([\w-]+\.js)"|export \{[^}]*\} from""")
EXPORTED = re.compile(r"^export (?:(?:async )?function\*? (\w+)|class (\w+)|(?:const|let) ([^;]*)|\{([^}]*)\})", re.M)
VALUE = re.compile(r"\{\w+\}")


@pytest.fixture(scope="module")
def client():
    return TestClient(make_app(Told(), Access("127.0.0.1")), base_url=HOST)


def files(page):
    """Return the names of a page's files of texts, without their language."""
    own = re.search(r'data-words="([\w ]+)"', PAGES[page])
    return own[1].split() if own else ["main"]


def texts(client, file, language):
    name = language if file == "main" else f"{file}.{language}"
    return client.get(f"/page/words/{name}.json").json()


def told(client, page):
    """Return the texts of a page by language."""
    languages = re.search(r'data-languages="([a-z ]+)"', PAGES[page])[1].split()
    return {
        one: {key: text for file in files(page) for key, text in texts(client, file, one).items()} for one in languages
    }


def parts(page):
    """Return the names of a page's own sources."""
    found, new = set(), {page}
    while new:
        found |= new
        named = {name for one in new for pair in IMPORTED.findall(SOURCES[one]) for name in pair if name in SOURCES}
        new = named - found
    return found


def used(page, english):
    """Return the keys that a page uses; those that end with a dot or a dash are the beginnings of composed ones."""
    kinds = {key.split(".")[0] for key in english}
    keys = set()
    for name in parts(page):
        keys |= {*KEY.findall(SOURCES[name]), *IN_HTML.findall(SOURCES[name])}
        keys |= {key for key in QUOTED.findall(SOURCES[name]) if key.split(".")[0] in kinds and not key.endswith(".js")}
    begun = {key for key in keys if key.endswith((".", "-"))}
    return keys - begun, begun


@pytest.mark.parametrize("page", PAGES)
def test_all_languages_have_the_same_texts_with_the_same_values(client, page):
    english, *others = told(client, page).values()
    assert english
    for other in others:
        assert set(other) == set(english)
        assert {key: sorted(VALUE.findall(text)) for key, text in other.items()} == {
            key: sorted(VALUE.findall(text)) for key, text in english.items()
        }
        assert all(other.values())


@pytest.mark.parametrize("page", PAGES)
def test_each_text_that_is_used_is_there(client, page):
    english = told(client, page)["en"]
    whole, begun = used(page, english)
    assert len(whole) > 5
    assert whole - set(english) == set()
    assert {one for one in begun if not any(key.startswith(one) for key in english)} == set()


@pytest.mark.parametrize("file", sorted({file for page in PAGES for file in files(page)}))
def test_each_text_that_is_there_is_used(client, file):
    english = texts(client, file, "en")
    found = [used(page, english) for page in PAGES if file in files(page)]
    whole = {key for keys, _ in found for key in keys}
    begun = tuple(begin for _, begins in found for begin in begins)
    assert {key for key in english if key not in whole and not key.startswith(begun)} == set()


def test_the_texts_are_served_as_the_rest_of_the_page_is_and_nothing_beside_them(client):
    found = client.get("/page/words/de.json")
    assert found.headers["content-type"] == "application/json"
    assert found.headers["content-security-policy"].startswith("default-src 'none'")
    assert json.loads(found.text)["reason.outside"]
    for name in ("xx.json", "app.js", "..%2fserver.py"):
        assert client.get(f"/page/words/{name}").status_code == 404


def exported(text):
    """Return the names that a file exports."""
    found = set()
    for function, one, constants, listed in EXPORTED.findall(text):
        found |= {function, one, *re.findall(r"(\w+)\s*=", constants), *re.findall(r"\w+", listed)}
    return found


def test_what_a_file_of_a_page_imports_is_there():
    shared = resources.files("gatekeeper.style") / "page"
    sources = {file.name: file.read_text() for folder in (PAGE, shared) for file in folder.iterdir() if file.is_file()}
    wanted = {
        (name, file, one.partition(" as ")[0].strip())
        for name, text in sources.items()
        for names, file in NAMES.findall(text)
        for one in names.split(",")
        if one.strip()
    }
    assert len(wanted) > 50
    assert {one for one in wanted if one[2] not in exported(sources.get(one[1], ""))} == set()


def test_the_page_of_a_session_weighs_at_most_250_kilobytes(client):
    names = {name for name in parts("index.html") if name.endswith(".js")}
    paths = ["/", *(f"/page/{name}" for name in (*names, "strip.js", "console.css", "colors.css", "words/en.json"))]
    assert sum(len(client.get(path).content) for path in paths) <= 250_000
