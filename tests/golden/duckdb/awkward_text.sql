CREATE TABLE "Proverb" (
  "id" BIGINT NOT NULL,
  "remark" ENUM('it''s', 'say "hi"', 'C:\new\''x', 'one
two	tabbed', '''; DROP TABLE x; --', '☃ and 🙂', '100% {of} it :all $1 ?') NOT NULL,
  "text" VARCHAR NOT NULL DEFAULT 'it''s \ "quoted"
''; DROP TABLE x; -- 🙂',
  "long_text" VARCHAR NOT NULL DEFAULT '\''',
  "choice" ENUM('a''b', 'c\d') NOT NULL DEFAULT 'a''b',
  "usual" ENUM('it''s', 'say "hi"', 'C:\new\''x', 'one
two	tabbed', '''; DROP TABLE x; --', '☃ and 🙂', '100% {of} it :all $1 ?') NOT NULL DEFAULT 'C:\new\''x',
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "Proverb" IS 'It''s a "table" \ with ''quotes'',
two lines, a ☃; and ''; DROP TABLE x; --';
COMMENT ON COLUMN "Proverb"."text" IS 'Can''t be \'' escaped; "really" /* not */ -- at all ☃';
