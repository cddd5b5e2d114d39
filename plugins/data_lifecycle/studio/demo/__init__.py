"""A believable studio to try the pipelines on: invented people, months of history, real image files.

`build.build` decides everything (pure, from a seed); `load.load` puts it into a database and an object store through
the identities of the studio's own application; `bulk.fill` makes millions of rows for measurements.
"""
