INSERT INTO lifecycle.payment_access (person, purpose, asked, asked_sha256, rows, files)
VALUES (%(person)s, %(purpose)s, %(asked)s, %(asked_sha256)s, %(rows)s, %(files)s)
