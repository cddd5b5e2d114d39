"""What a new version of the policy would change, before anything is done: counted, sealed, stated."""
