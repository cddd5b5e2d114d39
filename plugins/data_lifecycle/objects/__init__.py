"""The object store: listing for observation, erasing of exact versions, and the canary that makes a scan trustworthy.

The package keeps two code paths apart on purpose: `listing` (raw signed requests and its own XML parser) observes,
`erase` (boto3) acts. A fault in one of them therefore cannot hide itself in the other.
"""
