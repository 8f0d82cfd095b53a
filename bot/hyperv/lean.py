"""pypsrp's reader of answers, for less: most of what a host answers are numbers and words.

Fact about pypsrp 0.9.1 (serializer.py): before it reads an element it writes it back to text, with all that is in it,
only to have something to give back if it cannot read it. For the kinds below that never happens, and what they give
depends on nothing but themselves.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

from pypsrp.powershell import RunspacePool
from pypsrp.serializer import Serializer

_NUMBERS = frozenset({"I32", "I64", "U16", "I16", "U32", "U64", "By", "SB"})
_AS_THEY_ARE = frozenset({"DT", "TS", "Version"})
_WORDS = frozenset({"S", "ToString"})


class LeanSerializer(Serializer):
    """Reads what pypsrp's own reads, to the same values."""

    def deserialize(self, element: Any, metadata: Any = None, clear: bool = True) -> Any:
        if clear or not isinstance(element, ET.Element):
            return super().deserialize(element, metadata, clear)
        tag, text = element.tag, element.text
        if tag == "Nil":
            return None
        if tag == "Ref":
            return self.obj[element.attrib["RefId"]]
        if text is not None:
            if tag in _NUMBERS:
                return int(text)
            if tag == "G":
                return UUID(text)
            if tag == "B":
                return text.lower() == "true"
            if tag in _AS_THEY_ARE:
                return text
        if tag in _WORDS:
            return self._deserialize_string(text)
        return super().deserialize(element, metadata, clear)


def make_lean(pool: RunspacePool) -> None:
    """Have a pool that is not open yet read its answers so."""
    pool._serializer = LeanSerializer()
    pool._fragmenter.serializer = pool._serializer
