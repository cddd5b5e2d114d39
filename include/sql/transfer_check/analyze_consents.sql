-- Nobody else looks after a table of the session: without statistics, what follows would be planned for some other million.
ANALYZE consent
