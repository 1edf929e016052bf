"""Reasons for which a Ray node does not work that its container does not say."""
