"""Routers that are not Paceline's, before several verifiers. A package, so that `unittest discover` finds its tests."""
