-- Purged before it was asked for: a file that lived on with another order is asked back too (policy 3.2, 6.3).
CREATE FUNCTION studio.follow_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM studio.order_uploads l JOIN studio.uploads u USING (upload_id)
               WHERE l.order_id = NEW.order_id AND u.absent_at IS NULL) THEN
        NEW.photo_state = 'present';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER orders_follow_request BEFORE UPDATE OF erase_requested_at ON studio.orders FOR EACH ROW
    WHEN (NEW.erase_requested_at IS NOT NULL) EXECUTE FUNCTION studio.follow_request();
