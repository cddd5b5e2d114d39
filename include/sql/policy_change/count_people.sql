SELECT everybody, with_files, with_payments, payments FROM studio.people_concerned
