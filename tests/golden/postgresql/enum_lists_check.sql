CREATE TABLE "Palette" (
  "id" bigint NOT NULL,
  "colors" text[] NOT NULL,
  "avoided" text[] NOT NULL,
  "accents" text[],
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Palette_colors" CHECK ("colors" <@ ARRAY['red', 'green', 'blue']),
  CONSTRAINT "ch_Palette_avoided" CHECK ("avoided" <@ ARRAY['red', 'green', 'blue']),
  CONSTRAINT "ch_Palette_accents" CHECK ("accents" <@ ARRAY['red', 'green', 'blue'])
);
