ANALYZE studio.customers, studio.orders, studio.order_events, studio.uploads, studio.order_uploads, studio.payments,
    studio.disclosures, studio.consents, studio.legal_holds, studio.legal_hold_uploads
