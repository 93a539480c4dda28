"""Check digits, on numbers that are in public registers, and on every single wrong sign of them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from risk_pipeline.feeds.check_digits import lei_is_valid, uscc_is_valid

# Bloomberg Finance L.P. and Deutsche Bank AG; Huawei Technologies and Tencent Computer Systems.
LEIS = ["5493001KJTIIGC8Y1R12", "7LTWFZYICNSX8D621K86"]
USCCS = ["914403001922038216", "9144030071526726XG"]


@pytest.mark.parametrize(("check", "numbers"), [(lei_is_valid, LEIS), (uscc_is_valid, USCCS)])
def test_registered_numbers_are_valid_and_typing_errors_are_not(check, numbers) -> None:  # type: ignore[no-untyped-def]
    assert check(pa.array(numbers)).all()
    for number in numbers:
        wrong = [number[:at] + other(sign) + number[at + 1 :] for at, sign in enumerate(number)]
        assert not check(pa.array(wrong)).any()
        swapped = [
            number[:at] + number[at + 1] + number[at] + number[at + 2 :]
            for at in range(len(number) - 1)
            if number[at] != number[at + 1] and number[at].isdigit() == number[at + 1].isdigit()
        ]
        assert swapped
        assert not check(pa.array(swapped)).any()


def other(sign: str) -> str:
    """Another sign of the same class; MOD 97 does not promise to see a letter typed as a digit."""
    first, second = ("7", "8") if sign.isdigit() else ("K", "X")
    return first if sign != first else second


@pytest.mark.parametrize("check", [lei_is_valid, uscc_is_valid])
def test_null_is_valid_and_other_text_is_not(check) -> None:  # type: ignore[no-untyped-def]
    numbers = pa.array([None, "", "1", LEIS[0] + "1", "北京北京北京", USCCS[0].lower() + " "], pa.string())
    assert check(numbers).tolist() == [True, False, False, False, False, False]
    assert check(pa.array([], pa.string())).tolist() == []
