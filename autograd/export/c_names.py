"""Names and comments that a C compiler takes, whatever a function or a label is called."""

import re
from collections.abc import Iterable

from autograd.export.c_functions import NAMES

# Keywords of C and of C++, whose programs may include the header; names that compilers or math.h
# define as macros; and those of the function itself.
_WORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while bool complex imaginary
    alignas alignof and and_eq asm bitand bitor catch char8_t char16_t char32_t class co_await
    co_return co_yield compl concept consteval constexpr constinit const_cast decltype delete
    dynamic_cast explicit export false friend mutable namespace new noexcept not not_eq nullptr
    operator or or_eq private protected public reinterpret_cast requires static_assert static_cast
    template this thread_local throw true try typeid typename typeof using virtual wchar_t xor
    xor_eq
    NAN INFINITY HUGE_VAL HUGE_VALF HUGE_VALL MAXFLOAT NULL EOF I X_TLOSS DOMAIN SING OVERFLOW
    UNDERFLOW PLOSS TLOSS linux unix signgam isnan isinf isfinite isnormal signbit
    main work constants literals s i j k u v w
"""
_TAKEN = set(_WORDS.split()) | {name + suffix for name in NAMES for suffix in ("", "f", "l")}
_MACRO = re.compile(r"(M|FP|MATH|HUGE|INT|UINT|FLT|DBL)_[A-Z0-9_]*[A-Z0-9]\Z")
_LOCAL = re.compile(r"[a-z]\w*_\d+\Z")  # sum_1, places_1
LONGEST = 40


def identifier(name: str, taken: Iterable[str] = ()) -> str:
    """A name that is free in C, as near to this one as can be."""
    found = re.sub(r"[^A-Za-z0-9_]", "_", name)[:LONGEST].strip("_") or "x"
    if found[0].isdigit():
        found = "x" + found
    taken = set(taken)
    while found in _TAKEN or found in taken or _MACRO.match(found) or _LOCAL.match(found):
        found += "_"
    return found


def comment(text: str, longest: int = 72) -> str:
    """Text that may stand in a comment: nothing in it ends the comment, or a line."""
    plain = re.sub(r"[^A-Za-z0-9_ .,:;()\[\]{}<>=+'-]", "_", text)
    return plain if len(plain) <= longest else plain[: longest - 3] + "..."
