SELECT planned, observed, by_vendor, lost, lines, vendors, drift, canaries, canaries_wrong, unbalanced, vendors_missing, contradicted,
       documents, documents_missing
FROM lifecycle.inventory_balance
