"""Numbers of the cortical microcircuit, in our units (ms, mV, nA, nF); matrices are [target][source].

Model: Potjans & Diesmann 2014 (potjans2014). Values as in its reference implementation (pd14model) at commit 02fce3f,
file parameter_definitions.py, which NEST's example Potjans_2014 shares.
"""

POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
NEURONS = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
PROBABILITIES = (
    (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
    (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
    (0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0),
    (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
    (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
    (0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0),
    (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    (0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443),
)

PSP = 0.15  # mV, peak of an excitatory potential
PSP_L4E_TO_L23E = 2 * PSP
INHIBITION = -4.0  # inhibitory weight, relative to the excitatory one
WEIGHT_CV = 0.1
DELAY_EXCITATORY, DELAY_INHIBITORY = 1.5, 0.75  # ms, means
DELAY_CV = 0.5

EXTERNAL_INPUTS = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)  # a neuron
EXTERNAL_RATE = 8.0  # spikes/s, of each of them

TAU_MEM, TAU_SYN, T_REF = 10.0, 0.5, 2.0  # ms
C_M = 0.25  # nF
E_L, V_RESET, V_TH = -65.0, -65.0, -50.0  # mV

# Initial membrane potentials: one distribution for all ("original"), or one a population ("optimized"), with which the
# burst at the beginning is smaller.
START_MEAN = {"original": (-58.0,) * 8,
              "optimized": (-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43)}
START_STD = {"original": (10.0,) * 8,
             "optimized": (5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48)}

# spikes/s at full scale; what a lower in-degree takes away is made up for at these rates.
RATES = (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829)
