CREATE TYPE "Remark" AS ENUM ('it''s', 'say "hi"', E'C:\\new\\''x', 'one
two	tabbed', '''; DROP TABLE x; --', '☃ and 🙂', '100% {of} it :all $1 ?');
COMMENT ON TYPE "Remark" IS E'Its labels: ''quoted'', "doubly", back\\slashed, and 🙂.';

CREATE TYPE "Proverb_choice" AS ENUM ('a''b', E'c\\d');

CREATE TABLE "Proverb" (
  "id" bigint NOT NULL,
  "remark" "Remark" NOT NULL,
  "text" varchar(200) NOT NULL DEFAULT E'it''s \\ "quoted"
''; DROP TABLE x; -- 🙂',
  "long_text" text NOT NULL DEFAULT E'\\''',
  "choice" "Proverb_choice" NOT NULL DEFAULT 'a''b',
  "usual" "Remark" NOT NULL DEFAULT E'C:\\new\\''x',
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "Proverb" IS E'It''s a "table" \\ with ''quotes'',
two lines, a ☃; and ''; DROP TABLE x; --';
COMMENT ON COLUMN "Proverb"."text" IS E'Can''t be \\'' escaped; "really" /* not */ -- at all ☃';
