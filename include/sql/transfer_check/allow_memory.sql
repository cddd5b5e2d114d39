-- Enough for a million disclosures to be joined and grouped without a detour over the disk; each part of the pass may use it.
SET LOCAL work_mem = '64MB'
