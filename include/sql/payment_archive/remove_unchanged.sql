-- By id and version. A row's version is older than the horizon only if it was there, as it is, when the comparison began; and
-- that compared every column of it. One that was changed since, by whatever means, is a new version: it is not touched.
-- Age counts transactions backwards from this one, across the point where their numbers begin anew.
DELETE FROM studio.payments p
USING archived a
WHERE p.payment_id = a.payment_id AND p.occurred_at = a.occurred_at AND age(p.xmin) > age(%(horizon)s::xid8::xid)
