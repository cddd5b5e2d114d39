"""The published privacy policy as data: its model, its loader, its clocks and its explanations.

Nothing is imported here, so that `data_lifecycle.policy.clock` costs no more than the standard library.
"""
