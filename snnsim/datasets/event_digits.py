"""Event digits: real handwritten digits before a simulated event camera, made in seconds, no download."""

from __future__ import annotations

import numpy as np

from snnsim.core.dataset import LabelledEvents
from snnsim.core.events import Events

SIZE = 16
"""Rows and columns of the simulated sensor."""

DURATION = 120.0
"""Length of a recording (ms): three saccades of 40 ms."""

_RESOLUTION = 0.01  # ms
_STEP = 1.0  # ms between two images; events lie between them by interpolation
_PITCH = 1.5  # sensor pixels for one of the 8 x 8 cells
_CORNERS = np.array([[-0.7, -1.6], [1.4, 0.0], [-0.7, 1.6], [-0.7, -1.6]])  # path (y, x), sensor pixels
_BACKGROUND = 0.25  # light of the empty screen relative to a full stroke: the logarithm stays finite
_CONTRAST = 0.36  # change of log intensity that makes an event
_MISMATCH = 0.04  # relative spread of that threshold over pixels
_NOISE_HZ = 0.2  # spontaneous events of each pixel and polarity


def event_digits(seed: int = 0) -> tuple[LabelledEvents, LabelledEvents]:
    """Training and test recordings of scikit-learn's 1,797 handwritten digits (8 x 8 pixels, 16 grey values).

    Each image is interpolated smoothly and moves along a triangle in three saccades, as the screen was seen
    for N-MNIST. A pixel sends an event when the logarithm of its light has changed by its threshold since its
    last event: ON (1) when brighter, OFF (0) when darker, at the time interpolated between two images.

    Args:
        seed: seed of the split, of the thresholds' spread and of the noise.

    Returns:
        1,437 training and 360 test recordings of shape (2, 16, 16) (polarity, y, x), 120 ms, each class in
        proportion, no image in both.

    References:
        Orchard et al., Converting Static Image Datasets to Spiking Neuromorphic Datasets Using Saccades,
        Frontiers in Neuroscience 9:437 (2015). Images: E. Alpaydin and C. Kaynak, Optical Recognition of
        Handwritten Digits, UCI Machine Learning Repository (1998), its test part, by way of scikit-learn.
    """
    from sklearn.datasets import load_digits  # late: it takes a second, and few need it

    digits = load_digits()
    images = digits.images.astype(np.float32) / 16.0
    events = camera(images, np.random.default_rng([seed, 1]))
    classes = tuple(str(digit) for digit in range(10))
    whole = LabelledEvents(events, digits.target, classes, None, "event-digits")
    return whole.split(360 / len(whole), seed=seed)


def camera(images: np.ndarray, rng: np.random.Generator) -> Events:
    """What a simulated event camera sees of images moved in three saccades.

    Args:
        images: [batch, 8, 8], brightness 0 to 1.
        rng: draws the thresholds' spread and the noise.

    Returns:
        one sample an image, shape (2, 16, 16), times below 120 ms.
    """
    n, n_pixels = len(images), SIZE * SIZE
    threshold = _CONTRAST * (1 + _MISMATCH * rng.standard_normal(n_pixels)).clip(0.5, 2.0).astype(np.float32)
    path = _path()
    before = _log_light(images, path[0])
    reference = before.copy()  # log light at each pixel's last event
    found = []  # (sample, unit, time)
    for step, place in enumerate(path[1:]):
        after = _log_light(images, place)
        change = after - reference
        crossings = (np.abs(change) / threshold).astype(np.int32)
        sample, pixel = np.nonzero(crossings)
        count = crossings[sample, pixel]
        sign, level = np.sign(change[sample, pixel]), threshold[pixel]
        start, stop = before[sample, pixel], after[sample, pixel]
        for k in range(1, int(count.max(initial=0)) + 1):
            here = count >= k
            crossed = (reference[sample, pixel] + k * sign * level - start)[here]
            moved = (stop - start)[here]
            part = np.clip(crossed / np.where(moved == 0, 1.0, moved), 0.0, 1.0)
            unit = (sign[here] > 0) * n_pixels + pixel[here]
            found.append((sample[here], unit, (step + part) * _STEP))
        reference[sample, pixel] += count * sign * level
        before = after
    n_noise = rng.poisson(_NOISE_HZ * DURATION / 1e3 * 2 * n_pixels * n)
    found.append((rng.integers(0, n, n_noise), rng.integers(0, 2 * n_pixels, n_noise),
                  rng.uniform(0.0, DURATION, n_noise)))
    sample, unit, time = (np.concatenate(parts) for parts in zip(*found, strict=True))
    last = round(DURATION / _RESOLUTION) - 1
    ticks = np.minimum((time / _RESOLUTION).astype(np.int64), last)
    order = np.lexsort((unit, ticks, sample))
    offsets = np.searchsorted(sample[order], np.arange(n + 1))
    return Events(ticks[order], unit[order], offsets, (2, SIZE, SIZE), _RESOLUTION)


def _path() -> np.ndarray:
    """Place of the image (y, x) before and after each step, [steps + 1, 2]; legs start and end gently."""
    steps = round(DURATION / _STEP)
    leg, along = np.divmod(np.linspace(0.0, 3.0, steps + 1), 1.0)
    leg, along = np.minimum(leg, 2).astype(int), np.where(leg > 2, 1.0, along)[:, None]
    smooth = 0.5 - 0.5 * np.cos(np.pi * along)
    return _CORNERS[leg] * (1 - smooth) + _CORNERS[leg + 1] * smooth


def _log_light(images: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Log intensity on the sensor, [batch, pixels]: separable, so two small products do."""
    rows, columns = (_weights(shift).astype(np.float32) for shift in place)
    light = rows @ images @ columns.T
    return np.log(_BACKGROUND + light).reshape(len(images), -1)


def _weights(shift: float) -> np.ndarray:
    """Weights [sensor, cell] of a cubic B-spline between the cells, moved by `shift` sensor pixels."""
    sensor = (np.arange(SIZE) - (SIZE - 1) / 2 - shift) / _PITCH
    distance = np.abs(sensor[:, None] - (np.arange(8) - 3.5))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0.0) ** 3 / 6
    return np.where(distance < 1, near, far)
