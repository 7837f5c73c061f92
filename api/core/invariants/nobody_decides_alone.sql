-- Nobody confirms or approves their own hours, and nothing confirmed was raised above what was declared.
SELECT id AS hours_id, person_id, confirmed_by, approved_by, minutes, declared_minutes FROM hours_entry
WHERE confirmed_by = person_id OR approved_by = person_id OR minutes > declared_minutes
   OR (state IN ('confirmed', 'approved', 'reversed') AND confirmed_by IS NULL)
