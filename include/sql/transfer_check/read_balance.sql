SELECT planned, judged, unjudged, allowed, denied, cross_border, contradicted, canaries, canaries_wrong, lists, stale_lists,
       incidents_missing, ever_judged
FROM lifecycle.transfer_balance
