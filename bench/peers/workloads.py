"""The reference workloads of `lehr bench speed`, for the peers: shapes, data and step sizes.

Only shapes decide the cost, so the data are random, as the built-in workloads of the bench are.
"""

WORKLOADS = {
    # sizes: inputs, hidden widths, outputs; chains: the batch sizes that the calibration tries
    "a": {"sizes": (2, 16, 16, 1), "points": 200, "loss": "binary_cross_entropy",
          "chains": (8, 32, 64, 128, 256)},
    "b": {"sizes": (64, 32, 10), "points": 1797, "loss": "cross_entropy",
          "chains": (2, 4, 8, 16, 32)},
    "c": {"sizes": (784, 128, 10), "points": 1024, "loss": "cross_entropy",
          "chains": (1, 2, 4, 8, 16)},
}

# How the first layer is computed: like every other one, or for all chains in one matrix product.
LAYOUTS = ("batched", "shared")


def classes(workload):
    """Number of classes: one output means two."""
    return max(2, workload["sizes"][-1])


def step_sizes(workload):
    """Standard deviation of the noise and of the first weights, per layer: 1/sqrt(inputs)."""
    return [inputs ** -0.5 for inputs in workload["sizes"][:-1]]


STEP = 0.02  # noise over first weights: with the temperatures below, about half is accepted
TEMPERATURES = (1e-6, 1e-3)  # geometric over the chains of a batch
