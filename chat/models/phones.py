"""Phone numbers the way people write them, and when two of them are the same person's.

Brazilian mobile numbers got a ninth digit between 2012 and 2016, and messengers still know many by the old eight. So
a mobile number is matched by country, area code and its last eight digits; every other number by all of its digits.
"""

import re

import phonenumbers
from django.db.models import Case, CharField, Value, When
from django.db.models.functions import Concat, Right, Substr

# Whose national numbers are understood without a country code.
HOME_COUNTRY = "BR"
# Area code, then nine digits that begin with 9, or the eight they were before: those began with 6 to 9.
WITH_NINTH = r"^\+55[1-9][0-9]9[0-9]{8}$"
BEFORE_NINTH = r"^\+55[1-9][0-9][6-9][0-9]{7}$"


def normalise(text: str) -> str | None:
    """The number as E.164, or nothing when it is none. Without a country code it is read as a Brazilian one."""
    try:
        number = phonenumbers.parse(text, HOME_COUNTRY)
    except phonenumbers.NumberParseException:
        return None
    # "Possible" looks at the length only: new ranges are dialled before any table knows them.
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def match_key(e164: str) -> str:
    """What two numbers of one person have in common; the column `Contact.phone_match_key` is the same rule."""
    if re.match(WITH_NINTH, e164) or re.match(BEFORE_NINTH, e164):
        return f"55{e164[3:5]}{e164[-8:]}"
    return e164


MATCH_KEY = Case(
    When(phone_e164__regex=WITH_NINTH, then=Concat(Value("55"), Substr("phone_e164", 4, 2), Right("phone_e164", 8))),
    When(phone_e164__regex=BEFORE_NINTH, then=Concat(Value("55"), Substr("phone_e164", 4, 2), Right("phone_e164", 8))),
    default="phone_e164",
    output_field=CharField(max_length=20),
)


def twin(e164: str) -> str:
    """The same Brazilian mobile number with the ninth digit, or without it; empty for every other number."""
    if re.match(WITH_NINTH, e164):
        return f"{e164[:5]}{e164[6:]}"
    if re.match(BEFORE_NINTH, e164):
        return f"{e164[:5]}9{e164[5:]}"
    return ""
