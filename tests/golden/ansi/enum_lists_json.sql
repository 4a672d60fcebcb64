CREATE TABLE "Palette" (
  "id" bigint NOT NULL,
  "colors" json NOT NULL,
  "avoided" json NOT NULL,
  "accents" json,
  PRIMARY KEY ("id")
);
