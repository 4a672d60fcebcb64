CREATE TABLE "Palette" (
  "id" bigint NOT NULL,
  "colors" text NOT NULL,
  "avoided" text NOT NULL,
  "accents" text,
  PRIMARY KEY ("id")
);
