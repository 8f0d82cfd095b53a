"""What the leaner reader makes of an answer, against what pypsrp's own makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from pypsrp.complex_objects import GenericComplexObject
from pypsrp.serializer import Serializer

from bot.hyperv.lean import LeanSerializer

NESTED = (
    '<Obj RefId="0"><TN RefId="0"><T>Microsoft.HyperV.PowerShell.VirtualMachine</T><T>System.Object</T></TN>'
    "<ToString>VirtualMachine (Name = 'VM-01')</ToString><Props>"
    '<S N="Name">VM-01_x000A_ &amp; more</S><S N="Empty"></S><Nil N="Nothing" />'
    '<I32 N="Generation">2</I32><I64 N="Memory">8589934592</I64><U16 N="Small">7</U16><U32 N="Port">445</U32>'
    '<U64 N="Large">18446744073709551615</U64><By N="Byte">255</By><I16 N="Short">-3</I16><SB N="Signed">-1</SB>'
    '<B N="Clustered">false</B><B N="Enabled">true</B><Db N="Share">0.5</Db><C N="Letter">68</C>'
    '<G N="Id">d46f1c3a-0b1e-4c2d-9e3f-0123456789ab</G><DT N="Created">2026-11-25T13:00:00+01:00</DT>'
    '<TS N="Uptime">P41DT2H</TS><Version N="Version">10.0</Version>'
    '<Obj N="State" RefId="1"><TN RefId="1"><T>Microsoft.HyperV.PowerShell.VMState</T><T>System.Enum</T></TN>'
    "<ToString>Running</ToString><I32>2</I32></Obj>"
    '<Obj N="Status" RefId="2"><TN RefId="2"><T>System.String[]</T><T>System.Array</T></TN>'
    "<LST><S>one</S><Nil /><I32>3</I32></LST></Obj>"
    '<Obj N="Wanted" RefId="3"><TNRef RefId="1" /><ToString>Off</ToString><I32>3</I32></Obj>'
    '<Obj N="Words" RefId="4"><TNRef RefId="2" /><LST><S>two</S><Ref RefId="1" /></LST></Obj>'
    '<Obj N="None" RefId="5"><TNRef RefId="2" /><LST /></Obj><Obj N="Bare" RefId="6"><I32>1</I32></Obj>'
    '<Obj N="Objects" RefId="7"><TN RefId="3"><T>System.Object[]</T><T>System.Array</T></TN>'
    '<LST><Obj RefId="8"><TNRef RefId="1" /><ToString>Paused</ToString><I32>9</I32></Obj><S>w</S></LST></Obj>'
    '<Obj N="Table" RefId="9"><TN RefId="4"><T>System.Collections.Hashtable</T></TN>'
    '<DCT><En><S N="Key">a</S><I32 N="Value">1</I32></En></DCT></Obj><Ref N="Row" RefId="4" />'
    '<Ref N="Again" RefId="1" /></Props><MS><S N="VMName">VM-01</S></MS></Obj>'
)


def shape(value: Any) -> Any:
    if isinstance(value, GenericComplexObject):
        parts = (value.adapted_properties, value.extended_properties, value.types, value.property_sets)
        return (str(value), *(shape(part) for part in parts))
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else (type(value), value)


@pytest.mark.parametrize("text", [NESTED, "<S>word</S>", "<Nil />", "<I32>7</I32>", "<S />"])
def test_the_same_values_come_out(text: str) -> None:
    assert shape(LeanSerializer().deserialize(text)) == shape(Serializer().deserialize(text))


def test_one_answer_does_not_look_into_another() -> None:
    lean = LeanSerializer()
    for _ in range(2):
        assert shape(lean.deserialize(NESTED)) == shape(Serializer().deserialize(NESTED))


@pytest.mark.parametrize("broken", ["<I32></I32>", "<G>no guid</G>", "<B></B>"])
def test_what_pypsrp_cannot_read_it_cannot_either(broken: str) -> None:
    text = NESTED.replace("<S>one</S>", broken)
    raised = []
    for reader in (Serializer(), LeanSerializer()):
        with pytest.raises((TypeError, ValueError, AttributeError)) as caught:
            reader.deserialize(text)
        raised.append(caught.type)
    assert raised[0] is raised[1]
