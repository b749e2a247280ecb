"""Data sets, and what is done to them before training.

    train, test = standardise(*iris().split(test=0.2, stratify=True))
    model.fit(train.xs, train.ys)

Arrays are NumPy's, imported only when a function needs it.
"""

from nn.data.augment import augment as augment
from nn.data.augment import moved as moved
from nn.data.augment import versions as versions
from nn.data.bundled import breast_cancer as breast_cancer
from nn.data.bundled import digits as digits
from nn.data.bundled import iris as iris
from nn.data.bundled import wine as wine
from nn.data.dataset import DataSet as DataSet
from nn.data.gates import GATES as GATES
from nn.data.gates import INPUTS as INPUTS
from nn.data.gates import NOT_LINEARLY_SEPARABLE as NOT_LINEARLY_SEPARABLE
from nn.data.gates import gate as gate
from nn.data.generated import blobs as blobs
from nn.data.generated import circles as circles
from nn.data.generated import moons as moons
from nn.data.generated import spirals as spirals
from nn.data.generated import xor_clouds as xor_clouds
from nn.data.idx import read_idx as read_idx
from nn.data.prepare import one_hot as one_hot
from nn.data.prepare import standardise as standardise
from nn.data.split import shuffle as shuffle
from nn.data.split import train_test_split as train_test_split
from nn.data.table import read_csv as read_csv
