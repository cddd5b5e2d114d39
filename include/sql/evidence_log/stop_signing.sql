SELECT lifecycle.stop_signing() AS now
