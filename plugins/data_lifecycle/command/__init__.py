"""The verbs of ``./lifecycle``, one module each: ``add_to`` declares the verb, ``main`` does it."""
