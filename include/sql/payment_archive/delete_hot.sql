-- What a script without this project does after a count: everything up to a moment, whatever it is by now.
DELETE FROM studio.payments WHERE occurred_at <= %(to_at)s
