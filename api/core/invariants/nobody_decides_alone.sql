-- Nobody confirms or approves their own hours, by a key that they made neither, and nothing confirmed was raised above
-- what was declared.
SELECT id AS hours_id, person_id, confirmed_by, approved_by, minutes, declared_minutes FROM hours_entry
WHERE confirmed_by = person_id OR approved_by = person_id OR minutes > declared_minutes
   OR EXISTS (SELECT FROM api_key WHERE id IN (confirmed_by, approved_by) AND created_by = person_id)
   OR (state IN ('confirmed', 'approved', 'reversed') AND confirmed_by IS NULL)
