"""An event-driven simulator written once more and otherwise: one heap, one unit at a time, crossings by sampling."""

import heapq
from math import exp, log

import numpy as np


class DeltaUnit:
    """Leaky membrane, arriving spikes step it; resets to 0; refractory for t_ref, when it ignores what arrives."""

    def __init__(self, tau=20.0, drive=0.0, t_ref=0.0):
        self.tau, self.drive, self.t_ref = tau, drive, t_ref
        self.t, self.v, self.free = 0.0, 0.0, 0.0

    def to(self, t):
        begin = max(self.t, min(self.free, t))
        self.v, self.t = self.drive + (self.v - self.drive) * exp(-(t - begin) / self.tau), t

    def receive(self, port, w):
        if self.t > self.free or self.t_ref == 0.0:
            self.v += w
        return self.v > 1.0

    def crossing(self):
        begin = max(self.t, self.free)
        if self.v > 1.0:
            return begin
        return begin + self.tau * log((self.drive - self.v) / (self.drive - 1.0)) if self.drive > 1.0 else None

    def reset(self):
        self.v, self.free = 0.0, self.t + self.t_ref


class CurrentUnit:
    """iaf_psc_exp: membrane held while refractory, currents flow on. Units of 1: threshold 1, rest and reset 0."""

    def __init__(self, tau=10.0, taus=(2.0, 5.0), drive=0.0, t_ref=0.0):
        self.tau, self.taus, self.drive, self.t_ref = tau, taus, drive, t_ref
        self.t, self.v, self.i, self.free = 0.0, 0.0, [0.0, 0.0], 0.0

    def v_after(self, d, v, i):
        found = self.drive + (v - self.drive) * np.exp(-d / self.tau)
        for tau, current in zip(self.taus, i, strict=True):
            found = found + current * tau / (self.tau - tau) * (np.exp(-d / self.tau) - np.exp(-d / tau))
        return found

    def to(self, t):
        held = max(0.0, min(self.free, t) - self.t)
        self.i = [c * exp(-held / tau) for c, tau in zip(self.i, self.taus, strict=True)]
        rest = t - self.t - held
        self.v = float(self.v_after(rest, self.v, self.i))
        self.i = [c * exp(-rest / tau) for c, tau in zip(self.i, self.taus, strict=True)]
        self.t = t

    def receive(self, port, w):
        self.i[port] += w
        return False

    def crossing(self):
        held = max(0.0, self.free - self.t)
        i = [c * exp(-held / tau) for c, tau in zip(self.i, self.taus, strict=True)]
        begin = self.t + held
        if self.v > 1.0:
            return begin
        grid = np.r_[np.linspace(0.0, 5.0, 4000), np.linspace(5.01, 80.0, 4000)]
        above = np.flatnonzero(self.v_after(grid, self.v, i) > 1.0)
        if not len(above):
            return None
        low, high = (grid[above[0] - 1], grid[above[0]]) if above[0] else (0.0, 0.0)
        for _ in range(90):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if self.v_after(middle, self.v, i) > 1.0 else (middle, high)
        return begin + high

    def reset(self):
        self.v, self.free = 0.0, self.t + self.t_ref


def run(units, synapses, external, duration):
    """Spikes [(time, unit)]; `synapses[i]` lists (target, port, weight, delay), `external` (time, unit, port, weight).

    Arrivals of one instant (to 1e-9 ms) are summed before the threshold is looked at.
    """
    heap, counter, spikes, version, delivered = [], 0, [], [0] * len(units), 0

    def push(*entry):
        nonlocal counter
        heapq.heappush(heap, (entry[0], entry[1], counter, *entry[2:]))
        counter += 1

    def predict(u):
        version[u] += 1
        at = units[u].crossing()
        if at is not None:
            push(at, 1, u, version[u])

    def fire(u):
        spikes.append((units[u].t, u))
        units[u].reset()
        for target, port, w, delay in synapses[u]:
            push(units[u].t + delay, 0, target, port, w)

    for time, u, port, w in external:
        push(time, 0, u, port, w)
    for u in range(len(units)):
        predict(u)
    while heap and heap[0][0] < duration:
        time, kind, _, u, *rest = heapq.heappop(heap)
        if kind == 1:
            if rest[0] == version[u]:
                units[u].to(time)
                fire(u)
                predict(u)
            continue
        together = [(u, *rest)]
        while heap and heap[0][0] < time + 1e-9 and heap[0][1] == 0:
            together.append(tuple(heapq.heappop(heap)[3:]))
        for u in sorted({entry[0] for entry in together}):
            units[u].to(time)
            above = False
            for target, port, w in together:
                if target == u:
                    above = units[u].receive(port, w)
                    delivered += 1
            if above and time >= units[u].free:
                fire(u)
            predict(u)
    return sorted(spikes), delivered
