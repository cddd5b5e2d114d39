-- The query comes with its values bound already: COPY takes none.
COPY (%(query)s
) TO STDOUT (FORMAT csv, HEADER)
