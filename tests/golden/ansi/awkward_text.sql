CREATE TABLE "Proverb" (
  "id" bigint NOT NULL,
  "remark" varchar(64) NOT NULL,
  "text" varchar(200) DEFAULT 'it''s \ "quoted"
''; DROP TABLE x; -- 🙂' NOT NULL,
  "long_text" text DEFAULT '\''' NOT NULL,
  "choice" varchar(64) DEFAULT 'a''b' NOT NULL,
  "usual" varchar(64) DEFAULT 'C:\new\''x' NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Proverb_remark" CHECK ("remark" IN ('it''s', 'say "hi"', 'C:\new\''x', 'one
two	tabbed', '''; DROP TABLE x; --', '☃ and 🙂', '100% {of} it :all $1 ?')),
  CONSTRAINT "ch_Proverb_choice" CHECK ("choice" IN ('a''b', 'c\d')),
  CONSTRAINT "ch_Proverb_usual" CHECK ("usual" IN ('it''s', 'say "hi"', 'C:\new\''x', 'one
two	tabbed', '''; DROP TABLE x; --', '☃ and 🙂', '100% {of} it :all $1 ?'))
);
COMMENT ON TABLE "Proverb" IS 'It''s a "table" \ with ''quotes'',
two lines, a ☃; and ''; DROP TABLE x; --';
COMMENT ON COLUMN "Proverb"."text" IS 'Can''t be \'' escaped; "really" /* not */ -- at all ☃';
