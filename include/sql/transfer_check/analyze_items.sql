-- What was just written by the million has no statistics yet, and the pass would sort what it need only look up.
ANALYZE lifecycle.transfer_item
