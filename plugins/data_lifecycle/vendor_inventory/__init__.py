"""Who holds what about how many people, where, under which contract; what differs; and the record of processing."""
