"""Preprocessors that are networks: what finds edges, lines, depth, poses and things in pictures."""
