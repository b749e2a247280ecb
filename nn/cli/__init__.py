"""The commands of `python -m nn`: options.py reads them, gates.py and learn.py do them.

gates.py has the logic gates. For the data sets, tasks.py says which there are and how each is
learned by default, learn.py trains and reports, pictures.py draws.
"""
