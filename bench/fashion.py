#!/usr/bin/env python3
"""The curve of configs/fashion.yaml: fashion.py RUN_DIR > curve.csv, from a run that is done.

Accuracies are those of the best row so far, as the validation part chose it; the test part has one figure, the
last line's, because a run looks at it once.
"""
import json
import os
import sys


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
        test = json.load(file)["best"]["test"]["accuracy"]
    with open(os.path.join(folder, "events.jsonl"), encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    print("proposals,wall_s,train_accuracy,validation_accuracy,test_accuracy")
    for event in events:
        last = f"{test:.4f}" if event is events[-1] else ""
        print(f"{event['proposals']},{event['wall_s']:.1f},{event['train']['accuracy']:.4f},"
              f"{event['validation']['accuracy']:.4f},{last}")


if __name__ == "__main__":
    main()
