"""Codes are those of the published examples, and say nothing a bank would refuse."""

from decimal import Decimal

import pytest

from billing.providers import brcode


def fields(code):
    """The fields of a code, as a bank's app reads them."""
    found, rest = {}, code
    while rest:
        number, length = rest[:2], int(rest[2:4])
        found[number], rest = rest[4 : 4 + length], rest[4 + length :]
    return found


def test_the_example_of_the_central_bank():
    # Manual de Padrões para Iniciação do Pix, the static code without an amount.
    code = brcode.static(key="123e4567-e12b-12d1-a456-426655440000", name="Fulano de Tal", city="BRASILIA")

    assert code == (
        "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000"
        "5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D"
    )


def test_the_checksum_of_the_published_check_value():
    # CRC-16/CCITT-FALSE of "123456789" in the catalogue of parametrised CRC algorithms.
    assert brcode.checksum("123456789") == 0x29B1


def test_amount_text_and_id_are_carried():
    code = brcode.static(
        key="Padaria@Aurora.example", name="Padaria São João da Boa Vista Ltda", city="São José dos Campos",
        amount=Decimal("58.9"), txid="PEDIDO123", text="Encomenda de pães",
    )  # fmt: skip

    read = fields(code)
    assert read["54"] == "58.90"
    assert read["59"] == "Padaria Sao Joao da Boa V"
    assert read["60"] == "Sao Jose dos Ca"
    assert fields(read["62"]) == {"05": "PEDIDO123"}
    assert fields(read["26"]) == {"00": "br.gov.bcb.pix", "01": "padaria@aurora.example", "02": "Encomenda de paes"}
    assert int(read["63"], 16) == brcode.checksum(code[:-4])


def test_a_long_text_is_cut_to_what_fits():
    code = brcode.static(key="a@b.example", name="A", city="B", text="x" * 300)

    assert len(fields(code)["26"]) == 99


@pytest.mark.parametrize(
    ("key", "stored"),
    [
        ("+55 (11) 91234-5678", "+5511912345678"),
        ("529.982.247-25", "52998224725"),
        ("11.222.333/0001-81", "11222333000181"),
        ("12.ABC.345/01DE-35", "12ABC34501DE35"),  # the example of the Receita Federal for CNPJ with letters
        ("123E4567-E12B-12D1-A456-426655440000", "123e4567-e12b-12d1-a456-426655440000"),
    ],
)
def test_keys_are_stored_as_the_directory_knows_them(key, stored):
    assert brcode.normalised_key(key) == stored


@pytest.mark.parametrize("key", ["", "52998224724", "11111111111", "11222333000180", "11 91234-5678", "a@", "x" * 36])
def test_what_is_no_key_is_refused(key):
    with pytest.raises(brcode.InvalidKey):
        brcode.normalised_key(key)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": Decimal("0")}, "amount"),
        ({"amount": Decimal("1.001")}, "amount"),
        ({"amount": Decimal("-1")}, "amount"),
        ({"txid": "a-b"}, "txid"),
        ({"txid": "a" * 26}, "txid"),
        ({"name": "漢字"}, "name"),
        ({"city": " "}, "city"),
    ],
)
def test_what_a_code_cannot_carry_is_named(changes, field):
    with pytest.raises(brcode.InvalidField, match=field):
        brcode.static(**{"key": "a@b.example", "name": "A", "city": "B"} | changes)
