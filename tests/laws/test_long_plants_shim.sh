#!/bin/bash
# The bugs that test_plants_shim.sh has too few samples for: a leak of 1e-3, 0.9 of the ratio, 8 bits, one word used
# twice. One minute each.
exec bash "$(dirname "$0")/test_plants_shim.sh" fine
