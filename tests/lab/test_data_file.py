"""The reader of PowerShell data files: what it takes, and that it takes nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.hyperv.jea.data_file import render_data_file
from bot.lab.jea import Malformed, Script, read_data_file


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("@{}", {}),
        ("\ufeff@{ A = 'x' }\r\n", {"A": "x"}),
        ("@{ A = 'it''s'; B = \"it's\" }", {"A": "it's", "B": "it's"}),
        ("@{ 'a b' = 1\n c = -2 }", {"a b": 1, "c": -2}),
        ("@{ A = $True; B = $false; C = $null }", {"A": True, "B": False, "C": None}),
        ("@{ A = 'x',\n 'y' }", {"A": ["x", "y"]}),
        ("@{ A = @('x'\n'y'; 'z', 'w') }", {"A": ["x", "y", "z", "w"]}),
        ("@{ A = @() }", {"A": []}),
        ("@{ A = @('x') }", {"A": ["x"]}),
        ("@{ A = @{ B = @{} } }", {"A": {"B": {}}}),
        ("# one\n@{ # two\n A = 'x' <# } #> }", {"A": "x"}),
        ("@{ A = { if ($x) { '}' } # }\n } }", {"A": Script(" if ($x) { '}' } # }\n ")}),
    ],
)
def test_what_is_read(text: str, content: dict[str, Any]) -> None:
    assert read_data_file(text) == content


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: expected '@{', found 'the end'"),
        ("'x'", "expected '@{'"),
        ("@{ A = 'x' } @{}", "nothing after"),
        ("@{ A = 'x'\nA = 'y' }", "line 2: expected a key other than A"),
        ("@{ A = 'x'\na = 'y' }", "a key other than a"),
        ("@{ A = 'x' B = 'y' }", "a new line, ';' or '}'"),
        ("@{ A = 'x' 'y' }", "a new line, ';' or '}'"),
        ("@{ A = }", "a value"),
        ("@{ A }", "'='"),
        ("@{ = 'x' }", "a key or '}'"),
        ("@{ $A = 'x' }", "a key or '}'"),
        ("@{ A = Get-VM }", "a value"),
        ("@{ A = $env:COMPUTERNAME }", "a value"),
        ("@{ A = $(1) }", "a value"),
        ('@{ A = "$x" }', "a value"),
        ('@{ A = "`n" }', "a value"),
        ("@{ A = ‘x’ }", "a value"),
        ("@{ A = 'x’ }", "a value"),
        ("@{ A = 1.5 }", "a value"),
        ("@{ A = 1 + 2 }", "a new line, ';' or '}'"),
        ("@{ A = @('x' 'y') }", "',', a new line or ')'"),
        ("@{ A = @('x', @('y')) }", "no array in an array"),
        ("@{ A = @{ B = 'x' }", "a new line, ';' or '}'"),
        ("@{ A = { if ($x) { }", "a '}' that closes"),
        ("@{ A = 'x", "a value"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_data_file(text)
    assert words in str(refused.value)


_TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
_VALUES = st.recursive(
    st.booleans() | _TEXTS,
    lambda inner: (
        st.lists(inner.filter(lambda one: not isinstance(one, list)), max_size=3)
        | st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.from_regex(r"[a-z' -]{1,6}", fullmatch=True), _VALUES, max_size=4))
def test_what_is_written_reads_the_same(content: dict[str, Any]) -> None:
    assert read_data_file(render_data_file("generated", content)) == content


def test_only_ascii_is_written() -> None:
    with pytest.raises(ValueError, match="ASCII"):
        render_data_file("", {"A": "é"})
