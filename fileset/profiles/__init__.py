"""Application profiles (PS3.11): which instances, media and records conform, and why others do not.

Everything here is pure: it judges values that somebody else has read.
"""
