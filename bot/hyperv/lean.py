"""pypsrp's reader of answers, for less: most of what a host answers are numbers and words, in objects of a few kinds.

Facts about pypsrp 0.9.1 (serializer.py):
1. Before it reads an element it writes it back to text, with all that is in it, only to have something to give back if
   it cannot read it. For the kinds below that never happens, and what they give depends on nothing but themselves.
2. By an object's type names alone it decides what it makes of it. Where that is a GenericComplexObject, it reads the
   properties one by one; what else it keeps is the text of fact 1, which nobody here asks for. Where it is a list, what
   stands in it is read as anywhere else, but for objects.
3. It decodes every text to UTF-16 and back, for what stands there as `_x000A_`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

from pypsrp.complex_objects import GenericComplexObject, ObjectMeta
from pypsrp.powershell import RunspacePool
from pypsrp.serializer import Serializer

_NUMBERS = frozenset({"I32", "I64", "U16", "I16", "U32", "U64", "By", "SB"})
_AS_THEY_ARE = frozenset({"DT", "TS", "Version"})
_WORDS = frozenset({"S", "ToString"})
_PLAIN = _NUMBERS | _AS_THEY_ARE | _WORDS | {"Nil", "Ref", "G", "B"}
_GENERIC = ObjectMeta("ObjDynamic", object=GenericComplexObject)
_MOST_KINDS = 1000  # hosts say the names of types, so their number is not ours


class LeanSerializer(Serializer):
    """Reads what pypsrp's own reads, to the same values."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[tuple[str, ...], type] = {}  # what pypsrp made of objects with these type names

    def deserialize(self, element: Any, metadata: Any = None, clear: bool = True) -> Any:
        if clear:
            return self._deserialize_message(element, metadata)
        if not isinstance(element, ET.Element):
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
        if tag == "Obj" and metadata is None:
            return self._deserialize_object(element)
        return super().deserialize(element, metadata, clear)

    def _deserialize_message(self, message: Any, metadata: Any) -> Any:
        """A whole message; such that are no objects, or no XML, as pypsrp takes them."""
        if metadata is None and isinstance(message, str) and message.startswith("<Obj "):
            self._clear()
            try:
                element = ET.fromstring(message)  # noqa: S314 - as pypsrp reads it; expat bounds what entities become
            except ET.ParseError:
                return super().deserialize(message, metadata)
            return self._deserialize_object(element)
        return super().deserialize(message, metadata)

    def _deserialize_object(self, element: ET.Element) -> Any:
        kind = self._kind_of(element)
        made = self._made.get(kind)
        if made is GenericComplexObject:
            return self._deserialize_dynamic_obj(element, _GENERIC)
        if made is list and (entries := element.find("LST")) is not None and all(one.tag in _PLAIN for one in entries):
            values = [self.deserialize(one, None, clear=False) for one in entries]
            self.obj[element.attrib["RefId"]] = values
            return values
        value = super().deserialize(element, None, clear=False)
        if len(self._made) < _MOST_KINDS:
            self._made[kind] = type(value)
        return value

    def _kind_of(self, element: ET.Element) -> tuple[str, ...]:
        """An object's type names, which later ones of its kind refer to by their number."""
        for child in element:
            if child.tag == "TNRef":
                return tuple(self.tn[child.attrib["RefId"]])
            if child.tag == "TN":
                self.tn[child.attrib["RefId"]] = names = [name.text or "" for name in child]
                return tuple(names)
        return ()

    def _deserialize_string(self, value: str | None) -> str:
        return value if value and "_" not in value else super()._deserialize_string(value)


def make_lean(pool: RunspacePool) -> None:
    """Have a pool that is not open yet read its answers so."""
    pool._serializer = LeanSerializer()
    pool._fragmenter.serializer = pool._serializer
