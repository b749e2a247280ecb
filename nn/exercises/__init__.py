"""Exercises that check themselves: a wrong answer is shown the smallest case where it goes wrong.

The notebooks of the course use them; so can yours. `...` in place of an answer is no answer yet.
"""

from nn.exercises.answers import Verdict as Verdict
from nn.exercises.answers import check_number as check_number
from nn.exercises.engine import check_engine as check_engine
from nn.exercises.functions import check_derivative as check_derivative
from nn.exercises.functions import check_function as check_function
