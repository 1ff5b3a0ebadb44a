"""The proposals of lehr in NumPy on one CPU thread: all chains of a batch at once.

The same scan as torch_peer.py, with matmul over the batch and buffers that are written in place.
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

import protocol
from workloads import STEP, TEMPERATURES, WORKLOADS, classes, step_sizes


class Chains:
    """A batch of chains: weights [R,out,in] and biases [R,out,1] per layer, energies [R]."""

    def __init__(self, name, chains, layout):
        self.workload = WORKLOADS[name]
        self.chains, self.layout = chains, layout
        self.random = np.random.Generator(np.random.SFC64(1))
        sizes, points = self.workload["sizes"], self.workload["points"]
        self.inputs = self.normal(sizes[0], points)
        self.labels = np.arange(points) % classes(self.workload)
        low, high = TEMPERATURES
        self.beta = 1 / (low * (high / low) ** (np.arange(chains) / max(chains - 1, 1)))
        self.theta, self.steps = [], []
        for i, scale in enumerate(step_sizes(self.workload)):
            self.theta += [np.float32(scale) * self.normal(chains, sizes[i + 1], sizes[i]),
                           np.float32(scale) * self.normal(chains, sizes[i + 1], 1)]
            self.steps += [np.float32(STEP * scale)] * 2
        self.trial = [np.empty_like(t) for t in self.theta]
        self.hidden = [np.empty((chains, width, points), np.float32) for width in sizes[1:]]
        self.signs = np.float32(1) - 2 * self.labels.astype(np.float32)
        self.energy = self.loss(self.theta)

    def normal(self, *shape):
        return self.random.standard_normal(shape, dtype=np.float32)

    def first_layer(self, weights, out):
        if self.layout == "shared":
            rows = weights.reshape(-1, weights.shape[2])
            np.matmul(rows, self.inputs, out=out.reshape(-1, out.shape[2]))
        else:
            np.matmul(weights, self.inputs, out=out)

    def loss(self, theta):
        self.first_layer(theta[0], self.hidden[0])
        self.hidden[0] += theta[1]
        for i in range(1, len(self.hidden)):
            np.tanh(self.hidden[i - 1], out=self.hidden[i - 1])
            np.matmul(theta[2 * i], self.hidden[i - 1], out=self.hidden[i])
            self.hidden[i] += theta[2 * i + 1]
        z = self.hidden[-1]
        if self.workload["loss"] == "binary_cross_entropy":
            z = z[:, 0, :] * self.signs  # ln(1 + e^z), z signed by the label
            return (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))).mean(1)
        right = z[:, self.labels, np.arange(z.shape[2])].copy()
        top = z.max(1, keepdims=True)
        z -= top
        np.exp(z, out=z)
        return (np.log(z.sum(1)) + top[:, 0, :] - right).mean(1)

    def advance(self):
        for trial, theta, step in zip(self.trial, self.theta, self.steps):
            self.random.standard_normal(dtype=np.float32, out=trial)
            trial *= step
            trial += theta
        energy = self.loss(self.trial)
        accepted = self.beta * (self.energy - energy) >= np.log(self.random.random(self.chains))
        self.energy = np.where(accepted, energy, self.energy)
        for trial, theta in zip(self.trial, self.theta):
            np.copyto(theta, trial, where=accepted[:, None, None])
        return int(accepted.sum())


def make(name, chains, layout):
    return Chains(name, chains, layout).advance


if __name__ == "__main__":
    protocol.serve("numpy", np.__version__, make)
