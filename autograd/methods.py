"""The methods of Value that come from the table: x.tanh(), x.exp() ...

`elementwise.py` fills this class, one method per unary primitive; `methods.pyi`, which is generated
from the same table, tells editors and type checkers what there is.
"""


class Methods:
    __slots__ = ()
