SELECT count(*) AS flawed FROM studio.flawed_hold
