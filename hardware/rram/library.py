"""Cells of published fits; the numbers are those of the open-source tools aihwkit and CrossSim, which name papers."""

from __future__ import annotations

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.rram.device import Device
from snnsim.hardware.rram.laws import (
    FilamentFlicker,
    LogarithmicRelaxation,
    PhaseChangeFlicker,
    PolynomialError,
    PowerLawDrift,
    WhiteReadNoise,
)

# Wan et al. 2022 as fitted by aihwkit: coefficients in uS of powers of g / g_max, at g_max = 40 uS, by time.
WAN_2022 = {
    "1 s": (0.348, 16.030, -43.853, 45.393, -16.815),
    "1 day": (0.701, 22.086, -50.773, 47.095, -16.458),
    "2 days": (0.782, 20.274, -43.507, 37.062, -11.934),
}
# CMO/HfOx as fitted by aihwkit: offset and slope in uS, by accepted error of the program-and-verify loop in percent.
CMO_HFOX = {0.2: (0.00081107, 0.00106879), 2.0: (0.0112185391, 0.01129027418)}


def gaussian(writing: float = 0.0, reading: float = 0.0, *, g_min: float = 0.0, g_max: float = 25.0) -> Device:
    """A cell whose errors are the same at every conductance; not of any paper, for sweeps.

    Args:
        writing: standard deviation of writing, part of g_max.
        reading: standard deviation of a reading, part of g_max.
        g_min: smallest conductance (uS).
        g_max: largest conductance (uS).

    Example:
        >>> float(gaussian(0.04).writing.coefficients[0])
        1.0
    """
    return Device(g_min, g_max, PolynomialError([writing * g_max]), None, WhiteReadNoise(reading))


def pcm(g_max: float = 25.0) -> Device:
    """Phase-change memory: error of writing, drift and 1/f noise.

    Args:
        g_max: largest conductance (uS); errors of writing grow with it from the fit's 25 uS.

    References:
        Nandakumar et al. 2019 (key nandakumar2019); numbers from aihwkit (key aihwkit), inference/noise/pcm.py.
    """
    writing = PolynomialError([0.26348, 1.9650, -1.1731], 25.0, g_max / 25.0)
    return Device(0.0, g_max, writing, PowerLawDrift(), PhaseChangeFlicker())


def pcm_joshi() -> Device:
    """Phase-change memory of 0.25 to 25 uS, error of writing only.

    References:
        Joshi et al. 2020; numbers from CrossSim (key crosssim), devices/custom/PCM_Joshi.py.
    """
    return Device(0.25, 25.0, PolynomialError([0.28638599, 0.07585724, -0.00178767]))


def rram_wan(after: str = "1 s", g_max: float = 40.0) -> Device:
    """The 130 nm RRAM of NeuRRAM: deviation from the target after a time, and about 1 % of read noise.

    Args:
        after: "1 s", "1 day" or "2 days"; other times were not published.
        g_max: largest conductance (uS); errors grow with it from the fit's 40 uS. (aihwkit forgets to divide by 40
            unless it is told; the fit is in uS at 40 uS.)

    Raises:
        ConfigurationError: another time.

    References:
        Wan et al. 2022 (key wan2022); numbers from aihwkit, inference/noise/reram.py, class ReRamWan2022NoiseModel.
    """
    if after not in WAN_2022:
        raise ConfigurationError(
            got=f"after = {after!r}",
            expected=f"one of {', '.join(WAN_2022)}",
            where="rram_wan",
            fix="choose one of the measured times",
        )
    return Device(0.0, g_max, PolynomialError(WAN_2022[after], 40.0, g_max / 40.0), None, WhiteReadNoise(0.01))


def rram_wan_cubic() -> Device:
    """The same RRAM by CrossSim's cubic fit of the deviation after 1 s, up to 39.26 uS.

    References:
        Wan et al. 2022; numbers from CrossSim, devices/custom/RRAM_Wan.py.
    """
    return Device(0.0, 39.26, PolynomialError([1.053, 0.2374, -1.167e-2, 1.536e-4]))


def rram_milo() -> Device:
    """Multilevel HfO2 RRAM of 50 to 225 uS written by the IGVVA-100 algorithm.

    References:
        Milo et al. 2021 (key milo2021); numbers from CrossSim, devices/custom/RRAM_Milo.py.
    """
    return Device(50.0, 225.0, PolynomialError([4.782321, -0.009107]))


def rram_cmo(accepted: float = 2.0) -> Device:
    """CMO/HfOx RRAM of 9 to 88.2 uS: error of writing, relaxation and 1/f noise.

    Args:
        accepted: error at which program-and-verify stops, 0.2 or 2 percent.

    Raises:
        ConfigurationError: another accepted error.

    References:
        numbers from aihwkit, inference/noise/reram.py, class ReRamCMONoiseModel.
    """
    if accepted not in CMO_HFOX:
        raise ConfigurationError(
            got=f"accepted = {accepted}",
            expected=f"one of {', '.join(map(str, CMO_HFOX))} percent",
            where="rram_cmo",
            fix="choose one of the measured ranges",
        )
    return Device(9.0, 88.199997, PolynomialError(CMO_HFOX[accepted]), LogarithmicRelaxation(), FilamentFlicker())
