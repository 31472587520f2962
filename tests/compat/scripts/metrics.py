"""Reads a page of figures from standard input as Prometheus' own library does, and prints what it understood."""

import sys

from prometheus_client.parser import text_string_to_metric_families

seen = set()
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.documentation, family.name
    assert family.name not in seen, family.name
    seen.add(family.name)
    print("family", family.name, family.type, len(family.samples))
    for sample in family.samples:
        labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
        print("sample", sample.name, labels, sample.value)
