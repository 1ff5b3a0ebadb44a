"""A little torture, for every change; test_long_torture.py has the two hundred stops."""

import unittest

from torture import TortureTest
from victims import Ranks, Run, Sweep


class Torture(TortureTest):
    forms = 2

    def test_of_two_dozen_stops_changes_nothing(self):
        self.torture(1, {Run: 11, Sweep: 11, Ranks: 3})


if __name__ == "__main__":
    unittest.main()
