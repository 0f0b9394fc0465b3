"""The folder medium: file-sets in folders, on USB sticks and on cards (PS3.12 R to U)."""
