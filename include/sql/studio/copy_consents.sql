COPY studio.consents (record_id, pii_principal_id, pii_controller, privacy_notice_version, purpose, pii_type,
    recipient_third_party, jurisdiction, consent_type, bundled, given_at, withdrawn_at)
FROM STDIN
