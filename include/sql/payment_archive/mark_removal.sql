SAVEPOINT removal
