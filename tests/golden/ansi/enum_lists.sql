CREATE TABLE "Palette" (
  "id" bigint NOT NULL,
  "colors" varchar(64) ARRAY NOT NULL,
  "avoided" varchar(64) ARRAY NOT NULL,
  "accents" varchar(64) ARRAY,
  PRIMARY KEY ("id")
);
