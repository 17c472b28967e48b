UPDATE t SET b = upper(b), c = c * 2 WHERE a IN (SELECT n FROM w) OR d IS NULL; DELETE FROM w WHERE k LIKE 'o%' AND n NOT IN (2, 3);
