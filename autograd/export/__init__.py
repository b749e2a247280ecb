"""Out of Python: a traced function, its value and its gradient, as C, ONNX, JAX, text or JSON.

portable.py makes a function ready to leave, and checks what was written against the eager engine;
each format has a file of its own.
"""
