SELECT planned, counted, counted_bytes, unaccounted, bytes_unaccounted, erased FROM lifecycle.policy_balance
