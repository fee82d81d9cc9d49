import pytest

from mappings import Helper, ResourceError, host_of, parse_link, ranked


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org",
        "http://example.org:8080/a?b=c#d",
        "  https://example.org/path  ",
        "HTTPS://EXAMPLE.org/Ä",
        "https://[2001:db8::1]/x",
    ],
)
def test_an_address_of_the_web_is_taken(text: str) -> None:
    assert parse_link(text) == text.strip()


NO_ADDRESS = "is no address of the web; it begins with https:// or http://"
CREDENTIALS = (
    "the address of evil.example carries a name or password; give one that every "
    "student may open"
)
NO_SIGN = "holds a sign no address has; copy it again"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("javascript:alert(1)", f'"javascript:alert(1)" {NO_ADDRESS}'),
        ("data:text/html,x", f'"data:text/html,x" {NO_ADDRESS}'),
        ("file:///etc/passwd", f'"file:///etc/passwd" {NO_ADDRESS}'),
        ("//example.org/x", f'"//example.org/x" {NO_ADDRESS}'),
        ("example.org", f'"example.org" {NO_ADDRESS}'),
        ("https://", f'"https://" {NO_ADDRESS}'),
        ("", f'"" {NO_ADDRESS}'),
        ("https://a b.example", f'"https://a b.example" {NO_SIGN}'),
        ("java\nscript:alert(1)", f'"java\nscript:alert(1)" {NO_SIGN}'),
        ("https:\\\\example.org", f'"https:\\\\example.org" {NO_SIGN}'),
        ("https://e.org/\u202egpj.exe", f'"https://e.org/\u202egpj.exe" {NO_SIGN}'),
        (
            "https://bank.example@evil.example/",
            CREDENTIALS,
        ),
        ("https://x/" + "a" * 1991, "the address has 2001 letters; 2000 are the most"),
    ],
)
def test_what_is_no_address_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(ResourceError) as caught:
        parse_link(text)
    assert str(caught.value) == said


@pytest.mark.parametrize("text", ["https://[::1/x", "https://example.org:99999999/"])
def test_a_broken_host_or_port_is_no_address(text: str) -> None:
    with pytest.raises(ResourceError, match="is no address: "):
        parse_link(text)


def test_people_are_told_the_bare_host() -> None:
    assert host_of("https://www.example.org:8443/x") == "example.org"


# title: pinned, from, to, opened, succeeded, own
HELPERS = {
    "plain": Helper(1, "plain"),
    "pinned": Helper(2, "pinned", is_pinned=True, opened=9),
    "low": Helper(3, "low", to_level=1),
    "high": Helper(4, "high", from_level=2),
    "helped": Helper(5, "helped", opened=8, succeeded=7),
    "useless": Helper(6, "useless", opened=8),
    "once": Helper(7, "once", opened=1, succeeded=1),
    "own": Helper(8, "own", is_own=True),
    "zulu": Helper(9, "zulu", is_primary=True),
}


@pytest.mark.parametrize(
    ("level", "order"),
    [
        (None, "pinned low helped once own zulu plain useless"),
        (0, "pinned low helped once own zulu plain useless"),
        (1, "pinned low helped once own zulu plain useless"),
        (2, "pinned high helped once own zulu plain useless"),
        (3, "pinned high helped once own zulu plain useless"),
    ],
)
def test_pins_come_first_then_the_level_then_what_helped_others(
    level: int | None, order: str
) -> None:
    """One success of one student weighs less than seven of eight."""
    found = ranked(HELPERS.values(), level)
    assert [one.title for one in found] == order.split()
