"""The proposals of lehr in PyTorch on one CPU thread: all chains of a batch at once.

One scan: every weight of every chain gets normal noise, the network runs on all points as batched
matrix products (baddbmm), the loss decides with Metropolis. Activations are kept as
[chains, width, points]; noise and new weights are written in place.

Layouts: `batched`: every layer is one baddbmm; `shared`: the first layer of all chains is one large
matrix product with the shared inputs. The runner takes whichever is faster.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch
import torch.nn.functional as functional

import protocol
from workloads import STEP, TEMPERATURES, WORKLOADS, classes, step_sizes


class Chains:
    """A batch of chains: weights [R,out,in] and biases [R,out,1] per layer, energies [R]."""

    def __init__(self, name, chains, layout):
        self.workload = WORKLOADS[name]
        self.chains, self.layout = chains, layout
        sizes, points = self.workload["sizes"], self.workload["points"]
        self.inputs = torch.randn(sizes[0], points)
        self.labels = torch.arange(points) % classes(self.workload)
        low, high = TEMPERATURES
        self.beta = 1 / (low * (high / low) ** (torch.arange(chains) / max(chains - 1, 1)))
        self.theta, self.steps = [], []
        for i, scale in enumerate(step_sizes(self.workload)):
            self.theta += [scale * torch.randn(chains, sizes[i + 1], sizes[i]),
                           scale * torch.randn(chains, sizes[i + 1], 1)]
            self.steps += [STEP * scale] * 2
        self.trial = [torch.empty_like(t) for t in self.theta]
        self.prepare_labels()
        self.energy = self.loss(self.theta)

    def prepare_labels(self):
        if self.workload["loss"] == "binary_cross_entropy":
            self.targets = self.labels.float().expand(self.chains, -1).contiguous()
        else:
            self.targets = self.labels.expand(self.chains, -1).contiguous()

    def first_layer(self, weights, biases):
        if self.layout == "shared":
            flat = torch.addmm(biases.view(-1, 1), weights.view(-1, weights.shape[2]), self.inputs)
            return flat.view(self.chains, weights.shape[1], -1)
        return torch.baddbmm(biases, weights, self.inputs.expand(self.chains, -1, -1))

    def loss(self, theta):
        z = self.first_layer(theta[0], theta[1])
        for i in range(2, len(theta), 2):
            z = torch.baddbmm(theta[i + 1], theta[i], z.tanh_())
        if self.workload["loss"] == "binary_cross_entropy":
            z, loss = z[:, 0, :], functional.binary_cross_entropy_with_logits
        else:
            loss = functional.cross_entropy
        return loss(z, self.targets, reduction="none").mean(1)

    def advance(self):
        for trial, theta, step in zip(self.trial, self.theta, self.steps):
            torch.add(theta, trial.normal_(), alpha=step, out=trial)
        energy = self.loss(self.trial)
        accepted = self.beta * (self.energy - energy) >= torch.rand(self.chains).log_()
        self.energy = torch.where(accepted, energy, self.energy)
        choose = accepted.view(-1, 1, 1)
        for trial, theta in zip(self.trial, self.theta):
            torch.where(choose, trial, theta, out=theta)
        return int(accepted.sum())


def make(name, chains, layout):
    torch.manual_seed(1)
    return Chains(name, chains, layout).advance


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    protocol.serve("torch", torch.__version__, make)
