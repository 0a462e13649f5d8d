"""Numbers in, one a line; out: calling code, how many regions share it, region, type (a number, or "invalid")."""

import sys

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE as REGIONS


def answer(e164):
    digits = e164[1:]
    code = next((digits[:n] for n in (1, 2, 3) if int(digits[:n]) in REGIONS), None)
    if code is None:
        return "none"
    rest = digits[len(code):]
    zeros = min(len(rest) - len(rest.lstrip("0")), len(rest) - 1)
    number = phonenumbers.PhoneNumber(
        country_code=int(code),
        national_number=int(rest),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
    region = phonenumbers.region_code_for_number(number)
    kind = phonenumbers.number_type(number) if phonenumbers.is_valid_number_for_region(number, region) else "invalid"
    return f"{code} {len(REGIONS[int(code)])} {region} {kind}"


sys.stdout.write("".join(answer(line) + "\n" for line in sys.stdin.read().split()))
