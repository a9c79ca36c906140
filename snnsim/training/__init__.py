"""Losses, optimisers, `fit` and `evaluate`."""

from snnsim.training.evaluate import Score as Score
from snnsim.training.evaluate import evaluate as evaluate
from snnsim.training.fit import fit as fit
from snnsim.training.losses import CrossEntropy as CrossEntropy
from snnsim.training.losses import FirstSpike as FirstSpike
from snnsim.training.losses import RateError as RateError
from snnsim.training.losses import RateRegulariser as RateRegulariser
from snnsim.training.optimisers import adam as adam
