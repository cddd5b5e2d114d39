-- For a judge outside the database, which needs all of them at once.
SELECT pii_principal_id, recipient_third_party, pii_type, purpose, consent_type, bundled, privacy_notice_version, given_at, withdrawn_at
FROM studio.consents
