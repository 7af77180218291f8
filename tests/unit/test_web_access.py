"""The console answers to its own name and its own page, and to whoever has the token where one is needed."""

import pytest
from starlette.datastructures import Headers

from gatekeeper.core.errors import InputError
from gatekeeper.display.web.access import Access, is_loopback, token_of

HERE, ELSEWHERE = Access("127.0.0.1"), Access("192.0.2.7", token="secret")


def test_a_page_to_look_at_on_this_machine_needs_no_token():
    assert Access.of("127.0.0.1", control=False).token is None
    assert HERE.may_look(None)
    assert not HERE.may_ask(None)


@pytest.mark.parametrize(("host", "control"), [("127.0.0.1", True), ("0.0.0.0", False), ("scanner.example", False)])  # noqa: S104
def test_control_and_any_other_address_need_a_token(host, control):
    one, other = Access.of(host, control), Access.of(host, control)
    assert len(one.token) >= 32
    assert one.token != other.token
    with pytest.raises(InputError, match="needs a token"):
        Access(host, control)


@pytest.mark.parametrize("given", [None, "", "secre", "secret ", "Secret", "sécret"])
def test_a_wrong_token_opens_nothing(given):
    assert not ELSEWHERE.may_look(given)
    assert not ELSEWHERE.may_ask(given)


def test_the_right_token_opens():
    assert ELSEWHERE.may_look("secret")
    assert ELSEWHERE.may_ask("secret")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_a_local_console_is_known_by_the_names_of_this_machine(host):
    assert HERE.knows(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "192.0.2.7", "[", "a b"]
)
def test_a_local_console_is_known_by_no_other_name(host):
    assert not HERE.knows(host)


def test_a_console_elsewhere_is_known_by_addresses_but_by_no_foreign_name():
    assert ELSEWHERE.knows("192.0.2.7:8080")
    assert ELSEWHERE.knows("203.0.113.1:8080")
    assert not ELSEWHERE.knows("evil.example:8080")


def test_only_the_own_page_may_ask():
    assert HERE.is_own("http://127.0.0.1:8080", "127.0.0.1:8080")
    for origin in (None, "null", "http://127.0.0.1:9999", "http://evil.example", "ftp://127.0.0.1:8080"):
        assert not HERE.is_own(origin, "127.0.0.1:8080")


def test_what_is_this_machine():
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.0.2.7", "localhost.evil.example", "")))  # noqa: S104


def test_a_token_comes_as_a_bearers_or_as_a_subprotocol():
    assert token_of(Headers({"authorization": "Bearer abc"})) == "abc"
    assert token_of(Headers({"authorization": "Basic abc"})) is None
    assert token_of(Headers({}), ["gatekeeper", "token.abc"]) == "abc"
    assert token_of(Headers({}), ["gatekeeper"]) is None
