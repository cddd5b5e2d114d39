-- Events are history: appended, never changed. The order's terminal columns follow from them.
CREATE FUNCTION studio.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER order_events_append_only BEFORE UPDATE OR DELETE ON studio.order_events
    FOR EACH ROW EXECUTE FUNCTION studio.refuse_change();
CREATE TRIGGER order_events_no_truncate BEFORE TRUNCATE ON studio.order_events
    FOR EACH STATEMENT EXECUTE FUNCTION studio.refuse_change();

-- Recomputed from all events, so that one recorded late or out of order still finds the first terminal event.
CREATE FUNCTION studio.follow_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reopened timestamptz;
    ended    record;
BEGIN
    PERFORM 1 FROM studio.orders WHERE order_id = NEW.order_id FOR UPDATE;
    SELECT max(occurred_at) INTO reopened FROM studio.order_events WHERE order_id = NEW.order_id AND kind = 'reopened';
    SELECT occurred_at, kind INTO ended FROM studio.order_events
    WHERE order_id = NEW.order_id AND kind IN ('completed', 'cancelled', 'refunded', 'expired')
      AND occurred_at > coalesce(reopened, '-infinity')
    ORDER BY occurred_at, event_id LIMIT 1;
    UPDATE studio.orders
    SET terminal_at = ended.occurred_at, terminal_kind = ended.kind, reopened_at = reopened,
        last_activity_at = greatest(last_activity_at, NEW.occurred_at),
        -- Reopened after its purge: what is gone stays gone, but a file that lived on with another order is needed again.
        photo_state = CASE WHEN NEW.kind = 'reopened' AND EXISTS (
                               SELECT FROM studio.order_uploads l JOIN studio.uploads u USING (upload_id)
                               WHERE l.order_id = NEW.order_id AND u.absent_at IS NULL)
                           THEN 'present' ELSE photo_state END
    WHERE order_id = NEW.order_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER order_events_follow AFTER INSERT ON studio.order_events
    FOR EACH ROW EXECUTE FUNCTION studio.follow_events();

-- A file added to an order makes the order selectable (again): nothing may hide behind an earlier purge.
CREATE FUNCTION studio.follow_uploads() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Written even when it already says present: the row lock makes a purge that is closing the order wait for this file.
    UPDATE studio.orders SET photo_state = 'present' WHERE order_id = NEW.order_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER order_uploads_follow AFTER INSERT ON studio.order_uploads
    FOR EACH ROW EXECUTE FUNCTION studio.follow_uploads();
