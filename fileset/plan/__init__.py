"""Turn inputs into a plan, and carry the plan out: inputs, scan, tree, names, plan, commit (PS3.10 8.3)."""
