"""Who gets data: the register of vendors, and the dated reference lists that say where data may go (policy 4 and 8)."""
