CREATE TABLE "Proverb" (
  "id" INTEGER NOT NULL,
  "remark" TEXT NOT NULL,
  "text" TEXT NOT NULL DEFAULT 'it''s \ "quoted"
''; DROP TABLE x; -- 🙂',
  "long_text" TEXT NOT NULL DEFAULT '\''',
  "choice" TEXT NOT NULL DEFAULT 'a''b',
  "usual" TEXT NOT NULL DEFAULT 'C:\new\''x',
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Proverb_remark" CHECK ("remark" IN ('it''s', 'say "hi"', 'C:\new\''x', 'one
two	tabbed', '''; DROP TABLE x; --', '☃ and 🙂', '100% {of} it :all $1 ?')),
  CONSTRAINT "ch_Proverb_choice" CHECK ("choice" IN ('a''b', 'c\d')),
  CONSTRAINT "ch_Proverb_usual" CHECK ("usual" IN ('it''s', 'say "hi"', 'C:\new\''x', 'one
two	tabbed', '''; DROP TABLE x; --', '☃ and 🙂', '100% {of} it :all $1 ?'))
) STRICT;
