"""Benchmarks: a deterministic corpus, our program and its peers in one run, medians, ratios and growth.

Run with ``python -m tests.benchmarks``; ``--help`` lists the options. A benchmark here never fails on time.
"""
