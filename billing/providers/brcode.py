"""Pix codes that a bank's app reads, made without any bank: the static BR Code of the Banco Central do Brasil.

Source: Banco Central do Brasil, "Manual de Padrões para Iniciação do Pix", which profiles EMV QRCPS Merchant-Presented
Mode 1.1: fields of two digits id, two digits length and value, closed by a CRC-16/CCITT-FALSE over everything before it.
"""

import binascii
import re
import unicodedata
from decimal import Decimal

GUI = "br.gov.bcb.pix"
NAME_LIMIT, CITY_LIMIT, TXID_LIMIT, ACCOUNT_LIMIT = 25, 15, 25, 99
AMOUNT_LIMIT = Decimal("9999999999.99")

E_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,70}")
PHONE = re.compile(r"\+55\d{10,11}")
RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class InvalidKey(ValueError):
    """No e-mail, phone with +55, CPF, CNPJ or random key."""


class InvalidField(ValueError):
    """A value that a code cannot carry; the first argument names it."""


def static(*, key: str, name: str, city: str, amount: Decimal | None = None, txid: str = "", text: str = "") -> str:
    """The code for a payment to `key`, in reais; without an amount the payer types one.

    `txid` is up to 25 letters and digits, by which the receiver finds the payment in the statement. Names and city
    lose their accents and what is too long; `text` is shown to the payer and cut where there is no room.
    Raises `InvalidKey`, `InvalidField`.
    """
    if txid and not re.fullmatch(rf"[A-Za-z0-9]{{1,{TXID_LIMIT}}}", txid):
        raise InvalidField("txid")
    if amount is not None and not (0 < amount <= AMOUNT_LIMIT and amount == amount.quantize(Decimal("0.01"))):
        raise InvalidField("amount")
    name, city = plain(name)[:NAME_LIMIT].strip(), plain(city)[:CITY_LIMIT].strip()
    if not name:
        raise InvalidField("name")
    if not city:
        raise InvalidField("city")
    account = _field("00", GUI) + _field("01", normalised_key(key))
    room = ACCOUNT_LIMIT - len(account) - 4
    words = plain(text)[: max(room, 0)].strip()
    if words:
        account += _field("02", words)
    code = "".join(
        (
            _field("00", "01"),
            _field("26", account),
            _field("52", "0000"),
            _field("53", "986"),  # ISO 4217 for the real
            _field("54", f"{amount:.2f}") if amount is not None else "",
            _field("58", "BR"),
            _field("59", name),
            _field("60", city),
            _field("62", _field("05", txid or "***")),
            "6304",
        )
    )
    return f"{code}{checksum(code):04X}"


def checksum(code: str) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, begun with 0xFFFF."""
    return binascii.crc_hqx(code.encode("ascii"), 0xFFFF)


def normalised_key(key: str) -> str:
    """A Pix key as the directory knows it. Raises `InvalidKey`."""
    key = key.strip()
    if RANDOM.fullmatch(key.lower()):
        return key.lower()
    if E_MAIL.fullmatch(key) and len(key) <= 77:
        return key.lower()
    if PHONE.fullmatch(re.sub(r"[\s()-]", "", key)):
        return re.sub(r"[\s()-]", "", key)
    digits = re.sub(r"[.\-/\s]", "", key)
    if is_cpf(digits) or is_cnpj(digits.upper()):
        return digits.upper()
    raise InvalidKey(key)


def is_cpf(digits: str) -> bool:
    """Eleven digits whose last two are the check digits of the rest (Receita Federal, modulo 11)."""
    if not re.fullmatch(r"\d{11}", digits, re.ASCII) or len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(int(one) * weight for one, weight in zip(digits[:length], range(length + 1, 1, -1), strict=True))
        if int(digits[length]) != total * 10 % 11 % 10:
            return False
    return True


def is_cnpj(text: str) -> bool:
    """Twelve letters or digits and two check digits (Receita Federal; letters since July 2026, IN RFB 2.229/2024)."""
    if not re.fullmatch(r"[0-9A-Z]{12}\d{2}", text, re.ASCII) or len(set(text)) == 1:
        return False
    values = [ord(one) - 48 for one in text]
    for length in (12, 13):
        weights = [2 + place % 8 for place in range(length)][::-1]
        rest = sum(value * weight for value, weight in zip(values[:length], weights, strict=True)) % 11
        if values[length] != (0 if rest < 2 else 11 - rest):
            return False
    return True


def plain(text: str) -> str:
    """Letters without accents, and nothing but printable ASCII: what every bank reads."""
    bare = unicodedata.normalize("NFKD", text)
    return re.sub(r"\s+", " ", "".join(one for one in bare if " " <= one <= "~")).strip()


def _field(number: str, value: str) -> str:
    return f"{number}{len(value):02d}{value}"
