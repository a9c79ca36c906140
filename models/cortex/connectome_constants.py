"""Numbers of the connectome network. Only the list of GABAergic neurons is published; the rest is our choice.

Neurons of C. elegans are mostly graded and not point-like: with these integrate-and-fire cells the wiring is real and
the dynamics are not. Weights and background are such that most neurons fire a few spikes a second.
"""

# The 26 GABAergic neurons of C. elegans (mcintire1993): 6 DD, 13 VD, 4 RME, AVL, DVB, RIS. Lists write DD1 or DD01.
GABAERGIC = frozenset([f"DD{i}" for i in range(1, 7)] + [f"VD{i}" for i in range(1, 14)]
                      + ["RMED", "RMEL", "RMER", "RMEV", "AVL", "DVB", "RIS"])

TAU_MEM, TAU_SYN, T_REF = 20.0, 5.0, 2.0  # ms
C_M = 0.1  # nF
E_L, V_RESET, V_TH = -65.0, -65.0, -50.0  # mV
DELAY = 1.0  # ms
PSP = 5.0  # mV, of all contacts that a neuron receives in the mean together: lists count contacts differently
BACKGROUND_PSP = 1.0  # mV
BACKGROUND_RATE = 400.0  # spikes/s
