"""Numbers of the networks of Vogels & Abbott 2005 (vogels2005), benchmarks 1 and 2 of Brette et al. 2007 (brette2007).

Units: ms, mV, nF, uS, nA. Values of CUBA as in Brian2's example CUBA.py at commit 087e94d, of COBA as in NEST's example
brette_et_al_2007/coba.py at commit 181413e; the initial state of COBA as in Brian2's COBAHH.py at commit 087e94d.
"""

NEURONS = 4000
EXCITATORY_SHARE = 0.8
INPUTS = 80  # synapses onto a neuron in the mean at every size: p = 0.02 of 4000 neurons
DELAY = 0.1  # NEST's; Brian2's has none

T_REF = 5.0
V_TH, V_RESET = -50.0, -60.0
TAU_EXC, TAU_INH = 5.0, 10.0
C_M, TAU_MEM = 0.2, 20.0  # nF, ms; the leak is 0.01 uS

CUBA_E_L = -49.0  # above threshold: the network needs no other input
CUBA_EXC, CUBA_INH = 1.62, -9.0  # mV, the steps of r_m i at a spike

COBA_E_L = -60.0
COBA_EXC, COBA_INH = 0.006, -0.067  # uS
COBA_E_EXC, COBA_E_INH = 0.0, -80.0
COBA_START_V = (-65.0, 5.0)  # mean and standard deviation
COBA_START_EXC = (0.04, 0.015)  # uS
COBA_START_INH = (0.2, 0.12)
