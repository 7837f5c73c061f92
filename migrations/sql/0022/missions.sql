-- Half a point is nowhere: the postcode, where there is one, says more.
SET LOCAL ROLE maillon_ops;
UPDATE mission SET latitude = NULL, longitude = NULL WHERE (latitude IS NULL) <> (longitude IS NULL);
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE mission ADD CONSTRAINT mission_point_is_whole CHECK ((latitude IS NULL) = (longitude IS NULL));
