-- The contact is asked once an engagement is agreed to, by its own function: its twin by mission is not needed.
DROP FUNCTION contact_of(uuid);

-- application_mission_tenant says the same of both columns, and none is ever null.
ALTER TABLE application DROP CONSTRAINT application_mission_id_fkey;
