"""The steps every pipeline shares: plan, guard, act, observe, assert, attest."""
