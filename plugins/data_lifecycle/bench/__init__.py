"""Measurements beside peers, each a module that `./lifecycle bench NAME` runs; modules with an underscore help them.

Seconds differ from machine to machine and from minute to minute. What counts is the ratio between contenders that took
turns in the same run.
"""
