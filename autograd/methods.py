"""What Values and dual numbers can do by the table: x.tanh(), x - y, x < y ...

`elementwise.py` and `operators.py` fill this class; `methods.pyi`, which is generated from the same
table, tells editors and type checkers what there is.
"""


class Methods:
    __slots__ = ()

    def conjugate(self) -> "Methods":
        """The number itself, as it is real; NumPy's var and std ask for it."""
        return self
