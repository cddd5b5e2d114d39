COPY examined (payment_id, file_number) FROM STDIN (FORMAT binary)
