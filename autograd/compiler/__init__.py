"""Running: from a Python function of scalars to machine code."""
