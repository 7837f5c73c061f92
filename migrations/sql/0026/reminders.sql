-- A reminder is no edit: it must not refuse whoever answers what they read before it.
DROP TRIGGER application_version ON application;
CREATE TRIGGER application_version BEFORE UPDATE ON application FOR EACH ROW
    WHEN (NEW.reminded <= OLD.reminded) EXECUTE FUNCTION count_version();
