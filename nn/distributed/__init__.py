"""Many workers: the gradient of a batch, computed in parts by the workers of any executor.

worker.py is what runs there; crew.py hands out jobs and takes in what comes back; training.py is
`fit`'s engine.
"""
