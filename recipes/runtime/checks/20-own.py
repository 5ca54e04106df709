"""The example's own code was compiled, and works."""

import luhn

assert luhn.is_valid("79927398713")
assert not luhn.is_valid("79927398710"), "a number with a wrong check digit"
